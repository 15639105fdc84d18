//! Random bytes, against a second reader that is written for nothing but being obviously right: one step a byte, as
//! nginx's own state machine goes. And what must hold of any document whatever.

mod common;

use common::Random;
use nginx_config_parser::{Document, Ending, Error, ErrorKind, parse, parse_template};

/// What the plain reader saw, in order.
#[derive(Debug, PartialEq)]
enum Event {
    Directive(Vec<Vec<u8>>, Ending),
    Close,
    Refused(ErrorKind, usize),
}

enum State {
    Between,
    Bare,
    Quoted(u8),
    AfterQuote,
    Comment,
}

/// Reads up to the first thing that nginx refuses. Lua blocks and the length of words are not its business.
fn read_plainly(source: &[u8]) -> Vec<Event> {
    use ErrorKind::*;
    let mut events = Vec::new();
    let mut state = State::Between;
    let (mut skip_next, mut after_dollar, mut depth) = (false, false, 0);
    let mut word: Vec<u8> = Vec::new();
    let mut words: Vec<Vec<u8>> = Vec::new();
    let mut quote_start = 0;
    let mut opens = Vec::new();
    let mut at = 0;
    while at < source.len() {
        let byte = source[at];
        let space = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        if skip_next {
            skip_next = false;
            word.push(byte);
            at += 1;
            continue;
        }
        match state {
            State::Comment => {
                if byte == b'\n' {
                    state = State::Between;
                }
            }
            State::AfterQuote if byte == b'}' => {
                events.push(Event::Refused(MissingSemicolon, at));
                return events;
            }
            State::AfterQuote if !space && !matches!(byte, b';' | b'{' | b')') => {
                let many_lines = source[quote_start..at].contains(&b'\n');
                events.push(if many_lines {
                    Event::Refused(UnclosedQuote, quote_start)
                } else {
                    Event::Refused(UnexpectedAfterQuote, at)
                });
                return events;
            }
            State::AfterQuote => {
                state = State::Between;
                continue;
            }
            State::Bare if space || byte == b';' || (byte == b'{' && !after_dollar) => {
                words.push(unescape(&std::mem::take(&mut word)));
                state = State::Between;
                continue;
            }
            State::Quoted(quote) if byte == quote => {
                words.push(unescape(&std::mem::take(&mut word)));
                state = State::AfterQuote;
            }
            State::Bare | State::Quoted(_) => {
                word.push(byte);
                skip_next = byte == b'\\';
                after_dollar = byte == b'$' || (byte == b'{' && after_dollar);
            }
            State::Between if space => {}
            State::Between => match byte {
                b';' | b'{' if words.is_empty() => {
                    events
                        .push(Event::Refused(if byte == b';' { UnexpectedSemicolon } else { UnexpectedOpenBrace }, at));
                    return events;
                }
                b';' => events.push(Event::Directive(std::mem::take(&mut words), Ending::Semicolon)),
                b'{' => {
                    events.push(Event::Directive(std::mem::take(&mut words), Ending::Block));
                    opens.push(at);
                    depth += 1;
                }
                b'}' if !words.is_empty() => {
                    events.push(Event::Refused(MissingSemicolon, at));
                    return events;
                }
                b'}' if depth == 0 => {
                    events.push(Event::Refused(UnexpectedCloseBrace, at));
                    return events;
                }
                b'}' => {
                    events.push(Event::Close);
                    opens.pop();
                    depth -= 1;
                }
                b'#' => state = State::Comment,
                b'"' | b'\'' => {
                    state = State::Quoted(byte);
                    quote_start = at;
                }
                _ => {
                    word.push(byte);
                    skip_next = byte == b'\\';
                    after_dollar = byte == b'$';
                    state = State::Bare;
                }
            },
        }
        at += 1;
    }
    if let State::Quoted(_) = state {
        events.push(Event::Refused(UnclosedQuote, quote_start));
    } else if !words.is_empty() || !word.is_empty() || skip_next {
        events.push(Event::Refused(UnexpectedEnd, at));
    } else if let Some(&open) = opens.last() {
        events.push(Event::Refused(UnclosedBlock, open));
    }
    events
}

fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut value = Vec::new();
    let mut bytes = raw.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let escape = if byte == b'\\' { bytes.peek().copied() } else { None };
        let decoded = match escape {
            Some(b'"' | b'\'' | b'\\') => escape,
            Some(b't') => Some(b'\t'),
            Some(b'r') => Some(b'\r'),
            Some(b'n') => Some(b'\n'),
            _ => None,
        };
        if decoded.is_some() {
            bytes.next();
        }
        value.push(decoded.unwrap_or(byte));
    }
    value
}

/// The same events from a document, up to its first error.
fn events_of(document: &Document) -> Vec<Event> {
    let first: Option<&Error> = document.errors().first();
    let stop = first.map_or(usize::MAX, |error| match error.kind {
        ErrorKind::UnclosedBlock => usize::MAX,
        _ => error.span.start as usize,
    });
    let mut events = Vec::new();
    let mut closes: Vec<usize> = Vec::new();
    for directive in document.walk() {
        let Some(terminator) = directive.terminator() else { break };
        if terminator.start as usize >= stop {
            break;
        }
        while closes.last().is_some_and(|close| *close < directive.span().start as usize) {
            closes.pop();
            events.push(Event::Close);
        }
        events.push(Event::Directive(
            directive.words().map(|word| word.value().into_owned()).collect(),
            directive.ending(),
        ));
        if let Some(block) = directive.block() {
            closes.push(block.close.map_or(usize::MAX, |close| close.start as usize));
        }
    }
    events.extend(closes.iter().rev().filter(|close| **close < stop).map(|_| Event::Close));
    events.extend(first.map(|error| Event::Refused(error.kind, error.span.start as usize)));
    events
}

#[test]
fn reads_what_a_plain_reader_reads() {
    let mut random = Random::new(1);
    for alphabet in
        [&b"a ;{}\n"[..], b"ab \n\r\t;{}\"'\\$#)tn\0", b"a  ;\"'\\\n", b"${a} ;\\", b"aaaa aaa;;{}#\n\n\"\"''"]
    {
        for _ in 0..20_000 {
            let source = random.bytes(alphabet, 24);
            let plain = read_plainly(&source);
            assert_eq!(events_of(&parse(&source)), plain, "{:?}", String::from_utf8_lossy(&source));
            let refused = matches!(plain.last(), Some(Event::Refused(..)));
            assert_eq!(refused, !parse(&source).errors().is_empty());
        }
    }
}

/// Whether every byte that nginx does not pass over is in exactly one piece of the document, and the pieces in order.
fn assert_whole(document: &Document) {
    let source = document.source();
    let mut pieces: Vec<(u32, u32)> = Vec::new();
    let mut add = |span: nginx_config_parser::Span| {
        assert!(span.start <= span.end && span.end as usize <= source.len(), "{span:?}");
        pieces.push((span.start, span.end));
    };
    let mut closes = Vec::new();
    let mut count = 0;
    for directive in document.walk() {
        count += 1;
        directive.words().for_each(|word| add(word.span()));
        if let Some(block) = directive.block() {
            if directive.ending() == Ending::LuaBlock {
                add(block.inner);
            }
            block.close.into_iter().for_each(&mut add);
            closes.extend(block.close);
        }
        directive.terminator().into_iter().for_each(&mut add);
        if let Some(parent) = directive.parent() {
            let (inner, outer) = (directive.span(), parent.block().unwrap().inner);
            assert!(outer.start <= inner.start && inner.end <= outer.end, "{inner:?} in {outer:?}");
        }
        let own = directive.span();
        assert_eq!(document.directive_at(own.start).unwrap().id(), directive.id());
        for word in directive.words() {
            let value = word.value();
            let inner = word.inner_span();
            assert!((0..=value.len() + 1).all(|index| {
                let offset = word.source_offset(index);
                inner.start <= offset && offset <= inner.end
            }));
        }
    }
    let by_level: usize = {
        let mut levels = vec![document.directives()];
        let mut seen = 0;
        while let Some(level) = levels.last_mut() {
            match level.next() {
                Some(directive) => {
                    seen += 1;
                    levels.push(directive.children());
                }
                None => drop(levels.pop()),
            }
        }
        seen
    };
    assert_eq!(count, by_level);
    document.comments().iter().copied().for_each(&mut add);
    for error in document.errors() {
        use ErrorKind::*;
        assert!(error.span.end as usize <= source.len());
        if matches!(error.kind, UnexpectedSemicolon | UnexpectedCloseBrace | ByteOrderMark) {
            add(error.span);
        }
        // The brace of a missing semicolon closes a block, unless there is none.
        if error.kind == MissingSemicolon && !closes.contains(&error.span) {
            add(error.span);
        }
    }
    if !document.placeholders().is_empty() {
        return;
    }
    pieces.retain(|piece| piece.0 < piece.1);
    pieces.sort_unstable();
    let mut at = 0;
    for (start, end) in pieces {
        assert!(at <= start, "two pieces at {start} in {:?}", String::from_utf8_lossy(source));
        let between = &source[at as usize..start as usize];
        assert!(between.iter().all(u8::is_ascii_whitespace), "{:?}", String::from_utf8_lossy(source));
        at = end;
    }
    assert!(source[at as usize..].iter().all(u8::is_ascii_whitespace), "{:?}", String::from_utf8_lossy(source));
}

#[test]
fn nothing_is_lost_or_doubled() {
    let mut random = Random::new(2);
    let pieces: &[&[u8]] = &[
        b"server",
        b" ",
        b"\n",
        b"\r\n",
        b";",
        b"{",
        b"}",
        b"\"",
        b"'",
        b"\\",
        b"$",
        b"${a}",
        b"# c\n",
        b"#",
        b"a_by_lua_block {",
        b"[[",
        b"]]",
        b"--",
        b"{{ x }}",
        b"{%",
        b"%}",
        b"{#",
        b"#}",
        b"<%=",
        b"%>",
        b"{{\n",
        b"\n}}\n",
        b"%{ if a }",
        b"\xef\xbb\xbf",
        b"\xff",
        b"\0",
        b"\x01",
        b"\x02\n",
        b"location / {\n",
        b"}\n",
    ];
    for _ in 0..30_000 {
        let mut source = Vec::new();
        for _ in 0..random.below(16) {
            source.extend_from_slice(pieces[random.below(pieces.len())]);
        }
        assert_whole(&parse(&source));
        assert_whole(&parse_template(&source));
    }
}

#[test]
fn a_changed_configuration_is_still_whole() {
    let mut random = Random::new(3);
    for _ in 0..3_000 {
        let mut source = common::SITE.as_bytes().to_vec();
        for _ in 0..1 + random.below(4) {
            let at = random.below(source.len());
            match random.below(3) {
                0 => drop(source.remove(at)),
                1 => source.insert(at, b";{}\"'\\\n #$"[random.below(10)]),
                _ => source.truncate(at.max(1)),
            }
        }
        assert_whole(&parse(&source));
        let document = parse(&source);
        if let (Some(Event::Refused(..)), []) = (read_plainly(&source).last(), document.errors()) {
            panic!("{}", String::from_utf8_lossy(&source));
        }
    }
}
