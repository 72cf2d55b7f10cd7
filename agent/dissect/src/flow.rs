//! Whose bytes are whose: the key of every table here, and the bytes that wait for more.

use crate::assembler::Assembler;
use crate::frame::{Address, Datagram, Fragment, Segment};
use crate::observation::{Flow, Timestamp, Transport};
use crate::table::{Key, Table};
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;

/// What kind of bytes a key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One direction of a TCP connection.
    Tcp,
    /// A datagram, or one that says nothing about which connection it is of.
    Udp,
    /// The CRYPTO bytes of a QUIC client, by a hash of the connection ID that it chose for itself: several connections
    /// may share a socket.
    Quic(u32),
    /// One DTLS handshake message; its sequence number tells a second hello from the first.
    Dtls(u16),
    /// One fragmented IP datagram.
    Fragments { protocol: u8 },
}

/// One direction of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tuple {
    pub(crate) src: Address,
    pub(crate) dst: Address,
    /// Source port above, destination port below; of fragments the identification.
    ports: u32,
    pub(crate) kind: Kind,
}

impl Hash for Tuple {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let kind = match self.kind {
            Kind::Tcp => 0,
            Kind::Udp => 4,
            Kind::Quic(id) => 1 | u64::from(id) << 8,
            Kind::Dtls(seq) => 2 | u64::from(seq) << 8,
            Kind::Fragments { protocol } => 3 | u64::from(protocol) << 8,
        };
        // The upper half of an IPv4 address is nothing; the lower halves differ enough for IPv6 as well when the
        // upper ones are folded in.
        let fold = |address: Address| (address.0 >> 64) as u64 ^ (address.0 as u64).rotate_left(17);
        state.write_u64(fold(self.src));
        state.write_u64(fold(self.dst));
        state.write_u64(u64::from(self.ports) | kind << 32);
    }
}

impl Key for Tuple {
    fn party(&self) -> u128 {
        // A whole /64 is one party: anyone can make up addresses in his own.
        if self.src.0 >> 64 == 0 { self.src.0 } else { self.src.0 >> 64 }
    }
}

impl Tuple {
    #[inline]
    pub(crate) fn of_segment(segment: &Segment<'_>) -> Self {
        Tuple {
            src: segment.src,
            dst: segment.dst,
            ports: u32::from(segment.src_port) << 16 | u32::from(segment.dst_port),
            kind: Kind::Tcp,
        }
    }

    pub(crate) fn of_datagram(datagram: &Datagram<'_>, kind: Kind) -> Self {
        Tuple {
            src: datagram.src,
            dst: datagram.dst,
            ports: u32::from(datagram.src_port) << 16 | u32::from(datagram.dst_port),
            kind,
        }
    }

    pub(crate) fn of_fragment(fragment: &Fragment<'_>) -> Self {
        Tuple {
            src: fragment.src,
            dst: fragment.dst,
            ports: fragment.identification,
            kind: Kind::Fragments { protocol: fragment.protocol },
        }
    }

    pub(crate) fn reversed(&self) -> Self {
        Tuple { src: self.dst, dst: self.src, ports: self.ports.rotate_left(16), kind: self.kind }
    }

    pub(crate) fn with_kind(self, kind: Kind) -> Self {
        Tuple { kind, ..self }
    }

    pub(crate) fn has_port(&self, port: u16) -> bool {
        self.ports >> 16 == u32::from(port) || self.ports & 0xffff == u32::from(port)
    }

    pub(crate) fn has_src_port(&self, port: u16) -> bool {
        self.ports >> 16 == u32::from(port)
    }

    /// The flow as the outside sees it.
    pub(crate) fn flow(&self) -> Flow {
        Flow {
            transport: if self.kind == Kind::Tcp { Transport::Tcp } else { Transport::Udp },
            src: SocketAddr::new(self.src.to_ip(), (self.ports >> 16) as u16),
            dst: SocketAddr::new(self.dst.to_ip(), self.ports as u16),
        }
    }
}

/// Bytes that wait for more.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) assembler: Assembler,
    /// When the last of them came.
    pub(crate) at: Timestamp,
    /// The length the whole will have, where that is told apart from the bytes; 0 where it is not known.
    pub(crate) total: usize,
    /// They are of a stream whose beginning was not seen, and may be the middle of anything.
    pub(crate) headless: bool,
}

/// All waiting bytes, within one budget.
pub(crate) struct Held {
    table: Table<Tuple, Waiting>,
}

/// What a table entry costs beside the bytes.
const ENTRY: usize = 160;

impl Held {
    pub(crate) fn new(max_bytes: usize, seed: u64) -> Self {
        Held { table: Table::new(max_bytes, seed) }
    }

    pub(crate) fn take(&mut self, key: &Tuple) -> Option<Waiting> {
        self.table.remove(key)
    }

    /// Keeps the bytes; tells which had to go for them.
    pub(crate) fn put(&mut self, key: Tuple, waiting: Waiting, gone: impl FnMut(Tuple, Waiting)) {
        let weight = waiting.assembler.footprint() + ENTRY;
        self.table.insert(key, waiting, weight, gone);
    }

    /// When the longest waiting bytes came.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        self.table.oldest().map(|(_, waiting)| waiting.at).min()
    }

    /// Takes out one entry that came before `at`.
    pub(crate) fn take_older(&mut self, at: Timestamp) -> Option<(Tuple, Waiting)> {
        let key = self.table.oldest().find(|(_, waiting)| waiting.at < at).map(|(key, _)| *key)?;
        self.table.remove(&key).map(|waiting| (key, waiting))
    }

    pub(crate) fn weight(&self) -> usize {
        self.table.weight()
    }

    /// See [`Table::is_large`].
    pub(crate) fn is_large(&self) -> bool {
        self.table.is_large()
    }

    /// See [`Table::sweep`]. Nothing may wait any more that came before the sweep before.
    pub(crate) fn sweep(&mut self) -> bool {
        self.table.sweep()
    }
}
