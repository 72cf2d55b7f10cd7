//! Processes of macOS. What its calls give is read here, as if anybody had written it; the calls are beside.

#[cfg(target_os = "macos")]
mod calls;
#[cfg(target_os = "macos")]
mod system;

use super::WORDS;

#[cfg(target_os = "macos")]
pub(in crate::scan) use system::Libproc;

/// Longest word that is kept, in bytes. A script's path is no longer.
const WORD_BYTES: usize = 4096;

/// The first words of what `KERN_PROCARGS2` gives: how many words, the executable as it was called, zeros, the words, the
/// environment. A word that is not UTF-8 keeps its place, as one that nothing knows.
fn words(answer: &[u8]) -> Vec<String> {
    let Some((count, rest)) = answer.split_first_chunk() else { return Vec::new() };
    let count = usize::try_from(i32::from_le_bytes(*count)).unwrap_or(0);
    let Some(end) = rest.iter().position(|byte| *byte == 0) else { return Vec::new() };
    let Some(start) = rest[end..].iter().position(|byte| *byte != 0) else { return Vec::new() };
    let words = rest[end + start..].split(|byte| *byte == 0).take(count.min(WORDS));
    words.map(|word| String::from_utf8_lossy(&word[..word.len().min(WORD_BYTES)]).into_owned()).collect()
}

/// What the call gives, for [`super::super::parsers`].
#[cfg(any(test, feature = "fuzzing"))]
pub(in crate::scan) fn parse_any(bytes: &[u8]) {
    drop(words(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_from_the_executable_and_the_environment() {
        let answer = b"\x03\0\0\0/opt/homebrew/bin/node\0\0\0\0node\0\0x.js\0SECRET=1\0PATH=/bin\0";
        assert_eq!(words(answer), ["node", "", "x.js"]);
        for end in 0..answer.len() {
            let words = words(&answer[..end]);
            assert!(words.len() <= 3 && !words.iter().any(|word| word.contains("SECRET")), "{words:?}");
        }
        let many = [&1000_i32.to_le_bytes()[..], b"x\0", &b"a\0".repeat(1000)].concat();
        assert_eq!(words(&many).len(), WORDS);
        let long = [&1_i32.to_le_bytes()[..], b"x\0", &[b'a'; 10_000]].concat();
        assert_eq!(words(&long)[0].len(), WORD_BYTES);
        assert_eq!(words(&[&(-1_i32).to_le_bytes()[..], b"x\0a\0"].concat()), Vec::<String>::new());
    }
}
