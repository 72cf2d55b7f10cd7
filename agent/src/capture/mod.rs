//! Where packets come from.

use std::io;

#[cfg(target_os = "linux")]
pub mod afpacket;
#[cfg(target_os = "linux")]
pub mod filter;
pub mod pcap;
#[cfg(target_os = "linux")]
pub mod sockopt;

/// A source of frames. Live capture is one; a test hands in a list.
pub trait Frames {
    /// The next frame, valid until the next call; `None` when there is none now.
    fn next(&mut self) -> io::Result<Option<&[u8]>>;
}
