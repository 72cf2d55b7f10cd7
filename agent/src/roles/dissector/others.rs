//! The traffic of other machines, where this sensor is a gateway.

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;

use umbrascope_api::{Station, Subject};
use umbrascope_dissect::{Mac, Stations, Timestamp};

use crate::capture::Frames;
use crate::capture::afpacket::LivePackets;

/// Whose socket a packet came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The one for this machine's own traffic.
    Own,
    /// A gateway interface's.
    Gateway,
    /// It waited for more, and it is not known any longer.
    Late,
}

/// The sockets of the gateway interfaces, by name.
#[derive(Default)]
pub(super) struct Interfaces(Vec<(String, LivePackets)>);

impl Interfaces {
    /// Binds the socket of an interface; it replaces an earlier one.
    pub(super) fn watch(&mut self, interface: String, index: u32, socket: OwnedFd) {
        self.0.retain(|(name, _)| *name != interface);
        match LivePackets::on_interface(socket, index) {
            Ok(packets) => self.0.push((interface, packets)),
            // It went before its socket was bound: the warden tells of it anew when it comes back.
            Err(error) => tracing::warn!(interface, %error, "the gateway interface cannot be read"),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The next frame of one of them.
    pub(super) fn next(&mut self, at: usize) -> io::Result<Option<&[u8]>> {
        self.0.get_mut(at).map_or(Ok(None), |(_, packets)| packets.next())
    }

    /// The sockets.
    pub(super) fn sockets(&self) -> impl Iterator<Item = &LivePackets> {
        self.0.iter().map(|(_, packets)| packets)
    }
}

/// Which machines were seen on the gateway interfaces.
pub(super) struct Others {
    /// This machine's addresses; `None`: this sensor is no gateway.
    own: Option<HashSet<IpAddr>>,
    host_names: bool,
    stations: Stations,
}

impl Others {
    /// No gateway yet. `seed` is random.
    pub(super) fn new(seed: u64) -> Self {
        Self { own: None, host_names: false, stations: Stations::new(seed) }
    }

    /// Sets which addresses are this machine's, and with that makes this sensor a gateway.
    pub(super) fn set_own(&mut self, addresses: Vec<IpAddr>, host_names: bool) {
        self.own = Some(addresses.into_iter().collect());
        self.host_names = host_names;
    }

    /// Learns from a frame of a gateway interface.
    pub(super) fn learn(&mut self, at: Timestamp, frame: &[u8]) {
        self.stations.handle_frame(at, frame);
    }

    /// The other machine whose address this is; `None` where it is this machine's traffic.
    ///
    /// What the socket for this machine's own traffic shows of others goes out on interfaces that nobody asked to watch, or is
    /// the second copy of what a gateway's socket showed as it came in: it is this machine's, as forwarded.
    pub(super) fn station(&mut self, at: Timestamp, address: IpAddr, origin: Origin) -> Option<Station> {
        let address = address.to_canonical();
        let own = self.own.as_ref()?;
        if origin == Origin::Own || own.contains(&address) {
            return None;
        }
        let known = self.stations.ask(at, address);
        if origin == Origin::Late && known.mac.is_none() {
            return None;
        }
        let subject = known.mac.map_or(Subject::Address(address), |mac| Subject::Mac(mac.0));
        let host_name = known.host_name.filter(|_| self.host_names).map(str::to_owned);
        subject.is_a_machine().then_some(Station { subject, address: Some(address), host_name })
    }

    /// A machine that was told of and has another name now.
    pub(super) fn poll_renamed(&mut self) -> Option<Station> {
        let (Mac(mac), name) = self.stations.poll_renamed()?;
        let host_name = self.host_names.then(|| name.to_owned())?;
        Some(Station { subject: Subject::Mac(mac), address: None, host_name: Some(host_name) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: [u8; 6] = [0x3c, 0x52, 0x82, 1, 2, 3];
    const CLIENT: [u8; 4] = [10, 0, 0, 7];
    const NOW: Timestamp = Timestamp(1);

    /// A frame of an IPv4 packet with nothing in it.
    fn frame() -> Vec<u8> {
        let header = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 6, 0, 0];
        [&[0xff; 6][..], &MAC, &[8, 0], &header, &CLIENT, &[198, 51, 100, 2]].concat()
    }

    fn gateway(host_names: bool) -> Others {
        let mut others = Others::new(1);
        others.set_own(vec![[10, 0, 0, 1].into()], host_names);
        others.learn(NOW, &frame());
        others
    }

    #[test]
    fn a_sensor_that_is_no_gateway_knows_its_own_machine_only() {
        let mut others = Others::new(1);
        others.learn(NOW, &frame());
        for origin in [Origin::Own, Origin::Gateway, Origin::Late] {
            assert_eq!(others.station(NOW, CLIENT.into(), origin), None);
        }
    }

    #[test]
    fn who_is_seen_on_a_gateway_interface_is_another_machine() {
        let mut others = gateway(true);
        let station = others.station(NOW, CLIENT.into(), Origin::Gateway).unwrap();
        assert_eq!((station.subject, station.address), (Subject::Mac(MAC), Some(CLIENT.into())));
        let behind = others.station(NOW, [10, 9, 0, 7].into(), Origin::Gateway).unwrap();
        assert_eq!(behind.subject, Subject::Address([10, 9, 0, 7].into()));
        assert_eq!(others.station(NOW, [10, 0, 0, 1].into(), Origin::Gateway), None, "this machine");
        assert_eq!(others.station(NOW, [0, 0, 0, 0].into(), Origin::Gateway), None, "nobody yet");
    }

    #[test]
    fn what_is_forwarded_elsewhere_names_no_machine() {
        let mut others = gateway(true);
        assert_eq!(others.station(NOW, CLIENT.into(), Origin::Own), None);
        assert!(others.station(NOW, CLIENT.into(), Origin::Late).is_some(), "seen on a gateway interface");
        assert_eq!(others.station(NOW, [10, 9, 0, 7].into(), Origin::Late), None);
    }
}
