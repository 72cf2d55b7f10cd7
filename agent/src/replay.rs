//! Runs capture files through the dissector, alone or with the matcher behind it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use umbrascope_dissect::{Dissector, Limits, Observation};

use crate::capture::pcap::{CaptureError, CaptureReader, Frame};
use crate::pipeline::{Matched, Pipeline};

/// What became of one file.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Frames read.
    pub frames: u64,
    /// Frames left out because the link type of their interface is not read.
    pub skipped_frames: u64,
    /// Why reading ended before the end of the file, if it did. What came before was replayed.
    pub stopped: Option<CaptureError>,
}

/// Why a file was not replayed at all.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be opened.
    #[error("cannot open the capture file {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// It is no capture.
    #[error("cannot read the capture file {}", path.display())]
    Capture {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: CaptureError,
    },
}

/// Hands over every name of a file (`-`: standard input), whether of an AI tool or not.
///
/// Nothing is forgotten for age here: the times of a file may jump, and the dissector's bounds hold without.
pub fn observations(path: &Path, sink: &mut dyn FnMut(Observation)) -> Result<Replayed, ReplayError> {
    let mut dissector = Dissector::new(Limits::default()).without_answers();
    let replayed = feed(path, |frame| {
        dissector.handle_frame(frame.at, frame.link, frame.bytes);
        while let Some(observation) = dissector.poll_observation() {
            sink(observation);
        }
    })?;
    dissector.finish();
    while let Some(observation) = dissector.poll_observation() {
        sink(observation);
    }
    Ok(replayed)
}

/// Hands over channel and name of every observation on a channel that is reported.
pub fn names(path: &Path, sink: &mut dyn FnMut(&'static str, Box<str>)) -> Result<Replayed, ReplayError> {
    observations(path, &mut |observation| {
        if let (Some(channel), Some(name)) = (observation.channel.as_str(), observation.name) {
            sink(channel, name);
        }
    })
}

/// Hands over what the rules of the pipeline know, as a live capture would.
pub fn matches(
    path: &Path,
    pipeline: &mut Pipeline,
    sink: &mut dyn FnMut(Matched<'_>),
) -> Result<Replayed, ReplayError> {
    let replayed = feed(path, |frame| {
        pipeline.handle_frame(frame.at, frame.link, frame.bytes);
        while let Some(matched) = pipeline.poll_matched() {
            sink(matched);
        }
    })?;
    pipeline.finish();
    while let Some(matched) = pipeline.poll_matched() {
        sink(matched);
    }
    Ok(replayed)
}

fn feed(path: &Path, sink: impl FnMut(Frame<'_>)) -> Result<Replayed, ReplayError> {
    if path == Path::new("-") {
        // Locked once and read in large pieces: the lock's own small buffer would only copy.
        return feed_from(path, io::stdin().lock(), sink);
    }
    let file = File::open(path).map_err(|cause| ReplayError::Open { path: path.to_owned(), cause })?;
    feed_from(path, file, sink)
}

fn feed_from(
    path: &Path,
    input: impl Read,
    mut sink: impl FnMut(Frame<'_>),
) -> Result<Replayed, ReplayError> {
    let mut capture =
        CaptureReader::new(input).map_err(|cause| ReplayError::Capture { path: path.to_owned(), cause })?;
    let mut frames = 0;
    let stopped = loop {
        match capture.next_frame() {
            Ok(Some(frame)) => {
                frames += 1;
                sink(frame);
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    Ok(Replayed { frames, skipped_frames: capture.skipped(), stopped })
}
