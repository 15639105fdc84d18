//! Writes the corpora to begin with, from the fixtures and the rules' pages: `cargo run --example seeds`.

use std::fs;
use std::path::{Path, PathBuf};

use corslint::rules::pages;
use serde_json::Value;

fn main() -> std::io::Result<()> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seeds = Seeds { folder: fuzz.join("corpus"), count: 0 };
    for page in pages() {
        for (name, text) in examples(page.body) {
            seeds.program(&name, &text)?;
        }
    }
    for file in files(&fuzz.join("../fixtures"))? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Ok(text) = fs::read_to_string(&file) else { continue };
        if file.parent().is_some_and(|folder| folder.ends_with("observed")) {
            seeds.recordings(&text)?;
        } else {
            seeds.program(&name, &text)?;
        }
    }
    for (at, text) in COMMENTS.iter().enumerate() {
        for language in 0..3 {
            seeds.add("comments", &[language], text.as_bytes(), &at.to_string())?;
        }
    }
    for (at, (file, text)) in SETTINGS.iter().enumerate() {
        seeds.add("settings", &[*file], text.as_bytes(), &at.to_string())?;
    }
    for (at, text) in PATTERNS.iter().enumerate() {
        for engine in 0..3 {
            for options in [0, 1, 64, 128] {
                seeds.add("patterns", &[engine, options], text.as_bytes(), &at.to_string())?;
            }
        }
    }
    println!("{} seeds", seeds.count);
    Ok(())
}

struct Seeds {
    folder: PathBuf,
    count: usize,
}

impl Seeds {
    fn add(&mut self, target: &str, first: &[u8], text: &[u8], name: &str) -> std::io::Result<()> {
        let folder = self.folder.join(target);
        fs::create_dir_all(&folder)?;
        self.count += 1;
        fs::write(folder.join(format!("seed-{:05}-{name}", self.count)), [first, text].concat())
    }

    /// A program or a file beside one, by its name.
    fn program(&mut self, name: &str, text: &str) -> std::io::Result<()> {
        let bytes = text.as_bytes();
        let ending = name.rsplit('.').next().unwrap_or_default();
        match ending {
            "js" | "mjs" | "cjs" | "jsx" => self.add("javascript", &[0], bytes, name)?,
            "ts" | "mts" => self.add("javascript", &[1], bytes, name)?,
            "tsx" => self.add("javascript", &[2], bytes, name)?,
            "py" => self.add("python", &[], bytes, name)?,
            "conf" => {
                self.add("nginx", &[0], bytes, name)?;
                self.add("parser", &[], bytes, name)?;
            }
            "template" | "j2" => {
                self.add("nginx", &[1 + u8::from(ending == "j2")], bytes, name)?;
                self.add("parser", &[], bytes, name)?;
            }
            "json" => self.add("settings", &[2], bytes, name)?,
            "toml" => self.add("settings", &[6], bytes, name)?,
            "yml" | "yaml" => self.add("settings", &[7], bytes, name)?,
            "env" => self.add("settings", &[4], bytes, name)?,
            "txt" => self.add("settings", &[5], bytes, name)?,
            _ => {}
        }
        Ok(())
    }

    /// The programs of a file of recordings, and what the console said.
    fn recordings(&mut self, text: &str) -> std::io::Result<()> {
        let Ok(value) = serde_json::from_str::<Value>(text) else { return Ok(()) };
        for console in value["consoles"].as_object().into_iter().flat_map(|consoles| consoles.values()) {
            let text = console.as_str().unwrap_or_default();
            self.add("console", &[], text.replace("{}", "https://a.example").as_bytes(), "console")?;
        }
        for observation in value["observations"].as_array().into_iter().flatten() {
            let lines = observation["config"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let text: String = lines.map(|line| format!("{line}\n")).collect();
            if let (Some(file), Some(id)) = (observation["file"].as_str(), observation["id"].as_str()) {
                let file = Path::new(file).file_name().unwrap_or_default().to_string_lossy();
                self.program(&format!("{id}-{file}"), &text)?;
            }
        }
        Ok(())
    }
}

/// Every file below a folder, sorted.
fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let (mut open, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}

/// The fenced blocks of a page, each with a file's name for its language.
fn examples(body: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut block: Option<(String, String)> = None;
    for line in body.lines() {
        match (&mut block, line.strip_prefix("```")) {
            (None, Some(info)) => {
                let language = info.split([' ', ',']).next().unwrap_or_default();
                let ending = match language {
                    "javascript" => "js",
                    "typescript" => "ts",
                    "python" => "py",
                    "nginx" => "conf",
                    other => other,
                };
                block = Some((format!("page.{ending}"), String::new()));
            }
            (Some(_), Some(_)) => found.extend(block.take()),
            (Some((_, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

const COMMENTS: [&str; 8] = [
    "// corslint: ignore-file[reflected-origin-with-credentials] known\n§",
    "# corslint: ignore-file[wildcard-origin, null-origin] known\n§",
    "/* corslint: ignore[reflected-origin-with-credentials] */ § // corslint: ignore[a] b\n",
    "x = '// corslint: ignore[null-origin]' # corslint: ignore[null-origin]: why\n§",
    "`${`// corslint: ignore[x]`}` /* corslint:\nignore[x] */\n§ // corslint: ignore\n",
    "'''\n# corslint: ignore[x]\n''' # corslint: ignore[]\n§",
    "/[/*]/ // corslint: ignore[middleware-order,]\n§\n# corslint: ignore[lost-header-inheritance] x",
    "<!-- corslint: ignore[x] -->\r\n\r// corslint: ignore[unknown-rule] é\u{2028}§",
];

/// Each with the number of its file.
const SETTINGS: [(u8, &str); 12] = [
    (
        0,
        "fail-on = \"warning\"\nexclude = [\"examples/**\"]\n[origins]\ntrusted = [\"https://*.example.com\"]\n[rules]\nwildcard-origin = \"off\"\n[[overrides]]\npaths = [\"a/**\"]\nrules = { wildcard-origin = \"off\" }\n[[proxy]]\nfrom = \"nginx.conf\"\nto = \"api\"\n",
    ),
    (
        1,
        "{\"version\": 1, \"findings\": [{\"fingerprint\": \"0011223344556677\", \"rule\": \"null-origin\", \"path\": \"a.js\"}]}",
    ),
    (
        2,
        "{\"name\": \"a\", \"type\": \"module\", \"workspaces\": [\"packages/*\"], \"dependencies\": {\"express\": \"^4.17.1\", \"cors\": \"~2.8.5\"}, \"exports\": {\".\": {\"import\": \"./a.js\"}}, \"imports\": {\"#a\": \"./a.js\"}}",
    ),
    (
        3,
        "{ // comment\n \"extends\": \"./tsconfig.json\", \"compilerOptions\": {\"baseUrl\": \".\", \"paths\": {\"@/*\": [\"./*\"]},},}",
    ),
    (4, "ORIGIN=https://a.example\nexport B='x y' # c\nC=\"a\\n${ORIGIN}\"\nD=`a`\n E = f\n"),
    (
        5,
        "flask==3.0.0\nflask-cors>=4,<5; python_version > '3.8'\n-r other.txt\n-e git+https://a.example/b.git#egg=flask\nflask[async]~=2.0 --hash=sha256:00\n",
    ),
    (
        6,
        "[project]\nname = \"a\"\ndependencies = [\"flask>=2\", \"flask-cors==4.0.0\"]\n[tool.poetry.dependencies]\nflask = {version = \"^2\", extras = [\"a\"]}\n",
    ),
    (
        7,
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: a\n  annotations:\n    nginx.ingress.kubernetes.io/enable-cors: \"true\"\n    nginx.ingress.kubernetes.io/cors-allow-origin: \"https://*.a.example, *\"\n    nginx.ingress.kubernetes.io/configuration-snippet: |\n      add_header A b;\nspec:\n  rules:\n  - host: a.example\n    http: &x {paths: [{path: /, backend: {service: {name: a, port: {number: 80}}}}]}\n---\n<<: *x\n",
    ),
    (
        8,
        "services:\n  api:\n    build: .\n    ports: [\"3000:3000\"]\n    environment:\n      - ORIGIN=*\n    env_file: .env\n",
    ),
    (9, "ORIGIN = \"*\"\na.b = [1, 2.5, 1979-05-27T07:32:00Z]\n[[c]]\nd = '''x'''\n"),
    (10, "{\"origin\": [\"https://a.example\", \"\\u00e9\\ud83d\\ude00\"], \"n\": -1.5e3, \"b\": true, \"z\": null}"),
    (11, "[packages]\nflask = \"==2.0\"\nflask-cors = {version = \"*\"}\n"),
];

const PATTERNS: [&str; 16] = [
    r"example\.com$",
    r"^https:\/\/[a-z0-9-]+\.example\.com(:\d+)?$",
    r"^https?://(app|admin|www)\.(example|sample)\.(com|net)$",
    r"^https://(a|b)*a(a|b){12}\.example\.com$",
    r"https://.*.example.com",
    r"^(?:https://)?(?P<name>[\w.-]+)\.example\.(?:com|org)\Z",
    r"^(?i:https)://[^.]+\.vercel\.app$",
    r"\bexample\b|\Bcom\B",
    r"[\s\S]{1,600}",
    r"\p{L}{5}[^]*\u{10FFFF}\x41\cA\0",
    r"(?<=a)b(?!c)(?=d)\1(?<n>x)\k<n>",
    r"(?#c)(?x) a b # c",
    r"^https://[[:alpha:]]+\Qa.b\E(?>x)++$",
    r"(?:a{2,3}?|b*+|c??){0}$",
    r"^\Ahttps://localhost(:[0-9]{1,5})?\z",
    "[^\\]-a\\d-z]\\/é\u{10ffff}",
];
