//! Real messages for the tests and the fuzz targets: hellos made by rustls or by hand, and the packets around them.

use crate::{Channel, Dissector, Limits, LinkType, Observation, Timestamp};

pub(crate) const CLIENT: [u8; 4] = [192, 0, 2, 1];
pub(crate) const SERVER: [u8; 4] = [198, 51, 100, 2];

/// The records that a rustls client sends first.
#[cfg(test)]
pub(crate) fn rustls_records(name: &'static str) -> Vec<u8> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut client =
        rustls::ClientConnection::new(std::sync::Arc::new(config), name.try_into().unwrap()).unwrap();
    let mut records = Vec::new();
    client.write_tls(&mut records).unwrap();
    records
}

/// The ClientHello message in them.
#[cfg(test)]
pub(crate) fn rustls_hello(name: &'static str) -> Vec<u8> {
    rustls_records(name)[5..].to_vec()
}

pub(crate) fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &(data.len() as u16).to_be_bytes(), data].concat()
}

pub(crate) fn server_name(name: &str) -> Vec<u8> {
    let entry = [&[0][..], &(name.len() as u16).to_be_bytes(), name.as_bytes()].concat();
    extension(0, &[&(entry.len() as u16).to_be_bytes()[..], &entry].concat())
}

/// A ClientHello with these extensions.
pub(crate) fn hello_of(extensions: &[Vec<u8>]) -> Vec<u8> {
    let list = extensions.concat();
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([&[32][..], &[9; 32]].concat());
    body.extend([0, 4, 0x13, 0x01, 0x13, 0x02, 1, 0]);
    body.extend((list.len() as u16).to_be_bytes());
    body.extend(list);
    [&[1, 0][..], &(body.len() as u16).to_be_bytes(), &body].concat()
}

/// A hello as large as one with an X25519MLKEM768 key share, its name behind the share.
#[cfg(test)]
pub(crate) fn large_hello(name: &str) -> Vec<u8> {
    let mut share = vec![0x04, 0xc8, 0x11, 0xec, 0x04, 0xc0];
    share.extend((0..1216_u32).map(|at| (at * 7 % 251) as u8));
    hello_of(&[extension(51, &share), extension(21, &[0; 250]), server_name(name)])
}

/// The message in records of at most `size` bytes.
pub(crate) fn records(message: &[u8], size: usize) -> Vec<u8> {
    let record = |piece: &[u8]| [&[22, 3, 1][..], &(piece.len() as u16).to_be_bytes(), piece].concat();
    message.chunks(size).flat_map(record).collect()
}

/// An IPv4 packet around a transport payload.
pub(crate) fn ipv4(src: [u8; 4], dst: [u8; 4], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0];
    packet.extend(src);
    packet.extend(dst);
    packet.extend(payload);
    let len = (packet.len() as u16).to_be_bytes();
    packet[2..4].copy_from_slice(&len);
    packet
}

pub(crate) fn tcp_header(src_port: u16, dst_port: u16, sequence: u32, flags: u8) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(src_port.to_be_bytes());
    header.extend(dst_port.to_be_bytes());
    header.extend(sequence.to_be_bytes());
    header.extend([0, 0, 0, 0, 0x50, flags, 1, 0, 0, 0, 0, 0]);
    header
}

/// A packet of the client on port 443.
pub(crate) fn tcp(sequence: u32, payload: &[u8]) -> Vec<u8> {
    tcp_from(CLIENT, 40000, sequence, 0x18, payload)
}

pub(crate) fn tcp_from(src: [u8; 4], port: u16, sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    ipv4(src, SERVER, 6, &[tcp_header(port, 443, sequence, flags), payload.to_vec()].concat())
}

pub(crate) fn syn(sequence: u32) -> Vec<u8> {
    tcp_from(CLIENT, 40000, sequence, 0x02, b"")
}

pub(crate) fn udp_header(src_port: u16, dst_port: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    datagram.extend(src_port.to_be_bytes());
    datagram.extend(dst_port.to_be_bytes());
    datagram.extend((payload.len() as u16 + 8).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}

pub(crate) fn udp(src_port: u16, dst_port: u16, payload: &[u8]) -> Vec<u8> {
    ipv4(CLIENT, SERVER, 17, &udp_header(src_port, dst_port, payload))
}

/// A DNS query message.
pub(crate) fn query(name: &str) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    message.extend(wire_name(name));
    message.extend([0, 1, 0, 1]);
    message
}

/// The answer to a query, with these records.
pub(crate) fn response(name: &str, records: &[Vec<u8>]) -> Vec<u8> {
    let mut message = query(name);
    message[2] |= 0x80;
    message[7] = records.len() as u8;
    message.extend(records.concat());
    message
}

pub(crate) fn a(owner: &str, octets: [u8; 4]) -> Vec<u8> {
    dns_record(owner, 1, &octets)
}

pub(crate) fn cname(owner: &str, target: &str) -> Vec<u8> {
    dns_record(owner, 5, &wire_name(target))
}

/// An HTTPS record with these parameters.
pub(crate) fn https(owner: &str, priority: u16, target: &str, parameters: &[(u16, &[u8])]) -> Vec<u8> {
    let mut data = [&priority.to_be_bytes()[..], &wire_name(target)].concat();
    for (key, value) in parameters {
        data.extend(extension(*key, value));
    }
    dns_record(owner, 65, &data)
}

/// An ECHConfigList with one configuration for each public name.
pub(crate) fn ech_config_list(public_names: &[&str]) -> Vec<u8> {
    let config = |name: &&str| {
        let key = [&[7, 0, 0x20, 0, 32][..], &[9; 32], &[0, 4, 0, 1, 0, 1, 0]].concat();
        extension(0xfe0d, &[&key[..], &[name.len() as u8], name.as_bytes(), &[0, 0]].concat())
    };
    let configs: Vec<u8> = public_names.iter().flat_map(config).collect();
    [&(configs.len() as u16).to_be_bytes()[..], &configs].concat()
}

fn dns_record(owner: &str, kind: u16, data: &[u8]) -> Vec<u8> {
    let mut record = wire_name(owner);
    record.extend(kind.to_be_bytes());
    record.extend([0, 1, 0, 0, 0, 60]);
    record.extend((data.len() as u16).to_be_bytes());
    record.extend(data);
    record
}

/// A name in labels; `.` is the root.
fn wire_name(name: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        wire.push(label.len() as u8);
        wire.extend(label.as_bytes());
    }
    wire.push(0);
    wire
}

/// A dissector that takes raw IP packets.
pub(crate) struct Bench(pub(crate) Dissector);

impl Bench {
    pub(crate) fn new() -> Self {
        Bench(Dissector::new(Limits::default()))
    }

    pub(crate) fn packet(&mut self, packet: &[u8]) {
        self.0.handle_frame(Timestamp(1), LinkType::Raw, packet);
    }

    pub(crate) fn observations(&mut self) -> Vec<Observation> {
        std::iter::from_fn(|| self.0.poll_observation()).collect()
    }

    /// Channel and name of what was seen.
    pub(crate) fn seen(&mut self) -> Vec<(Channel, String)> {
        self.observations()
            .into_iter()
            .map(|seen| (seen.channel, seen.name.unwrap_or_default().into()))
            .collect()
    }
}

/// What packets in this order show.
pub(crate) fn seen_in<P: AsRef<[u8]>>(packets: impl IntoIterator<Item = P>) -> Vec<(Channel, String)> {
    let mut bench = Bench::new();
    for packet in packets {
        bench.packet(packet.as_ref());
    }
    bench.seen()
}
