//! A captured frame: its link type, then its bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use umbrascope_dissect::fuzzing;

fuzz_target!(|bytes: &[u8]| {
    if let [link, frame @ ..] = bytes {
        fuzzing::frame(*link, frame);
    }
});
