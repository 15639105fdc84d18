//! nginx configurations and templates, from bytes to findings. The first byte picks the name.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((name, text)) = corslint_fuzz::pick(&["nginx.conf", "site.conf.template", "site.conf.j2"], bytes) {
        corslint_fuzz::lint(name, text);
    }
});
