//! Files beside the code: `corslint.toml`, the baseline, manifests, requirements, environments. The first byte picks the
//! file, which is read by itself, and again by a run over a program that depends on it.
#![no_main]

use std::fs;
use std::path::Path;

use corslint::config::Config;
use corslint::source::{FileId, text_of};
use corslint::syntax::{data, dotenv};
use corslint::triage::Baseline;
use corslint_fuzz::{folder, lint, pick};
use libfuzzer_sys::fuzz_target;

const FILES: [&str; 12] = [
    "corslint.toml",
    "baseline.json",
    "package.json",
    "tsconfig.json",
    ".env",
    "requirements.txt",
    "pyproject.toml",
    "ingress.yaml",
    "docker-compose.yml",
    "settings.toml",
    "settings.json",
    "Pipfile",
];
const EXPRESS: &[u8] = b"import express from 'express';\nimport cors from 'cors';\nimport settings from './settings.json';\nimport { helper } from '@/helper';\nconst app = express();\napp.use(cors({ origin: process.env.ORIGIN ?? settings.origin ?? helper }));\napp.get('/', (req, res) => res.send('x'));\n";
const FLASK: &[u8] = b"import os\nfrom dotenv import load_dotenv\nfrom flask import Flask\nfrom flask_cors import CORS\nload_dotenv()\napp = Flask(__name__)\napp.config.from_file('settings.json', load=json.load)\nCORS(app, origins=os.environ['ORIGIN'].split(','))\n";

fuzz_target!(|bytes: &[u8]| {
    let Some((name, bytes)) = pick(&FILES, bytes) else { return };
    let path = folder().join(name);
    if let Ok(text) = text_of(bytes.to_vec()) {
        match name {
            "corslint.toml" => {
                drop(Config::parse(Path::new("/corslint.toml"), &text).map_err(|error| error.to_string()))
            }
            "baseline.json" => drop(Baseline::parse(&text)),
            ".env" => drop(dotenv::parse(FileId(0), &text)),
            _ => drop(data::read(&path, FileId(0), &text)),
        }
    }
    if fs::write(&path, bytes).is_ok() {
        lint("app.js", EXPRESS);
        lint("app.py", FLASK);
        let _ = fs::remove_file(&path);
    }
});
