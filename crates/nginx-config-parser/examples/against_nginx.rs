//! Holds the parser against nginx itself, over complete configuration files of your own. Run by hand; it needs an nginx
//! (`apt-get install nginx-light`; more modules accept more files) and writes one scratch file.
//!
//! ```text
//! cargo run --release -p nginx-config-parser --example against_nginx -- [OPTIONS] FILE...
//!   --jail DIR      run nginx under `chroot DIR` (as root), so that files name certificates and logs as they like
//!   --scratch DIR   where the file under test is written, as nginx sees it [/tmp]
//!   --words         also ask nginx for its reading of every word
//!   --mutate N      also damage each file at random N times
//!   --seed N        which random numbers [1]
//! ```
//!
//! Each file, and a copy with CRLF line breaks, goes through `nginx -t`. Where nginx accepts it, the parser must report
//! nothing; where nginx refuses its grammar, the parser's first error must be nginx's, on the same line; and where nginx
//! stops at a line for another reason, the parser must report nothing before that line. With `--words` each word of each
//! directive becomes the first of a file of its own, and nginx says, as it does not know a directive of that name, how it
//! reads it. Ends with 1 if anything differs.

use std::collections::HashSet;
use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use nginx_config_parser::{Document, Ending, Error, ErrorKind, parse};

type Failure = Box<dyn StdError>;

/// What nginx said of a file.
enum Verdict {
    Accepted,
    /// The first message of level `emerg` that names the file, and its line.
    Refused(Vec<u8>, usize),
    /// Something that has no place in the file, such as a failed test after reading.
    Elsewhere,
}

struct Nginx {
    jail: Option<PathBuf>,
    scratch: String,
}

impl Nginx {
    fn test(&self, source: &[u8]) -> Result<Verdict, Failure> {
        let seen = format!("{}/against_nginx.conf", self.scratch);
        let written = match &self.jail {
            Some(jail) => jail.join(seen.trim_start_matches('/')),
            None => PathBuf::from(&seen),
        };
        std::fs::write(&written, source)?;
        let mut command = match &self.jail {
            Some(jail) => {
                let mut command = Command::new("chroot");
                command.arg(jail).arg("/usr/sbin/nginx");
                command
            }
            None => Command::new("nginx"),
        };
        let output = command.args(["-t", "-c", &seen]).output()?;
        if output.status.success() {
            return Ok(Verdict::Accepted);
        }
        let place = [b" in ", seen.as_bytes(), b":"].concat();
        let Some(start) = find(&output.stderr, b"[emerg]") else { return Ok(Verdict::Elsewhere) };
        let report = &output.stderr[start..];
        let report = report.split_once_str(b": ").map_or(report, |(_, message)| message);
        let Some(end) = find(report, &place) else { return Ok(Verdict::Elsewhere) };
        let digits = report[end + place.len()..].iter().take_while(|byte| byte.is_ascii_digit());
        let line = digits.fold(0, |line, digit| line * 10 + usize::from(digit - b'0'));
        Ok(Verdict::Refused(report[..end].to_vec(), line))
    }
}

trait SplitOnce {
    fn split_once_str(&self, by: &[u8]) -> Option<(&[u8], &[u8])>;
}

impl SplitOnce for [u8] {
    fn split_once_str(&self, by: &[u8]) -> Option<(&[u8], &[u8])> {
        find(self, by).map(|at| (&self[..at], &self[at + by.len()..]))
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// What nginx says of each kind of error, up to what follows in the message.
fn nginx_messages(document: &Document, error: &Error) -> Vec<Vec<u8>> {
    use ErrorKind::*;
    let end_in_directive = "unexpected end of file, expecting \";\" or \"}\"";
    let messages: &[&str] = match error.kind {
        UnexpectedSemicolon => &["unexpected \";\""],
        UnexpectedOpenBrace => &["unexpected \"{\""],
        UnexpectedCloseBrace | MissingSemicolon => &["unexpected \"}\""],
        UnexpectedAfterQuote => {
            return vec![[b"unexpected \"", document.bytes(error.span), b"\""].concat()];
        }
        UnclosedQuote => &["unexpected \"", end_in_directive, "too long parameter"],
        UnexpectedEnd => &[end_in_directive],
        UnclosedBlock => &["unexpected end of file, expecting \"}\""],
        TooLong => &["too long parameter"],
        UnclosedLua => &["unexpected end of file, expecting terminating characters for lua code block"],
        UnclosedLuaBracket => &["Lua code block missing the closing long bracket"],
        ByteOrderMark => &["unknown directive \"\u{feff}"],
        _ => &[],
    };
    messages.iter().map(|message| message.as_bytes().to_vec()).collect()
}

/// Whether a message is about the grammar, and not about what the words mean.
fn is_of_grammar(message: &[u8]) -> bool {
    [&b"unexpected \""[..], b"unexpected end of file", b"too long parameter", b"Lua code block missing"]
        .iter()
        .any(|start| message.starts_with(start))
}

/// How parser and nginx differ over a file, if they do; and whether nginx accepts it, or refuses its grammar.
fn compare(nginx: &Nginx, source: &[u8]) -> Result<(Outcome, Option<String>), Failure> {
    let document = parse(source);
    let first = document.errors().first();
    let line = |error: &Error| match error.kind {
        ErrorKind::UnclosedBlock => document.line_column(source.len() as u32).0,
        _ => document.line_column(error.span.start).0,
    };
    let said = || first.map_or("nothing".to_owned(), |error| format!("{error} (line {})", line(error)));
    Ok(match nginx.test(source)? {
        Verdict::Accepted => (Outcome::Accepted, first.map(|_| format!("nginx accepts it, we say: {}", said()))),
        Verdict::Elsewhere => (Outcome::Other, None),
        Verdict::Refused(message, nginx_line) => {
            let shown = String::from_utf8_lossy(&message).into_owned();
            let difference = || Some(format!("nginx: {shown} (line {nginx_line}); we say: {}", said()));
            match first {
                // A type's or map's block takes no blocks, and says so in the words of the grammar.
                None if shown == "unexpected \"{\"" => (Outcome::Other, None),
                None if is_of_grammar(&message) => (Outcome::Grammar, difference()),
                None => (Outcome::Other, None),
                Some(error) => {
                    let same = nginx_messages(&document, error).iter().any(|start| message.starts_with(start));
                    // nginx gives the line where it gave up, or that of the last brace in the Lua code.
                    let elsewhere = matches!(error.kind, ErrorKind::UnclosedQuote | ErrorKind::UnclosedLua);
                    let same_line = elsewhere || line(error) == nginx_line;
                    if is_of_grammar(&message) {
                        let earlier = shown == "unexpected \"{\"" && nginx_line <= line(error);
                        (Outcome::Grammar, if same && same_line || earlier { None } else { difference() })
                    } else {
                        (Outcome::Other, if line(error) < nginx_line && !same { difference() } else { None })
                    }
                }
            }
        }
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Accepted,
    Grammar,
    Other,
}

/// Line feeds become CRLF, except in Lua, whose lines nginx does not read.
fn with_crlf(source: &[u8]) -> Vec<u8> {
    let mut copy = Vec::with_capacity(source.len() + source.len() / 16);
    for (index, &byte) in source.iter().enumerate() {
        if byte == b'\n' && index.checked_sub(1).and_then(|before| source.get(before)) != Some(&b'\r') {
            copy.push(b'\r');
        }
        copy.push(byte);
    }
    copy
}

/// Every directive's words, for comparing two documents whose line breaks differ.
fn words_without_returns(document: &Document) -> Vec<Vec<u8>> {
    let words = document.walk().flat_map(|directive| directive.words());
    words.map(|word| word.value().iter().copied().filter(|byte| *byte != b'\r').collect()).collect()
}

/// Asks nginx for its reading of each word. Returns how many were asked, and the differences.
fn compare_words(
    nginx: &Nginx,
    document: &Document,
    asked: &mut HashSet<Vec<u8>>,
) -> Result<(usize, Vec<String>), Failure> {
    let (mut count, mut differences) = (0, Vec::new());
    for directive in document.walk() {
        if directive.ending() == Ending::LuaBlock {
            continue;
        }
        let Some(terminator) = directive.terminator() else { continue };
        for word in directive.words() {
            let from_here = nginx_config_parser::Span::new(word.span().start, terminator.end);
            let text = document.bytes(from_here);
            let value = word.value();
            // These would be obeyed.
            let obeyed = [&b"include"[..], b"events", b"http", b"mail", b"stream", b"rtmp", b"load_module"];
            if value.is_empty() || obeyed.contains(&&*value) || !asked.insert(text.to_vec()) {
                continue;
            }
            count += 1;
            let read = match nginx.test(&[b"events {", text].concat())? {
                Verdict::Refused(message, _) => name_in(&message),
                _ => None,
            };
            // Log lines have 2048 bytes at most.
            let same = |read: &Vec<u8>| *read == *value || (value.len() > 1800 && value.starts_with(read));
            if !read.as_ref().is_some_and(same) && !is_of_events(&value) {
                let read = read.map(|read| String::from_utf8_lossy(&read).into_owned());
                let text = String::from_utf8_lossy(text);
                differences.push(format!("{text:?}: nginx reads {read:?}, we {:?}", word.text()));
            }
        }
    }
    Ok((count, differences))
}

/// Directives that `events` takes: nginx then complains of the missing end of the block instead.
fn is_of_events(name: &[u8]) -> bool {
    let known = ["use", "worker_connections", "multi_accept", "accept_mutex", "accept_mutex_delay", "debug_connection"];
    known.iter().any(|known| known.as_bytes() == name)
}

/// The name in one of the messages with which nginx refuses a directive.
fn name_in(message: &[u8]) -> Option<Vec<u8>> {
    let between = |start: &[u8], end: &[u8]| {
        let inside = message.strip_prefix(start)?;
        let length = inside.windows(end.len()).rposition(|window| window == end)?;
        Some(inside[..length].to_vec())
    };
    between(b"unknown directive \"", b"\"")
        .or_else(|| between(b"\"", b"\" directive is not allowed here"))
        .or_else(|| between(b"directive \"", b"\" is not terminated by \";\""))
        .or_else(|| between(b"directive \"", b"\" has no opening \"{\""))
        .or_else(|| between(b"invalid number of arguments in \"", b"\" directive"))
        .or_else(|| {
            let cut = message.strip_prefix(b"unknown directive \"")?;
            (cut.len() > 1800).then(|| cut.to_vec())
        })
}

/// One to three small faults such as people make, and some that they do not.
fn mutate(source: &[u8], random: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    let mut mutant = source.to_vec();
    for _ in 0..1 + random(3) {
        if mutant.is_empty() {
            break;
        }
        let at = random(mutant.len());
        match random(5) {
            0 => drop(mutant.remove(at)),
            1 => mutant.insert(at, b";{}\"'\\\n #$)"[random(11)]),
            2 => mutant.truncate(at),
            3 => {
                // Drop one of the bytes that carry the structure.
                let structure = mutant[at..].iter().position(|byte| b";{}\"'".contains(byte));
                if let Some(length) = structure {
                    mutant.remove(at + length);
                }
            }
            _ => {
                let other = random(mutant.len());
                mutant.swap(at, other);
            }
        }
    }
    mutant
}

fn main() -> Result<ExitCode, Failure> {
    let mut nginx = Nginx { jail: None, scratch: "/tmp".to_owned() };
    let (mut words, mut mutants, mut state) = (false, 0, 1u64);
    let mut files = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--jail" => nginx.jail = Some(value()?.into()),
            "--scratch" => nginx.scratch = value()?,
            "--words" => words = true,
            "--mutate" => mutants = value()?.parse()?,
            "--seed" => state = value()?.parse()?,
            _ => files.push(PathBuf::from(argument)),
        }
    }
    state = state.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut random = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 11) % limit.max(1) as u64) as usize
    };

    let (mut read, mut accepted, mut crlf_accepted, mut tried, mut refused, mut passed, mut differing) =
        (0, 0, 0, 0, 0, 0, 0);
    let (mut asked, mut asked_count) = (HashSet::new(), 0);
    let mut report = |file: &Path, what: &str, difference: String| {
        differing += 1;
        println!("{}: {what}: {difference}", file.display());
    };
    for file in &files {
        let source = std::fs::read(file)?;
        read += 1;
        let (outcome, difference) = compare(&nginx, &source)?;
        difference.into_iter().for_each(|difference| report(file, "as it is", difference));
        accepted += usize::from(outcome == Outcome::Accepted);
        let document = parse(&source);
        if outcome == Outcome::Accepted {
            let copy = with_crlf(&source);
            let (outcome, difference) = compare(&nginx, &copy)?;
            difference.into_iter().for_each(|difference| report(file, "with CRLF", difference));
            crlf_accepted += usize::from(outcome == Outcome::Accepted);
            if words_without_returns(&document) != words_without_returns(&parse(&copy)) {
                report(file, "with CRLF", "other words".to_owned());
            }
            if words {
                let (count, differences) = compare_words(&nginx, &document, &mut asked)?;
                asked_count += count;
                differences.into_iter().for_each(|difference| report(file, "words", difference));
            }
        }
        for _ in 0..mutants {
            let mutant = mutate(&source, &mut random);
            let (outcome, difference) = compare(&nginx, &mutant)?;
            tried += 1;
            refused += usize::from(outcome == Outcome::Grammar);
            passed += usize::from(outcome == Outcome::Accepted);
            if let Some(difference) = difference {
                let kept = std::env::temp_dir().join(format!("against_nginx_{tried}.conf"));
                std::fs::write(&kept, &mutant)?;
                report(&kept, "damaged", difference);
            }
        }
    }
    println!("{read} files, {accepted} accepted by nginx, {crlf_accepted} also with CRLF");
    if words {
        println!("{asked_count} distinct words asked of nginx");
    }
    if mutants > 0 {
        println!("{tried} damaged copies, {passed} accepted by nginx, {refused} refused for their grammar");
    }
    println!("{differing} differences");
    Ok(if differing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
