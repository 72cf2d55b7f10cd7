//! Text of others, which may try to look like something else.

use std::fmt::Write as _;

/// Text with what shows nothing and what turns the direction of a line made visible, as `⟨U+202E⟩`. Ends of lines stay, and nothing is
/// left out.
pub fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        if shows_nothing(character) && character != '\n' {
            // Writing to a text does not fail.
            let _ = write!(visible, "⟨U+{:04X}⟩", u32::from(character));
        } else {
            visible.push(character);
        }
    }
    visible
}

/// Whether a character is invisible or changes the direction of its neighbours: the control
/// characters and the format characters (Unicode general categories Cc, Cf, Zl, Zp and the spaces
/// and fillers that look like nothing), noncharacters, private use and tags.
pub fn shows_nothing(character: char) -> bool {
    character.is_control()
        || matches!(u32::from(character),
            0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F
            | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x2800 | 0x3164
            | 0xE000..=0xF8FF | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0xFFFE..=0xFFFF
            | 0xE0000..=0x10FFFF)
}

/// An error and its causes in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
