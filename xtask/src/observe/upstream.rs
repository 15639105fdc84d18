//! The application behind a recorded proxy: answers as a record's `upstream` says.

use std::io::{BufRead, BufReader, Read, Write, copy, sink};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::record::Says;
use super::{PATIENCE, UPSTREAM};

/// Listens as long as the recorder runs.
pub struct Upstream {
    says: Arc<Mutex<Says>>,
}

impl Upstream {
    /// Takes the port. `content_type` is what every answer calls itself.
    pub fn listen(content_type: &'static str) -> Result<Upstream, String> {
        let address = SocketAddr::from(UPSTREAM);
        let listener = TcpListener::bind(address).map_err(|error| format!("{address}: {error}"))?;
        let says = Arc::new(Mutex::new(Says::default()));
        let shared = Arc::clone(&says);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let says = shared.lock().map(|says| says.clone()).unwrap_or_default();
                // One at a time: the recorder asks one thing at a time. A proxy that went away is its own matter.
                let _ = answer(stream, &says, content_type);
            }
        });
        Ok(Upstream { says })
    }

    /// Answers like this from now on.
    pub fn say(&self, upstream: Option<&Says>) {
        if let Ok(mut says) = self.says.lock() {
            *says = upstream.cloned().unwrap_or_default();
        }
    }
}

fn answer(stream: TcpStream, says: &Says, content_type: &str) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let (mut origin, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("origin") => origin = Some(value.trim().to_owned()),
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap_or_default();
            }
            _ => {}
        }
    }
    // A connection that is closed with a part of the body unread is reset, and the answer may be lost with it.
    copy(&mut reader.by_ref().take(length), &mut sink())?;
    let (head, body) = head(&first, origin.as_deref(), says, content_type);
    let mut stream = reader.into_inner();
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

fn head(first: &str, origin: Option<&str>, says: &Says, content_type: &str) -> (String, &'static str) {
    let method = first.split(' ').next().unwrap_or_default();
    let status = if method == "OPTIONS" { says.options.or(says.status) } else { says.status };
    let mut head = format!("HTTP/1.1 {} Answer\r\ncontent-type: {content_type}\r\n", status.unwrap_or(200));
    for line in says.headers.iter().flatten() {
        head.push_str(&format!("{line}\r\n"));
    }
    if let (Some(true), Some(origin)) = (says.reflect, origin) {
        head.push_str(&format!("access-control-allow-origin: {origin}\r\n"));
    }
    // These never have a body, and a length would be taken for one.
    let bodiless = matches!(status, Some(204 | 304));
    if !bodiless {
        head.push_str("content-length: 3\r\n");
    }
    head.push_str("connection: close\r\n\r\n");
    let body = if bodiless || method == "HEAD" { "" } else { "{}\n" };
    (head, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_as_it_was_told() {
        let headers = Some(vec!["vary: Origin".to_owned()]);
        let says = Says { status: Some(200), options: Some(405), reflect: Some(true), headers };
        let (preflight, _) = head("OPTIONS /api HTTP/1.1", None, &says, "text/plain");
        assert!(preflight.starts_with("HTTP/1.1 405 "), "{preflight}");
        let (get, _) = head("GET /api HTTP/1.1", Some("https://a.example"), &says, "text/plain");
        assert!(get.contains("\r\nvary: Origin\r\naccess-control-allow-origin: https://a.example\r\n"), "{get}");
        let (silent, _) = head("GET /api HTTP/1.1", Some("https://a.example"), &Says::default(), "text/plain");
        assert!(silent.starts_with("HTTP/1.1 200 ") && !silent.contains("access-control"), "{silent}");
    }
}
