//! A window on a stream of bytes, and what is said where the stream ends.

use std::io::{self, Read};

use super::CaptureError;
use super::compressed::Decompressed;

/// Read at once. Fits the second-level cache, so that what was read is still there when it is looked at.
pub(super) const BUFFER_BYTES: usize = 256 * 1024;

#[derive(Debug)]
pub(super) struct Input<R: Read> {
    source: Decompressed<R>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes of the stream before the window.
    before: u64,
    /// Why the stream ended, other than by its end. Told once what came before is used up.
    trouble: Option<CaptureError>,
    /// The stream has ended.
    ended: bool,
}

impl<R: Read> Input<R> {
    pub(super) fn new(source: R) -> Result<Self, CaptureError> {
        Ok(Input {
            source: Decompressed::new(source)?,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            before: 0,
            trouble: None,
            ended: false,
        })
    }

    pub(super) fn offset(&self) -> u64 {
        self.before + self.start as u64
    }

    fn available(&self) -> usize {
        self.end - self.start
    }

    /// The bytes that are there without reading on.
    #[inline]
    pub(super) fn window(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    #[cfg(test)]
    pub(super) fn buffer_len(&self) -> usize {
        self.buffer.len()
    }

    /// At least the next `count` bytes; `None` where the stream ends before, then all there are stay in the window.
    #[inline]
    pub(super) fn peek(&mut self, count: usize) -> Result<Option<&[u8]>, CaptureError> {
        if self.available() < count && !self.fill(count)? {
            return Ok(None);
        }
        Ok(Some(self.window()))
    }

    #[inline]
    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
    }

    /// `len` bytes that begin `back` bytes before those not consumed.
    #[inline]
    pub(super) fn consumed(&self, back: usize, len: usize) -> &[u8] {
        &self.buffer[self.start - back..self.start - back + len]
    }

    #[cold]
    fn fill(&mut self, count: usize) -> Result<bool, CaptureError> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.before += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        if count > self.buffer.len() {
            self.buffer.resize(count.next_power_of_two(), 0);
        }
        while self.end < count && !self.ended {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    self.trouble = Some(self.source.trouble(error, self.before + self.end as u64));
                }
            }
        }
        Ok(self.end >= count)
    }

    /// Goes on `count` bytes; `false` where the stream ends before.
    pub(super) fn skip(&mut self, mut count: u64) -> Result<bool, CaptureError> {
        loop {
            let now = count.min(self.available() as u64);
            self.consume(now as usize);
            count -= now;
            if count == 0 {
                return Ok(true);
            }
            if !self.fill(1)? {
                return Ok(false);
            }
        }
    }

    /// Why the stream ended where it did, if not by its end.
    pub(super) fn trouble(&mut self) -> Option<CaptureError> {
        self.trouble.take()
    }

    /// What is to be said where a record was to begin at `offset` and is not there whole.
    #[cold]
    pub(super) fn end(&mut self, offset: u64) -> Result<(), CaptureError> {
        if self.available() == 0 {
            return self.trouble.take().map_or(Ok(()), Err);
        }
        self.start = self.end;
        self.end_within(offset)
    }

    /// What is to be said where the stream ended within the record at `offset`.
    #[cold]
    pub(super) fn end_within(&mut self, offset: u64) -> Result<(), CaptureError> {
        Err(self.trouble.take().unwrap_or(CaptureError::Truncated { offset }))
    }

    /// The stream ends within the record at `offset`: what there is of its packet, which begins `from` bytes into the
    /// record and would have `len`. Why it is not all follows where the next record would.
    #[cold]
    pub(super) fn cut_short(&mut self, offset: u64, from: usize, len: usize) -> Result<&[u8], CaptureError> {
        let there = self.available().saturating_sub(from).min(len);
        if there == 0 {
            self.end(offset)?;
        }
        let begin = self.start + from;
        self.start = self.end;
        self.trouble.get_or_insert(CaptureError::Truncated { offset });
        Ok(&self.buffer[begin..begin + there])
    }
}
