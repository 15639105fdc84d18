//! A whole run against the floor: the program over a tree of 50,000 files of which few concern CORS, beside `rg` that
//! looks for the two words in files of the same types. Prints medians, their ratio, and the peak memory.
//!
//! `cargo bench --bench whole`; `-- FILES` makes another number of files, `-- FILES SERVERS` another number of servers.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The types of files that both look at.
const TYPES: &str = "*.{js,jsx,mjs,cjs,ts,tsx,mts,cts,py,conf}";

/// How often each is run. The order alternates, so that both meet the same disturbances.
const RUNS: usize = 9;

/// What a run may take beside the floor, and how much memory, in MB.
const MOST: (f64, u64) = (1.5, 100);

fn main() {
    // `cargo test --benches` starts it too, without this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let files = numbers.first().copied().unwrap_or(50_000);
    let servers = numbers.get(1).copied().unwrap_or(50);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("tree-{files}-{servers}"));
    if !folder.join("complete").exists() {
        println!("writing {files} files to {}", folder.display());
        Tree { folder: &folder, files, servers, seed: 1 }.write();
    }
    let floor = Floor::find();
    let (mut ours, mut floors, mut peak) = (Vec::new(), Vec::new(), 0);
    let mut spent = (0.0, 0.0);
    // The first round only fills the file system's cache.
    for round in 0..=RUNS {
        let before = processor();
        let floor_time = floor.run(&folder);
        let between = processor();
        let (time, memory) = corslint(&folder);
        if round > 0 {
            spent = (spent.0 + between - before, spent.1 + processor() - between);
            ours.push(time);
            floors.push(floor_time);
            peak = peak.max(memory);
        }
    }
    let (ours, floors) = (median(ours), median(floors));
    let ratio = ours.as_secs_f64() / floors.as_secs_f64();
    println!("files      {files}, of which {servers} make a server that sets CORS");
    println!("floor      {:8.1} ms  {}", floors.as_secs_f64() * 1e3, floor.name());
    println!("corslint   {:8.1} ms", ours.as_secs_f64() * 1e3);
    println!("ratio      {ratio:8.2}     (at most {:.1} is aimed at)", MOST.0);
    if spent.0 > 0.0 {
        let runs = RUNS as f64;
        println!(
            "processor  {:8.1} ms  against {:.1} ms: ratio {:.2}",
            spent.1 / runs,
            spent.0 / runs,
            spent.1 / spent.0
        );
    }
    match peak {
        0 => println!("peak           not known: no /proc here"),
        kilobytes => println!("peak       {:8.1} MB  (at most {} is aimed at)", kilobytes as f64 / 1024.0, MOST.1),
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Runs the program; how long it took, and how much memory it had at most, in kB.
fn corslint(folder: &Path) -> (Duration, u64) {
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_corslint"))
        .args(["--exit-zero", "--format", "json", "--no-config", "."])
        .current_dir(folder)
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0;
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
        peak = peak.max(kilobytes.unwrap_or(0));
        match child.try_wait().expect("the program can be waited for") {
            Some(status) => {
                assert!(status.success(), "{status}");
                return (start.elapsed(), peak);
            }
            None => std::thread::sleep(Duration::from_micros(500)),
        }
    }
}

/// The processor's time that ended children had so far, in ms; 0 where it is not known. Other work on the machine
/// disturbs it less than the clock.
fn processor() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields).split_ascii_whitespace();
    // proc_pid_stat(5): `cutime` and `cstime`, in ticks of 10 ms.
    fields.skip(13).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() * 10.0
}

/// The least that any tool does: walk, read, and look for the words.
enum Floor {
    Rg,
    /// As `rg`, on one thread.
    Plain,
}

impl Floor {
    fn find() -> Self {
        let rg = Command::new("rg").arg("--version").stdout(Stdio::null()).status();
        if rg.is_ok_and(|status| status.success()) {
            return Floor::Rg;
        }
        println!("rg is not installed: the floor is a plain walk on one thread, which is slower than rg");
        Floor::Plain
    }

    fn name(&self) -> &'static str {
        match self {
            Floor::Rg => "rg -i 'cors|access-control'",
            Floor::Plain => "plain walk and search",
        }
    }

    fn run(&self, folder: &Path) -> Duration {
        let start = Instant::now();
        match self {
            Floor::Rg => {
                let mut rg = Command::new("rg");
                rg.args(["--no-config", "-i", "-g", TYPES, "cors|access-control", "."]).current_dir(folder);
                rg.stdout(Stdio::null()).status().expect("rg starts");
            }
            Floor::Plain => {
                let mut left = vec![folder.to_owned()];
                let mut hits = 0;
                while let Some(folder) = left.pop() {
                    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                        match entry.file_type() {
                            Ok(kind) if kind.is_dir() => left.push(entry.path()),
                            Ok(_) => {
                                hits += usize::from(corslint::source::scan::mentions(
                                    &fs::read(entry.path()).unwrap_or_default(),
                                ))
                            }
                            Err(_) => {}
                        }
                    }
                }
                assert!(hits > 0, "the tree has servers");
            }
        }
        start.elapsed()
    }
}

/// A tree as large projects are: folders of modules in three languages that import each other, other files between
/// them, and a few servers.
struct Tree<'a> {
    folder: &'a Path,
    files: usize,
    servers: usize,
    seed: u64,
}

/// How many files a folder has.
const IN_FOLDER: usize = 25;

impl Tree<'_> {
    fn write(&mut self) {
        let every = (self.files / self.servers.max(1)).max(1);
        for at in 0..self.files {
            let folder = self.folder.join(format!("packages/p{:02}/src/m{:04}", at / IN_FOLDER % 40, at / IN_FOLDER));
            if at % IN_FOLDER == 0 {
                fs::create_dir_all(&folder).expect("the folder is writable");
            }
            let server = at % every == every / 2;
            let (ending, text) = match at % 5 {
                _ if server => self.server(at, at / every),
                0 | 1 => ("js", self.module(at, false)),
                2 => ("ts", self.module(at, true)),
                3 => ("py", self.python(at)),
                _ => ("md", "What this folder does, in words.\n".repeat(40)),
            };
            fs::write(folder.join(format!("f{at}.{ending}")), text).expect("the folder is writable");
        }
        for at in 0..40 {
            let package = self.folder.join(format!("packages/p{at:02}/package.json"));
            let text =
                format!("{{\"name\":\"@tree/p{at}\",\"dependencies\":{{\"express\":\"4.21.0\",\"cors\":\"2.8.5\"}}}}");
            if package.parent().is_some_and(Path::exists) {
                fs::write(package, text).expect("the folder is writable");
            }
        }
        fs::write(self.folder.join("package.json"), "{\"workspaces\":[\"packages/*\"]}")
            .expect("the folder is writable");
        fs::write(self.folder.join("complete"), "").expect("the folder is writable");
    }

    /// A number that is the same in every run.
    fn next(&mut self, below: usize) -> usize {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) as usize % below
    }

    /// The file before, when it is one of the same language that can be imported.
    fn neighbour(&self, at: usize) -> Option<String> {
        let other = at.checked_sub(5).filter(|other| other / IN_FOLDER == at / IN_FOLDER)?;
        Some(format!("f{other}"))
    }

    fn module(&mut self, at: usize, typed: bool) -> String {
        let mut text = String::new();
        if let Some(name) = self.neighbour(at) {
            let _ = writeln!(text, "import {{ step0 as before }} from './{name}';");
        }
        text += "import { useMemo, useState } from 'react';\nimport debounce from 'lodash/debounce';\n\n";
        let (number, list) = if typed { (": number", ": string[]") } else { ("", "") };
        for step in 0..4 + self.next(24) {
            let (a, b) = (self.next(1000), self.next(1000));
            let _ = write!(
                text,
                "/** Step {step}: what is across the records is summed. */\nexport function step{step}(value{number}, names{list}) {{\n  const scores = names.filter((name) => name.length > {a}).map((name) => name.charCodeAt(0) * {b});\n  if (value > {a}) {{\n    return scores.reduce((sum, score) => sum + score, value);\n  }}\n  return debounce(() => ({{ label: `record-${{value}}`, total: scores.length }}), {b});\n}}\n\n"
            );
        }
        // A few of the browser's side speak of it too.
        if at.is_multiple_of(500) {
            text += "export const load = (url) => fetch(url, { mode: 'cors', credentials: 'include' });\n";
        }
        text
    }

    fn python(&mut self, at: usize) -> String {
        let mut text = String::from("import logging\nimport re\nfrom dataclasses import dataclass\n\n");
        if let Some(name) = self.neighbour(at) {
            let _ = writeln!(text, "from .{name} import step0 as before\n");
        }
        for step in 0..4 + self.next(24) {
            let (a, b) = (self.next(1000), self.next(1000));
            let _ = write!(
                text,
                "def step{step}(value, names):\n    \"\"\"Sums what is across the records.\"\"\"\n    scores = [ord(name[0]) * {b} for name in names if len(name) > {a}]\n    if value > {a}:\n        return sum(scores, value)\n    logging.info('record %s of %s', value, len(scores))\n    return {{'label': f'record-{{value}}', 'total': scores}}\n\n\n"
            );
        }
        text
    }

    /// A server in one of the ways that set CORS.
    fn server(&mut self, at: usize, which: usize) -> (&'static str, String) {
        let neighbours: String = (1..4)
            .filter_map(|back| {
                at.checked_sub(back).filter(|other| other % 5 < 2 && other / IN_FOLDER == at / IN_FOLDER)
            })
            .map(|other| format!("import {{ step0 as step{other} }} from './f{other}';\n"))
            .collect();
        let routes: String = (0..20)
            .map(|route| {
                format!(
                    "app.get('/records/{route}/:id', (req, res) => {{\n  res.json({{ id: req.params.id }});\n}});\n"
                )
            })
            .collect();
        match which % 4 {
            0 => (
                "js",
                format!("import express from 'express';\nimport cors from 'cors';\n{neighbours}const app = express();\napp.use(cors({{ origin: true, credentials: true }}));\n{routes}app.listen(3000);\n"),
            ),
            1 => (
                "ts",
                format!("import express from 'express';\nimport cors from 'cors';\n{neighbours}const app = express();\napp.use(cors({{ origin: [/example\\.com$/, 'https://app.example.com'] }}));\n{routes}app.listen(process.env.PORT);\n"),
            ),
            2 => {
                let views: String = (0..20)
                    .map(|view| format!("@app.get('/records/{view}/<int:id>')\ndef view{view}(id):\n    return {{'id': id}}\n\n\n"))
                    .collect();
                ("py", format!("from flask import Flask\nfrom flask_cors import CORS\n\napp = Flask(__name__)\nCORS(app, supports_credentials=True)\n\n\n{views}"))
            }
            _ => (
                "conf",
                "server {\n    listen 80;\n    location /api/ {\n        add_header Access-Control-Allow-Origin $http_origin;\n        add_header Access-Control-Allow-Credentials true;\n        proxy_pass http://127.0.0.1:3000;\n    }\n}\n".to_owned(),
            ),
        }
    }
}
