//! The words for a change, as each framework wants it.

use super::ServerView;
use crate::cors::headers;
use crate::source::Span;

/// How the origins that may read are listed, in place of what is written at `place`.
pub fn list_origins(view: &ServerView, place: Span) -> &'static str {
    match (view.server.framework, is_by_hand(view, place)) {
        ("express", false) => {
            "list the origins that may read: `origin: ['https://app.example.com']`; everybody else then gets no Access-Control-Allow-Origin"
        }
        ("express", true) => {
            "list the origins that may read, and send the header to those alone: `if (allowed.includes(req.headers.origin)) …`, with `res.vary('Origin')` before it"
        }
        ("flask", false) => "list the origins that may read: `origins=[\"https://app.example.com\"]`",
        ("flask", true) => {
            "list the origins that may read, and send the header to those alone: `if request.headers.get(\"Origin\") in ALLOWED: …`, with `response.vary.add(\"Origin\")` before it"
        }
        ("nginx", _) if is_annotation(view, place) => {
            "list the origins in `nginx.ingress.kubernetes.io/cors-allow-origin`, without a slash at their ends: what is no origin is left out, and an empty list is `*`"
        }
        ("nginx", _) => {
            "list the origins in a `map $http_origin $cors_origin { default \"\"; \"https://app.example.com\" $http_origin; }` and send `$cors_origin`"
        }
        _ => "compare the Origin header with a list, and send Access-Control-Allow-Origin only where it is on it",
    }
}

/// Whether a policy comes from the annotations of an ingress.
fn is_annotation(view: &ServerView, place: Span) -> bool {
    let file = view.sources.get(place.file);
    let is_manifest = file.path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    is_manifest && !view.sources.text(place).contains("Access-Control-")
}

/// Whether what is written at `place` names the header itself, instead of an option of a library.
pub fn is_by_hand(view: &ServerView, place: Span) -> bool {
    view.sources.text(place).to_ascii_lowercase().contains("access-control-")
}

/// How methods are added to the list that is written at `place`.
pub fn allow_methods(view: &ServerView, place: Span, methods: &str) -> String {
    match (view.server.framework, writer_of(view, headers::ALLOW_METHODS, place)) {
        (_, Writer::Nobody) => format!("answer the preflight with `Access-Control-Allow-Methods: {methods}`"),
        ("express", Writer::Library) => {
            format!("add {methods} to `methods`, or leave the option out: the package then allows them all")
        }
        ("flask", Writer::Library) => {
            format!("add {methods} to `methods`, or leave the option out: all are then allowed")
        }
        ("nginx", _) => {
            format!("add {methods} to the `add_header Access-Control-Allow-Methods` of the preflight's answer")
        }
        _ => format!("add {methods} to Access-Control-Allow-Methods"),
    }
}

/// How request headers are added to the list that is written at `place`.
pub fn allow_headers(view: &ServerView, place: Span, names: &str) -> String {
    match (view.server.framework, writer_of(view, headers::ALLOW_HEADERS, place)) {
        (_, Writer::Nobody) => format!("answer the preflight with `Access-Control-Allow-Headers: {names}`"),
        ("express", Writer::Library) => {
            format!("add {names} to `allowedHeaders`, or leave the option out: what is asked for is then allowed")
        }
        ("flask", Writer::Library) => {
            format!("add {names} to `allow_headers`, or leave the option out: all are then allowed")
        }
        ("nginx", _) => {
            format!("add {names} to the `add_header Access-Control-Allow-Headers` of the preflight's answer")
        }
        _ => format!("add {names} to Access-Control-Allow-Headers"),
    }
}

/// Who writes a header.
enum Writer {
    /// A library, from its options.
    Library,
    /// The program itself.
    Hand,
    /// It is not written at this place.
    Nobody,
}

/// Who writes `header` (lower case) from what stands at `place`.
fn writer_of(view: &ServerView, header: &str, place: Span) -> Writer {
    let writes = view.writes(|name| name.eq_ignore_ascii_case(header));
    let here = writes.iter().filter(|(_, effect, write)| {
        effect.span == place || write.trail.0.first().is_some_and(|(origin, _)| *origin == place)
    });
    let by_hand = |span: Span| view.sources.text(span).to_ascii_lowercase().contains(header);
    match here.map(|(_, effect, _)| by_hand(effect.span)).next() {
        None => Writer::Nobody,
        Some(true) => Writer::Hand,
        Some(false) => Writer::Library,
    }
}

/// How response headers are exposed.
pub fn expose_headers(view: &ServerView, names: &[String]) -> String {
    let quoted = |mark: char| {
        let names: Vec<String> = names.iter().map(|name| format!("{mark}{name}{mark}")).collect();
        names.join(", ")
    };
    match view.server.framework {
        "express" => format!("name it if pages shall read it: `exposedHeaders: [{}]`", quoted('\'')),
        "flask" => format!("name it if pages shall read it: `expose_headers=[{}]`", quoted('"')),
        _ => format!("name it if pages shall read it: `Access-Control-Expose-Headers: {}`", names.join(", ")),
    }
}

/// How a route-only policy gets to see the preflight.
pub fn answer_preflight(view: &ServerView, path: &str) -> String {
    match view.server.framework {
        "express" => format!(
            "answer OPTIONS with the same policy, above the route: `app.options('{path}', policy)`; or register it once for all routes with `app.use(policy)`"
        ),
        "flask" => {
            "let the extension answer: `CORS(app, …)` or `@cross_origin(…)` answers OPTIONS by itself".to_owned()
        }
        "nginx" => {
            "answer OPTIONS with the CORS headers: `if ($request_method = OPTIONS) { add_header …; return 204; }`"
                .to_owned()
        }
        _ => "answer OPTIONS with 204 and the same CORS headers".to_owned(),
    }
}

/// How a policy gets in front of what refuses requests.
pub fn let_preflight_pass(view: &ServerView) -> &'static str {
    match view.server.framework {
        "express" => "register the policy before it: `app.use(cors(…))` first; or let OPTIONS pass",
        "flask" => "let OPTIONS pass: `if request.method == \"OPTIONS\": return None` at its top",
        "nginx" => {
            "answer OPTIONS before it is asked for: `if ($request_method = OPTIONS) { add_header …; return 204; }`"
        }
        _ => "set the CORS headers first, and answer OPTIONS before anything refuses it",
    }
}

/// How an answer says that it depends on the origin.
pub fn vary(view: &ServerView) -> &'static str {
    match view.server.framework {
        "express" => "add `res.vary('Origin')`, for every request and not only for those that are let in",
        "flask" => "add `response.vary.add(\"Origin\")`, or leave `vary_header` at its default",
        "nginx" => "add `add_header Vary Origin always;` beside it",
        _ => "add `Vary: Origin` to every answer, not only to those that let somebody in",
    }
}

/// Names in a sentence: `a`, `a and b`, `a, b and c`.
pub fn names(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
