//! HTTP/1 request heads: the host asked for, never a path.

use crate::reader::{Answer, clean_name};

/// A head without a Host within so many bytes is not waited for.
pub(crate) const MAX_HEAD: usize = 16 * 1024;

/// Of RFC 9110, of WebDAV and its relatives, of UPnP, and what some vendors made up.
const METHODS: [&[u8]; 36] = [
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"PATCH",
    b"CONNECT",
    b"TRACE",
    b"QUERY",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"MOVE",
    b"COPY",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
    b"SEARCH",
    b"ACL",
    b"BIND",
    b"REBIND",
    b"UNBIND",
    b"CHECKIN",
    b"CHECKOUT",
    b"MERGE",
    b"MKACTIVITY",
    b"MKCALENDAR",
    b"NOTIFY",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"PURGE",
    b"SOURCE",
    b"BITS_POST",
    b"RPC_IN_DATA",
    b"RPC_OUT_DATA",
];
const CONNECT: &[u8] = b"CONNECT";
/// Longest of them, and the space behind it.
const MAX_METHOD: usize = 13;

/// A request head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The authority of a CONNECT or absolute target, else the Host; without user and port.
    pub(crate) host: Option<Box<str>>,
    /// What follows the head.
    pub(crate) body: Body,
    /// Bytes up to and with the empty line; all bytes there are where it has not come yet.
    pub(crate) len: usize,
}

/// The bytes may be the start of a request. A proxy takes CONNECT in small letters as well, and a server an empty line
/// in front (RFC 9112, section 2.2).
#[inline]
pub(crate) fn may_start(bytes: &[u8]) -> bool {
    let bytes = match bytes {
        [b'\r'] => return true,
        [b'\r', b'\n', rest @ ..] => rest,
        _ => bytes,
    };
    match bytes.first() {
        None => true,
        Some(first) if !first.is_ascii_alphabetic() => false,
        Some(_) => {
            let head = &bytes[..bytes.len().min(MAX_METHOD)];
            let word = until(head, b" \t");
            if word.len() < head.len() {
                METHODS.contains(&word) || word.eq_ignore_ascii_case(CONNECT)
            } else {
                METHODS.iter().any(|method| method.starts_with(head))
                    || CONNECT.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head))
            }
        }
    }
}

/// Reads a request head; as soon as the host is known it does not wait for the rest.
pub(crate) fn parse(bytes: &[u8]) -> Answer<Request> {
    if bytes.is_empty() || !may_start(bytes) {
        return Answer::NotThis;
    }
    let more = || if bytes.len() >= MAX_HEAD { Answer::NotThis } else { Answer::More(bytes.len() + 1) };
    let mut lines = Lines { rest: bytes.strip_prefix(b"\r\n").unwrap_or(bytes) };
    let Some(line) = lines.next() else { return more() };
    let Some((method, target)) = request_line(line) else { return Answer::NotThis };
    let mut host = match target {
        authority if method.eq_ignore_ascii_case(CONNECT) => host_of(authority),
        target => target
            .windows(3)
            .take(8)
            .position(|window| window == b"://")
            .and_then(|at| host_of(until(&target[at + 3..], b"/?#"))),
    };
    let mut body = Body::None;
    let mut ended = false;
    // A Host whose value stands on the next line (obsolete line folding, RFC 9112, section 5.2).
    let mut folded = false;
    for line in lines.by_ref() {
        if line.is_empty() {
            ended = true;
            break;
        }
        if std::mem::take(&mut folded) && line[0].is_ascii_whitespace() {
            host = host_of(line.trim_ascii());
            continue;
        }
        let name = until(line, b":");
        let value = line.get(name.len() + 1..).unwrap_or_default().trim_ascii();
        let name = name.trim_ascii_end();
        if name.eq_ignore_ascii_case(b"host") && host.is_none() {
            host = host_of(value);
            folded = value.is_empty();
        } else if name.eq_ignore_ascii_case(b"content-length") && body == Body::None {
            body = Body::of_length(value);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            body = Body::Chunk;
        }
    }
    if method.eq_ignore_ascii_case(CONNECT) {
        body = Body::None; // what follows is the tunnel (RFC 9110, section 9.3.6)
    }
    match (host, ended) {
        (host, true) => Answer::Found(Request { host, body, len: bytes.len() - lines.rest.len() }),
        (host @ Some(_), false) => Answer::Found(Request { host, body: Body::None, len: bytes.len() }),
        (None, false) => more(),
    }
}

/// What of a request's body is still to come: the next request begins behind it, and nothing begins in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Body {
    /// Nothing, or nobody knows how much.
    #[default]
    None,
    /// So many bytes.
    Bytes(u32),
    /// A chunk's line (RFC 9112, section 7.1).
    Chunk,
    /// So many bytes of a chunk, its line end included.
    InChunk(u32),
    /// Lines behind the last chunk, up to an empty one.
    Trailer,
}

impl Body {
    fn of_length(value: &[u8]) -> Body {
        let length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        length.filter(|&length| length > 0).map_or(Body::None, Body::Bytes)
    }

    /// Goes over these bytes as far as they are the body's; returns how far, `None` where it takes more of a line.
    pub(crate) fn skip(&mut self, bytes: &[u8]) -> Option<usize> {
        /// Longest line between chunks that is believed.
        const MAX_LINE: usize = 1024;
        let mut at = 0;
        while *self != Body::None && at < bytes.len() {
            let rest = &bytes[at..];
            if let Body::Bytes(left) | Body::InChunk(left) = self {
                let now = rest.len().min(*left as usize);
                at += now;
                *left -= now as u32;
                if *left == 0 {
                    *self = if matches!(self, Body::InChunk(_)) { Body::Chunk } else { Body::None };
                }
                continue;
            }
            let Some(line) = (Lines { rest }).next() else {
                if rest.len() < MAX_LINE {
                    return if at > 0 { Some(at) } else { None };
                }
                *self = Body::None;
                break;
            };
            // What ends the line is in `rest`, so there is a byte behind it.
            at += rest.iter().position(|&byte| byte == b'\n').unwrap_or_default() + 1;
            *self = match self {
                Body::Trailer if line.is_empty() => Body::None,
                Body::Trailer => Body::Trailer,
                _ => match chunk_size(line) {
                    Some(0) => Body::Trailer,
                    Some(size) => Body::InChunk(size.saturating_add(2)),
                    None => Body::None,
                },
            };
        }
        Some(at)
    }
}

fn chunk_size(line: &[u8]) -> Option<u32> {
    let digits = until(line, b"; \t");
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|&byte| byte == b'\n')?;
        let line = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

fn request_line(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut words = line.split(|byte| b" \t".contains(byte)).filter(|word| !word.is_empty());
    let (method, target, version) = (words.next()?, words.next()?, words.next_back()?);
    (version.starts_with(b"HTTP/1.") && !target.is_empty()).then_some((method, target))
}

/// The host of `[user@]host[:port]`; an IPv6 literal keeps its brackets off.
fn host_of(authority: &[u8]) -> Option<Box<str>> {
    let authority = authority.rsplit(|&byte| byte == b'@').next()?;
    let host = match authority.strip_prefix(b"[") {
        Some(literal) => until(literal, b"]"),
        None => until(authority, b":"),
    };
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:%".contains(byte);
    if host.iter().all(plain) { clean_name(host) } else { None }
}

fn until<'a>(bytes: &'a [u8], stops: &[u8]) -> &'a [u8] {
    bytes.iter().position(|byte| stops.contains(byte)).map_or(bytes, |at| &bytes[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(head: &str) -> Option<String> {
        match parse(head.as_bytes()) {
            Answer::Found(request) => request.host.map(Into::into),
            _ => None,
        }
    }

    #[test]
    fn the_host_is_found_without_its_port() {
        assert_eq!(host("GET / HTTP/1.1\r\nhOsT:  A.Example:8080 \r\n\r\n").as_deref(), Some("a.example"));
        assert_eq!(host("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n").as_deref(), Some("2001:db8::1"));
    }

    #[test]
    fn the_authority_of_a_proxy_request_goes_before_the_host() {
        let connect = "CONNECT real.example:443 HTTP/1.1\r\nHost: front.example\r\n\r\n";
        assert_eq!(host(connect).as_deref(), Some("real.example"));
        let absolute = "GET http://user@real.example:80/a?b=://c HTTP/1.1\r\nHost: front.example\r\n\r\n";
        assert_eq!(host(absolute).as_deref(), Some("real.example"));
        let path = "GET /redirect?to=http://evil.example/ HTTP/1.1\r\nHost: front.example\r\n\r\n";
        assert_eq!(host(path).as_deref(), Some("front.example"));
    }

    #[test]
    fn every_prefix_wants_more_until_the_host_is_there() {
        let head = b"POST /x HTTP/1.1\r\nAccept: */*\r\nHost: a.example\r\nCookie: c\r\n\r\n";
        let end_of_host = head.windows(9).position(|window| window == b"Cookie: c").unwrap();
        for len in 1..=head.len() {
            match parse(&head[..len]) {
                Answer::More(needed) => assert!(needed > len && len < end_of_host),
                Answer::Found(request) => {
                    assert!(len >= end_of_host);
                    assert_eq!((request.host.as_deref(), request.len), (Some("a.example"), len));
                }
                Answer::NotThis => panic!("at {len}"),
            }
        }
    }

    #[test]
    fn odd_spelling_hides_no_host() {
        for head in [
            "connect a.example:443 HTTP/1.1\r\n\r\n",
            "Connect  a.example:443\tHTTP/1.1\r\n\r\n",
            "\r\nCONNECT a.example:443 HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\nHost : a.example\n\n",
            "GET / HTTP/1.1\r\nHost:\r\n\ta.example\r\n\r\n",
            "UNSUBSCRIBE / HTTP/1.1\r\nHost: a.example\r\n\r\n",
            "RPC_OUT_DATA / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        ] {
            assert_eq!(host(head).as_deref(), Some("a.example"), "{head}");
            for len in 1..20 {
                assert!(may_start(&head.as_bytes()[..len]), "{head} at {len}");
            }
        }
        assert!(!may_start(b"get / HTTP/1.1"));
    }

    #[test]
    fn bodies_are_gone_over_however_they_come() {
        let chunks = b"5;a=b\r\nhello\r\n0A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nGET";
        for step in 1..chunks.len() {
            let (mut body, mut at) = (Body::Chunk, 0);
            let mut there = step;
            while body != Body::None {
                match body.skip(&chunks[at..there.min(chunks.len())]) {
                    Some(0) | None => there += step,
                    Some(count) => at += count,
                }
            }
            assert_eq!(&chunks[at..], b"GET", "in steps of {step}");
        }
        let mut body = Body::Bytes(5);
        assert_eq!((body.skip(b"abc"), body.skip(b"deGET"), body), (Some(3), Some(2), Body::None));
        let connect = b"CONNECT a.example:443 HTTP/1.1\r\nContent-Length: 9\r\n\r\n";
        assert!(matches!(parse(connect), Answer::Found(Request { body: Body::None, .. })));
        let mut broken = Body::Chunk;
        assert_eq!((broken.skip(b"zz\r\n"), broken), (Some(4), Body::None));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for text in
            ["GET sip:a SIP/2.0\r\n", "GETTING / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n", "GET /\r\n\r\n"]
        {
            assert_eq!(parse(text.as_bytes()), Answer::NotThis, "{text}");
        }
        assert_eq!(host("GET / HTTP/1.1\r\nHost: a<b>.example\r\n\r\n"), None);
    }
}
