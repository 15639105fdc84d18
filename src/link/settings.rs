//! Files beside a program that say what is started and where it listens: lists of pm2, settings of gunicorn and uWSGI.

use std::path::{Path, PathBuf};

use super::command::{self, Entry, Launch};
use super::{Surroundings, ini};
use crate::eval::{Evaluator, Field, Kind, Repository, Value};
use crate::model::Text;
use crate::source::Span;
use crate::syntax::data::{self, Data, DataKind};
use crate::syntax::language_of;

/// How many programs a list starts.
const MOST_PROGRAMS: usize = 64;
/// How deep values are read.
const DEEPEST: usize = 6;

/// What the programs of a pm2 list start. One that has several environments is there once for each.
pub(super) fn programs(list: &Path, around: &Surroundings<'_>) -> Vec<Launch> {
    let mut launches = Vec::new();
    for document in &read(list, around) {
        let apps = document.get("apps").or_else(|| document.at(&["default", "apps"])).unwrap_or(document);
        let single = apps.get("script").map(|_| apps);
        for app in apps.items().iter().chain(single).take(MOST_PROGRAMS) {
            let text = |key: &str| app.get(key).and_then(plain);
            let Some(script) = text("script") else { continue };
            let arguments = app.get("args").map(texts).unwrap_or_default().join(" ");
            let mut launch = command::launch(&command::words(&format!("{script} {arguments}"))).unwrap_or_default();
            if launch.entry.is_none() {
                launch.entry = Some(Entry::File(script));
            }
            launch.folder = text("cwd").or(launch.folder);
            let environments = app.entries().iter().filter(|(key, ..)| key.starts_with("env"));
            let ports: Vec<u16> =
                environments.filter_map(|(_, _, env)| plain(env.get("PORT")?)?.parse().ok()).collect();
            if ports.is_empty() {
                launches.push(launch);
            } else {
                launches.extend(ports.into_iter().map(|port| Launch { port: Some(port), ..launch.clone() }));
            }
        }
    }
    launches
}

/// What gunicorn's settings add to a command: `bind`, `chdir`, `wsgi_app`. What the command says counts.
pub(super) fn gunicorn(launch: Launch, settings: &Path, around: &Surroundings<'_>) -> Launch {
    let mut said = Launch::default();
    for given in read(settings, around) {
        for address in given.get("bind").map(texts).unwrap_or_default() {
            command::listen(&mut said, &address);
        }
        said.folder = given.get("chdir").and_then(plain);
        said.entry = given.get("wsgi_app").and_then(plain).and_then(|app| command::module(&app));
    }
    launch.or(said)
}

/// The documents of a file of data, or what a program exports.
fn read(path: &Path, around: &Surroundings<'_>) -> Vec<Data> {
    if language_of(path).is_none() {
        let Ok(file) = around.sources.load(path) else { return Vec::new() };
        return data::read(path, file.id, &file.text).and_then(Result::ok).unwrap_or_default();
    }
    let repository = Repository::new(around.sources.clone(), around.root.clone());
    let mut evaluator = Evaluator::new(&repository, &[]);
    let Some(module) = evaluator.run_file(path) else { return Vec::new() };
    let entries = evaluator.module_names(module).into_iter();
    let entries = entries.map(|(name, value)| (name, value.span, data_of(&evaluator, &value, DEEPEST))).collect();
    let file = evaluator.modules().first().and_then(|module| around.sources.load(&module.path).ok());
    file.map(|file| Data { span: Span::new(file.id, 0, 0), kind: DataKind::Map(entries) }).into_iter().collect()
}

/// A value as it is where nothing else is said.
fn data_of(evaluator: &Evaluator<'_>, value: &Value, depth: usize) -> Data {
    let kind = match &value.kind {
        _ if depth == 0 => DataKind::Null,
        Kind::Str(text) => DataKind::Str(text.to_string()),
        Kind::Number(number) => DataKind::Num(*number),
        Kind::Bool(value) => DataKind::Bool(*value),
        Kind::Text(text) => usual(text).map_or(DataKind::Null, DataKind::Str),
        Kind::Choose(choice) => match data_of(evaluator, &choice.2, depth - 1).kind {
            DataKind::Null => data_of(evaluator, &choice.1, depth - 1).kind,
            kind => kind,
        },
        Kind::Object(id) => match evaluator.items(value) {
            Some(list) => {
                let items = list.items.iter().take(MOST_PROGRAMS);
                DataKind::List(items.map(|item| data_of(evaluator, item, depth - 1)).collect())
            }
            None => {
                let fields = evaluator.object(*id).fields.iter();
                let entry = |field: &Field| {
                    (field.name.to_string(), field.value.span, data_of(evaluator, &field.value, depth - 1))
                };
                DataKind::Map(fields.map(entry).collect())
            }
        },
        _ => DataKind::Null,
    };
    Data { span: value.span, kind }
}

fn usual(text: &Text) -> Option<String> {
    match text {
        Text::Literal(text) => Some(text.to_string()),
        Text::Concat(parts) => parts.iter().map(usual).collect(),
        Text::Choose(_, then, otherwise) => usual(otherwise).or_else(|| usual(then)),
        _ => None,
    }
}

fn plain(data: &Data) -> Option<String> {
    data.as_str().map(str::to_owned).or_else(|| data.as_number().map(|number| number.to_string()))
}

/// A text, or each of a list of them.
fn texts(data: &Data) -> Vec<String> {
    data.items().iter().chain(Some(data)).filter_map(plain).collect()
}

/// What the settings of uWSGI say (`[uwsgi]` of an `.ini` file).
pub(super) fn uwsgi(settings: &Path, around: &Surroundings<'_>) -> Option<Launch> {
    let file = around.sources.load(settings).ok()?;
    let sections = ini::sections(&file.text);
    let section = sections.iter().find(|section| section.name == "uwsgi")?;
    let mut launch = Launch::default();
    for key in ["socket", "uwsgi-socket", "http-socket", "http"] {
        for address in section.all(key) {
            command::listen(&mut launch, address);
        }
    }
    let module = section.get("module").or_else(|| section.get("wsgi"));
    let mounted = || section.get("mount").and_then(|mount| mount.split_once('=')).map(|(_, app)| app);
    let file = section.get("wsgi-file").or_else(|| section.get("file"));
    launch.entry = match (module.or_else(mounted), file) {
        (Some(module), _) if module.ends_with(".py") => Some(Entry::File(module.to_owned())),
        // `module = app` with `callable = app`.
        (Some(module), _) => command::module(module).or_else(|| command::module(&format!("{module}:app"))),
        (None, file) => file.map(|file| Entry::File(file.to_owned())),
    };
    launch.folder = section.get("chdir").or_else(|| section.get("pythonpath")).map(str::to_owned);
    (launch != Launch::default()).then_some(launch)
}

/// The lists of pm2 in the tree.
pub(super) fn lists(around: &Surroundings<'_>) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = ["ecosystem*", "pm2*", "process.json", "process.yml", "process.yaml"]
        .iter()
        .flat_map(|pattern| (around.find)(pattern))
        .filter(|path| is_list(path))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Whether a file may be a list of pm2 by its name.
pub(super) fn is_list(path: &Path) -> bool {
    matches!(path.extension().and_then(|end| end.to_str()), Some("js" | "cjs" | "mjs" | "json" | "yml" | "yaml"))
}
