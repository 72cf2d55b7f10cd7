//! A QUIC datagram, and the frames of an Initial.
#![no_main]

use libfuzzer_sys::fuzz_target;
use umbrascope_dissect::fuzzing;

fuzz_target!(|bytes: &[u8]| fuzzing::quic(bytes));
