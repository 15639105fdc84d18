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
    /// Who serves, where that has settings of its own.
    pub server: Option<Runner>,
    /// The file of those settings.
    pub settings: Option<String>,
    /// The package of a monorepo, by its name, whose script runs.
    pub package: Option<String>,
}

/// A program that serves others, and has settings of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runner {
    /// gunicorn: `-c`, else `gunicorn.conf.py`.
    Gunicorn,
    /// uWSGI: `--ini`.
    Uwsgi,
    /// pm2: a list of programs.
    Pm2,
}

impl Launch {
    /// What is said here, and beyond that what is said there.
    pub fn or(self, other: Launch) -> Launch {
        let listens = self.port.is_some() || self.socket.is_some();
        Launch {
            entry: self.entry.or(other.entry),
            port: if listens { self.port } else { other.port },
            socket: if listens { self.socket } else { other.socket },
            folder: self.folder.or(other.folder),
            server: self.server.or(other.server),
            settings: self.settings.or(other.settings),
            package: self.package.or(other.package),
        }
    }
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
    let mut folder: Option<String> = None;
    let mut last = None;
    for part in words.split(|word| word == ";") {
        match part {
            [change, to] if change == "cd" => {
                folder = Some(folder.map_or_else(|| to.clone(), |folder| format!("{folder}/{to}")));
            }
            part => {
                if let Some(launch) = single(part) {
                    let inner = launch.folder.clone();
                    let folder =
                        folder.clone().into_iter().chain(inner).reduce(|outer, inner| format!("{outer}/{inner}"));
                    last = Some(Launch { folder, ..launch });
                }
            }
        }
    }
    last
}

fn single(words: &[String]) -> Option<Launch> {
    let mut words = words;
    let mut port = None;
    loop {
        let (first, rest) = words.split_first()?;
        let is_assignment = first.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        match name_of(first) {
            "exec" | "env" | "dumb-init" | "tini" | "--" | "npx" | "time" | "sudo" | "nohup" | "bunx" | "cross-env" => {
                words = rest;
            }
            "poetry" | "uv" | "pipenv" | "pdm" | "hatch" if rest.first().is_some_and(|word| word == "run") => {
                words = &rest[1..];
            }
            _ if is_assignment => {
                port = first.strip_prefix("PORT=").and_then(|port| port.parse().ok()).or(port);
                words = rest;
            }
            _ => break,
        }
    }
    let (first, rest) = words.split_first()?;
    let launch = run(first, rest)?;
    Some(launch.or(Launch { port, ..Launch::default() }))
}

/// What a program starts, given its arguments.
fn run(first: &str, rest: &[String]) -> Option<Launch> {
    match name_of(first) {
        program @ ("gunicorn" | "uvicorn" | "hypercorn" | "waitress-serve" | "uwsgi" | "daphne") => {
            served(program, rest)
        }
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
            let at = rest.iter().position(|word| word != "start" && !word.starts_with('-'))?;
            let file = rest[at].clone();
            let is_data = [".json", ".yml", ".yaml"].iter().any(|end| file.ends_with(end));
            if is_data || file.contains("ecosystem") || file.contains(".config.") {
                return Some(Launch { server: Some(Runner::Pm2), settings: Some(file), ..Launch::default() });
            }
            if is_program(&file) {
                return Some(Launch { entry: Some(Entry::File(file)), ..Launch::default() });
            }
            // `pm2 start npm -- start`.
            let arguments = rest.iter().position(|word| word == "--").map_or(&[][..], |at| &rest[at + 1..]);
            let words = [self::words(&file), arguments.to_vec()].concat();
            words.first().filter(|first| !name_of(first).starts_with("pm2")).and_then(|_| single(&words))
        }
        "npm" | "yarn" | "pnpm" => script(rest),
        "sh" | "bash" | "ash" => {
            Some(Launch { entry: Some(Entry::File(plain(rest).next()?.to_owned())), ..Launch::default() })
        }
        _ if first.ends_with(".sh") || first.ends_with(".py") || first.ends_with(".js") => {
            Some(Launch { entry: Some(Entry::File(first.to_owned())), ..Launch::default() })
        }
        _ => None,
    }
}

/// `npm run X`, `yarn workspace PACKAGE X`, `pnpm --filter PACKAGE X`, `npm --prefix FOLDER start`.
fn script(words: &[String]) -> Option<Launch> {
    let mut launch = Launch::default();
    let mut words = words.iter().map(String::as_str);
    let mut name = None;
    while let Some(word) = words.next() {
        let (option, value) = word.split_once('=').map_or((word, None), |(option, value)| (option, Some(value)));
        match option {
            "--prefix" | "--cwd" | "-C" | "--dir" => launch.folder = value.or_else(|| words.next()).map(str::to_owned),
            "workspace" | "-w" | "--workspace" | "--filter" | "-F" if name.is_none() || option.starts_with('-') => {
                launch.package = value.or_else(|| words.next()).map(str::to_owned);
            }
            "run" | "run-script" => {}
            _ if option.starts_with('-') => {}
            _ => name = name.or(Some(word)),
        }
    }
    let name = name.filter(|name| !matches!(*name, "install" | "ci" | "i" | "build" | "test" | "add" | "exec"))?;
    launch.entry = Some(Entry::Script(name.to_owned()));
    Some(launch)
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
fn served(program: &str, words: &[String]) -> Option<Launch> {
    let server = match program {
        "gunicorn" => Some(Runner::Gunicorn),
        "uwsgi" => Some(Runner::Uwsgi),
        _ => None,
    };
    let mut launch = Launch { server, ..Launch::default() };
    for (option, value) in options(words) {
        match option {
            "-b" | "--bind" | "--listen" | "--http" | "--http-socket" | "--socket" | "-s" | "--uds" => {
                listen(&mut launch, value);
            }
            "--port" | "-p" => launch.port = value.parse().ok().or(launch.port),
            "-c" | "--config" | "--ini" => launch.settings = Some(value.to_owned()),
            "--chdir" | "--app-dir" | "--pythonpath" => launch.folder = Some(value.to_owned()),
            "-w" | "--module" | "--wsgi" if value.parse::<u16>().is_err() => launch.entry = module(value),
            "--wsgi-file" | "--file" => launch.entry = Some(Entry::File(value.to_owned())),
            "" if value.ends_with(".ini") => launch.settings = Some(value.to_owned()),
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
                "gunicorn" | "uvicorn" | "hypercorn" | "waitress" => served(module, rest),
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
pub(super) fn module(text: &str) -> Option<Entry> {
    let (module, name) = text.split_once(':')?;
    let is_name = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && text.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '/'))
    };
    let name = name.split('(').next().unwrap_or_default();
    (is_name(module) && is_name(name)).then(|| Entry::Module(module.replace('/', ".")))
}

/// Notes an address on which a program listens.
pub(super) fn listen(launch: &mut Launch, address: &str) {
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
            ("pm2 start npm --name api -- start", script("start"), None),
            ("pm2-runtime dist/main.js", file("dist/main.js"), None),
            ("uwsgi --http :7000 -w run:app", module("run"), Some(7000)),
            ("PORT=3001 node server.js", file("server.js"), Some(3001)),
            ("cross-env NODE_ENV=production PORT=3002 nodemon app.js", file("app.js"), Some(3002)),
            ("yarn workspace @shop/api start", script("start"), None),
            ("npm run dev --workspace=api", script("dev"), None),
        ] {
            assert_eq!(told(line), (entry, port), "{line}");
        }
        assert_eq!(read("gunicorn --bind unix:/run/app.sock app:app").unwrap().socket.as_deref(), Some("app.sock"));
        assert_eq!(read("nginx -g 'daemon off;'"), None);
        let folder = |line: &str| read(line).and_then(|launch| launch.folder);
        assert_eq!(folder("cd api && flask run").as_deref(), Some("api"));
        assert_eq!(folder("cd /srv && gunicorn --chdir api app:app").as_deref(), Some("/srv/api"));
        assert_eq!(folder("npm --prefix server start").as_deref(), Some("server"));
        let settings = |line: &str| read(line).and_then(|launch| launch.settings);
        assert_eq!(settings("uwsgi --ini app.ini").as_deref(), Some("app.ini"));
        assert_eq!(settings("gunicorn -c conf/gunicorn.py app:app").as_deref(), Some("conf/gunicorn.py"));
        assert_eq!(settings("pm2-runtime start ecosystem.config.js").as_deref(), Some("ecosystem.config.js"));
    }
}
