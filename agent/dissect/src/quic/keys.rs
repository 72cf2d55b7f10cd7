//! Keys of the client's Initial packets: one table of versions, salts and labels.
//!
//! Initial packets are protected with keys that anyone can derive from the first Destination Connection ID
//! (RFC 9001, section 5.2). Salts: RFC 9001, RFC 9369, the drafts of draft-ietf-quic-tls, and for the versions that
//! companies gave themselves what their clients send.

use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey, quic};
use ring::hkdf;

const SALT_DRAFT_22: [u8; 20] = hex(b"7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a");
const SALT_DRAFT_23: [u8; 20] = hex(b"c3eef712c72ebb5a11a7d2432bb46365bef9f502");
const SALT_DRAFT_29: [u8; 20] = hex(b"afbfec289993d24c9e9786f19c6111e04390a899");
const SALT_V1: [u8; 20] = hex(b"38762cf7f55934b34d179ae6a4c80cadccbb7f0a");
const SALT_V2: [u8; 20] = hex(b"0dede3def700a6db819381be6e269dcbf9bd2ed9");
const SALT_Q050: [u8; 20] = hex(b"504574efd066fe2f9d945cfcdbd3a7f0d3b56b45");
const SALT_T050: [u8; 20] = hex(b"7ff579e5acd072915580304c43a2367c60488310");
const SALT_T051: [u8; 20] = hex(b"7a4edef4e7ccee5fa4506c19124fc8ccda6e033d");

/// How Initials of a version look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    salt: &'static [u8; 20],
    labels: &'static Labels,
    /// Bits 4 and 5 of the first byte of an Initial.
    pub(crate) initial_type: u8,
    /// Google's own frames: CRYPTO is 0x08, and the stream in it may be a CHLO.
    pub(crate) google: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Labels {
    key: &'static [u8],
    iv: &'static [u8],
    hp: &'static [u8],
}

const LABELS_V1: Labels = Labels { key: b"tls13 quic key", iv: b"tls13 quic iv", hp: b"tls13 quic hp" };
const LABELS_V2: Labels = Labels { key: b"tls13 quicv2 key", iv: b"tls13 quicv2 iv", hp: b"tls13 quicv2 hp" };

impl Version {
    /// The version of this number, if its Initials can be opened.
    pub(crate) fn of(number: u32) -> Option<Version> {
        const V1: Version = Version { salt: &SALT_V1, labels: &LABELS_V1, initial_type: 0x00, google: false };
        Some(match number {
            0x0000_0001 => V1,
            0x6b33_43cf => Version { salt: &SALT_V2, labels: &LABELS_V2, initial_type: 0x10, ..V1 },
            0xff00_0011..=0xff00_0016 | 0xface_b001 => Version { salt: &SALT_DRAFT_22, ..V1 },
            0xff00_0017..=0xff00_001c | 0xface_b002 | 0xface_b00e..=0xface_b013 => {
                Version { salt: &SALT_DRAFT_23, ..V1 }
            }
            0xff00_001d..=0xff00_0020 => Version { salt: &SALT_DRAFT_29, ..V1 },
            0xff00_0021 | 0xff00_0022 | 0xface_b003 => V1,
            0x5130_3530 => Version { salt: &SALT_Q050, google: true, ..V1 },
            0x5430_3530 => Version { salt: &SALT_T050, google: true, ..V1 },
            0x5430_3531 => Version { salt: &SALT_T051, google: true, ..V1 },
            _ => return None,
        })
    }
}

/// What opens a client's Initials.
pub(crate) struct Keys {
    packet: LessSafeKey,
    iv: [u8; 12],
    header: quic::HeaderProtectionKey,
}

/// Bytes of the header protection sample of AES (RFC 9001, section 5.4.3).
const SAMPLE: usize = 16;

impl Keys {
    /// The keys that follow from the Destination Connection ID of the client's first Initial.
    pub(crate) fn derive(version: Version, dst_cid: &[u8]) -> Option<Keys> {
        let initial = hkdf::Salt::new(hkdf::HKDF_SHA256, version.salt).extract(dst_cid);
        let mut secret = [0; 32];
        expand(&initial, b"tls13 client in", &mut secret)?;
        let secret = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &secret);
        let (mut key, mut iv, mut hp) = ([0; 16], [0; 12], [0; 16]);
        expand(&secret, version.labels.key, &mut key)?;
        expand(&secret, version.labels.iv, &mut iv)?;
        expand(&secret, version.labels.hp, &mut hp)?;
        Some(Keys {
            packet: LessSafeKey::new(UnboundKey::new(&aead::AES_128_GCM, &key).ok()?),
            iv,
            header: quic::HeaderProtectionKey::new(&quic::AES_128, &hp).ok()?,
        })
    }

    /// Opens a packet whose packet number field is at `number_at`; `scratch` receives a copy, opened in place.
    pub(crate) fn open<'s>(
        &self,
        packet: &[u8],
        number_at: usize,
        scratch: &'s mut Vec<u8>,
    ) -> Option<&'s [u8]> {
        // RFC 9001, section 5.4.2: the sample is taken as if the packet number were four bytes long.
        let sample = packet.get(number_at + 4..number_at + 4 + SAMPLE)?;
        let mask = self.header.new_mask(sample).ok()?;
        scratch.clear();
        scratch.extend_from_slice(packet);
        scratch[0] ^= mask[0] & 0x0f;
        let number_len = usize::from(scratch[0] & 3) + 1;
        let mut nonce = self.iv;
        let field = scratch[number_at..number_at + number_len].iter_mut().zip(&mask[1..]);
        // The number in full is the number on the wire: an Initial's is far below 256, and where the sender cut
        // it to one byte, what is missing is zero.
        for (slot, (byte, mask)) in field.enumerate() {
            *byte ^= mask;
            nonce[12 - number_len + slot] ^= *byte;
        }
        let (header, sealed) = scratch.split_at_mut(number_at + number_len);
        let opened = self
            .packet
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(&*header), sealed)
            .ok()?;
        Some(opened)
    }
}

#[cfg(feature = "fuzzing")]
impl Keys {
    /// Protects a packet whose header ends with a packet number of one byte.
    pub(crate) fn seal(&self, header: Vec<u8>, payload: &[u8]) -> Option<Vec<u8>> {
        let number_at = header.len() - 1;
        let mut nonce = self.iv;
        nonce[11] ^= header[number_at];
        let mut sealed = payload.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.packet.seal_in_place_append_tag(nonce, Aad::from(&header), &mut sealed).ok()?;
        let mut packet = [header, sealed].concat();
        let mask = self.header.new_mask(packet.get(number_at + 4..number_at + 4 + SAMPLE)?).ok()?;
        packet[0] ^= mask[0] & 0x0f;
        packet[number_at] ^= mask[1];
        Some(packet)
    }
}

/// HKDF-Expand-Label (RFC 8446, section 7.1) with an empty context; the label comes with its `tls13 `.
fn expand(secret: &hkdf::Prk, label: &[u8], out: &mut [u8]) -> Option<()> {
    struct Len(usize);
    impl hkdf::KeyType for Len {
        fn len(&self) -> usize {
            self.0
        }
    }
    let len = u8::try_from(out.len()).ok()?;
    let label_len = [u8::try_from(label.len()).ok()?];
    let info: [&[u8]; 4] = [&[0, len], &label_len, label, &[0]];
    secret.expand(&info, Len(out.len())).and_then(|okm| okm.fill(out)).ok()
}

const fn hex(text: &[u8; 40]) -> [u8; 20] {
    const fn digit(byte: u8) -> u8 {
        if byte <= b'9' { byte - b'0' } else { byte - b'a' + 10 }
    }
    let mut bytes = [0; 20];
    let mut at = 0;
    while at < 20 {
        bytes[at] = digit(text[2 * at]) << 4 | digit(text[2 * at + 1]);
        at += 1;
    }
    bytes
}
