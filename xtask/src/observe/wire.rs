//! A plain HTTP/1.1 client, because the order and the repeats of header lines are what is recorded.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::record::{Answer, Request};
use super::{PATIENCE, SERVER};

/// Header lines that differ from run to run, or say nothing about who may read.
const LEFT_OUT: [&str; 14] = [
    "accept-ranges",
    "connection",
    "content-security-policy",
    "date",
    "etag",
    "expires",
    "keep-alive",
    "last-modified",
    "server",
    "set-cookie",
    "transfer-encoding",
    "x-content-type-options",
    "x-powered-by",
    "x-ratelimit-reset",
];

/// More of answer heads than this is no answer.
const LONGEST_HEAD: usize = 1 << 20;

/// Sends one request on a connection of its own and reads the answer's head.
///
/// A connection that ends before the head does is `ECONNRESET`; one that stays open and silent is a time-out. Both
/// are answers, and so is `ECONNREFUSED`: an earlier request ended the program.
pub fn ask(request: &Request, body: Option<&str>) -> Result<Answer, String> {
    let address = SocketAddr::from(SERVER);
    let mut stream = match TcpStream::connect_timeout(&address, PATIENCE) {
        Ok(stream) => stream,
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            return Ok(Answer::Failed("ECONNREFUSED".to_owned()));
        }
        Err(error) => return Err(format!("{address}: {error}")),
    };
    let deadline = Instant::now() + PATIENCE;
    let message = message(request, body);
    if stream.write_all(message.as_bytes()).is_err() {
        // The server may have answered before it read the whole body, so look for the answer all the same.
    }
    let mut received = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let head = end_of_head(&received);
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return head.map_or(Ok(timed_out()), |end| parse_head(&received[..end]));
        }
        stream.set_read_timeout(Some(left)).map_err(|error| error.to_string())?;
        match stream.read(&mut buffer) {
            // The body is read to its end, so that the server is done (a cache filled) before the next request.
            Ok(0) => return head.map_or(Ok(reset()), |end| parse_head(&received[..end])),
            Ok(_) if received.len() > LONGEST_HEAD => return Err("an endless answer".to_owned()),
            Ok(count) => received.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return head.map_or(Ok(timed_out()), |end| parse_head(&received[..end]));
            }
            Err(_) => return head.map_or(Ok(reset()), |end| parse_head(&received[..end])),
        }
    }
}

/// Waits until something listens; false when nothing does in time.
pub fn wait_for_listener(address: ([u8; 4], u16), patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if TcpStream::connect(SocketAddr::from(address)).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

/// Waits until nothing listens any more, or for so long.
pub fn wait_for_end(address: ([u8; 4], u16), patience: Duration) {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline && TcpStream::connect(SocketAddr::from(address)).is_ok() {
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn timed_out() -> Answer {
    Answer::Failed(format!("timeout: no response within {} s", PATIENCE.as_secs()))
}

fn reset() -> Answer {
    Answer::Failed("ECONNRESET".to_owned())
}

fn message(request: &Request, body: Option<&str>) -> String {
    let mut message = format!("{} {} HTTP/1.1\r\n", request.method, request.path);
    // A request that names its host names no other.
    if !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        message.push_str(&format!("Host: localhost:{}\r\n", SERVER.1));
    }
    let mut length = None;
    for (name, value) in &request.headers {
        message.push_str(&format!("{name}: {value}\r\n"));
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse::<usize>().ok();
        }
    }
    let body = body.map_or_else(|| "x".repeat(length.unwrap_or(0)), str::to_owned);
    if length.is_none() && (!body.is_empty() || matches!(request.method.as_str(), "POST" | "PUT" | "PATCH")) {
        message.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    message.push_str("connection: close\r\n\r\n");
    message.push_str(&body);
    message
}

fn end_of_head(received: &[u8]) -> Option<usize> {
    received.windows(4).position(|window| window == b"\r\n\r\n")
}

/// Reads a status line and header lines; bytes beyond ASCII are taken as Latin-1, as HTTP has it.
fn parse_head(head: &[u8]) -> Result<Answer, String> {
    let text: String = head.iter().map(|byte| char::from(*byte)).collect();
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| format!("{first:?} is no status line"))?;
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(|| format!("{line:?} is no header"))?;
        let value = value.trim_matches([' ', '\t']);
        let lower = name.to_ascii_lowercase();
        let says_something = if lower == "content-length" { value == "0" } else { !LEFT_OUT.contains(&&*lower) };
        if says_something {
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    Ok(Answer::Response { status, headers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_keep_order_and_repeats() {
        let head = b"HTTP/1.1 204 No Content\r\nB: 1\r\nDate: now\r\na:2\r\nB:  3 \r\nContent-Length: 0\r\nEmpty:";
        let Answer::Response { status, headers } = parse_head(head).unwrap() else { panic!() };
        assert_eq!(status, 204);
        let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(lines, ["B=1", "a=2", "B=3", "Content-Length=0", "Empty="]);
        let Answer::Response { headers, .. } = parse_head(b"HTTP/1.1 200\r\nContent-Length: 7").unwrap() else {
            panic!()
        };
        assert!(headers.is_empty());
        assert!(parse_head(b"nonsense").is_err());
    }

    #[test]
    fn bodies_are_measured_unless_the_request_says_how_long_they_are() {
        let request = |headers: &[(&str, &str)]| Request {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        assert!(message(&request(&[]), Some("{")).ends_with("content-length: 1\r\nconnection: close\r\n\r\n{"));
        assert!(message(&request(&[("content-length", "3")]), None).ends_with("\r\n\r\nxxx"));
        assert!(message(&request(&[]), None).contains("content-length: 0"));
        assert!(message(&request(&[]), None).contains("Host: localhost"));
        assert!(!message(&request(&[("host", "a.example")]), None).contains("localhost"));
    }
}
