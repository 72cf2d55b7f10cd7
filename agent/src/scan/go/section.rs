//! Where a program of Go keeps its build information: in ELF and Mach-O a section of its own, in PE the start of the section of data
//! (`debug/buildinfo` of Go's library, and its linker). 64 bits, in the order of the machines that there are.

use super::HEAD;

/// Largest table of sections, and of commands, that is read, in bytes.
const TABLE_BYTES: usize = 64 * 1024;
/// How far into a section of data it is looked for, in bytes, and in what steps it stands there.
const DATA_BYTES: usize = 64 * 1024;
const ALIGN: usize = 16;
/// Most programs for different machines in one file.
const MACHINES: usize = 8;

/// Reads so many bytes at a place, or as many as there are.
type Read<'a> = dyn Fn(u64, usize) -> Option<Vec<u8>> + 'a;

/// Place and length.
pub(super) fn find(read: &Read<'_>) -> Option<(u64, usize)> {
    let head = read(0, 64)?;
    match head.get(..4)? {
        b"\x7fELF" => in_elf(&head, read),
        [b'M', b'Z', ..] => in_pe(&head, read),
        b"\xCF\xFA\xED\xFE" => in_mach_o(0, read),
        // A table, the other way round, of programs for several machines. A class of Java begins so too.
        b"\xCA\xFE\xBA\xBE" => {
            let count = usize::try_from(u32_at(&head, 4)?.swap_bytes()).ok()?;
            let table = read(8, count.min(MACHINES) * 20)?;
            let places = table.chunks_exact(20).filter_map(|entry| u32_at(entry, 8));
            places.into_iter().find_map(|place| in_mach_o(u64::from(place.swap_bytes()), read))
        }
        _ => None,
    }
}

/// A Mach-O file (`mach-o/loader.h`): `LC_SEGMENT_64` is command 0x19, its sections follow it, 80 bytes each.
fn in_mach_o(start: u64, read: &Read<'_>) -> Option<(u64, usize)> {
    let head = read(start, 32)?;
    if !head.starts_with(b"\xCF\xFA\xED\xFE") {
        return None;
    }
    let (count, size) = (u32_at(&head, 16)?, usize::try_from(u32_at(&head, 20)?).ok()?);
    if size > TABLE_BYTES {
        return None;
    }
    let commands = read(start.checked_add(32)?, size)?;
    let mut rest = commands.as_slice();
    for _ in 0..count {
        let len = usize::try_from(u32_at(rest, 4)?).ok().filter(|len| *len >= 8)?;
        let (command, after) = rest.split_at_checked(len)?;
        rest = after;
        if u32_at(command, 0)? != 0x19 {
            continue;
        }
        let sections = command.get(72..).unwrap_or_default().chunks_exact(80);
        if let Some(section) = sections.into_iter().find(|section| section.starts_with(b"__go_buildinfo\0\0"))
        {
            let place = start.checked_add(u64::from(u32_at(section, 48)?))?;
            return Some((place, usize::try_from(u64_at(section, 40)?).ok()?));
        }
    }
    None
}

/// A PE file (Microsoft's "PE Format"): the first section that is initialised data, readable and writable.
fn in_pe(head: &[u8], read: &Read<'_>) -> Option<(u64, usize)> {
    let place = u64::from(u32_at(head, 60)?);
    let coff = read(place, 24)?;
    if !coff.starts_with(b"PE\0\0") {
        return None;
    }
    let (count, optional) = (u16_at(&coff, 6)?, u16_at(&coff, 20)?);
    let table = usize::from(count) * 40;
    if table > TABLE_BYTES {
        return None;
    }
    let table = read(place + 24 + u64::from(optional), table)?;
    let data = table.chunks_exact(40).find(|section| u32_at(section, 36) == Some(0xC000_0040))?;
    let (size, at) = (usize::try_from(u32_at(data, 16)?).ok()?, u64::from(u32_at(data, 20)?));
    let bytes = read(at, size.min(DATA_BYTES))?;
    let found = bytes.chunks(ALIGN).position(|chunk| chunk.starts_with(HEAD))? * ALIGN;
    Some((at + found as u64, size - found))
}

/// An ELF file.
fn in_elf(head: &[u8], read: &Read<'_>) -> Option<(u64, usize)> {
    if !head.starts_with(b"\x7fELF\x02\x01") || head.len() < 64 {
        return None;
    }
    // e_shoff, e_shentsize, e_shnum and e_shstrndx of the header (System V ABI, chapter 4).
    let table = u64_at(head, 40)?;
    let (size, count, names) = (u16_at(head, 58)?, u16_at(head, 60)?, u16_at(head, 62)?);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The head of programs that Go 1.19 built for macOS and Windows from an empty `main`, and the information at the place that these say.
    const MACH_O: &[u8] = include_bytes!("../testdata/go.mach-o.head");
    const PE: &[u8] = include_bytes!("../testdata/go.pe.head");
    const INFO: &[u8] = include_bytes!("../testdata/go.pe.buildinfo");
    const MACH_O_PLACE: usize = 770_048;
    const PE_PLACE: usize = 781_824;

    fn program(head: &[u8], place: usize) -> Vec<u8> {
        let mut bytes = head.to_vec();
        bytes.resize(place, 0);
        bytes.extend(INFO);
        bytes
    }

    fn found(bytes: &[u8]) -> Option<(u64, usize)> {
        find(&|at, len| {
            let rest = bytes.get(usize::try_from(at).ok()?..).unwrap_or_default();
            Some(rest[..len.min(rest.len())].to_vec())
        })
    }

    #[test]
    fn programs_of_every_system_keep_it_where_go_s_linker_puts_it() {
        let mach_o = program(MACH_O, MACH_O_PLACE);
        assert_eq!(found(&mach_o), Some((MACH_O_PLACE as u64, 256)));
        let pe = program(PE, PE_PLACE);
        let (at, len) = found(&pe).unwrap();
        assert_eq!((at, len), (PE_PLACE as u64, 12_288));
        let info = super::super::parse(&pe[PE_PLACE..]).unwrap();
        assert_eq!(info.path, "github.com/ollama/ollama");
        // Two machines in one file, the second of them in Go.
        let mut fat =
            [0xCAFE_BABE_u32, 2, 7, 3, 64, 32, 0, 0x0100_000C, 0, 4096, 0, 14].map(u32::to_be_bytes).concat();
        fat.resize(4096, 0);
        fat.extend(&mach_o);
        assert_eq!(found(&fat), Some((4096 + MACH_O_PLACE as u64, 256)));
    }

    #[test]
    fn a_program_cut_or_changed_has_none_or_another_and_makes_no_panic() {
        for head in [MACH_O, PE] {
            for end in 0..head.len() {
                found(&head[..end]);
            }
            let mut bytes = head.to_vec();
            for at in 0..head.len() {
                for byte in [0x00, 0x7F, 0xFF] {
                    let kept = std::mem::replace(&mut bytes[at], byte);
                    found(&bytes);
                    bytes[at] = kept;
                }
            }
        }
        for nothing in [&b"MZ"[..], b"\xCA\xFE\xBA\xBE\0\0\0\x41", b"\xCA\xFE\xBA\xBE\xFF\xFF\xFF\xFF"] {
            assert_eq!(found(nothing), None);
        }
    }
}
