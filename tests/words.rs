//! The words of findings: advice that fits the code in which the fault is.

use std::sync::atomic::AtomicUsize;

use corslint::config::Settings;
use corslint::engine;

/// The help of a rule's only finding in a file, and the text that its change puts in.
fn advice(rule: &str, name: &str, text: &str) -> (String, Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    std::fs::write(folder.join(name), text).unwrap();
    let run = engine::run(&Settings::new(folder.clone(), [folder]), None, &AtomicUsize::new(0));
    let mut found = run.outcome.findings.iter().map(|reported| &reported.finding).filter(|found| found.rule == rule);
    let finding = found.next().unwrap_or_else(|| panic!("{rule} is not found"));
    assert!(found.next().is_none(), "{rule} is found twice");
    let change = finding.change.as_ref().map(|change| change.replacement.clone());
    (finding.help.clone().unwrap_or_default(), change)
}

const FLASK: &str = "from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.after_request\ndef cors(response):\n    response.headers['Access-Control-Allow-Origin'] = '*'\n    response.headers['Access-Control-Allow-Credentials'] = 'true'\n    return response\n\n\n@app.get('/')\ndef index():\n    return 'x'\n";

/// An option of a library is not what a header set by hand wants.
#[test]
fn headers_set_by_hand() {
    let (help, change) = advice("wildcard-with-credentials", "app.py", FLASK);
    assert!(help.contains("request.headers.get(\"Origin\") in ALLOWED"), "{help}");
    assert!(!help.contains("origins="), "{help}");
    assert_eq!(change, None);

    let express = "const express = require('express');\nconst app = express();\napp.use((req, res, next) => {\n  res.set('Access-Control-Allow-Origin', '*');\n  res.set('Access-Control-Allow-Credentials', 'true');\n  next();\n});\napp.get('/', (req, res) => res.send('x'));\napp.listen(3000);\n";
    let (help, change) = advice("wildcard-with-credentials", "app.js", express);
    assert!(help.contains("allowed.includes(req.headers.origin)"), "{help}");
    assert_eq!(change, None);
}

/// Where the library writes them, its option is named, and changed.
#[test]
fn options_of_a_library() {
    let flask = "from flask import Flask\nfrom flask_cors import CORS\n\napp = Flask(__name__)\nCORS(app, origins='*', supports_credentials=True)\n\n\n@app.get('/')\ndef index():\n    return 'x'\n";
    let (help, change) = advice("reflected-origin-with-credentials", "app.py", flask);
    assert!(help.contains("origins=["), "{help}");
    assert_eq!(change.as_deref(), Some("[\"https://app.example.com\"]"));

    let express = "const express = require('express');\nconst cors = require('cors');\nconst app = express();\napp.use(cors({ origin: '*', credentials: true }));\napp.get('/', (req, res) => res.send('x'));\napp.listen(3000);\n";
    let (help, change) = advice("wildcard-with-credentials", "app.js", express);
    assert!(help.contains("origin: ['https://app.example.com']"), "{help}");
    assert_eq!(change.as_deref(), Some("['https://app.example.com']"));
}

/// A list of methods that the code writes is no option of a library either.
#[test]
fn lists_set_by_hand() {
    let routes = "app.delete('/orders/:id', (req, res) => res.end());\napp.listen(3000);\n";
    let express = format!(
        "const express = require('express');\nconst app = express();\napp.use((req, res, next) => {{\n  res.set('Access-Control-Allow-Origin', 'https://app.example.com');\n  res.set('Access-Control-Allow-Methods', 'GET, POST');\n  if (req.method === 'OPTIONS') return res.end();\n  next();\n}});\n{routes}"
    );
    let (help, _) = advice("method-not-allowed", "app.js", &express);
    assert_eq!(help, "add DELETE to Access-Control-Allow-Methods");

    let express = format!(
        "const express = require('express');\nconst cors = require('cors');\nconst app = express();\napp.use(cors({{ origin: 'https://app.example.com', methods: ['GET', 'POST'] }}));\n{routes}"
    );
    let (help, _) = advice("method-not-allowed", "app.js", &express);
    assert!(help.starts_with("add DELETE to `methods`"), "{help}");
}

/// A pattern keeps what it let in on purpose: no subdomains where there were none.
#[test]
fn patterns_keep_their_meaning() {
    let program = |pattern: &str| {
        format!(
            "const express = require('express');\nconst cors = require('cors');\nconst app = express();\napp.use(cors({{ origin: {pattern}, credentials: true }}));\napp.get('/', (req, res) => res.send('x'));\napp.listen(3000);\n"
        )
    };
    let (_, change) = advice("loose-origin-pattern", "app.js", &program(r"/^https:\/\/app.example.com$/"));
    assert_eq!(change.as_deref(), Some(r"/^https:\/\/app\.example\.com$/"));
    let (_, change) = advice("loose-origin-pattern", "app.js", &program(r"/^https?:\/\/(.*\.)?shop.example.com$/"));
    assert_eq!(change.as_deref(), Some(r"/^https?:\/\/([a-z0-9-]+\.)*shop\.example\.com$/"));
}

/// An extension that covers the whole application is not asked to cover it once more.
#[test]
fn errors_that_flask_raises_on() {
    let program = "from flask import Flask\nfrom flask_cors import CORS\n\napp = Flask(__name__)\napp.config['DEBUG'] = True\nCORS(app, origins='https://app.example.com')\n\n\n@app.post('/orders')\ndef orders():\n    print('no answer')\n\n\n@app.get('/towns')\ndef towns():\n    return []\n";
    let (help, _) = advice("missing-on-errors", "app.py", program);
    assert!(help.contains("debug mode"), "{help}");
}
