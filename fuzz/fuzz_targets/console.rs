//! What a browser's console says, as `diagnose` reads it; and what else is read of a request or an answer.
#![no_main]

use corslint::cors::{Origin, console, headers};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    if let Some(message) = console::parse(&text) {
        let _ = format!("{message:?}");
    }
    for line in text.lines() {
        headers::parse_list([line]);
        headers::is_safelisted_request_header("content-type", line);
        headers::is_safelisted_request_header(line, "1");
        headers::misspelt_cors_header(line);
        match Origin::parse(line) {
            // What is an origin is written as it is sent, and reads as itself.
            Ok(origin) => {
                assert_eq!(Origin::parse(origin.as_str()).as_ref(), Ok(&origin));
                let _ = (origin.registrable_domain(), origin.is_private_network(), origin.public_suffix_tenant());
            }
            Err(problem) => {
                let _ = (problem.describe(), problem.repaired());
            }
        }
        if let Some(origin) = Origin::parse_leniently(line) {
            assert!(Origin::parse(origin.as_str()).is_ok(), "{origin:?}");
        }
    }
});
