//! nginx: configurations, snippets and templates of them, read as nginx reads them.
//!
//! A configuration becomes one [`Server`]: its server blocks are groups, chosen by port and name; a server block's
//! locations are groups, in the order in which the first match counts; inside, the phases of nginx run in their order
//! (rewrite, access, content). The rewrite phase is carried out symbolically: variables become texts, `if`s become
//! guards. Headers are written on the way out, by the level that answered.

mod access;
mod check;
mod content;
mod headers;
mod helm;
mod include;
mod input;
mod kubernetes;
mod levels;
mod locate;
mod maps;
mod refused;
mod rewrite;
mod sample;
mod server;
mod texts;
mod values;
mod variables;
mod zones;

use std::path::{Path, PathBuf};

use rustc_hash::FxHashSet;

pub use include::{FindFiles, matches_glob};

use crate::finding::{Problem, ProblemKind};
use crate::model::{EffectKind, Remark, RemarkKind, Server, each_effect};
use crate::source::{FileId, SourceSet, Span};
use crate::syntax::nginx::Directive;
use include::{Loaded, Loader};
use levels::Definitions;
use server::Compiler;

/// What is assumed of the nginx that runs the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The minor version: 22 of 1.22.1.
    pub minor: u16,
    /// The patch: 1 of 1.22.1.
    pub patch: u16,
}

impl Default for Version {
    /// The newest that was measured.
    fn default() -> Self {
        Version { minor: 31, patch: 5 }
    }
}

/// Reads the nginx configurations among `files`, which were recognised by name and content.
///
/// `find` gives the files of the scanned tree by the last part of their path, in which `*` and `?` may stand: that is
/// how includes are found. A file that another one includes is read there, and not by itself.
pub fn extract(
    sources: &SourceSet,
    files: &[PathBuf],
    find: FindFiles<'_>,
    version: Version,
) -> (Vec<Server>, Vec<Problem>) {
    let loader = Loader::new(sources, find);
    let mut files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    files.sort();
    files.dedup();
    let (manifests, files): (Vec<&Path>, Vec<&Path>) = files.into_iter().partition(|file| is_yaml(file));
    let loaded: Vec<(&Path, Loaded)> = files.iter().filter_map(|file| Some((*file, loader.load(file)?))).collect();
    let mut inside: FxHashSet<&Path> = FxHashSet::default();
    for (file, loaded) in &loaded {
        // Files that include each other in a circle: the first one stands by itself.
        if !inside.contains(file) {
            inside.extend(loaded.paths.iter().skip(1).map(PathBuf::as_path));
        }
    }
    let roots: Vec<&(&Path, Loaded)> = loaded.iter().filter(|(file, _)| !inside.contains(file)).collect();
    let mut servers = Vec::new();
    for (file, root) in &roots {
        // What nginx's own main file would include together lies in one folder.
        let beside = roots.iter().filter(|(other, _)| other != file && other.parent() == file.parent());
        let beside: Vec<&[Directive]> = beside.map(|(_, other)| other.directives.as_slice()).collect();
        servers.extend(server(&loader, root, &beside, version));
    }
    for file in manifests {
        let Ok(source) = sources.load(file) else { continue };
        for directives in kubernetes::configurations(source.id, &source.text) {
            let loaded = Loaded { directives, files: vec![source.id], ..Loaded::default() };
            servers.extend(server(&loader, &loaded, &[], version));
        }
    }
    // What only looks like nginx has other rules of grammar: it counts where CORS is spoken of.
    let relevant: FxHashSet<FileId> =
        servers.iter().filter(|server| writes_cors(server)).flat_map(|server| &server.files).copied().collect();
    let counts = |file: FileId| {
        let text = || sources.get(file).text.to_ascii_lowercase();
        relevant.contains(&file) || text().contains("access-control-")
    };
    let problems = loader.problems.into_inner().into_iter();
    let problems = problems.filter(|(file, _)| file.is_none_or(counts)).map(|(_, problem)| problem);
    (servers, problems.collect())
}

/// Whether any directive names a header of CORS.
fn names_cors(directives: &[Directive]) -> bool {
    let mut open: Vec<&Directive> = directives.iter().collect();
    while let Some(directive) = open.pop() {
        if directive.args.iter().any(|word| word.text.to_ascii_lowercase().starts_with("access-control-")) {
            return true;
        }
        open.extend(directive.children());
    }
    false
}

/// Whether a server writes headers of CORS.
fn writes_cors(server: &Server) -> bool {
    let mut writes = false;
    each_effect(server, &mut |_, effect| {
        writes |= matches!(&effect.kind, EffectKind::Write(write)
            if write.name.to_ascii_lowercase().starts_with("access-control-"));
    });
    writes
}

/// Whether a file is a manifest by its name.
fn is_yaml(file: &Path) -> bool {
    file.extension().is_some_and(|end| end.eq_ignore_ascii_case("yml") || end.eq_ignore_ascii_case("yaml"))
}

/// The server of a configuration; nothing where nothing in it answers.
fn server(loader: &Loader<'_>, loaded: &Loaded, beside: &[&[Directive]], version: Version) -> Option<Server> {
    let file = *loaded.files.first()?;
    let first = loaded.directives.first()?.span;
    let span = Span::new(file, if first.file == file { first.start } else { 0 }, first.end.max(first.start));
    let span = if first.file == file { first } else { Span::new(file, 0, span.end.min(1)) };
    let http: Vec<&Directive> = loaded.directives.iter().filter(|directive| directive.is("http")).collect();
    let top: Vec<Directive> = match http.is_empty() {
        true => loaded.directives.clone(),
        false => http.iter().flat_map(|http| http.children()).cloned().collect(),
    };
    let has = |name: &str| top.iter().any(|directive| directive.is(name));
    let complete = has("server");
    if !complete && (!http.is_empty() || !is_snippet(&top)) {
        return None;
    }
    let wrapped;
    let inside: &[Directive] = if complete {
        &top
    } else {
        wrapped = surround(top, span);
        &wrapped
    };
    let mut definitions = Definitions::default();
    definitions.collect(inside);
    for other in beside {
        definitions.collect(other);
    }
    let mut compiler = Compiler::new(inside, definitions, span, loader.looked_at.get());
    compiler.speaks = names_cors(inside);
    compiler.whole = !http.is_empty() && !loaded.incomplete && !loaded.may_have_more && !loaded.templated;
    if complete {
        check::check(&mut compiler, inside, version);
    }
    let root = compiler.root(span);
    loader.looked_at.set(loader.looked_at.get().saturating_add(compiler.looked_at()));
    if compiler.is_spent() {
        let message = "the configuration has too many ways to follow them all: what the others answer is unknown";
        loader.problem(span, ProblemKind::BudgetSpent, message.to_owned());
    }
    if complete && compiler.whole {
        zones::check(&mut compiler, inside);
    }
    let mut remarks = std::mem::take(&mut compiler.remarks);
    remarks.extend(dead(inside));
    let startup_error = match (&loaded.error, compiler.error.take()) {
        // nginx refuses each directive as it comes to it, and to the end of the file last.
        (Some((why, _)), Some(error)) if why.starts_with("unexpected end of file") => Some(error),
        (Some((why, span)), _) => Some((why.clone(), *span)),
        (None, error) => error,
    };
    let mut server = Server {
        framework: "nginx",
        runtime: format!("nginx 1.{}.{} (assumed)", version.minor, version.patch),
        span,
        complete,
        root,
        outgoing: Vec::new(),
        listens: if complete { compiler.listens() } else { Vec::new() },
        startup_error: startup_error.filter(|_| complete),
        remarks,
        files: loaded.files.clone(),
    };
    // Variables matter where CORS does.
    let speaks = writes_cors(&server);
    server.remarks.retain(|remark| speaks || !matches!(remark.kind, RemarkKind::UnknownVariable(_)));
    Some(server)
}

/// Whether directives are a part of a server block or location that can be read by itself.
fn is_snippet(directives: &[Directive]) -> bool {
    const TELLING: &[&str] = &[
        "add_header",
        "more_set_headers",
        "more_clear_headers",
        "location",
        "if",
        "proxy_pass",
        "return",
        "limit_except",
        "proxy_hide_header",
        "fastcgi_pass",
        "uwsgi_pass",
        "grpc_pass",
    ];
    directives.iter().any(|directive| TELLING.iter().any(|name| directive.is(name)))
}

/// Puts a snippet where it may stand: into a server block, or a location whose content is not known.
fn surround(directives: Vec<Directive>, span: Span) -> Vec<Directive> {
    use crate::syntax::nginx::Word;
    let word = |text: &str| Word { text: text.to_owned(), span, templated: false };
    let block = |name: &str, args: Vec<Word>, inner: Vec<Directive>| Directive {
        name: word(name),
        args,
        block: Some(inner.into()),
        span,
        conditions: std::rc::Rc::from([]),
    };
    let answers = ["return", "proxy_pass", "fastcgi_pass", "uwsgi_pass", "grpc_pass", "scgi_pass", "try_files"];
    let has = |names: &[&str]| directives.iter().any(|directive| names.iter().any(|name| directive.is(name)));
    let inner = if has(&["location", "server_name", "listen"]) {
        directives
    } else {
        let mut inner = directives.clone();
        if !has(&answers) {
            // Another server may stand behind, or files: the status is not known, nor what is sent besides.
            let pass = Directive {
                block: None,
                ..block("proxy_pass", vec![Word { templated: true, ..word("") }], Vec::new())
            };
            inner.push(pass);
        }
        vec![block("location", vec![word("/")], inner)]
    };
    vec![block("server", Vec::new(), inner)]
}

/// Response headers that are set on the request, where nobody looks for them.
fn dead(directives: &[Directive]) -> Vec<Remark> {
    let mut open: Vec<&Directive> = directives.iter().rev().collect();
    let mut remarks = Vec::new();
    while let Some(directive) = open.pop() {
        open.extend(directive.children().iter().rev());
        let sets_request = ["proxy_set_header", "grpc_set_header", "more_set_input_headers"];
        if !sets_request.iter().any(|name| directive.is(name)) {
            continue;
        }
        let Some(name) = directive.arg(0).map(|name| name.split(':').next().unwrap_or(name)) else { continue };
        if !crate::cors::headers::RESPONSE_HEADERS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            continue;
        }
        let kind = RemarkKind::Dead {
            why: format!("{} sets {name} on the request to the server behind, not on the answer", directive.name.text),
            help: format!("write `add_header {name} … always;` instead"),
            consequence: None,
            severe: false,
        };
        remarks.push(Remark { kind, span: directive.span });
    }
    remarks
}
