//! What the dissector says: one name on one channel of one flow.

use std::net::{IpAddr, SocketAddr};

/// Microseconds since any origin. Within one capture it should not go back; nothing breaks when it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

/// How a name was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// A DNS query message (RFC 1035), over UDP or TCP.
    Dns,
    /// A DNS answer to the client that asked (RFC 1035), over UDP or TCP.
    DnsAnswer,
    /// A multicast DNS query (RFC 6762).
    Mdns,
    /// A link-local multicast name resolution query (RFC 4795).
    Llmnr,
    /// A TLS ClientHello over TCP.
    Tls,
    /// A DTLS ClientHello.
    Dtls,
    /// A ClientHello inside QUIC, Google QUIC included.
    Quic,
    /// An HTTP Host or a proxy authority (CONNECT, absolute URI, SOCKS).
    Http,
}

impl Channel {
    /// The word this channel goes by in tables, JSON and SQL; `None` where the name never leaves the link, and for answers: the
    /// query said their name.
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Channel::Dns => Some("dns"),
            Channel::Tls | Channel::Dtls => Some("tls"),
            Channel::Quic => Some("quic"),
            Channel::Http => Some("http"),
            Channel::DnsAnswer | Channel::Mdns | Channel::Llmnr => None,
        }
    }
}

/// The transport a name came over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// Who talked to whom; `src` is the one that asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// TCP or UDP.
    pub transport: Transport,
    /// The client.
    pub src: SocketAddr,
    /// The server.
    pub dst: SocketAddr,
}

/// One name seen on the wire, uninterpreted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// When the packet that completed it was captured.
    pub at: Timestamp,
    /// How it was seen.
    pub channel: Channel,
    /// Lower case, no trailing dot, no port; of an answer the name that was asked for. `None`: a hello that carries no
    /// usable name.
    pub name: Option<Box<str>>,
    /// The flow it was seen on.
    pub flow: Flow,
    /// The hello carries the `encrypted_client_hello` extension (RFC 9849), true or GREASE.
    pub ech: bool,
    /// The first protocol the client offers by ALPN, if printable.
    pub alpn: Option<Box<str>>,
    /// What a DNS answer says; there on [`Channel::DnsAnswer`] alone.
    pub answer: Option<Box<Answer>>,
    /// Tells messages apart: the same for the copies of one message that were captured on several interfaces, with
    /// addresses translated or not, for one sent again, and for the two hellos of one TLS connection. Keyed with the
    /// seed of [`Limits`](crate::Limits): it means nothing outside this dissector.
    pub key: u64,
}

/// What a DNS answer says of the name asked for. Names are lower case without trailing dot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The [`key`](Observation::key) of the query that it answers: whoever saw that on the same flow knows that somebody
    /// asked.
    pub query: u64,
    /// The names it leads to, one after the other: by CNAME, and by service bindings in alias mode. At most 16.
    pub targets: Vec<Box<str>>,
    /// Where the last of them is, hints of services included. At most 32.
    pub addresses: Vec<IpAddr>,
    /// Its services (RFC 9460). At most 8.
    pub services: Vec<Service>,
}

/// A service binding: an HTTPS or SVCB record in service mode (RFC 9460).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Where the service is; empty: under the record's own name.
    pub target: Box<str>,
    /// The protocols it speaks, by their ALPN names. At most 8.
    pub alpn: Vec<Box<str>>,
    /// The names that hellos encrypted with its keys carry on the outside (RFC 9849, `public_name`). At most 8.
    pub ech_public_names: Vec<Box<str>>,
}
