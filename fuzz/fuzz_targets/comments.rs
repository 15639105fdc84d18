//! Ignore comments, and fixing beside them. The first byte picks the language; the bytes come before a server that has
//! findings, and behind it.
#![no_main]

use std::sync::atomic::AtomicUsize;

use corslint::engine;
use corslint::finding::Applicability;
use corslint::source::text_of;
use libfuzzer_sys::fuzz_target;

const EXPRESS: &str = "const app = require('express')();\napp.use(require('cors')({ origin: true, credentials: true }));\napp.get('/', (req, res) => res.send('x'));\n";
const FLASK: &str = "from flask import Flask\nfrom flask_cors import CORS\napp = Flask(__name__)\nCORS(app, origins='*', supports_credentials=True)\n";
const NGINX: &str = "server { listen 80; add_header Access-Control-Allow-Origin null; add_header Access-Control-Allow-Methods 'GET'; }\n";

fuzz_target!(|bytes: &[u8]| {
    let Some((name, rest)) = corslint_fuzz::pick(&["app.js", "app.py", "nginx.conf"], bytes) else { return };
    let Ok(text) = text_of(rest.to_vec()) else { return };
    let server = match name {
        "app.js" => EXPRESS,
        "app.py" => FLASK,
        _ => NGINX,
    };
    // What stands for the server's place; else the text comes before it.
    let text = if text.contains('§') { text.replacen('§', server, 1) } else { text + server };
    let settings = corslint_fuzz::settings(name, text);
    corslint_fuzz::check(&engine::run(&settings, None, &AtomicUsize::new(0)));
    let fixed = engine::fix(&settings, None, &AtomicUsize::new(0), Applicability::Unsafe);
    corslint_fuzz::check(&fixed.run);
});
