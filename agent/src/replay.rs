//! Runs capture files through the dissector.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use umbrascope_dissect::{Counters, Dissector, Limits, Observation};

use crate::capture::pcap::{CaptureError, CaptureReader};

/// What became of one file.
#[derive(Debug)]
pub struct Replayed {
    /// What the dissector met.
    pub counters: Counters,
    /// Frames left out because the link type of their interface is not read.
    pub skipped_frames: u64,
    /// Why reading ended before the end of the file, if it did. What came before was replayed.
    pub stopped: Option<CaptureError>,
}

/// Why a file was not replayed at all.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be opened.
    #[error("cannot open the capture file {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// It is no capture.
    #[error("cannot read the capture file {path}")]
    Capture {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: CaptureError,
    },
}

/// Runs one file (`-`: standard input) through a dissector of its own and hands over every observation.
///
/// Nothing is forgotten for age: the times of a file may jump, and its bounds hold without.
pub fn replay(path: &Path, sink: &mut dyn FnMut(Observation)) -> Result<Replayed, ReplayError> {
    if path == Path::new("-") {
        return replay_reader(path, io::stdin().lock(), sink);
    }
    let file = File::open(path).map_err(|cause| ReplayError::Open { path: path.to_owned(), cause })?;
    replay_reader(path, file, sink)
}

/// The same for anything that can be read; `path` is for the error's text.
pub fn replay_reader(
    path: &Path,
    input: impl io::Read,
    sink: &mut dyn FnMut(Observation),
) -> Result<Replayed, ReplayError> {
    let mut capture = CaptureReader::new(input)
        .map_err(|cause| ReplayError::Capture { path: path.to_owned(), cause })?;
    let mut dissector = Dissector::new(Limits::default());
    let stopped = loop {
        match capture.next_frame() {
            Ok(Some(frame)) => {
                dissector.handle_frame(frame.at, frame.link, frame.bytes);
                while let Some(observation) = dissector.poll_observation() {
                    sink(observation);
                }
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    dissector.finish();
    while let Some(observation) = dissector.poll_observation() {
        sink(observation);
    }
    Ok(Replayed { counters: *dissector.counters(), skipped_frames: capture.skipped(), stopped })
}

/// Runs a file through the dissector and hands over `channel` and `name` of every name on a channel that is reported,
/// whether of an AI tool or not.
pub fn names(path: &Path, sink: &mut dyn FnMut(&'static str, Box<str>)) -> Result<Replayed, ReplayError> {
    replay(path, &mut |observation| {
        if let (Some(channel), Some(name)) = (observation.channel.as_str(), observation.name) {
            sink(channel, name);
        }
    })
}
