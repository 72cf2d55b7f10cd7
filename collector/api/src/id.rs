//! Identifiers, each parsed once into a type that cannot be wrong.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is not the lower-case hexadecimal form of an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of {expected} lower-case hexadecimal digits")]
pub struct IdError {
    expected: usize,
}

macro_rules! hex_id {
    ($(#[$meta:meta])* $name:ident, $bytes:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Length in bytes; the text has twice as many digits.
            pub const BYTES: usize = $bytes;

            /// The identifier with these bytes.
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self { Self(bytes) }

            /// The bytes of the identifier.
            pub const fn as_bytes(&self) -> &[u8; $bytes] { &self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let fail = IdError { expected: $bytes * 2 };
                let text = text.as_bytes();
                if text.len() != $bytes * 2 { return Err(fail); }
                let mut bytes = [0; $bytes];
                for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
                    let digit = |c: u8| match c {
                        b'0'..=b'9' => Ok(c - b'0'),
                        b'a'..=b'f' => Ok(c - b'a' + 10),
                        _ => Err(fail),
                    };
                    *byte = digit(pair[0])? << 4 | digit(pair[1])?;
                }
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

hex_id! {
    /// A sensor, as its certificate names it (URI SAN `umbrascope:sensor:<id>`). Given by the collector.
    SensorId, 16
}
hex_id! {
    /// 64 random bits of one agent state database. A lost or copied database means a new epoch;
    /// totals sum over epochs.
    Epoch, 8
}
hex_id! {
    /// A pseudonym of a user: HMAC-SHA-256 of the account's name under a key of the sensor, cut to
    /// 128 bits. The collector applies a key of its own before it stores it.
    AccountId, 16
}
hex_id! {
    /// Hash of what identifies the machine (on Linux `/etc/machine-id`, keyed with our name), cut
    /// to 128 bits. It tells a clone from a renamed machine and says nothing else.
    MachineId, 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_itself() {
        let id = SensorId::from_bytes(*b"0123456789abcdef");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(serde_json::from_str::<SensorId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "00", "0011223344556677889900112233445G", "0011223344556677889900112233445F"] {
            assert!(text.parse::<SensorId>().is_err(), "{text:?}");
        }
    }
}
