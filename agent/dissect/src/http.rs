//! HTTP/1 request heads: the host asked for, never a path.

use crate::reader::{Answer, clean_name};

/// A head without a Host within so many bytes is not waited for.
pub(crate) const MAX_HEAD: usize = 16 * 1024;

const METHODS: [&[u8]; 14] = [
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"PATCH ",
    b"CONNECT ",
    b"TRACE ",
    b"PROPFIND ",
    b"REPORT ",
    b"MKCOL ",
    b"MOVE ",
    b"COPY ",
];

/// A request head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The authority of a CONNECT or absolute target, else the Host; without user and port.
    pub(crate) host: Option<Box<str>>,
    /// Bytes up to and with the empty line; all bytes there are where it has not come yet.
    pub(crate) len: usize,
}

/// The bytes may be the start of a request.
#[inline]
pub(crate) fn may_start(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(u8::is_ascii_uppercase)
        && METHODS.iter().any(|method| {
            let len = method.len().min(bytes.len());
            bytes[..len] == method[..len]
        })
}

/// Reads a request head; as soon as the host is known it does not wait for the rest.
pub(crate) fn parse(bytes: &[u8]) -> Answer<Request> {
    if !may_start(bytes) {
        return Answer::NotThis;
    }
    let more = || if bytes.len() >= MAX_HEAD { Answer::NotThis } else { Answer::More(bytes.len() + 1) };
    let mut lines = Lines { rest: bytes };
    let Some(line) = lines.next() else { return more() };
    let Some((method, target)) = request_line(line) else { return Answer::NotThis };
    let mut host = match target {
        authority if method == b"CONNECT" => host_of(authority),
        target => target
            .windows(3)
            .take(8)
            .position(|window| window == b"://")
            .and_then(|at| host_of(until(&target[at + 3..], b"/?#"))),
    };
    let absolute = host.is_some();
    let mut ended = false;
    for line in lines.by_ref() {
        if line.is_empty() {
            ended = true;
            break;
        }
        if !absolute && host.is_none() && line.len() > 5 && line[..5].eq_ignore_ascii_case(b"host:") {
            host = host_of(line[5..].trim_ascii());
        }
    }
    match (host, ended) {
        (host, true) => Answer::Found(Request { host, len: bytes.len() - lines.rest.len() }),
        (host @ Some(_), false) => Answer::Found(Request { host, len: bytes.len() }),
        (None, false) => more(),
    }
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
    let mut words = line.split(|&byte| byte == b' ');
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
    fn what_is_no_request_is_refused() {
        for text in
            ["GET sip:a SIP/2.0\r\n", "GETTING / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n", "GET /\r\n\r\n"]
        {
            assert_eq!(parse(text.as_bytes()), Answer::NotThis, "{text}");
        }
        assert_eq!(host("GET / HTTP/1.1\r\nHost: a<b>.example\r\n\r\n"), None);
    }
}
