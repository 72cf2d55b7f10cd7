//! Live packets: the one file that knows pnet.
//!
//! The warden opens the socket ([`open`]): `SOCK_DGRAM` with protocol 0, so that nothing arrives before
//! the filter stands and the bind is made; no link header, whatever the link. The filter is locked before
//! the socket is handed over. The dissector wraps it ([`LivePackets`]): pnet binds it to interface index 0, which
//! is every interface, `lo` and later ones included. Packets are read past pnet, which would ask twice for each.
//!
//! A gateway sensor has another socket for each of its interfaces ([`open_gateway`]): `SOCK_RAW`, since the hardware address tells
//! one machine from another, and promiscuous. No other socket is.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};

use pnet::datalink::{self, Channel, ChannelType, Config, DataLinkReceiver, NetworkInterface};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType};

use super::{Frames, filter, sockopt};

/// Receive buffer asked for, in bytes: some 100 ms of hellos at 10,000 flows a second.
pub const RECEIVE_BUFFER_BYTES: i32 = 4 * 1024 * 1024;

/// Largest packet read, in bytes: an IP packet of 65,535 bytes, as offload hands them up.
const READ_BUFFER_BYTES: usize = 65_600;

/// What the kernel takes for "any" in `struct sockaddr_ll`.
const EVERY_INTERFACE: u32 = 0;

/// A filtered and locked packet socket that is bound to nothing yet.
#[derive(Debug)]
pub struct PacketSocket {
    /// The socket.
    pub socket: OwnedFd,
    /// Its receive buffer as the kernel counts it, in bytes.
    pub receive_buffer_bytes: i32,
    /// Which filter stands.
    pub tier: Tier,
}

/// The filter of a packet socket.
#[derive(Debug)]
pub enum Tier {
    /// Tier 1: each packet for itself; and why it is not tier 2.
    Plain {
        /// What tier 2 failed at; `None` where it was not wanted.
        trouble: Option<io::Error>,
    },
    /// Tier 2: knows how far each stream has come.
    FlowAware,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FlowAware => f.write_str("filter tier 2 (extended BPF, per-stream budget)"),
            Self::Plain { trouble: None } => f.write_str("filter tier 1 (classic BPF), as configured"),
            Self::Plain { trouble: Some(error) } => {
                write!(f, "filter tier 1 (classic BPF); tier 2 needs CAP_BPF and Linux 5.8: {error}")
            }
        }
    }
}

/// Opens a packet socket, attaches the best filter there is and locks it. Needs `CAP_NET_RAW`; for tier 2, which is
/// tried if `flow_aware` says so, `CAP_BPF`.
pub fn open(flow_aware: bool) -> io::Result<PacketSocket> {
    let attach: Attach = filter::flow_aware::attach;
    filtered(SocketType::DGRAM, flow_aware.then_some(attach), &filter::tier1())
}

/// Opens a packet socket for the frames of other machines, as [`open`] does. It is to be bound to one Ethernet interface, which
/// [`sockopt::watch_everything`] has hand them over.
pub fn open_gateway(flow_aware: bool) -> io::Result<PacketSocket> {
    let attach: Attach = filter::flow_aware::attach_gateway;
    filtered(SocketType::RAW, flow_aware.then_some(attach), &filter::gateway::tier1())
}

/// Attaches a filter of tier 2.
type Attach = fn(BorrowedFd<'_>) -> io::Result<()>;

fn filtered(
    kind: SocketType,
    flow_aware: Option<Attach>,
    plain: &[filter::classic::Instruction],
) -> io::Result<PacketSocket> {
    let socket = rustix::net::socket_with(AddressFamily::PACKET, kind, SocketFlags::CLOEXEC, None)?;
    let tier = match flow_aware.map(|attach| attach(socket.as_fd())) {
        Some(Ok(())) => Tier::FlowAware,
        refused => {
            sockopt::attach_filter(socket.as_fd(), plain)?;
            Tier::Plain { trouble: refused.and_then(Result::err) }
        }
    };
    sockopt::lock_filter(socket.as_fd())?;
    let receive_buffer_bytes = sockopt::set_receive_buffer(socket.as_fd(), RECEIVE_BUFFER_BYTES)?;
    Ok(PacketSocket { socket, receive_buffer_bytes, tier })
}

/// Names of the interfaces that are up.
pub fn interface_names() -> Vec<String> {
    let mut names: Vec<String> =
        datalink::interfaces().into_iter().filter(NetworkInterface::is_up).map(|i| i.name).collect();
    names.sort();
    names.dedup();
    names
}

/// Addresses of this machine, on all its interfaces.
pub fn own_addresses() -> HashSet<IpAddr> {
    datalink::interfaces()
        .into_iter()
        .flat_map(|interface| interface.ips)
        .map(|network| network.ip())
        .collect()
}

/// An interface as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its index: another one when it went and came back.
    pub index: u32,
    /// Whether it is up.
    pub up: bool,
    /// Whether its frames begin with an Ethernet header.
    pub ethernet: bool,
    /// This machine's addresses on it.
    pub addresses: Vec<IpAddr>,
}

/// All interfaces, up or not.
pub fn interfaces() -> Vec<Interface> {
    let all = datalink::interfaces().into_iter().map(|interface| Interface {
        index: interface.index,
        up: interface.is_up(),
        // A tunnel has no hardware address, and the loopback interface is nobody's neighbour.
        ethernet: interface.mac.is_some() && !interface.is_loopback() && !interface.is_point_to_point(),
        addresses: interface.ips.iter().map(|network| network.ip().to_canonical()).collect(),
        name: interface.name,
    });
    all.collect()
}

/// Packets of every interface, from the IP header on.
pub struct LivePackets {
    /// Keeps what pnet made of the socket.
    _receiver: Box<dyn DataLinkReceiver>,
    /// The same socket, not blocking.
    socket: OwnedFd,
    buffer: Vec<u8>,
}

impl LivePackets {
    /// Binds the socket to every interface. Needs no capability.
    pub fn new(socket: OwnedFd) -> io::Result<Self> {
        Self::on_interface(socket, EVERY_INTERFACE)
    }

    /// Binds the socket to one interface, by its index.
    pub fn on_interface(socket: OwnedFd, index: u32) -> io::Result<Self> {
        let pnet_socket = socket.try_clone()?;
        let config = Config {
            read_buffer_size: 0,
            write_buffer_size: 0,
            promiscuous: false,
            // The socket's own type decides about the link header; this makes pnet bind to ETH_P_ALL.
            channel_type: ChannelType::Layer2,
            socket_fd: Some(pnet_socket.into_raw_fd()),
            ..Config::default()
        };
        let interface = NetworkInterface {
            name: String::new(),
            description: String::new(),
            index,
            mac: None,
            ips: Vec::new(),
            flags: 0,
        };
        match datalink::channel(&interface, config)? {
            Channel::Ethernet(_, receiver) => {
                Ok(Self { _receiver: receiver, socket, buffer: vec![0; READ_BUFFER_BYTES] })
            }
            _ => Err(io::Error::other("pnet gave a channel of another kind")),
        }
    }

    /// Counters since the last call.
    pub fn statistics(&self) -> io::Result<sockopt::Statistics> {
        sockopt::statistics(self.socket.as_fd())
    }
}

impl AsFd for LivePackets {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Frames for LivePackets {
    fn next(&mut self) -> io::Result<Option<&[u8]>> {
        match rustix::net::recv(&self.socket, &mut self.buffer[..], RecvFlags::DONTWAIT) {
            Ok((length, _)) => Ok(self.buffer.get(..length)),
            Err(Errno::AGAIN | Errno::INTR) => Ok(None),
            // An interface that went down is reported once and changes nothing for the others.
            Err(Errno::NETDOWN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
