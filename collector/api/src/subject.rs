//! Machines that a gateway sensor sees: whose traffic it was, and what is known of them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The machine an activity row is of, where that is not the sensor's own: part of the row's key, so what may be learnt
/// later is not in it (see [`Station`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// Recognised by its hardware address (EUI-48): `3c:52:82:01:02:03`.
    Mac([u8; 6]),
    /// Its hardware address is not known: recognised by its network address, within one sensor.
    Address(IpAddr),
}

/// A text that is no hardware address and no network address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a hardware address of six lower-case bytes with colons, and not an IP address")]
pub struct SubjectError;

/// What is known of a subject. The newest wins; what it leaves out stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Station {
    /// Which.
    pub subject: Subject,
    /// The network address it was last seen with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// What it calls itself, by DHCP or multicast DNS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_name: Option<String>,
}

impl Subject {
    /// Whether it can be one machine: no group, nothing empty, no loopback.
    pub fn is_a_machine(&self) -> bool {
        match self {
            Self::Mac(bytes) => bytes[0] & 1 == 0 && *bytes != [0; 6],
            Self::Address(address) => {
                !address.is_unspecified()
                    && !address.is_multicast()
                    && !address.is_loopback()
                    && *address != IpAddr::from([255; 4])
            }
        }
    }

    /// Whether it is the same machine whichever sensor names it: a hardware address given out by its maker. One that is
    /// administered locally (a virtual machine's, a telephone's random one) and a network address mean something in
    /// their own network only.
    pub fn is_universal(&self) -> bool {
        matches!(self, Self::Mac(bytes) if bytes[0] & 2 == 0)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac([a, b, c, d, e, g]) => write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Address(address.to_canonical()));
        }
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().ok_or(SubjectError)?;
            let hexadecimal = part.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
            if part.len() != 2 || !hexadecimal {
                return Err(SubjectError);
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| SubjectError)?;
        }
        if parts.next().is_some() { Err(SubjectError) } else { Ok(Self::Mac(bytes)) }
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_reads_back_as_itself_and_hardware_is_told_from_network() {
        let mac = Subject::Mac([0x3c, 0x52, 0x82, 0, 0, 0xff]);
        assert_eq!(mac.to_string(), "3c:52:82:00:00:ff");
        for subject in [mac, Subject::Address([10, 0, 0, 7].into()), Subject::Address([0xfd; 16].into())] {
            assert_eq!(subject.to_string().parse(), Ok(subject));
            let text = serde_json::to_string(&subject).unwrap();
            assert_eq!(serde_json::from_str::<Subject>(&text).unwrap(), subject);
        }
        assert_eq!("::ffff:10.0.0.7".parse(), Ok(Subject::Address([10, 0, 0, 7].into())));
    }

    #[test]
    fn what_is_no_subject_is_refused() {
        for text in
            ["", "laptop", "3c:52:82:00:00", "3c:52:82:00:00:01:02", "3C:52:82:00:00:01", "+c:52:82:00:00:01"]
        {
            assert_eq!(text.parse::<Subject>(), Err(SubjectError), "{text:?}");
        }
    }

    #[test]
    fn groups_and_empty_addresses_are_no_machines() {
        for text in
            ["ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "224.0.0.1", "0.0.0.0", "::1", "255.255.255.255"]
        {
            assert!(!text.parse::<Subject>().unwrap().is_a_machine(), "{text}");
        }
        let made = "3c:52:82:00:00:01".parse::<Subject>().unwrap();
        let local = "02:42:ac:11:00:02".parse::<Subject>().unwrap();
        assert!(made.is_a_machine() && made.is_universal());
        assert!(local.is_a_machine() && !local.is_universal());
    }
}
