//! Whose connection was it? From the flow to the process that made it, from the process to executable, package, user and
//! container. Done by the warden, who may look; it never sees what was sent.
//!
//! Two ways, the first where the kernel allows it: programs that note who connects, at the moment it happens ([`hooks`]);
//! else from the flow to the socket (`sock_diag`) and from the socket to the process that holds it (`/proc/PID/fd`), which
//! must both still be there.
//!
//! Every answer may be "unknown", in part or whole: the process may have ended, the socket may belong to another network
//! namespace, or to nobody here at all. A flow whose client address is not one of this machine's was forwarded for
//! another: a virtual machine, a container, a router's client. Nothing is guessed.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use crate::capture::afpacket;
use crate::ipc::message::{Flow, Owner};

pub mod hooks;
mod packages;
mod process;
mod sock_diag;

pub use hooks::{Connector, Hooks};
pub use packages::Packages;
pub use process::Processes;
pub use sock_diag::{Diagnosis, Socket};

/// Owners remembered by socket, and processes by number. A socket answers for many DNS questions or hellos of its life.
const CACHED: usize = 1024;
/// How long an owner is believed without looking again: a descriptor can be handed to another process.
const BELIEVED: Duration = Duration::from_secs(30);
/// How often the machine's own addresses are read, at most.
const ADDRESSES_EVERY: Duration = Duration::from_secs(1);

/// Answers attribution questions.
#[derive(Debug)]
pub struct Attribution {
    hooks: Result<Hooks, String>,
    diagnosis: Option<Diagnosis>,
    processes: Processes,
    sockets: Cache<u64>,
    /// By number and name: a number may be another's soon after.
    announced: Cache<(u32, String)>,
    addresses: HashSet<IpAddr>,
    addresses_read: Option<Instant>,
}

impl Attribution {
    /// Hooks `connect` if wanted and possible, looks at `/proc` and asks the kernel over netlink; where none of it
    /// works every answer is "unknown".
    pub fn new(with_hooks: bool) -> Self {
        let hooks = if with_hooks {
            Hooks::attach().map_err(|error| error.to_string())
        } else {
            Err("not wanted".to_owned())
        };
        let mut processes = Processes::new("/proc".into());
        processes.look_at_packages(Instant::now());
        Self {
            hooks,
            diagnosis: Diagnosis::open().ok(),
            processes,
            sockets: Cache::default(),
            announced: Cache::default(),
            addresses: HashSet::new(),
            addresses_read: None,
        }
    }

    /// How connections are attributed, in words; false where a process must live until it is looked for.
    pub fn level(&self) -> (bool, String) {
        match (&self.hooks, &self.diagnosis) {
            (Ok(_), _) => (true, "at connect, by hooks in the control groups".to_owned()),
            (Err(why), Some(_)) => (
                false,
                format!("by socket owner (sock_diag), which misses short-lived processes; no hooks: {why}"),
            ),
            (Err(why), None) => {
                let text = format!(
                    "not possible: no hooks ({why}), and the kernel does not answer sock_diag (module inet_diag)"
                );
                (false, text)
            }
        }
    }

    /// Readable when a process has announced itself by connecting; [`Self::handle_announcements`] is due then.
    pub fn announcements(&self) -> Option<BorrowedFd<'_>> {
        self.hooks.as_ref().ok().map(AsFd::as_fd)
    }

    /// Looks at the processes that announced themselves while they live.
    pub fn handle_announcements(&mut self, now: Instant) {
        let Ok(hooks) = &mut self.hooks else { return };
        let (processes, announced) = (&mut self.processes, &mut self.announced);
        hooks.drain(|connector| {
            // One that has ended leaves nothing: neither may what was known of an earlier one of this number stay.
            let owner = processes.describe(connector.process, connector.uid);
            let key = (connector.process, connector.name);
            match owner {
                Some(owner) => announced.put(key, owner, now),
                None => announced.forget(&key),
            }
        });
    }

    /// Who owns the client's end of a flow.
    pub fn owner(&mut self, flow: &Flow, now: Instant) -> Owner {
        if let Some((connector, local)) = self.hooks.as_ref().ok().and_then(|hooks| hooks.of_flow(flow)) {
            // Made from another address, it is this flow only if that is a container's, translated on its way out.
            let client = flow.client.ip().to_canonical();
            if local.is_none_or(|local| local == client || !self.is_own(local, now)) {
                return self.of_connector(&connector, now);
            }
        }
        let Some(socket) = self.diagnosis.as_mut().and_then(|diagnosis| diagnosis.find(flow)) else {
            return Owner { forwarded: !self.is_own(flow.client.ip(), now), ..Owner::default() };
        };
        if let Some(connector) = self.hooks.as_ref().ok().and_then(|hooks| hooks.of_cookie(socket.cookie)) {
            return self.of_connector(&connector, now);
        }
        if let Some(owner) = self.sockets.get(&socket.inode, now) {
            return owner.clone();
        }
        let mut owner = self.processes.of_socket(socket.inode, socket.uid).unwrap_or_default();
        owner.uid = Some(socket.uid);
        if owner.executable.is_some() {
            self.sockets.put(socket.inode, owner.clone(), now);
        }
        owner
    }

    /// What is known of a process that connected: what was seen of it then, else what is there of it now, else its name.
    fn of_connector(&mut self, connector: &Connector, now: Instant) -> Owner {
        let key = (connector.process, connector.name.clone());
        if self.announced.get(&key, now).is_none() {
            self.handle_announcements(now);
        }
        let seen = self.announced.get(&key, now).cloned();
        let described = seen.or_else(|| {
            let owner = self.processes.describe(connector.process, connector.uid)?;
            self.announced.put(key, owner.clone(), now);
            Some(owner)
        });
        let mut owner = described.unwrap_or_default();
        owner.uid = Some(connector.uid);
        if owner.executable.is_none() && connector.process == connector.thread && !connector.name.is_empty() {
            owner.executable = Some(connector.name.clone());
        }
        owner
    }

    /// Whether an address is one of this machine's.
    fn is_own(&mut self, address: IpAddr, now: Instant) -> bool {
        let address = address.to_canonical();
        if address.is_loopback() || self.addresses.contains(&address) {
            return true;
        }
        if self.addresses_read.is_none_or(|read| now.duration_since(read) >= ADDRESSES_EVERY) {
            self.addresses_read = Some(now);
            self.addresses = afpacket::own_addresses();
        }
        self.addresses.contains(&address)
    }
}

/// Owners by some number, bounded, each believed for a while.
#[derive(Debug)]
struct Cache<K>(HashMap<K, (Owner, Instant)>);

impl<K> Default for Cache<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + std::hash::Hash> Cache<K> {
    fn get(&self, key: &K, now: Instant) -> Option<&Owner> {
        self.0.get(key).filter(|(_, since)| now.duration_since(*since) < BELIEVED).map(|(owner, _)| owner)
    }

    fn put(&mut self, key: K, owner: Owner, now: Instant) {
        if self.0.len() >= CACHED {
            self.0.retain(|_, (_, since)| now.duration_since(*since) < BELIEVED);
            if self.0.len() >= CACHED {
                self.0.clear();
            }
        }
        self.0.insert(key, (owner, now));
    }

    fn forget(&mut self, key: &K) {
        self.0.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};

    fn me(owner: &Owner) {
        assert_eq!(owner.uid, Some(rustix::process::getuid().as_raw()));
        let name = std::env::current_exe().unwrap();
        let name = name.file_name().unwrap().to_string_lossy().into_owned();
        assert!(owner.executable.as_deref().is_some_and(|path| path.ends_with(&name)), "{owner:?}");
    }

    /// With hooks, or `None` where they are not possible here and may be left out.
    fn hooked() -> Option<Attribution> {
        let attribution = Attribution::new(true);
        let part = attribution.hooks.as_ref().err().map(|why| format!("hooks of connect ({why})"));
        crate::require::require(part.as_deref().unwrap_or_default(), part.is_none()).then_some(attribution)
    }

    #[test]
    fn hooks_know_a_connection_that_is_closed_already() {
        let Some(mut attribution) = hooked() else { return };
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let server = listener.local_addr().unwrap();
            let stream = TcpStream::connect(server).unwrap();
            let client = stream.local_addr().unwrap();
            drop(stream);
            me(&attribution.owner(&Flow { udp: false, client, server }, Instant::now()));

            for connected in [true, false] {
                let socket = UdpSocket::bind((server.ip(), 0)).unwrap();
                let client = socket.local_addr().unwrap();
                if connected {
                    socket.connect(server).unwrap();
                    socket.send(b"x").unwrap();
                } else {
                    socket.send_to(b"x", server).unwrap();
                }
                drop(socket);
                me(&attribution.owner(&Flow { udp: true, client, server }, Instant::now()));
            }
        }
    }

    #[test]
    fn a_tcp_connection_on_loopback_is_its_clients() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let flow = Flow {
                udp: false,
                client: stream.local_addr().unwrap(),
                server: stream.peer_addr().unwrap(),
            };
            me(&Attribution::new(false).owner(&flow, Instant::now()));
        }
    }

    #[test]
    fn a_dual_stack_socket_that_speaks_ipv4_is_found() {
        let Ok(listener) = TcpListener::bind("[::]:0") else { return };
        let port = listener.local_addr().unwrap().port();
        let stream = TcpStream::connect(("::ffff:127.0.0.1", port)).unwrap();
        let local = stream.local_addr().unwrap().port();
        // On the wire it is IPv4.
        let flow = Flow {
            udp: false,
            client: ([127, 0, 0, 1], local).into(),
            server: ([127, 0, 0, 1], port).into(),
        };
        me(&Attribution::new(false).owner(&flow, Instant::now()));
    }

    #[test]
    fn a_udp_socket_is_found_connected_or_not() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for connected in [true, false] {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            if connected {
                socket.connect(server).unwrap();
            }
            let client = ([127, 0, 0, 1], socket.local_addr().unwrap().port()).into();
            me(&Attribution::new(false).owner(&Flow { udp: true, client, server }, Instant::now()));
        }
    }

    #[test]
    fn a_flow_of_nobody_here_was_forwarded_and_one_of_a_closed_socket_is_unknown() {
        let flow =
            Flow { udp: false, client: ([192, 0, 2, 1], 4711).into(), server: ([192, 0, 2, 2], 443).into() };
        let mut attribution = Attribution::new(false);
        let forwarded = Owner { forwarded: true, ..Owner::default() };
        assert_eq!(attribution.owner(&flow, Instant::now()), forwarded);
        let own = Flow { client: ([127, 0, 0, 1], 1).into(), server: ([127, 0, 0, 1], 1).into(), ..flow };
        assert_eq!(attribution.owner(&own, Instant::now()), Owner::default());
    }
}
