//! Python, from bytes to findings.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| corslint_fuzz::lint("app.py", bytes));
