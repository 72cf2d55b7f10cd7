//! What a word of the table is a sign of.

/// Longest word of the table, in octets.
pub(crate) const MAX_WORD: usize = 24;
/// Stands in the compiled table in front of a name that is not suspected.
pub(crate) const DENY: char = '-';

/// What a word is a sign of; `suspects.toml` says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Enough alone.
    Strong,
    /// Enough alone, as a piece of its own.
    Piece,
    /// Enough alone, wherever it stands.
    Anywhere,
    /// Enough alone, at the end of a piece.
    Ending,
    /// The letters `ai`.
    Ai,
    /// The same in other languages: as a piece of its own only.
    AiApart,
    /// A product's name that is an everyday word.
    Brand,
    /// Half a sign.
    Hint,
    /// What AI products are for.
    Use,
    /// An everyday word.
    Plain,
    /// Says nothing.
    Filler,
    /// A label in front of the registrable one, below `.ai`.
    Host,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Kind; 12] = [
        Kind::Strong,
        Kind::Piece,
        Kind::Anywhere,
        Kind::Ending,
        Kind::Ai,
        Kind::AiApart,
        Kind::Brand,
        Kind::Hint,
        Kind::Use,
        Kind::Plain,
        Kind::Filler,
        Kind::Host,
    ];

    /// As the compiled table spells it.
    pub(crate) fn letter(self) -> char {
        char::from(b'A' + self as u8)
    }

    /// Of the compiled table.
    pub(crate) fn of_letter(letter: char) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.letter() == letter)
    }

    /// Its bit in a set.
    pub(crate) fn bit(self) -> u16 {
        1 << self as u8
    }
}
