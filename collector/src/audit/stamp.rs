//! Time stamps by others (RFC 3161): what is asked of an authority, and what its answer is of. Whether the authority's own signature
//! holds is for `openssl ts -verify` and whoever trusts it: it needs its certificates, which are not ours to judge.

use x509_parser::asn1_rs::{Any, FromDer};

use super::hash::Hash;

/// DER of the algorithm identifier of SHA-256 (RFC 8017, A.2.4).
const SHA256: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00];
/// DER of the object identifier of SHA-256, without its tag and length.
const SHA256_ID: [u8; 9] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];

const BOOLEAN_TRUE: [u8; 3] = [0x01, 0x01, 0xff];
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const EXPLICIT_0: u8 = 0xa0;

/// What an authority states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// What it is of: the SHA-256 of a signed checkpoint.
    pub imprint: Hash,
    /// When, as it stands there: `20261127013000Z`.
    pub at: String,
    /// The content of the INTEGER that the request had with it; empty: none.
    pub nonce: Vec<u8>,
}

/// Why an answer is no time stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StampError {
    /// The authority refused.
    #[error("the authority refused it, with status {0}")]
    Refused(u8),
    /// It has not the form of an answer.
    #[error("it has not the form of RFC 3161")]
    Form,
    /// It is of another kind of hash.
    #[error("it is of no SHA-256")]
    Algorithm,
}

/// A request (RFC 3161, 2.4.1) for a time stamp over `imprint`, that asks for the certificate. `nonce` keeps old answers out.
pub fn request(imprint: &Hash, nonce: u64) -> Vec<u8> {
    let imprint = [&SHA256[..], &element(OCTETS, imprint.as_bytes())].concat();
    let nonce = nonce_content(nonce);
    let parts = [
        element(INTEGER, &[1]),
        element(SEQUENCE, &imprint),
        element(INTEGER, &nonce),
        BOOLEAN_TRUE.to_vec(),
    ];
    element(SEQUENCE, &parts.concat())
}

impl Stamp {
    /// Whether it answers the request that had this nonce.
    pub fn answers(&self, nonce: u64) -> bool {
        self.nonce == nonce_content(nonce)
    }
}

/// Reads an answer (RFC 3161, 2.4.2).
pub fn read(answer: &[u8]) -> Result<Stamp, StampError> {
    let mut bytes = answer;
    let mut answer = take(&mut bytes, SEQUENCE)?;
    let mut status = take(&mut answer, SEQUENCE)?;
    match take(&mut status, INTEGER)? {
        [0 | 1] => {}
        [.., last] => return Err(StampError::Refused(*last)),
        [] => return Err(StampError::Form),
    }
    // ContentInfo, SignedData, EncapsulatedContentInfo (RFC 5652), and in it the TSTInfo.
    let mut content = take(&mut answer, SEQUENCE)?;
    take(&mut content, OBJECT_ID)?;
    let mut content = take(&mut content, EXPLICIT_0)?;
    let mut signed = take(&mut content, SEQUENCE)?;
    take(&mut signed, INTEGER)?;
    take(&mut signed, SET)?;
    let mut inner = take(&mut signed, SEQUENCE)?;
    take(&mut inner, OBJECT_ID)?;
    let mut inner = take(&mut inner, EXPLICIT_0)?;
    let mut info = take(&mut inner, OCTETS)?;
    let mut info = take(&mut info, SEQUENCE)?;
    take(&mut info, INTEGER)?;
    take(&mut info, OBJECT_ID)?;
    let mut imprint = take(&mut info, SEQUENCE)?;
    let mut algorithm = take(&mut imprint, SEQUENCE)?;
    if take(&mut algorithm, OBJECT_ID)? != SHA256_ID {
        return Err(StampError::Algorithm);
    }
    let imprint = Hash::from_slice(take(&mut imprint, OCTETS)?).ok_or(StampError::Form)?;
    take(&mut info, INTEGER)?;
    let at = std::str::from_utf8(take(&mut info, GENERALIZED_TIME)?).map_err(|_| StampError::Form)?;
    let mut nonce = Vec::new();
    // Accuracy and ordering may stand before it.
    while let Some(tag) = info.first().copied() {
        let content = take(&mut info, tag)?;
        if tag == INTEGER {
            nonce = content.to_vec();
        }
    }
    let plain = at.len() <= 32 && at.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'Z'));
    if plain && bytes.is_empty() {
        Ok(Stamp { imprint, at: at.to_owned(), nonce })
    } else {
        Err(StampError::Form)
    }
}

/// The content of the next element, which has to have this tag.
fn take<'a>(bytes: &mut &'a [u8], tag: u8) -> Result<&'a [u8], StampError> {
    if bytes.first() != Some(&tag) {
        return Err(StampError::Form);
    }
    let (rest, element) = Any::from_der(bytes).map_err(|_| StampError::Form)?;
    *bytes = rest;
    Ok(element.data)
}

/// Content of a nonce, whose leading zero keeps it positive.
fn nonce_content(nonce: u64) -> Vec<u8> {
    [&[0][..], &(nonce | 1 << 63).to_be_bytes()].concat()
}

/// An element of fewer than 128 bytes, as all of a request are.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, content.len() as u8], content].concat()
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    #[test]
    fn a_request_is_written_as_the_rfc_wants_it() {
        let hex = HEXLOWER.encode(&request(&Hash([0xab; 32]), 5));
        let (imprint, nonce) = ("ab".repeat(32), "0209008000000000000005");
        let expected = format!("30440201013031300d060960864801650304020105000420{imprint}{nonce}0101ff");
        assert_eq!(hex, expected);
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        assert_eq!(read(b""), Err(StampError::Form));
        // PKIStatusInfo with status 2, and no token.
        assert_eq!(read(&[0x30, 5, 0x30, 3, 2, 1, 2]), Err(StampError::Refused(2)));
        assert_eq!(read(&[0x30, 5, 0x30, 3, 2, 1, 0]), Err(StampError::Form));
    }
}
