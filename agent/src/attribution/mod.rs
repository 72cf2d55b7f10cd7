//! Whose connection was it? From the flow to the socket (`sock_diag`), from the socket to the process that holds it
//! (`/proc/PID/fd`), from the process to executable, user and container. Done by the warden, who may look; it
//! never sees what was sent.
//!
//! Every answer may be "unknown", in part or whole: the process may have ended, the socket may belong to another network
//! namespace, or to nobody here at all. Nothing is guessed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::ipc::message::{Flow, Owner};

mod process;
mod sock_diag;

pub use process::Processes;
pub use sock_diag::{Diagnosis, Socket};

/// Owners remembered by socket. A socket answers for many DNS questions or hellos of its life.
const CACHED_SOCKETS: usize = 1024;
/// How long an owner is believed without looking again: a descriptor can be handed to another process.
const BELIEVED: Duration = Duration::from_secs(30);

/// Answers attribution questions.
#[derive(Debug)]
pub struct Attribution {
    diagnosis: Option<Diagnosis>,
    processes: Processes,
    owners: HashMap<u64, (Owner, Instant)>,
}

impl Attribution {
    /// Looks at `/proc` and asks the kernel over netlink; without netlink every answer is "unknown".
    pub fn new() -> Self {
        Self {
            diagnosis: Diagnosis::open().ok(),
            processes: Processes::new("/proc".into()),
            owners: HashMap::new(),
        }
    }

    /// Whether the kernel can be asked at all.
    pub fn available(&self) -> bool {
        self.diagnosis.is_some()
    }

    /// Who owns the client's end of a flow.
    pub fn owner(&mut self, flow: &Flow, now: Instant) -> Owner {
        let Some(socket) = self.diagnosis.as_mut().and_then(|diagnosis| diagnosis.find(flow)) else {
            return Owner::default();
        };
        if let Some((owner, since)) = self.owners.get(&socket.inode)
            && now.duration_since(*since) < BELIEVED
        {
            return owner.clone();
        }
        let mut owner = self.processes.of_socket(socket.inode, socket.uid).unwrap_or_default();
        owner.uid = Some(socket.uid);
        if owner.executable.is_some() {
            if self.owners.len() >= CACHED_SOCKETS {
                self.owners.retain(|_, (_, since)| now.duration_since(*since) < BELIEVED);
                if self.owners.len() >= CACHED_SOCKETS {
                    self.owners.clear();
                }
            }
            self.owners.insert(socket.inode, (owner.clone(), now));
        }
        owner
    }
}

impl Default for Attribution {
    fn default() -> Self {
        Self::new()
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
            me(&Attribution::new().owner(&flow, Instant::now()));
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
        me(&Attribution::new().owner(&flow, Instant::now()));
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
            me(&Attribution::new().owner(&Flow { udp: true, client, server }, Instant::now()));
        }
    }

    #[test]
    fn a_flow_of_nobody_here_is_unknown() {
        let flow =
            Flow { udp: false, client: ([192, 0, 2, 1], 4711).into(), server: ([192, 0, 2, 2], 443).into() };
        assert_eq!(Attribution::new().owner(&flow, Instant::now()), Owner::default());
    }
}
