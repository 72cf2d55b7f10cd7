//! A capture file, pcap or pcapng: read in pieces of any size it gives the same frames, and a file that is cut gives
//! the same as far as it goes.
#![no_main]

use std::io::{self, Read};

use libfuzzer_sys::fuzz_target;

#[allow(dead_code, unreachable_pub)]
#[path = "../../../agent/src/capture"]
mod capture {
    pub mod pcap;
}

use capture::pcap::CaptureReader;

/// Gives so many bytes at a time.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.len().min(buffer.len()).min(self.1);
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

/// The frames, and whether the file was read to a proper end.
fn read(file: &[u8], at_once: usize) -> (Vec<Vec<u8>>, bool) {
    let mut frames = Vec::new();
    let Ok(mut capture) = CaptureReader::new(Drip(file, at_once)) else { return (frames, false) };
    loop {
        match capture.next_frame() {
            Ok(Some(frame)) => frames.push(frame.bytes.to_vec()),
            Ok(None) => return (frames, true),
            Err(_) => {
                assert!(matches!(capture.next_frame(), Ok(None) | Err(_)), "nothing comes after an error");
                return (frames, false);
            }
        }
        // A compressed file may hold more than it is long.
        if frames.len() > 10_000 {
            return (frames, true);
        }
    }
}

fuzz_target!(|file: &[u8]| {
    let whole = read(file, usize::MAX);
    let pieces = read(file, 1 + file.len() % 61);
    if matches!(file, [0x1f, 0x8b, ..] | [0x28, 0xb5, ..] | [_, 0x2a, 0x4d, 0x18, ..]) {
        // Of damaged data a few bytes more or less come before that is noticed.
        let common = whole.0.len().min(pieces.0.len()).saturating_sub(1);
        assert_eq!(whole.0[..common], pieces.0[..common]);
        assert_eq!(whole.1, pieces.1);
        return;
    }
    assert_eq!(whole, pieces);
    // Of a pcap file it takes the first records to tell how they look.
    if !whole.1 || !file.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
        return;
    }
    let cut = file.len() / 4 * 3;
    let (frames, _) = read(&file[..cut], usize::MAX);
    // All but the last are the same, and that one's beginning is.
    let Some((last, before)) = frames.split_last() else { return };
    assert_eq!(before, &whole.0[..before.len()]);
    assert!(whole.0[before.len()].starts_with(last));
});
