//! Commands that start servers: what they run, and where that listens.

/// What a command starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Launch {
    /// What runs.
    pub entry: Option<Entry>,
    /// The port on which it listens, where the command says so.
    pub port: Option<u16>,
    /// The name of the socket of the file system on which it listens.
    pub socket: Option<String>,
    /// The folder, below the one where the command runs, in which it looks for its entry.
    pub folder: Option<String>,
}

/// What a command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A program's file.
    File(String),
    /// A Python module, `package.module`.
    Module(String),
    /// A script of `package.json`.
    Script(String),
}

/// The words of a command line, as a shell splits it where nothing is substituted.
pub(super) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut open, mut quote) = (String::new(), false, None);
    for letter in line.chars() {
        match (letter, quote) {
            (_, Some(mark)) if letter == mark => quote = None,
            (_, Some(_)) => word.push(letter),
            ('"' | '\'', None) => (quote, open) = (Some(letter), true),
            (';' | '&' | '|' | '\n', None) => {
                if open {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
                if words.last().is_some_and(|last| last != ";") {
                    words.push(";".to_owned());
                }
            }
            (_, None) if letter.is_whitespace() => {
                if open {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            (_, None) => (open, _) = (true, word.push(letter)),
        }
    }
    if open {
        words.push(word);
    }
    words
}

/// What a command starts: the last of its parts that starts a server.
pub(super) fn launch(words: &[String]) -> Option<Launch> {
    // `sh -c "…"`: the text is a command line of its own.
    if let [shell, flag, text, ..] = words
        && ["sh", "bash", "ash"].contains(&name_of(shell))
        && flag.starts_with('-')
        && flag.ends_with('c')
    {
        return launch(&self::words(text));
    }
    words.split(|word| word == ";").filter_map(single).next_back()
}

fn single(words: &[String]) -> Option<Launch> {
    let mut words = words;
    loop {
        let (first, rest) = words.split_first()?;
        let is_assignment = first.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        match name_of(first) {
            "exec" | "env" | "dumb-init" | "tini" | "--" | "npx" | "time" | "sudo" | "nohup" | "bunx" => words = rest,
            "poetry" | "uv" | "pipenv" | "pdm" | "hatch" if rest.first().is_some_and(|word| word == "run") => {
                words = &rest[1..];
            }
            _ if is_assignment => words = rest,
            _ => break,
        }
    }
    let (first, rest) = words.split_first()?;
    match name_of(first) {
        "gunicorn" | "uvicorn" | "hypercorn" | "waitress-serve" | "uwsgi" | "daphne" => served(rest),
        "flask" => flask(rest),
        "python" | "python3" | "python2" | "pypy3" => python(rest),
        "node" | "nodemon" | "ts-node" | "ts-node-dev" | "tsx" | "bun" | "babel-node" | "node-dev" => {
            let rest =
                if rest.first().is_some_and(|word| word == "run" || word == "watch") { &rest[1..] } else { rest };
            // Options have values of their own.
            let file = plain(rest).find(|word| is_program(word)).or(plain(rest).next())?;
            Some(Launch { entry: Some(Entry::File(file.to_owned())), ..Launch::default() })
        }
        "pm2" | "pm2-runtime" | "pm2-docker" | "forever" => {
            let file = plain(rest).find(|word| *word != "start")?;
            let is_list = file.contains("ecosystem") || file.contains(".config.");
            let entry = (is_program(file) && !is_list).then(|| Entry::File(file.to_owned()));
            Some(Launch { entry, ..Launch::default() })
        }
        "npm" | "yarn" | "pnpm" => {
            let script = plain(rest).find(|word| *word != "run" && *word != "run-script")?;
            if matches!(script, "install" | "ci" | "i" | "build" | "test") {
                return None;
            }
            Some(Launch { entry: Some(Entry::Script(script.to_owned())), ..Launch::default() })
        }
        "sh" | "bash" | "ash" => {
            Some(Launch { entry: Some(Entry::File(plain(rest).next()?.to_owned())), ..Launch::default() })
        }
        _ if first.ends_with(".sh") || first.ends_with(".py") || first.ends_with(".js") => {
            Some(Launch { entry: Some(Entry::File(first.clone())), ..Launch::default() })
        }
        _ => None,
    }
}

fn is_program(file: &str) -> bool {
    [".js", ".mjs", ".cjs", ".ts", ".tsx", ".mts"].iter().any(|end| file.ends_with(end))
}

/// The words that are no options.
fn plain(words: &[String]) -> impl Iterator<Item = &str> {
    words.iter().map(String::as_str).filter(|word| !word.starts_with('-'))
}

/// The name of a program, without its folder.
fn name_of(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// `gunicorn -b 0.0.0.0:8000 package.module:app` and its kin.
fn served(words: &[String]) -> Option<Launch> {
    let mut launch = Launch::default();
    for (option, value) in options(words) {
        match option {
            "-b" | "--bind" | "--listen" | "--http" | "--http-socket" | "--socket" | "-s" | "--uds" => {
                listen(&mut launch, value);
            }
            "--port" | "-p" => launch.port = value.parse().ok().or(launch.port),
            "--chdir" | "--app-dir" | "--pythonpath" => launch.folder = Some(value.to_owned()),
            "-w" | "--module" | "--wsgi" if value.parse::<u16>().is_err() => launch.entry = module(value),
            "--wsgi-file" | "--file" => launch.entry = Some(Entry::File(value.to_owned())),
            "" => launch.entry = module(value).or(launch.entry),
            _ => {}
        }
    }
    (launch != Launch::default()).then_some(launch)
}

/// `flask --app X run -p 5000`.
fn flask(words: &[String]) -> Option<Launch> {
    if !words.iter().any(|word| word == "run") {
        return None;
    }
    let mut launch = Launch { port: Some(5000), ..Launch::default() };
    for (option, value) in options(words) {
        match option {
            "--port" | "-p" => launch.port = value.parse().ok(),
            "--app" | "-A" => {
                launch.entry = match value.strip_suffix(".py") {
                    Some(_) => Some(Entry::File(value.to_owned())),
                    None => module(value).or_else(|| Some(Entry::Module(value.to_owned()))),
                };
            }
            _ => {}
        }
    }
    Some(launch)
}

fn python(words: &[String]) -> Option<Launch> {
    let at = words.iter().position(|word| word == "-m");
    let file = words.iter().position(|word| !word.starts_with('-'));
    match (at, file) {
        (Some(at), file) if file.is_none_or(|file| at < file) => {
            let (module, rest) = words[at + 1..].split_first()?;
            match module.as_str() {
                "flask" => flask(rest),
                "gunicorn" | "uvicorn" | "hypercorn" | "waitress" => served(rest),
                module => Some(Launch { entry: Some(Entry::Module(module.to_owned())), ..Launch::default() }),
            }
        }
        (_, Some(file)) => {
            let file = &words[file];
            file.ends_with(".py").then(|| Launch { entry: Some(Entry::File(file.clone())), ..Launch::default() })
        }
        _ => None,
    }
}

/// Options with their values; what is no option has an empty name. A value that looks like an option is none.
fn options(words: &[String]) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut words = words.iter().map(String::as_str).peekable();
    while let Some(word) = words.next() {
        if let Some((option, value)) = word.split_once('=').filter(|_| word.starts_with("--")) {
            found.push((option, value));
        } else if word.starts_with('-') {
            // A module behind an option without a value would be taken for its value.
            let value = words.next_if(|next| !next.starts_with('-') && module(next).is_none_or(|_| takes_module(word)));
            found.push((word, value.unwrap_or_default()));
        } else {
            found.push(("", word));
        }
    }
    found
}

fn takes_module(option: &str) -> bool {
    matches!(option, "-w" | "--module" | "--wsgi" | "--app" | "-A")
        || matches!(option, "-b" | "--bind" | "--listen" | "--http" | "--http-socket" | "--socket" | "-s" | "-k")
}

/// The module of `package.module:app`, `package.module:create_app()`.
fn module(text: &str) -> Option<Entry> {
    let (module, name) = text.split_once(':')?;
    let is_name = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && text.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '/'))
    };
    let name = name.split('(').next().unwrap_or_default();
    (is_name(module) && is_name(name)).then(|| Entry::Module(module.replace('/', ".")))
}

fn listen(launch: &mut Launch, address: &str) {
    match address.strip_prefix("unix:").or(address.strip_suffix(".sock").map(|_| address)) {
        Some(path) => launch.socket = Some(name_of(path).to_owned()),
        None => {
            let port = address.rsplit(':').next().unwrap_or(address);
            launch.port = port.parse().ok().or(launch.port);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<Launch> {
        launch(&words(line))
    }

    fn told(line: &str) -> (Option<Entry>, Option<u16>) {
        let launch = read(line).unwrap_or_default();
        (launch.entry, launch.port)
    }

    #[test]
    fn commands_say_what_they_run_and_where_it_listens() {
        let module = |name: &str| Some(Entry::Module(name.to_owned()));
        let file = |name: &str| Some(Entry::File(name.to_owned()));
        let script = |name: &str| Some(Entry::Script(name.to_owned()));
        for (line, entry, port) in [
            ("gunicorn -w 3 -b 0.0.0.0:8000 app:app", module("app"), Some(8000)),
            ("gunicorn --bind=:5001 'shop.web:create_app()'", module("shop.web"), Some(5001)),
            ("gunicorn wsgi:app --reload", module("wsgi"), None),
            ("poetry run uvicorn main:app --host 0.0.0.0 --port 9000", module("main"), Some(9000)),
            ("FLASK_DEBUG=1 flask --app shop run -p 8080", module("shop"), Some(8080)),
            ("flask run --host=0.0.0.0", None, Some(5000)),
            ("python -m flask run --port 5050", None, Some(5050)),
            ("python -u manage/run.py", file("manage/run.py"), None),
            ("sh -c \"python migrate.py && exec node server/index.js\"", file("server/index.js"), None),
            ("npm run start:dev", script("start:dev"), None),
            ("npm install && npm start", script("start"), None),
            ("nodemon --watch src src/server.ts", file("src/server.ts"), None),
            ("pm2-runtime dist/main.js", file("dist/main.js"), None),
            ("uwsgi --http :7000 -w run:app", module("run"), Some(7000)),
        ] {
            assert_eq!(told(line), (entry, port), "{line}");
        }
        assert_eq!(read("gunicorn --bind unix:/run/app.sock app:app").unwrap().socket.as_deref(), Some("app.sock"));
        assert_eq!(read("nginx -g 'daemon off;'"), None);
    }
}
