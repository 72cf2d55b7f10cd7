//! Where a program of Go keeps its build information.

/// Largest table of sections read, in bytes.
const TABLE_BYTES: usize = 64 * 1024;

/// Place and length of the section, of an ELF file of 64 bits in the order of the machines that there are.
pub(super) fn find(read: &impl Fn(u64, usize) -> Option<Vec<u8>>) -> Option<(u64, usize)> {
    let head = read(0, 64)?;
    if !head.starts_with(b"\x7fELF\x02\x01") || head.len() < 64 {
        return None;
    }
    // e_shoff, e_shentsize, e_shnum and e_shstrndx of the header (System V ABI, chapter 4).
    let table = u64_at(&head, 40)?;
    let (size, count, names) = (u16_at(&head, 58)?, u16_at(&head, 60)?, u16_at(&head, 62)?);
    let (size, count) = (usize::from(size), usize::from(count));
    if size != 64 || size * count > TABLE_BYTES {
        return None;
    }
    let table = read(table, size * count)?;
    let place = |entry: &[u8]| Some((u64_at(entry, 24)?, usize::try_from(u64_at(entry, 32)?).ok()?));
    let (at, len) = place(table.chunks_exact(size).nth(usize::from(names))?)?;
    let names = read(at, len.min(TABLE_BYTES))?;
    let of = table.chunks_exact(size).find(|entry| {
        let name = u32_at(entry, 0).and_then(|at| usize::try_from(at).ok()).and_then(|at| names.get(at..));
        name.is_some_and(|name| name.starts_with(b".go.buildinfo\0"))
    });
    place(of?)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}
