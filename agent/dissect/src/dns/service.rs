//! Service binding records (RFC 9460): where a service is, and the keys of Encrypted ClientHello (RFC 9848).

use std::net::IpAddr;

use crate::observation::Service;
use crate::reader::{Reader, clean_name, clean_protocol};

/// Protocols, configurations and addresses that are read of one record; real ones have a handful.
const MAX_PROTOCOLS: usize = 8;
const MAX_CONFIGS: usize = 8;

const ALPN: u16 = 1;
const IPV4_HINT: u16 = 4;
const ECH: u16 = 5;
const IPV6_HINT: u16 = 6;
/// The one version of ECHConfig (RFC 9849, section 4).
const ECH_VERSION: u16 = 0xfe0d;

/// Reads the parameters behind a record's target name into `service`; `hint` takes the addresses. A parameter that is
/// not what its length says ends the reading, and what came before it stays.
pub(super) fn parameters(bytes: &[u8], service: &mut Service, mut hint: impl FnMut(IpAddr)) {
    let mut reader = Reader::new(bytes);
    while let (Some(key), Some(value)) = (reader.u16(), reader.vec16()) {
        match key {
            ALPN => {
                let mut list = Reader::new(value);
                while let Some(protocol) = list.vec8()
                    && service.alpn.len() < MAX_PROTOCOLS
                {
                    service.alpn.extend(clean_protocol(protocol));
                }
            }
            IPV4_HINT => value.as_chunks::<4>().0.iter().for_each(|octets| hint(IpAddr::from(*octets))),
            IPV6_HINT => value.as_chunks::<16>().0.iter().for_each(|octets| hint(IpAddr::from(*octets))),
            ECH => public_names(value, &mut service.ech_public_names),
            _ => {}
        }
    }
}

/// The public names of an ECHConfigList (RFC 9849, section 4); configurations of other versions are passed over.
fn public_names(list: &[u8], names: &mut Vec<Box<str>>) {
    let Some(configs) = Reader::new(list).vec16() else { return };
    let mut configs = Reader::new(configs);
    for _ in 0..MAX_CONFIGS {
        let (Some(version), Some(contents)) = (configs.u16(), configs.vec16()) else { return };
        if version == ECH_VERSION
            && let Some(name) = public_name(contents)
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
}

fn public_name(contents: &[u8]) -> Option<Box<str>> {
    let mut reader = Reader::new(contents);
    reader.u8()?; // config_id
    reader.u16()?; // kem_id
    reader.vec16()?; // public_key
    reader.vec16()?; // cipher_suites
    reader.u8()?; // maximum_name_length
    clean_name(reader.vec8()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ech_config_list;

    fn read(bytes: &[u8]) -> (Service, Vec<IpAddr>) {
        let (mut service, mut hints) = (Service::default(), Vec::new());
        parameters(bytes, &mut service, |address| hints.push(address));
        (service, hints)
    }

    fn parameter(key: u16, value: &[u8]) -> Vec<u8> {
        [&key.to_be_bytes()[..], &(value.len() as u16).to_be_bytes(), value].concat()
    }

    #[test]
    fn protocols_and_hints_of_the_rfcs_example_are_read() {
        // RFC 9460, appendix D.2: mandatory=alpn,ipv4hint alpn="h2,h3-19" ipv4hint=192.0.2.1
        let bytes = b"\0\0\0\x04\0\x01\0\x04\0\x01\0\x09\x02h2\x05h3-19\0\x04\0\x04\xc0\0\x02\x01";
        let (service, hints) = read(bytes);
        assert_eq!(service.alpn, ["h2".into(), "h3-19".into()]);
        assert_eq!(hints, [IpAddr::from([192, 0, 2, 1])]);
        // And ipv6hint="2001:db8::1,2001:db8::53:1".
        let (first, second) = ("2001:db8::1".parse().unwrap(), "2001:db8::53:1".parse().unwrap());
        let octets = |address| match address {
            IpAddr::V6(address) => address.octets(),
            IpAddr::V4(_) => unreachable!(),
        };
        let (_, hints) = read(&parameter(6, &[octets(first), octets(second)].concat()));
        assert_eq!(hints, [first, second]);
    }

    #[test]
    fn the_public_name_of_a_real_configuration_is_read() {
        // As Cloudflare served it for crypto.cloudflare.com in September 2024.
        let list = b"\x00\x45\xfe\x0d\x00\x41\x61\x00\x20\x00\x20\
            \x7f\x64\xda\x6b\xb9\x42\x0e\x31\x3e\xd4\xf6\x2b\xf9\x0c\xb8\x13\
            \xa3\xea\x07\x43\xb4\x48\xec\x67\x87\xc1\xdd\x2d\x6d\xc7\x2b\x08\
            \0\x04\0\x01\0\x01\0\x12cloudflare-ech.com\0\0";
        let (service, _) = read(&parameter(5, list));
        assert_eq!(service.ech_public_names, ["cloudflare-ech.com".into()]);
    }

    #[test]
    fn configurations_of_other_versions_are_passed_over_and_a_name_counts_once() {
        let known = ech_config_list(&["a.example", "b.example", "a.example"]);
        let mut list = [&[0xfe, 0x0a, 0, 3, 1, 2, 3][..], &known[2..]].concat();
        list.splice(..0, (list.len() as u16).to_be_bytes());
        let (service, _) = read(&parameter(5, &list));
        assert_eq!(service.ech_public_names, ["a.example".into(), "b.example".into()]);
    }

    #[test]
    fn every_prefix_is_survived_and_its_counts_are_bounded() {
        let names: Vec<String> = (0..40).map(|number| format!("n{number}.example")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let bytes = [
            parameter(1, &b"\x02h3".repeat(100)),
            parameter(5, &ech_config_list(&names)),
            parameter(4, &[9; 400]),
        ]
        .concat();
        for len in 0..=bytes.len() {
            let (service, _) = read(&bytes[..len]);
            assert!(service.alpn.len() <= MAX_PROTOCOLS && service.ech_public_names.len() <= MAX_CONFIGS);
        }
        assert_eq!(read(&bytes).0.ech_public_names.len(), MAX_CONFIGS);
    }
}
