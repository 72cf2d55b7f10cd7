//! What the collector signs of a whole export beside its checkpoint, so that no file is exchanged for another's.

use super::hash::{Hash, sha256};
use super::key::Keys;
use super::note::{Checkpoint, Note, NoteError};

/// What is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealed {
    /// An evidence pack: `content` is of its list of checksums.
    Pack,
    /// An export as JSON: `content` is of all bytes before the seal.
    Json,
}

/// A claim over an export: with which checkpoint it was made, what it holds, and when. Signed like a checkpoint, and never to be taken
/// for one: its second line is no number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Of what.
    pub sealed: Sealed,
    /// Entries that the checkpoint covers.
    pub size: u64,
    /// SHA-256 of the signed checkpoint's bytes.
    pub checkpoint: Hash,
    /// SHA-256 of what is sealed.
    pub content: Hash,
    /// Unix time in milliseconds.
    pub at_ms: i64,
}

impl Sealed {
    fn title(self) -> &'static str {
        match self {
            Self::Pack => "umbrascope evidence pack v1",
            Self::Json => "umbrascope json export v1",
        }
    }
}

impl Seal {
    /// A signed seal over `content`, made with this signed checkpoint.
    pub fn sign(
        sealed: Sealed,
        checkpoint: &Note,
        content: Hash,
        at_ms: i64,
        keys: &Keys,
    ) -> Result<Note, NoteError> {
        let size = Checkpoint::of(checkpoint)?.size;
        let checkpoint = sha256(&[checkpoint.to_string().as_bytes()]);
        keys.sign_text(Self { sealed, size, checkpoint, content, at_ms }.text())
    }

    /// The text that is signed.
    pub fn text(&self) -> String {
        let Self { sealed, size, checkpoint, content, at_ms } = self;
        format!("{}\ncheckpoint {size} {checkpoint}\ncontent {content}\ntime {at_ms}\n", sealed.title())
    }

    /// Reads the text of a note; `None` when it is no seal of this kind, or not as [`Seal::text`] writes it.
    pub fn read(sealed: Sealed, text: &str) -> Option<Self> {
        let mut lines = text.split_terminator('\n');
        lines.next().filter(|title| *title == sealed.title())?;
        let (size, checkpoint) = lines.next()?.strip_prefix("checkpoint ")?.split_once(' ')?;
        let content = lines.next()?.strip_prefix("content ")?;
        let at_ms = lines.next()?.strip_prefix("time ")?.parse().ok()?;
        let (size, checkpoint) = (size.parse().ok()?, Hash::from_hex(checkpoint)?);
        let seal = Self { sealed, size, checkpoint, content: Hash::from_hex(content)?, at_ms };
        (seal.text() == text).then_some(seal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_reads_back_and_is_neither_a_checkpoint_nor_a_seal_of_another_kind() {
        let seal = Seal {
            sealed: Sealed::Pack,
            size: 3,
            checkpoint: Hash([1; 32]),
            content: Hash([2; 32]),
            at_ms: -4,
        };
        let text = seal.text();
        assert_eq!(Seal::read(Sealed::Pack, &text), Some(seal));
        assert_eq!(Seal::read(Sealed::Json, &text), None);
        assert!(Checkpoint::read(&text).is_err());
        for bad in [
            text.replace(" 3 ", " 03 "),
            format!("{text}x\n"),
            text.trim_end().to_owned(),
            text.replace("0202", "0A02"),
        ] {
            assert_eq!(Seal::read(Sealed::Pack, &bad), None, "{bad}");
        }
    }
}
