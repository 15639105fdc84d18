//! The nginx parser by itself: every part of a document can be asked for, and each place lies in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nginx_config_parser::{Document, looks_templated, parse, parse_template};

fuzz_target!(|bytes: &[u8]| {
    look(&parse(bytes), bytes);
    look(&parse_template(bytes), bytes);
    let _ = looks_templated(bytes);
});

fn look(document: &Document<'_>, bytes: &[u8]) {
    let mut last = 0;
    for directive in document.walk() {
        let span = directive.span();
        assert!(span.start <= span.end && span.end as usize <= bytes.len(), "{span:?}");
        assert!(span.start >= last, "the order is that of the text");
        last = span.start;
        for word in directive.words() {
            let place = word.span();
            assert!(span.start <= place.start && place.end <= span.end, "{place:?} in {span:?}");
            let _ = word.value();
        }
        for child in document.children(directive.id()) {
            assert!(child.span().start >= span.start && child.span().end <= span.end);
        }
        let _ = (directive.name(), directive.ending(), directive.terminator(), directive.block());
    }
    for span in document.comments() {
        assert!(document.bytes(*span).starts_with(b"#"));
    }
    for error in document.errors() {
        let _ = (document.line_column(error.span.start), error.to_string());
    }
    for placeholder in document.placeholders() {
        assert!(placeholder.span.end as usize <= bytes.len());
    }
}
