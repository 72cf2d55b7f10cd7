//! What the dissector says: one name on one channel of one flow.

use std::net::SocketAddr;

/// Microseconds since any origin. Within one capture it should not go back; nothing breaks when it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

/// How a name was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// A DNS query message (RFC 1035), over UDP or TCP.
    Dns,
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
    /// The word this channel goes by in tables, JSON and SQL; `None` where the name never leaves the link.
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Channel::Dns => Some("dns"),
            Channel::Tls | Channel::Dtls => Some("tls"),
            Channel::Quic => Some("quic"),
            Channel::Http => Some("http"),
            Channel::Mdns | Channel::Llmnr => None,
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
    /// Lower case, no trailing dot, no port. `None`: a hello that carries no usable name.
    pub name: Option<Box<str>>,
    /// The flow it was seen on.
    pub flow: Flow,
    /// The hello carries the `encrypted_client_hello` extension (RFC 9849), true or GREASE.
    pub ech: bool,
    /// The first protocol the client offers by ALPN, if printable.
    pub alpn: Option<Box<str>>,
}
