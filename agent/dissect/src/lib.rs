//! Frames in, names out: DNS questions and answers, TLS, DTLS and QUIC server names, HTTP hosts.
//!
//! [`Dissector`] takes captured frames of any [`LinkType`] and yields [`Observation`]s: which name was seen, on which
//! [`Channel`], on which [`Flow`]. It follows what it must (TCP segments, TLS records, QUIC CRYPTO frames and IP
//! fragments, in any order) and nothing else, within bounds that [`Limits`] states.
//!
//! What it is not for: it does no I/O and asks for no time; it does not know which names matter, and keeps neither
//! payload nor paths.
//!
//! ```
//! use umbrascope_dissect::{Dissector, Limits, LinkType, Timestamp};
//!
//! let mut dissector = Dissector::new(Limits::default());
//! dissector.handle_frame(Timestamp(0), LinkType::Ethernet, b"a frame from a capture");
//! assert!(dissector.poll_observation().is_none());
//! ```
#![forbid(unsafe_code)]

mod assembler;
mod dissector;
mod dns;
mod dtls;
mod flow;
mod frame;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod hello;
mod http;
mod link;
mod observation;
mod output;
mod quic;
mod reader;
mod record;
mod station;
mod table;
mod tcp;
#[cfg(any(test, feature = "fuzzing"))]
#[cfg_attr(not(test), expect(dead_code, reason = "the fuzz targets need a part"))]
mod testing;
mod tunnel;
mod udp;
mod wrapper;

pub use dissector::{Dissector, Limits};
pub use link::LinkType;
pub use observation::{Answer, Channel, Flow, Observation, Service, Timestamp, Transport};
pub use output::Counters;
pub use station::{Mac, Station, Stations};
