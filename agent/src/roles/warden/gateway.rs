//! The interfaces on which the traffic of other machines is watched, whenever they come and however often they come back.
//!
//! Each has a socket of its own, opened at the start while the warden may still do that. To put it on an interface, and on the next
//! one of that name, needs no capability.

use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};

use crate::capture::afpacket::{self, Interface};
use crate::capture::sockopt;
use crate::config::GatewayConfig;
use crate::ipc::message::{FromDissector, ToDissector};
use crate::ipc::{Channel, SendError};

/// Addresses of this machine that are told: what fits a message between roles, and far more than machines have.
const MAX_OWN: usize = 4_000;

/// What is watched.
pub(super) struct Gateway {
    watched: Vec<Watched>,
    own: Vec<IpAddr>,
    host_names: bool,
    flow_aware: bool,
}

struct Watched {
    name: String,
    socket: Option<OwnedFd>,
    /// The interface that the socket is on; 0: none.
    index: u32,
    /// Why nothing is seen there now.
    trouble: Option<String>,
}

type Control = Channel<ToDissector, FromDissector>;

impl Gateway {
    /// `None` where the configuration names no interface.
    pub(super) fn new(config: &GatewayConfig, flow_aware: bool) -> Option<Self> {
        let watched = config.interfaces.iter().map(|name| Watched {
            name: name.clone(),
            socket: None,
            index: 0,
            trouble: None,
        });
        let watched: Vec<_> = watched.collect();
        (!watched.is_empty()).then(|| Self {
            watched,
            own: Vec::new(),
            host_names: config.host_names,
            flow_aware,
        })
    }

    /// Opens the sockets. Needs `CAP_NET_RAW`, and for the filter that knows the streams `CAP_BPF`.
    pub(super) fn open(&mut self) {
        for watched in &mut self.watched {
            match afpacket::open_gateway(self.flow_aware) {
                Ok(opened) => watched.socket = Some(opened.socket),
                Err(error) => watched.trouble = Some(format!("its packet socket cannot be opened: {error}")),
            }
        }
    }

    /// Looks which interfaces are there, watches what is new and tells the dissector, if one runs. Whether anything
    /// changed. What the dissector could not be told is told at the next look.
    pub(super) fn look(&mut self, dissector: Option<&Control>) -> bool {
        let all = afpacket::interfaces();
        let mut own: Vec<_> = all.iter().flat_map(|interface| interface.addresses.iter().copied()).collect();
        own.sort_unstable();
        own.dedup();
        own.truncate(MAX_OWN);
        let mut changed = own != self.own;
        if changed {
            self.own = own;
            if dissector.is_some_and(|control| self.tell_own(control).is_err()) {
                self.own.clear();
            }
        }
        for watched in &mut self.watched {
            let now = all.iter().find(|interface| interface.name == watched.name);
            if watched.look(now) {
                changed = true;
                if dissector.is_some_and(|control| watched.tell(control).is_err()) {
                    watched.index = 0;
                }
            }
        }
        changed
    }

    /// Tells a dissector that starts.
    pub(super) fn tell(&self, dissector: &Control) -> Result<(), SendError> {
        self.tell_own(dissector)?;
        self.watched.iter().try_for_each(|watched| watched.tell(dissector))
    }

    /// Names of the interfaces that are watched now.
    pub(super) fn names(&self) -> Vec<String> {
        let open = self.watched.iter().filter(|watched| watched.index != 0);
        open.map(|watched| watched.name.clone()).collect()
    }

    /// What is not watched and why, in words; empty when all is.
    pub(super) fn trouble(&self) -> String {
        let troubles = self.watched.iter().filter_map(|watched| {
            watched.trouble.as_ref().map(|why| format!("gateway interface {}: {why}", watched.name))
        });
        troubles.collect::<Vec<_>>().join("; ")
    }

    fn tell_own(&self, dissector: &Control) -> Result<(), SendError> {
        dissector.send(&ToDissector::Own { addresses: self.own.clone(), host_names: self.host_names })
    }
}

impl Watched {
    /// Whether anything changed.
    fn look(&mut self, now: Option<&Interface>) -> bool {
        let Some(socket) = &self.socket else { return false };
        let before = (self.index, self.trouble.clone());
        (self.index, self.trouble) = match now {
            None => (0, Some("it is not there".to_owned())),
            Some(interface) if !interface.ethernet => (0, Some("it is no Ethernet interface".to_owned())),
            Some(interface) => {
                // Of one that is gone the kernel has taken the socket off by itself.
                let watching = if self.index == interface.index {
                    Ok(())
                } else {
                    sockopt::watch_everything(socket.as_fd(), interface.index)
                };
                match watching {
                    Err(error) => (0, Some(error.to_string())),
                    Ok(()) => (interface.index, (!interface.up).then(|| "it is down".to_owned())),
                }
            }
        };
        let changed = before != (self.index, self.trouble.clone());
        if changed {
            match &self.trouble {
                Some(why) => {
                    tracing::warn!(interface = self.name, "the gateway interface is not watched: {why}")
                }
                None => tracing::info!(interface = self.name, "watching the traffic of other machines"),
            }
        }
        changed
    }

    fn tell(&self, dissector: &Control) -> Result<(), SendError> {
        let (Some(socket), true) = (&self.socket, self.index != 0) else { return Ok(()) };
        let message = ToDissector::Gateway { interface: self.name.clone(), index: self.index };
        dissector.send_with(&message, socket.as_fd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(name: &str) -> Gateway {
        let config = GatewayConfig { interfaces: vec![name.to_owned()], host_names: true };
        Gateway::new(&config, false).unwrap()
    }

    #[test]
    fn without_a_name_there_is_no_gateway() {
        assert!(Gateway::new(&GatewayConfig::default(), true).is_none());
    }

    /// As `Gateway::open`, where packet sockets may not be opened: any other socket takes part as well.
    fn opened(name: &str) -> Gateway {
        let mut gateway = gateway(name);
        gateway.watched[0].socket = Some(std::net::UdpSocket::bind("127.0.0.1:0").unwrap().into());
        gateway
    }

    #[test]
    fn an_interface_that_is_not_there_or_no_ethernet_is_said_to_be_so() {
        for (name, why) in [("none-such", "it is not there"), ("lo", "no Ethernet interface")] {
            let mut gateway = opened(name);
            assert!(gateway.look(None), "{name}");
            assert!(gateway.names().is_empty());
            assert!(gateway.trouble().contains(why), "{}", gateway.trouble());
            assert!(!gateway.look(None), "nothing new the second time");
        }
    }
}
