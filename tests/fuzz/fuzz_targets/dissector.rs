//! Any sequence of frames and pauses through the whole dissector: nothing panics and every bound holds.
//!
//! An input is a list of records: a byte that is a link type's number or, with the upper bit, a pause in units of ten
//! milliseconds; behind a link type, the frame's length in two bytes, little end first, and the frame.
#![no_main]

use libfuzzer_sys::fuzz_target;
use umbrascope_dissect::fuzzing::Bounded;

fuzz_target!(|bytes: &[u8]| {
    let mut dissector = Bounded::default();
    let mut rest = bytes;
    loop {
        match rest {
            [pause, more @ ..] if *pause >= 0x80 => {
                dissector.wait((pause & 0x7f).saturating_mul(10));
                rest = more;
            }
            [link, low, high, more @ ..] => {
                let len = usize::from(u16::from_le_bytes([*low, *high])).min(more.len());
                dissector.frame(*link, &more[..len]);
                rest = &more[len..];
            }
            _ => break,
        }
    }
    dissector.finish();
});
