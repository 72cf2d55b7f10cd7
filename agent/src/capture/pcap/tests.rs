use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::blocks::*;
use super::input::BUFFER_BYTES;
use super::*;

/// A reader that gives a few bytes at a time, as a pipe may.
struct Drip<'a>(&'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.len().min(buffer.len()).min(7);
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

type Read1 = (u64, LinkType, Vec<u8>);

fn read(file: &[u8]) -> (Vec<Read1>, Option<String>) {
    let mut frames = Vec::new();
    let mut capture = match CaptureReader::new(Drip(file)) {
        Ok(capture) => capture,
        Err(error) => return (frames, Some(error.to_string())),
    };
    loop {
        match capture.next_frame() {
            Ok(Some(frame)) => frames.push((frame.at.0, frame.link, frame.bytes.to_vec())),
            Ok(None) => return (frames, None),
            Err(error) => return (frames, Some(error.to_string())),
        }
    }
}

fn words(big: bool, words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| if big { word.to_be_bytes() } else { word.to_le_bytes() }).collect()
}

fn classic_file(magic: u32, big: bool, fraction: u32) -> Vec<u8> {
    let version = if big { 0x0002_0004 } else { 0x0004_0002 };
    let mut file = words(big, &[magic, version, 0, 0, 65535, 1]);
    for payload in [b"first".as_slice(), b"second"] {
        file.extend(words(big, &[10, fraction, payload.len() as u32, payload.len() as u32]));
        file.extend(payload);
    }
    file
}

fn block(big: bool, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let len = body.len() as u32 + 12;
    [words(big, &[kind, len]), body, words(big, &[len])].concat()
}

fn section(big: bool) -> Vec<u8> {
    let version = if big { 0x0001_0000 } else { 0x0000_0001 };
    block(big, SECTION_HEADER, &words(big, &[0x1a2b_3c4d, version, u32::MAX, u32::MAX]))
}

fn interface_block(big: bool, link: u16, snap_len: u32, options: &[u8]) -> Vec<u8> {
    let link = if big { u32::from(link) << 16 } else { u32::from(link) };
    block(big, INTERFACE, &[words(big, &[link, snap_len]), options.to_vec()].concat())
}

fn enhanced(big: bool, interface: u32, ticks: u64, bytes: &[u8]) -> Vec<u8> {
    let head = [interface, (ticks >> 32) as u32, ticks as u32, bytes.len() as u32, bytes.len() as u32];
    block(big, ENHANCED_PACKET, &[words(big, &head), bytes.to_vec()].concat())
}

#[test]
fn pcap_files_of_both_units_and_byte_orders_read_the_same() {
    let expected = vec![
        (10_000_005, LinkType::Ethernet, b"first".to_vec()),
        (10_000_005, LinkType::Ethernet, b"second".to_vec()),
    ];
    for big in [false, true] {
        assert_eq!(read(&classic_file(0xa1b2_c3d4, big, 5)), (expected.clone(), None));
        assert_eq!(read(&classic_file(0xa1b2_3c4d, big, 5999)), (expected.clone(), None));
    }
}

#[test]
fn pcapng_interfaces_keep_their_own_link_type_and_clock() {
    for big in [false, true] {
        let nanoseconds =
            [&words(big, &[])[..], if big { &[0, 9, 0, 1] } else { &[9, 0, 1, 0] }, &[9, 0, 0, 0]].concat();
        let file = [
            section(big),
            interface_block(big, 1, 65535, &[]),
            block(big, 0x0bad, b"a block of a kind nobody knows"),
            interface_block(big, 101, 96, &nanoseconds),
            interface_block(big, 147, 96, &[]),
            enhanced(big, 1, 7_000_000, b"raw"),
            enhanced(big, 2, 0, b"unknown link"),
            enhanced(big, 0, 9, b"ethernet"),
            block(big, SIMPLE_PACKET, &[words(big, &[6]), b"simple".to_vec()].concat()),
        ]
        .concat();
        let expected = vec![
            (7000, LinkType::Raw, b"raw".to_vec()),
            (9, LinkType::Ethernet, b"ethernet".to_vec()),
            (0, LinkType::Ethernet, b"simple".to_vec()),
        ];
        assert_eq!(read(&file), (expected, None));
    }
}

#[test]
fn a_section_may_change_the_byte_order_and_forgets_the_interfaces() {
    let part = |big| [section(big), interface_block(big, 1, 0, &[]), enhanced(big, 0, 1, b"x")].concat();
    assert_eq!(read(&[part(false), part(true)].concat()).0.len(), 2);
    let (frames, error) = read(&[part(false), section(true), enhanced(true, 0, 1, b"x")].concat());
    assert_eq!(frames.len(), 1);
    assert!(error.unwrap().contains("never described"));
}

#[test]
fn every_prefix_yields_what_is_there_and_says_that_it_ends_early() {
    let blocks = [
        section(false),
        interface_block(false, 1, 0, &[]),
        enhanced(false, 0, 1, b"first"),
        block(false, SIMPLE_PACKET, &[words(false, &[6]), b"second".to_vec()].concat()),
    ];
    let at = |count: usize| blocks[..count].iter().map(Vec::len).sum::<usize>();
    // Where each packet's record begins, its bytes begin, its record ends.
    let places = [[at(2), at(2) + 28, at(3)], [at(3), at(3) + 12, at(4)]];
    let classic = (classic_file(0xa1b2_c3d4, false, 5), [[24, 40, 45], [45, 61, 67]]);
    for (file, places) in [classic, (blocks.concat(), places)] {
        for len in 24..=file.len() {
            let (frames, error) = read(&file[..len]);
            let there: Vec<&[u8]> = [&b"first"[..], b"second"]
                .iter()
                .zip(places)
                .map(|(bytes, [_, from, _])| &bytes[..len.saturating_sub(from).min(bytes.len())])
                .filter(|bytes| !bytes.is_empty())
                .collect();
            let frames: Vec<_> = frames.iter().map(|(_, _, bytes)| &bytes[..]).collect();
            assert_eq!(frames, there, "at {len}");
            let whole = places.iter().any(|[from, _, to]| [*from, *to].contains(&len));
            let error = error.unwrap_or_default();
            if len >= places[0][0] {
                assert_eq!(error.is_empty(), whole, "at {len}: {error}");
            }
            assert!(error.is_empty() || error.contains("ends within a record"), "{error}");
        }
    }
}

#[test]
fn after_the_last_words_there_is_nothing_more() {
    let file = classic_file(0xa1b2_c3d4, false, 5);
    let mut capture = CaptureReader::new(&file[..file.len() - 2]).unwrap();
    assert_eq!(capture.next_frame().unwrap().unwrap().bytes, b"first");
    assert_eq!(capture.next_frame().unwrap().unwrap().bytes, b"seco");
    assert!(matches!(capture.next_frame(), Err(CaptureError::Truncated { offset: 45 })));
    assert!(matches!(capture.next_frame(), Ok(None)));
}

#[test]
fn a_damaged_header_is_told_with_its_place_after_what_comes_before() {
    let mut file = classic_file(0xa1b2_c3d4, false, 5);
    file[45 + 8..45 + 12].copy_from_slice(&4_325_376_u32.to_le_bytes());
    let (frames, error) = read(&file);
    assert_eq!(frames.len(), 1);
    assert!(error.unwrap().contains("damaged at byte 45"));

    let whole = [section(false), interface_block(false, 1, 0, &[]), enhanced(false, 0, 1, b"abc")].concat();
    for (kind, len) in [(ENHANCED_PACKET, 4), (ENHANCED_PACKET, 0xffff_fff0)] {
        let (frames, error) = read(&[&whole[..], &words(false, &[kind, len, 0])].concat());
        assert_eq!(frames.len(), 1);
        assert!(error.unwrap().contains(&format!("damaged at byte {}", whole.len())));
    }
}

#[test]
fn other_files_and_unknown_links_are_refused_in_words() {
    for file in [&b""[..], b"RTSS and so on, long enough to be one", b"\xd4\xc3\xb2\xa1 short"] {
        assert!(read(file).1.unwrap().contains("`editcap -F pcapng`"));
    }
    for (file, command) in [
        (&b"\xfd7zXZ\0 and so on"[..], "xz -dc"),
        (b"BZh91AY&SY", "bzip2 -dc"),
        (b"\x04\x22\x4d\x18 and so on", "lz4 -dc"),
        (b"PK\x03\x04 and so on", "unzip -p"),
    ] {
        assert!(read(file).1.unwrap().contains(&format!("`{command} FILE | umbrascope-agent replay -`")));
    }
    let mut file = classic_file(0xa1b2_c3d4, false, 5);
    file[20] = 147;
    assert!(read(&file).1.unwrap().contains("link type 147"));
}

#[test]
fn the_buffer_keeps_its_bound_over_blocks_of_any_length() {
    let secrets = block(false, 10, &vec![0; 3 * 1024 * 1024]);
    let file =
        [section(false), secrets, interface_block(false, 1, 0, &[]), enhanced(false, 0, 1, b"abc")].concat();
    let mut capture = CaptureReader::new(&file[..]).unwrap();
    assert_eq!(capture.next_frame().unwrap().unwrap().bytes, b"abc");
    assert!(capture.input.buffer_len() <= BUFFER_BYTES);
}

#[test]
fn a_file_of_only_a_header_has_no_frames_and_no_fault() {
    assert_eq!(read(&classic_file(0xa1b2_c3d4, false, 5)[..24]), (vec![], None));
    assert_eq!(read(&section(true)), (vec![], None));
    assert_eq!(read(&[section(false), interface_block(false, 1, 0, &[])].concat()), (vec![], None));
}

#[test]
fn a_snap_length_that_makes_no_sense_changes_nothing() {
    for snap_len in [0, 1, u32::MAX] {
        let mut file = classic_file(0xa1b2_c3d4, false, 5);
        file[16..20].copy_from_slice(&snap_len.to_le_bytes());
        assert_eq!(read(&file).0.len(), 2, "{snap_len}");
    }
}

#[test]
fn longer_record_headers_of_patched_writers_are_told() {
    for big in [false, true] {
        for (magic, extra) in [(0xa1b2_c3d4, 4), (0xa1b2_c3d4, 8), (0xa1b2_cd34, 8), (0xa1b2_cd34, 12)] {
            let file = classic_file(magic, big, 5);
            let pad = vec![0; extra];
            let longer = [&file[..40], &pad, &file[40..61], &pad, &file[61..]].concat();
            let (frames, error) = read(&longer);
            assert_eq!((frames.len(), error), (2, None), "{magic:x} and {extra}");
            assert_eq!((&frames[0].2[..], &frames[1].2[..]), (&b"first"[..], &b"second"[..]));
        }
    }
}

#[test]
fn blocks_without_packets_are_skipped_wherever_they_stand() {
    let packet = enhanced(false, 0, 1, b"abc");
    let mut file = section(false);
    // Name resolution, statistics, journal, secrets, custom blocks that may and may not be copied.
    for kind in [4, 5, 9, 10, 0xbad, 0x4000_0bad] {
        file.extend(block(false, kind, b"something"));
    }
    file.extend(interface_block(false, 1, 0, &[]));
    for kind in [4, 5, 9, 10, 0xbad, 0x4000_0bad] {
        file.extend(&packet);
        file.extend(block(false, kind, b"something"));
    }
    let (frames, error) = read(&file);
    assert_eq!((frames.len(), error), (6, None));
}

#[test]
fn what_follows_the_last_record_is_told_after_all_frames() {
    for garbage in [&[0xff; 40][..], &[0xff; 16]] {
        let (frames, error) = read(&[&classic_file(0xa1b2_c3d4, false, 5)[..], garbage].concat());
        assert_eq!(frames.len(), 2);
        assert!(error.unwrap().contains("damaged at byte 67"));
    }
}

#[test]
fn frames_of_every_link_type_and_of_sections_with_different_ones_are_told_apart() {
    for (number, link) in [
        (0, LinkType::Null),
        (1, LinkType::Ethernet),
        (12, LinkType::Raw),
        (101, LinkType::Raw),
        (105, LinkType::Ieee80211),
        (113, LinkType::LinuxSll),
        (127, LinkType::Radiotap),
        (228, LinkType::Ipv4),
        (229, LinkType::Ipv6),
        (276, LinkType::LinuxSll2),
    ] {
        for big in [false, true] {
            for magic in [0xa1b2_c3d4, 0xa1b2_3c4d] {
                let mut file = classic_file(magic, big, 5);
                file[20..24].copy_from_slice(&words(big, &[u32::from(number)]));
                assert_eq!(read(&file).0[0].1, link);
            }
            let part =
                [section(big), interface_block(big, number, 68, &[]), enhanced(big, 0, 1, b"x")].concat();
            let other =
                [section(!big), interface_block(!big, 1, 0, &[]), enhanced(!big, 0, 1, b"y")].concat();
            let links: Vec<_> = read(&[part, other].concat()).0.iter().map(|frame| frame.1).collect();
            assert_eq!(links, [link, LinkType::Ethernet]);
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_files_of_one_part_and_of_several_read_as_the_plain_one() {
    let blocks = [section(false), interface_block(false, 1, 0, &[]), enhanced(false, 0, 1, b"abc")].concat();
    for file in [classic_file(0xa1b2_c3d4, true, 5), blocks] {
        let plain = read(&file);
        let (first, second) = file.split_at(30);
        assert_eq!(read(&gzip(&file)), plain);
        assert_eq!(read(&[gzip(first), gzip(b""), gzip(second)].concat()), plain);
        assert_eq!(read(&[gzip(&file), vec![0; 700]].concat()), plain, "padded with zeros");
        assert_eq!(read(&zstd(&file)), plain);
        let skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc".to_vec();
        assert_eq!(read(&[skippable.clone(), zstd(first), skippable, zstd(second)].concat()), plain);
    }
}

#[test]
fn every_prefix_of_a_compressed_file_is_survived_and_told() {
    let file = classic_file(0xa1b2_c3d4, false, 5);
    for (format, compressed) in [("gzip", gzip(&file)), ("zstd", zstd(&file))] {
        for len in 5..compressed.len() {
            let (frames, error) = read(&compressed[..len]);
            assert!(frames.len() <= 2);
            assert!(error.unwrap().contains(&format!("{format} data ends too early")), "at {len}");
        }
    }
}

#[test]
fn what_a_cut_or_damaged_compressed_file_still_gives_is_read() {
    // Long enough, and hard enough to compress, for several blocks.
    let noise: Vec<u8> = (0..6_000_u32).map(|at| (at.wrapping_mul(0x9e37_79b9) >> 15) as u8).collect();
    let mut file = words(false, &[0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, 1]);
    for _ in 0..40 {
        file.extend(words(false, &[10, 5, noise.len() as u32, noise.len() as u32]));
        file.extend(&noise);
    }
    // One member or frame a piece, so that the first ones are whole.
    let pieces: Vec<&[u8]> = file.chunks(20_000).collect();
    for (format, compress) in [("gzip", gzip as fn(&[u8]) -> Vec<u8>), ("zstd", zstd)] {
        let whole: Vec<u8> = pieces.iter().flat_map(|piece| compress(piece)).collect();
        assert_eq!(read(&whole).0.len(), 40);
        let before: usize = pieces[..6].iter().map(|piece| compress(piece).len()).sum();
        let readable = 6 * 20_000 / 6_016;

        let (frames, error) = read(&whole[..before + 9]);
        assert!(frames.len() > readable, "the last one in part");
        assert!(error.unwrap().contains(&format!("{format} data ends too early")));

        let mut damaged = whole.clone();
        damaged[before..before + 4].copy_from_slice(b"\x1f\x8b\xff\xff");
        let (frames, error) = read(&damaged);
        assert!(frames.len() > readable);
        assert!(error.unwrap().contains(&format!("`{format} -t FILE` checks")));

        let (frames, error) = read(&[&whole[..], b"something else"].concat());
        assert_eq!(frames.len(), 40);
        assert!(error.unwrap().contains(&format!("{format} data is damaged")));
    }
}

#[test]
fn a_wrong_checksum_is_told() {
    let file = classic_file(0xa1b2_c3d4, false, 5);
    for mut compressed in [gzip(&file), zstd(&file)] {
        let at = compressed.len() - if compressed[0] == 0x1f { 8 } else { 4 };
        compressed[at] ^= 1;
        assert!(read(&compressed).1.unwrap().contains("damaged"));
    }
}

#[test]
fn a_zstd_window_beyond_the_bound_is_refused_with_what_to_do() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(24).unwrap();
    encoder.write_all(&classic_file(0xa1b2_c3d4, false, 5)).unwrap();
    encoder.flush().unwrap();
    let error = read(&encoder.finish().unwrap()).1.unwrap();
    assert!(error.contains("`zstd -dc --long=31 FILE | umbrascope-agent replay -`"), "{error}");
}

#[test]
fn a_file_that_grows_a_thousandfold_only_costs_time() {
    let mut file = words(false, &[0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, 1]);
    for _ in 0..40 {
        file.extend(words(false, &[10, 5, 65_000, 65_000]));
        file.extend([0; 65_000]);
    }
    for compressed in [gzip(&file), zstd(&file)] {
        assert!(compressed.len() < file.len() / 500);
        let mut capture = CaptureReader::new(&compressed[..]).unwrap();
        let mut frames = 0;
        while capture.next_frame().unwrap().is_some() {
            frames += 1;
        }
        assert_eq!(frames, 40);
        assert_eq!(capture.input.buffer_len(), BUFFER_BYTES);
    }
}
