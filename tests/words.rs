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
