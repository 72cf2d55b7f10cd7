//! Which machine an address belongs to, for a sensor that watches the traffic of other machines.
//!
//! Ethernet frames in, and to each address the hardware address behind it and the name that the machine gives itself.
//! What a frame proves:
//!
//! | frame | what it proves |
//! |---|---|
//! | ARP (RFC 826) | its sender has the address |
//! | IPv4, IPv6 with a hop limit that no router has counted down | its sender has the source address |
//! | DHCP (RFC 2131) | who was given the address, and the machine's name, also through a relay |
//! | multicast DNS (RFC 6762) | the name of whoever announces its own address |
//!
//! A frame that came through a router carries the router's hardware address; its hop limit is no longer one that systems
//! begin with, and it proves nothing. Names and addresses of machines stay here until somebody asks for one of them.

use std::collections::VecDeque;
use std::fmt;
use std::net::IpAddr;

use crate::frame::Address;
use crate::observation::Timestamp;
use crate::reader::be16;
use crate::table::{Key, Table};

mod dhcp;
mod mdns;

/// Addresses remembered, at some 100 bytes each: a machine has about three with IPv6.
const MAX_ADDRESSES: usize = 16 * 1024;
/// Machines remembered, at some 200 bytes each.
const MAX_MACHINES: usize = 8 * 1024;
/// What an address proved to be is believed this long, in microseconds: a day, after which a lease has passed on.
const BELIEVED_US: u64 = 86_400_000_000;
/// Machines with a new name that wait to be polled; a caller that does not poll hears of the rest with their next address.
const MAX_RENAMED: usize = 256;
/// Longest host name, in bytes (RFC 1035, section 2.3.4).
const MAX_NAME: usize = 253;
/// Tags in front of a packet that are stepped over.
const MAX_TAGS: usize = 4;
/// Hop limits that systems begin with (RFC 1700; Windows 128; Solaris and many a router 255).
const FIRST_HOP: [u8; 3] = [64, 128, 255];

/// A hardware address (IEEE 802 EUI-48).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Whether it can be one machine's: not a group's, not empty.
    fn is_of_a_machine(self) -> bool {
        self.0[0] & 1 == 0 && self.0 != [0; 6]
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// What is known of the machine behind an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Station<'a> {
    /// Its hardware address.
    pub mac: Option<Mac>,
    /// What it calls itself: lower-case letters, digits, `-`, `_`, `.`.
    pub host_name: Option<&'a str>,
}

/// The machines seen so far. Does no I/O and asks for no time.
pub struct Stations {
    addresses: Table<Address, Holder>,
    machines: Table<Mac, Machine>,
    renamed: VecDeque<Mac>,
}

#[derive(Clone, Copy, Debug)]
struct Holder {
    mac: Mac,
    at: Timestamp,
}

#[derive(Debug, Default)]
struct Machine {
    name: Option<Box<str>>,
    by_dhcp: bool,
    /// Somebody asked for it: a new name of it is told.
    asked_for: bool,
}

impl Key for Address {
    fn party(&self) -> u128 {
        // A whole /64 is one party: anyone can make up addresses in his own.
        if self.0 >> 64 == 0 { self.0 } else { self.0 >> 64 }
    }
}

impl Key for Mac {
    fn party(&self) -> u128 {
        let [a, b, c, d, e, g] = self.0;
        u128::from(u64::from_be_bytes([0, 0, a, b, c, d, e, g]))
    }
}

impl Stations {
    /// Nothing seen yet. `seed` is random, so that nobody outside can make the tables slow.
    pub fn new(seed: u64) -> Self {
        Self {
            addresses: Table::new(MAX_ADDRESSES, seed),
            machines: Table::new(MAX_MACHINES, seed),
            renamed: VecDeque::new(),
        }
    }

    /// Takes what an Ethernet frame proves.
    pub fn handle_frame(&mut self, at: Timestamp, frame: &[u8]) {
        let Some(sender) = frame.get(6..).and_then(<[u8]>::first_chunk::<6>).map(|bytes| Mac(*bytes)) else {
            return;
        };
        let mut kind_at = 12;
        for _ in 0..MAX_TAGS {
            match be16(frame, kind_at) {
                Some(0x8100 | 0x88a8 | 0x9100 | 0x9200) => kind_at += 4,
                _ => break,
            }
        }
        let (Some(kind), Some(packet)) = (be16(frame, kind_at), frame.get(kind_at + 2..)) else { return };
        match kind {
            0x0806 => self.arp(at, sender, packet),
            0x0800 => self.ipv4(at, sender, packet),
            0x86dd => self.ipv6(at, sender, packet),
            _ => {}
        }
    }

    /// What is known of the machine that has an address. From now on a new name of it is told by [`Self::poll_renamed`].
    pub fn ask(&mut self, at: Timestamp, address: IpAddr) -> Station<'_> {
        let holder = self.addresses.get(&key(address)).copied();
        let Some(holder) = holder.filter(|holder| at.0.saturating_sub(holder.at.0) <= BELIEVED_US) else {
            return Station::default();
        };
        let host_name = self.machines.get(&holder.mac).and_then(|machine| {
            machine.asked_for = true;
            machine.name.as_deref()
        });
        Station { mac: Some(holder.mac), host_name }
    }

    /// A machine that was asked for and has another name now.
    pub fn poll_renamed(&mut self) -> Option<(Mac, &str)> {
        loop {
            let mac = self.renamed.pop_front()?;
            if self.machines.contains(&mac) {
                let name = self.machines.get(&mac)?.name.as_deref()?;
                return Some((mac, name));
            }
        }
    }

    /// Addresses and machines that are remembered.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.addresses.weight(), self.machines.weight())
    }

    fn arp(&mut self, at: Timestamp, sender: Mac, packet: &[u8]) {
        let [0, 1, 8, 0, 6, 4, _, _, rest @ ..] = packet else { return };
        let (Some(hardware), Some(address)) =
            (rest.first_chunk::<6>(), rest.get(6..).and_then(<[u8]>::first_chunk::<4>))
        else {
            return;
        };
        // Whoever answers for another one says so by its own frame (RFC 1027).
        if Mac(*hardware) == sender {
            self.has(at, sender, IpAddr::from(*address));
        }
    }

    fn ipv4(&mut self, at: Timestamp, sender: Mac, packet: &[u8]) {
        let Some(header) = packet.first_chunk::<20>() else { return };
        let source = IpAddr::from([header[12], header[13], header[14], header[15]]);
        let direct = FIRST_HOP.contains(&header[8]);
        if direct {
            self.has(at, sender, source);
        }
        let header_len = usize::from(header[0] & 0x0f) * 4;
        let fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0;
        if header[9] == 17
            && !fragment
            && let Some(datagram) = packet.get(header_len..)
        {
            self.udp(at, sender, source, datagram);
        }
    }

    fn ipv6(&mut self, at: Timestamp, sender: Mac, packet: &[u8]) {
        let Some(header) = packet.first_chunk::<40>() else { return };
        let mut source = [0; 16];
        source.copy_from_slice(&header[8..24]);
        if FIRST_HOP.contains(&header[7]) {
            self.has(at, sender, source.into());
        }
        if header[6] == 17 {
            self.udp(at, sender, source.into(), &packet[40..]);
        }
    }

    fn udp(&mut self, at: Timestamp, sender: Mac, source: IpAddr, datagram: &[u8]) {
        let (Some(from), Some(to), Some(payload)) = (be16(datagram, 0), be16(datagram, 2), datagram.get(8..))
        else {
            return;
        };
        match (from, to) {
            // Between client and server, and between relay and server.
            (67 | 68, 67 | 68) => self.dhcp(at, sender, payload),
            // What is announced comes from the port itself (RFC 6762, section 6) and never through a router.
            (5353, 5353) => {
                if let Some(name) = mdns::announced(payload, source)
                    && self.addresses.get(&key(source)).is_some_and(|holder| holder.mac == sender)
                {
                    self.name(sender, name, false);
                }
            }
            _ => {}
        }
    }

    fn dhcp(&mut self, at: Timestamp, sender: Mac, payload: &[u8]) {
        let Some(message) = dhcp::parse(payload) else { return };
        let mac = Mac(message.hardware);
        if !message.passed_on && mac != sender {
            return;
        }
        if let Some(address) = message.has {
            self.has(at, mac, address.into());
        }
        // Who has it already keeps it: a wish is not granted yet.
        if let Some(address) = message.asks_for.map(IpAddr::from)
            && !self.addresses.contains(&key(address))
        {
            self.has(at, mac, address);
        }
        if let Some(name) = message.host_name {
            self.name(mac, name, true);
        }
    }

    /// Notes who has an address.
    fn has(&mut self, at: Timestamp, mac: Mac, address: IpAddr) {
        let single = !address.is_unspecified() && !address.is_multicast() && !address.is_loopback();
        if !single || !mac.is_of_a_machine() || address == IpAddr::from([255; 4]) {
            return;
        }
        match self.addresses.get(&key(address)) {
            Some(holder) => *holder = Holder { mac, at },
            None => self.addresses.insert(key(address), Holder { mac, at }, 1, |_, _| {}),
        }
        if self.machines.get(&mac).is_none() {
            self.machines.insert(mac, Machine::default(), 1, |_, _| {});
        }
    }

    /// Notes a name. What a machine tells the network's own server stands over what it announces to its neighbours.
    fn name(&mut self, mac: Mac, name: Box<str>, by_dhcp: bool) {
        if !mac.is_of_a_machine() {
            return;
        }
        if self.machines.get(&mac).is_none() {
            self.machines.insert(mac, Machine::default(), 1, |_, _| {});
        }
        let Some(machine) = self.machines.get(&mac) else { return };
        if machine.by_dhcp && !by_dhcp || machine.name.as_ref() == Some(&name) {
            return;
        }
        machine.by_dhcp = by_dhcp;
        machine.name = Some(name);
        if machine.asked_for && self.renamed.len() < MAX_RENAMED && !self.renamed.contains(&mac) {
            self.renamed.push_back(mac);
        }
    }
}

fn key(address: IpAddr) -> Address {
    match address.to_canonical() {
        IpAddr::V4(address) => Address::v4(address.octets()),
        IpAddr::V6(address) => Address(u128::from_be_bytes(address.octets())),
    }
}

/// A host name as machines give it: letters, digits, `-`, `_` and dots, in lower case, without the zeros and the dot that some
/// put behind it. Anything else is no name.
fn host_name(bytes: &[u8]) -> Option<Box<str>> {
    let end = bytes.iter().rposition(|byte| !matches!(byte, 0 | b'.'))? + 1;
    let bytes = &bytes[..end];
    let good = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if bytes.len() > MAX_NAME || !bytes.iter().all(good) || bytes[0] == b'.' || bytes == b"localhost" {
        return None;
    }
    Some(String::from_utf8_lossy(bytes).to_ascii_lowercase().into_boxed_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ipv4, query, udp_header};
    use dhcp::tests::{MAC, message};
    use mdns::tests::announcement;
    use proptest::prelude::*;

    const CLIENT: [u8; 4] = [10, 0, 0, 7];
    const SERVER: [u8; 4] = [198, 51, 100, 2];
    const ROUTER: [u8; 6] = [0x3c, 0x52, 0x82, 9, 9, 9];

    fn frame(source: [u8; 6], kind: u16, packet: &[u8]) -> Vec<u8> {
        [&[0xff; 6][..], &source, &kind.to_be_bytes(), packet].concat()
    }

    fn datagram(source: [u8; 4], ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
        ipv4(source, SERVER, 17, &udp_header(ports.0, ports.1, payload))
    }

    fn with_hops(mut packet: Vec<u8>, hops: u8) -> Vec<u8> {
        packet[8] = hops;
        packet
    }

    fn seen(frames: &[Vec<u8>]) -> Stations {
        let mut stations = Stations::new(1);
        for frame in frames {
            stations.handle_frame(Timestamp(0), frame);
        }
        stations
    }

    fn asked(stations: &mut Stations, address: [u8; 4]) -> (Option<[u8; 6]>, Option<String>) {
        let station = stations.ask(Timestamp(0), address.into());
        (station.mac.map(|mac| mac.0), station.host_name.map(str::to_owned))
    }

    #[test]
    fn the_sender_of_a_frame_has_its_source_address_behind_any_tags() {
        let packet = datagram(CLIENT, (4000, 53), &query("a.example"));
        let tagged = [&[0x81, 0, 0, 9][..], &8_u16.to_be_bytes(), &[0], &packet].concat();
        assert_eq!(asked(&mut seen(&[frame(MAC, 0x0800, &packet)]), CLIENT), (Some(MAC), None));
        let tagged = frame(MAC, 0x8100, &[&[0, 9, 0x08, 0x00][..], &tagged[7..]].concat());
        assert_eq!(asked(&mut seen(&[tagged]), CLIENT), (Some(MAC), None));
        let twice = frame(MAC, 0x88a8, &[&[0, 9, 0x81, 0, 0, 8, 0x08, 0x00][..], &packet].concat());
        assert_eq!(asked(&mut seen(&[twice]), CLIENT), (Some(MAC), None));
    }

    #[test]
    fn a_router_is_not_taken_for_the_machines_behind_it() {
        let packet = datagram(CLIENT, (4000, 53), &query("a.example"));
        for hops in [63, 127, 254, 1] {
            let routed = frame(ROUTER, 0x0800, &with_hops(packet.clone(), hops));
            assert_eq!(asked(&mut seen(&[routed]), CLIENT), (None, None), "{hops}");
        }
    }

    #[test]
    fn an_arp_frame_says_whose_address_it_is_unless_it_speaks_for_another() {
        let arp = |hardware: [u8; 6]| {
            let packet = [&[0, 1, 8, 0, 6, 4, 0, 1][..], &hardware, &CLIENT, &[0; 6], &SERVER].concat();
            frame(MAC, 0x0806, &packet)
        };
        assert_eq!(asked(&mut seen(&[arp(MAC)]), CLIENT), (Some(MAC), None));
        assert_eq!(asked(&mut seen(&[arp(ROUTER)]), CLIENT), (None, None));
    }

    #[test]
    fn an_ipv6_address_leads_to_the_machine_as_well() {
        let payload = udp_header(4000, 53, &query("a.example"));
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend((payload.len() as u16).to_be_bytes());
        packet.extend([17, 64]);
        packet.extend([0x20; 32]);
        packet.extend(payload);
        let mut stations = seen(&[frame(MAC, 0x86dd, &packet)]);
        assert_eq!(stations.ask(Timestamp(0), [0x20; 16].into()).mac, Some(Mac(MAC)));
    }

    #[test]
    fn a_lease_gives_address_and_name_also_through_a_relay() {
        let request = message(1, [0; 4], [0; 4], &[(53, &[3]), (12, b"laptop-7")]);
        let acknowledged = message(2, [0; 4], CLIENT, &[(53, &[5])]);
        let direct = [
            frame(MAC, 0x0800, &datagram([0; 4], (68, 67), &request)),
            frame(ROUTER, 0x0800, &datagram(SERVER, (67, 68), &acknowledged)),
        ];
        let whole = (Some(MAC), Some("laptop-7".to_owned()));
        assert_eq!(asked(&mut seen(&direct), CLIENT), whole);
        let mut relayed = request;
        relayed[24..28].copy_from_slice(&[10, 0, 0, 1]);
        let relayed = [
            frame(ROUTER, 0x0800, &with_hops(datagram([10, 0, 0, 1], (67, 67), &relayed), 63)),
            frame(ROUTER, 0x0800, &with_hops(datagram(SERVER, (67, 67), &acknowledged), 63)),
        ];
        assert_eq!(asked(&mut seen(&relayed), CLIENT), whole);
    }

    #[test]
    fn nobody_names_another_machine_or_takes_its_address_by_a_wish() {
        let own = frame([0x3c, 0x52, 0x82, 5, 5, 5], 0x0800, &datagram(CLIENT, (4000, 53), b""));
        let wish = message(1, [0; 4], [0; 4], &[(53, &[3]), (50, &CLIENT), (12, b"thief")]);
        let wish_frame = frame(MAC, 0x0800, &datagram([0; 4], (68, 67), &wish));
        let mut stations = seen(&[own, wish_frame.clone()]);
        assert_eq!(asked(&mut stations, CLIENT).0, Some([0x3c, 0x52, 0x82, 5, 5, 5]));
        assert_eq!(asked(&mut seen(&[wish_frame]), CLIENT), (Some(MAC), Some("thief".to_owned())));
        let forged = frame(ROUTER, 0x0800, &datagram([0; 4], (68, 67), &wish));
        assert_eq!(asked(&mut seen(&[forged]), CLIENT), (None, None));
    }

    #[test]
    fn a_name_that_comes_later_is_told_of_machines_that_were_asked_for() {
        let announce =
            |label| frame(MAC, 0x0800, &datagram(CLIENT, (5353, 5353), &announcement(label, CLIENT)));
        let mut stations = seen(&[frame(MAC, 0x0800, &datagram(CLIENT, (4000, 53), b""))]);
        stations.handle_frame(Timestamp(0), &announce("before"));
        assert_eq!(stations.poll_renamed(), None, "nobody asked");
        assert_eq!(asked(&mut stations, CLIENT).1.as_deref(), Some("before"));
        stations.handle_frame(Timestamp(0), &announce("desk-7"));
        assert_eq!(stations.poll_renamed(), Some((Mac(MAC), "desk-7")));
        assert_eq!(stations.poll_renamed(), None);
        let lease = message(1, [0; 4], [0; 4], &[(53, &[3]), (12, b"by-dhcp")]);
        stations.handle_frame(Timestamp(0), &frame(MAC, 0x0800, &datagram([0; 4], (68, 67), &lease)));
        stations.handle_frame(Timestamp(0), &announce("desk-8"));
        assert_eq!(stations.poll_renamed(), Some((Mac(MAC), "by-dhcp")));
    }

    #[test]
    fn what_was_true_yesterday_is_not_believed_for_ever() {
        let mut stations = seen(&[frame(MAC, 0x0800, &datagram(CLIENT, (4000, 53), b""))]);
        assert!(stations.ask(Timestamp(BELIEVED_US), CLIENT.into()).mac.is_some());
        assert_eq!(stations.ask(Timestamp(BELIEVED_US + 1), CLIENT.into()), Station::default());
    }

    #[test]
    fn a_flood_of_addresses_keeps_the_bound() {
        let mut stations = Stations::new(1);
        for number in 0..100_000_u32 {
            let mut source = [10, 0, 0, 0];
            source[1..].copy_from_slice(&number.to_be_bytes()[1..]);
            let mut mac = MAC;
            mac[3..].copy_from_slice(&number.to_be_bytes()[1..]);
            stations.handle_frame(Timestamp(0), &frame(mac, 0x0800, &datagram(source, (1, 2), b"")));
        }
        assert_eq!(stations.counts(), (MAX_ADDRESSES, MAX_MACHINES));
    }

    #[test]
    fn what_is_no_host_name_is_not_taken_for_one() {
        assert_eq!(host_name(b"Annas-Laptop.\0\0").as_deref(), Some("annas-laptop"));
        for text in ["", "\0", ".", ".a", "a b", "<script>", "localhost", "a\nb", "\u{e4}"] {
            assert_eq!(host_name(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(host_name(&[b'a'; 254]), None);
    }

    #[test]
    fn every_prefix_of_a_frame_is_survived_and_proves_no_other_address() {
        let whole = frame(MAC, 0x0800, &datagram(CLIENT, (5353, 5353), &announcement("desk-7", CLIENT)));
        for len in 0..whole.len() {
            let mut stations = seen(&[whole[..len].to_vec()]);
            let (mac, name) = asked(&mut stations, CLIENT);
            assert!(matches!(mac, None | Some(MAC)) && name.is_none(), "at {len}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_frames_are_survived(
            frames in proptest::collection::vec(
                (prop_oneof![Just(0x0800u16), Just(0x86dd), Just(0x0806), Just(0x8100)],
                 proptest::collection::vec(any::<u8>(), 0..400)),
                1..20,
            ),
        ) {
            let mut stations = Stations::new(1);
            for (kind, bytes) in &frames {
                stations.handle_frame(Timestamp(0), &frame(MAC, *kind, bytes));
            }
            prop_assert!(stations.counts().0 <= 2 * frames.len());
        }
    }
}
