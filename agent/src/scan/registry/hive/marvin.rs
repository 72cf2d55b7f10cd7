//! The hash of log entries: Marvin, as Microsoft published it with .NET (`marvin32.cpp` of the Common Language Runtime), over whole
//! words of four bytes, which is all that a log has.

/// The seed that the kernel uses for logs ("Windows registry file format specification", "Log entries").
const SEED: [u32; 2] = [0x7A4E_55C5, 0x82EF_4D88];
/// Stands behind the last byte of what is hashed.
const END: u32 = 0x80;

/// What was hashed so far.
pub(super) struct Marvin([u32; 2]);

impl Marvin {
    pub(super) fn new() -> Self {
        Self(SEED)
    }

    /// The hash of these bytes.
    pub(super) fn of(bytes: &[u8]) -> u64 {
        let mut hash = Self::new();
        hash.add(bytes);
        hash.end()
    }

    /// Goes on with so many words. What is left over of the last one is not hashed.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        for word in bytes.as_chunks::<4>().0 {
            self.take(u32::from_le_bytes(*word));
        }
    }

    /// The hash of all of it.
    pub(super) fn end(mut self) -> u64 {
        self.take(END);
        self.take(0);
        let Self([low, high]) = self;
        u64::from(high) << 32 | u64::from(low)
    }

    fn take(&mut self, word: u32) {
        let Self([low, high]) = self;
        *low = low.wrapping_add(word);
        *high ^= *low;
        *low = low.rotate_left(20).wrapping_add(*high);
        *high = high.rotate_left(9) ^ *low;
        *low = low.rotate_left(27).wrapping_add(*high);
        *high = high.rotate_left(19);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of .NET's own tests (`MarvinTests.cs` of corefx), with their seeds; those of whole words.
    #[test]
    fn hashes_are_those_of_its_authors() {
        let hash = |seed: u64, bytes: &[u8]| {
            let mut marvin = Marvin([seed as u32, (seed >> 32) as u32]);
            marvin.add(bytes);
            marvin.end()
        };
        let all: Vec<u8> = (0..=255).collect();
        for (seed, bytes, expected) in [
            (0x004F_B61A_001B_DBCC, &[][..], 0x30ED_35C1_00CD_3C7D),
            (0x004F_B61A_001B_DBCC, &[0x86, 0x42, 0xDC, 0x59], 0x7008_F2E8_7E9C_F556),
            (0x004F_B61A_001B_DBCC, &all, 0x7DFC_AB33_FCEA_D72C),
            (0x804F_B61A_001B_DBCC, &[0x86, 0x42, 0xDC, 0x59], 0x3628_9D96_54FB_49F6),
            (0x804F_B61A_001B_DBCC, &all, 0x73B4_AE56_9E0D_B919),
        ] {
            assert_eq!(hash(seed, bytes), expected, "{seed:x} {bytes:x?}");
        }
    }
}
