//! JavaScript and TypeScript, from bytes to findings. The first byte picks the language.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((name, text)) = corslint_fuzz::pick(&["app.js", "app.ts", "app.tsx"], bytes) {
        corslint_fuzz::lint(name, text);
    }
});
