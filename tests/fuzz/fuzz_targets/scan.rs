//! What a scan reads in homes and in the records of package managers. The first byte picks the parser.
#![no_main]

use libfuzzer_sys::fuzz_target;
use umbrascope_agent::scan::parsers::ALL;

fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else { return };
    if let Some((_, parse)) = ALL.get(usize::from(*which) % ALL.len()) {
        parse(bytes);
    }
});
