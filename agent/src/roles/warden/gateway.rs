//! The interfaces on which the traffic of other machines is watched: opened when they come, opened anew when they come back.

use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};

use crate::capture::afpacket::{self, Interface};
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
    /// The interface that the socket is for.
    index: u32,
    socket: Option<OwnedFd>,
    /// Why nothing is seen there now.
    trouble: Option<String>,
}

type Control = Channel<ToDissector, FromDissector>;

impl Gateway {
    /// `None` where the configuration names no interface.
    pub(super) fn new(config: &GatewayConfig, flow_aware: bool) -> Option<Self> {
        let watched = config.interfaces.iter().map(|name| Watched {
            name: name.clone(),
            index: 0,
            socket: None,
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

    /// Looks which interfaces are there, opens what is new and tells the dissector, if one runs. Whether anything changed.
    pub(super) fn look(&mut self, dissector: Option<&Control>) -> bool {
        let all = afpacket::interfaces();
        let mut own: Vec<_> = all.iter().flat_map(|interface| interface.addresses.iter().copied()).collect();
        own.sort_unstable();
        own.dedup();
        own.truncate(MAX_OWN);
        let mut changed = own != self.own;
        if changed {
            self.own = own;
            let _ = dissector.map(|control| self.tell_own(control));
        }
        for watched in &mut self.watched {
            let now = all.iter().find(|interface| interface.name == watched.name);
            if watched.look(now, self.flow_aware) {
                changed = true;
                let _ = dissector.map(|control| watched.tell(control));
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
        let open = self.watched.iter().filter(|watched| watched.socket.is_some());
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
    fn look(&mut self, now: Option<&Interface>, flow_aware: bool) -> bool {
        let before = (self.index, self.socket.is_some(), self.trouble.clone());
        match now {
            None => {
                (self.index, self.socket) = (0, None);
                self.trouble = Some("it is not there".to_owned());
            }
            Some(interface) => {
                if self.socket.is_none() || self.index != interface.index {
                    self.open(interface, flow_aware);
                }
                if self.socket.is_some() {
                    self.trouble = (!interface.up).then(|| "it is down".to_owned());
                }
            }
        }
        let changed = before != (self.index, self.socket.is_some(), self.trouble.clone());
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

    fn open(&mut self, interface: &Interface, flow_aware: bool) {
        self.index = interface.index;
        match afpacket::open_gateway(interface, flow_aware) {
            Ok(opened) => (self.socket, self.trouble) = (Some(opened.socket), None),
            Err(error) => (self.socket, self.trouble) = (None, Some(error.to_string())),
        }
    }

    fn tell(&self, dissector: &Control) -> Result<(), SendError> {
        let Some(socket) = &self.socket else { return Ok(()) };
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

    #[test]
    fn an_interface_that_is_not_there_or_no_ethernet_is_said_to_be_so() {
        for (name, why) in [("none-such", "it is not there"), ("lo", "no Ethernet interface")] {
            let mut gateway = gateway(name);
            assert!(gateway.look(None), "{name}");
            assert!(gateway.names().is_empty());
            assert!(gateway.trouble().contains(why), "{}", gateway.trouble());
            assert!(!gateway.look(None), "nothing new the second time");
        }
    }
}
