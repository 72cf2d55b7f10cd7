//! Ethernet frames on a gateway's interface, each behind its length in two bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use umbrascope_dissect::fuzzing;

fuzz_target!(|frames: &[u8]| fuzzing::station(frames));
