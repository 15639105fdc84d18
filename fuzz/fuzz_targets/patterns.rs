//! Patterns of origins: read, decided, and searched for an origin that was not meant. The first byte picks the engine,
//! the second the options.
#![no_main]

use corslint::cors::{
    Anchoring, Effort, Engine, Flags, Meant, OriginTest, Pattern, StringTest, admits_anybody, find_tenant, find_witness,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [engine, options, text @ ..] = bytes else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let engine = [Engine::JavaScript, Engine::Python, Engine::Pcre][usize::from(*engine) % 3];
    let anchoring = [Anchoring::Search, Anchoring::Prefix, Anchoring::Full][usize::from(*options >> 6) % 3];
    let flag = |bit: u8| options & (1 << bit) != 0;
    let flags = Flags {
        case_insensitive: flag(0),
        multiline: flag(1),
        dot_all: flag(2),
        verbose: flag(3),
        ascii: flag(4),
        unicode: flag(5),
    };
    let Ok(pattern) = Pattern::new(text, engine, anchoring, flags) else { return };
    for sample in ["", "null", "https://a.example.com", "http://localhost:3000", text] {
        pattern.matches(sample);
        pattern.find_end(sample, 0);
    }
    let test = OriginTest::from(StringTest::Matches(pattern));
    let mut effort = Effort::default();
    if let Ok(Some(witness)) = find_witness(&test, &Meant::of(&test), &mut effort) {
        assert_eq!(test.matches(&witness.origin), Some(true), "{witness:?}");
    }
    admits_anybody(&test);
    let _ = find_tenant(&test, &mut effort);
});
