//! TLS records, and the hello in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use umbrascope_dissect::fuzzing;

fuzz_target!(|bytes: &[u8]| fuzzing::tls(bytes));
