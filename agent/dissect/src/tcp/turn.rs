//! Where a stream may turn to another protocol in its middle.

use crate::{http, record};

/// The bytes may begin something in the middle of a stream; told by enough bytes that chance does not do it.
#[inline]
pub(super) fn may_restart(payload: &[u8]) -> bool {
    match payload.first() {
        Some(22) => record::starts(payload),
        Some(20) => {
            let skip = record::change_cipher_spec(payload);
            skip > 0 && record::starts(&payload[skip..])
        }
        Some(0x12) => payload.len() > 8 && record::starts(&payload[8..]),
        Some(b'A'..=b'Z') => payload.len() > 16 && http::may_start(payload),
        _ => false,
    }
}

/// The bytes end as what asks for TLS does, so that a hello may follow before any answer: a line (SMTP, IMAP, POP3,
/// FTP, the head of an HTTP CONNECT), an element (XMPP), the name of the LDAP operation, a PostgreSQL SSLRequest, the
/// zeros of a MySQL one, an RDP negotiation request.
pub(super) fn upgrades(before: &[u8]) -> bool {
    const MYSQL_FILLER: [u8; 23] = [0; 23];
    let ends_with = |end: &[u8]| before.ends_with(end);
    let rdp = |request: &[u8]| request[0] == 1 && request[2..4] == [8, 0];
    ends_with(b"\n")
        || ends_with(b">")
        || ends_with(b".1466.20037")
        || ends_with(&[0x04, 0xd2, 0x16, 0x2f])
        || ends_with(&MYSQL_FILLER)
        || before.last_chunk::<8>().is_some_and(|request| rdp(request))
}
