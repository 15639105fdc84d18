//! What a file is, by its name and, where names do not tell, by its content.

use std::ffi::OsStr;
use std::path::Path;

/// The language of a file that may concern CORS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileKind {
    /// JavaScript, JSX included.
    JavaScript,
    /// TypeScript without JSX.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
    /// Python.
    Python,
    /// An nginx configuration, a template or a part of one.
    Nginx,
}

impl FileKind {
    /// The language of a program by its extension; `None` where the name does not tell.
    pub fn of_name(path: &Path) -> Option<FileKind> {
        match by_name(path) {
            ByName::Source(kind) => Some(kind),
            ByName::MaybeNginx | ByName::Other => None,
        }
    }
}

/// What a file's name says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByName {
    /// It is of this language.
    Source(FileKind),
    /// It may be an nginx configuration; its content decides.
    MaybeNginx,
    /// It is none of ours.
    Other,
}

/// Extensions of program sources.
const SOURCES: &[(&str, FileKind)] = &[
    ("js", FileKind::JavaScript),
    ("mjs", FileKind::JavaScript),
    ("cjs", FileKind::JavaScript),
    ("jsx", FileKind::JavaScript),
    ("ts", FileKind::TypeScript),
    ("mts", FileKind::TypeScript),
    ("cts", FileKind::TypeScript),
    ("tsx", FileKind::Tsx),
    ("py", FileKind::Python),
];

/// Extensions under which nginx configurations, snippets and templates of them are met.
const NGINX_LIKE: &[&str] = &[
    "conf",
    "nginx",
    "nginxconf",
    "ngx",
    "template",
    "tmpl",
    "tpl",
    "tftpl",
    "j2",
    "jinja",
    "jinja2",
    "erb",
    "vhost",
    "inc",
    "cfg",
    "dist",
    "example",
    "sample",
    "default",
    "prod",
    "production",
    "dev",
    "local",
    "staging",
    "include",
    "http",
    "server",
    "location",
    "proxy",
    "ctmpl",
    "mustache",
    "hbs",
    "in",
    "com",
    "org",
    "net",
    "io",
];

/// Folders whose files are nginx configurations whatever they are called.
const NGINX_FOLDERS: &[&str] = &["sites-available", "sites-enabled", "conf.d", "nginx"];

/// File names without extension that are never a configuration, and are met in nearly every repository.
const NEVER_NGINX: &[&str] = &[
    "license",
    "licence",
    "copying",
    "readme",
    "changelog",
    "authors",
    "contributors",
    "notice",
    "makefile",
    "dockerfile",
    "containerfile",
    "vagrantfile",
    "gemfile",
    "rakefile",
    "procfile",
    "jenkinsfile",
    "codeowners",
    "caddyfile",
    "brewfile",
    "justfile",
    "version",
    "todo",
    "news",
    "install",
    "history",
    "manifest",
    "pipfile",
];

/// What the name of `path` says.
pub(crate) fn by_name(path: &Path) -> ByName {
    let Some(name) = path.file_name().map(OsStr::to_string_lossy) else { return ByName::Other };
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => {
            if let Some(&(_, kind)) = SOURCES.iter().find(|(known, _)| extension.eq_ignore_ascii_case(known)) {
                return ByName::Source(kind);
            }
            if is_yaml(extension) {
                // A manifest of Kubernetes may hold one, or annotations of which one is made.
                return ByName::MaybeNginx;
            }
            if NGINX_LIKE.iter().any(|known| extension.eq_ignore_ascii_case(known)) || in_nginx_folder(path) {
                return ByName::MaybeNginx;
            }
            ByName::Other
        }
        // No extension, or only a leading dot.
        _ if NEVER_NGINX.iter().any(|never| name.eq_ignore_ascii_case(never)) => ByName::Other,
        _ => ByName::MaybeNginx,
    }
}

fn is_yaml(extension: &str) -> bool {
    extension.eq_ignore_ascii_case("yml") || extension.eq_ignore_ascii_case("yaml")
}

/// Whether a manifest of Kubernetes is about nginx.
fn is_nginx_manifest(bytes: &[u8]) -> bool {
    let holds = |word: &str| memchr::memmem::find(bytes, word.as_bytes()).is_some();
    holds("nginx.ingress.kubernetes.io/")
        || (holds("ConfigMap")
            && ["server {", "location ", "add_header", "more_set_headers"].iter().any(|one| holds(one)))
}

/// Extensions that nginx's folders hold beside configurations.
const BESIDE_NGINX: &[&str] =
    &["md", "json", "yml", "yaml", "html", "css", "sh", "png", "svg", "lua", "c", "h", "go", "xml", "lock"];

/// Extensions of programs that a folder with nginx in its name may be made of. Some are also top-level domains, after
/// which files in `sites-enabled` are called.
const ABOUT_NGINX: &[&str] = &["rs", "rb", "php", "pl", "t", "java", "kt", "cs", "cc", "cpp", "toml"];

fn in_nginx_folder(path: &Path) -> bool {
    let has = |known: &[&str]| path.extension().and_then(OsStr::to_str).is_some_and(|own| known.contains(&own));
    let folders = || path.parent().into_iter().flat_map(Path::components).filter_map(|part| part.as_os_str().to_str());
    let named = |part: &str| part.len() <= 24 && part.to_ascii_lowercase().contains("nginx");
    !has(BESIDE_NGINX)
        && (folders().any(|part| NGINX_FOLDERS.contains(&part)) || (!has(ABOUT_NGINX) && folders().any(named)))
}

/// The language of a file that has no telling name, by its first line.
pub(crate) fn by_shebang(bytes: &[u8]) -> Option<FileKind> {
    let line = bytes.strip_prefix(b"#!")?;
    let line = &line[..memchr::memchr(b'\n', line).unwrap_or(line.len())];
    let holds = |word: &[u8]| memchr::memmem::find(line, word).is_some();
    if holds(b"node") || holds(b"bun") || holds(b"deno") {
        Some(FileKind::JavaScript)
    } else if holds(b"python") {
        Some(FileKind::Python)
    } else {
        None
    }
}

/// Directives that nothing but nginx has, as the first word of a line.
const TELLING: &[&str] = &[
    "add_header",
    "add_trailer",
    "more_set_headers",
    "more_clear_headers",
    "proxy_pass",
    "proxy_set_header",
    "proxy_hide_header",
    "proxy_pass_header",
    "server_name",
    "try_files",
    "fastcgi_pass",
    "uwsgi_pass",
    "grpc_pass",
    "scgi_pass",
    "limit_except",
    "auth_basic",
    "auth_request",
    "client_max_body_size",
    "worker_processes",
    "worker_connections",
    "ssl_certificate",
    "access_log",
    "error_page",
    "upstream",
    "location",
    "proxy_http_version",
    "gzip_types",
    "default_type",
    "add_header_inherit",
    "proxy_redirect",
    "proxy_cache",
    "sendfile",
    "fastcgi_param",
    "proxy_read_timeout",
    "keepalive_timeout",
    "limit_req",
];

/// How much of a file is looked at to tell whether it is an nginx configuration, in bytes.
const LOOKED_AT: usize = 256 << 10;

/// Whether `bytes` are an nginx configuration, a snippet of one, or a template of either. `path` counts where the
/// content leaves a doubt.
pub fn looks_like_nginx(path: &Path, bytes: &[u8]) -> bool {
    let bytes = &bytes[..bytes.len().min(LOOKED_AT)];
    if bytes.starts_with(b"#!") || bytes.starts_with(b"<?xml") {
        return false;
    }
    if path.extension().and_then(OsStr::to_str).is_some_and(is_yaml) {
        return is_nginx_manifest(bytes);
    }
    let (mut lines, mut shaped, mut telling, mut foreign) = (0_u32, 0_u32, 0_u32, 0_u32);
    for line in bytes.split(|&byte| byte == b'\n') {
        let line = line.trim_ascii();
        if line.is_empty() || line[0] == b'#' {
            continue;
        }
        // Template directives say nothing either way.
        if line.starts_with(b"{%") || line.starts_with(b"{{") || line.starts_with(b"<%") || line.starts_with(b"%") {
            continue;
        }
        lines += 1;
        let code = match memchr::memmem::find(line, b" #") {
            Some(at) => line[..at].trim_ascii_end(),
            None => line,
        };
        let end = code.last().copied().unwrap_or_default();
        if matches!(end, b';' | b'{' | b'}') {
            shaped += 1;
        }
        let word_end = code.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'));
        let word = &code[..word_end.unwrap_or(code.len())];
        let rest = &code[word.len()..];
        let spaced = rest.first().is_some_and(|byte| byte.is_ascii_whitespace());
        let argument = rest.trim_ascii_start();
        telling += u32::from(match word {
            b"map" | b"if" => argument.starts_with(b"$") || argument.starts_with(b"($"),
            b"set" | b"geo" => spaced && argument.starts_with(b"$"),
            b"server" | b"http" | b"events" => argument.starts_with(b"{"),
            b"listen" => spaced && end == b';' && argument.first().is_some_and(|b| b.is_ascii_digit() || *b == b'['),
            word => spaced && TELLING.iter().any(|known| known.as_bytes() == word),
        });
        // Apache's sections, the sections of ini files, and statements of languages with the same line ends.
        foreign += u32::from(
            (line[0] == b'<' && line.last() == Some(&b'>'))
                || (line[0] == b'[' && line.last() == Some(&b']'))
                || line.starts_with(b"//")
                || [
                    b"function ".as_slice(),
                    b"const ",
                    b"let ",
                    b"var ",
                    b"import ",
                    b"def ",
                    b"class ",
                    b"#include",
                    b"FROM ",
                    b"RUN ",
                ]
                .iter()
                .any(|start| line.starts_with(start)),
        );
    }
    if telling == 0 {
        return lines > 0 && foreign == 0 && shaped * 10 >= lines * 9 && is_nginx_name(path);
    }
    foreign <= telling && shaped * 2 >= lines
}

/// Whether the name alone says nginx.
fn is_nginx_name(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    name.contains("nginx")
        || path
            .parent()
            .into_iter()
            .flat_map(Path::components)
            .filter_map(|part| part.as_os_str().to_str())
            .any(|part| NGINX_FOLDERS.contains(&part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nginx(name: &str, text: &str) -> bool {
        by_name(Path::new(name)) == ByName::MaybeNginx && looks_like_nginx(Path::new(name), text.as_bytes())
    }

    #[test]
    fn sources_are_known_by_their_extension() {
        for (name, kind) in [
            ("a/app.js", FileKind::JavaScript),
            ("a/app.mts", FileKind::TypeScript),
            ("App.TSX", FileKind::Tsx),
            ("x.test.py", FileKind::Python),
        ] {
            assert_eq!(by_name(Path::new(name)), ByName::Source(kind), "{name}");
        }
        assert_eq!(by_name(Path::new("README.md")), ByName::Other);
        assert_eq!(by_name(Path::new("LICENSE")), ByName::Other);
        assert_eq!(by_name(Path::new(".env")), ByName::MaybeNginx);
        assert_eq!(by_name(Path::new("nginx-tools/src/server.rs")), ByName::Other, "a program about nginx");
        assert_eq!(by_name(Path::new("nginx/sites-enabled/example.rs")), ByName::MaybeNginx, "a domain");
    }

    #[test]
    fn nginx_is_known_by_its_content() {
        let site = "server {\n  listen 80;\n  location / {\n    proxy_pass http://app;\n  }\n}\n";
        for name in ["nginx.conf", "site", "default.conf.template", "vhost.j2", "sites-enabled/example.dk"] {
            assert!(nginx(name, site), "{name}");
        }
        assert!(nginx("site.conf", "server { listen 80; location / { proxy_pass http://app; } }\n"), "on one line");
        assert!(nginx("cors", "add_header 'Access-Control-Allow-Origin' '*' always;\n"), "a snippet");
        assert!(nginx(
            "cors.conf",
            "map $http_origin $cors {\r\n  default '';\r\n  'https://a.example' $http_origin;\r\n}\r\n"
        ));
        assert!(nginx("x.j2", "{% if cors %}\nadd_header Access-Control-Allow-Origin {{ origin }};\n{% endif %}\n"));
        assert!(nginx("conf.d/cors.conf", "include snippets/*.conf;\n"), "by its folder");
    }

    #[test]
    fn other_configurations_are_not_nginx() {
        for (name, text) in [
            ("httpd.conf", "<VirtualHost *:80>\n  Header set Access-Control-Allow-Origin \"*\"\n</VirtualHost>\n"),
            ("supervisord.conf", "[program:x]\ncommand=nginx\n"),
            ("app.conf", "cors { enabled = true\n allowed = [\"*\"]\n}\n"),
            ("run", "#!/bin/sh\necho 'add_header X y;'\n"),
            ("script", "const cors = require('cors');\nif (x) {\n  return 1;\n}\n"),
            ("notes", "location of the servers\nserver names are below\n"),
            ("x.conf", ""),
        ] {
            assert!(!nginx(name, text), "{name}");
        }
    }

    #[test]
    fn scripts_are_known_by_their_first_line() {
        assert_eq!(by_shebang(b"#!/usr/bin/env node\n"), Some(FileKind::JavaScript));
        assert_eq!(by_shebang(b"#!/usr/bin/python3\n"), Some(FileKind::Python));
        assert_eq!(by_shebang(b"#!/bin/sh\nnode x\n"), None);
    }
}
