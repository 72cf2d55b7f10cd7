//! A request head, and what may stand in front of a stream.
#![no_main]

use libfuzzer_sys::fuzz_target;
use umbrascope_dissect::fuzzing;

fuzz_target!(|bytes: &[u8]| fuzzing::http(bytes));
