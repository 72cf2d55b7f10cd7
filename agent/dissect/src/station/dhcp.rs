//! DHCP for IPv4 (RFC 2131): which machine has which address, and what it calls itself.

use crate::reader::Reader;

/// Bytes before the options: the fixed fields, then the magic cookie.
const OPTIONS_AT: usize = 240;
const COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
/// Where `ciaddr`, `yiaddr`, `giaddr` and `chaddr` stand; the other fixed fields say nothing here.
const CLIENT_ADDRESS_AT: usize = 12;
const YOUR_ADDRESS_AT: usize = 16;
const RELAY_ADDRESS_AT: usize = 24;
const HARDWARE_ADDRESS_AT: usize = 28;
/// Options that are looked at. Real messages have fewer than 30.
const MAX_OPTIONS: usize = 64;

/// What a message says of the machine that asks for an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its hardware address (`chaddr`).
    pub(crate) hardware: [u8; 6],
    /// It is a server's word, or a relay passed it on: the frame's sender is another one.
    pub(crate) passed_on: bool,
    /// The address it has now: given by a server's acknowledgement, or its own while it renews.
    pub(crate) has: Option<[u8; 4]>,
    /// The address it asks for in a request (option 50). It may be refused.
    pub(crate) asks_for: Option<[u8; 4]>,
    /// What it calls itself: option 12, else the name of option 81 (RFC 4702).
    pub(crate) host_name: Option<Box<str>>,
}

/// Reads a message from a client or a server; `None` where it is none, or of no Ethernet machine. An option whose end is
/// missing is as if it were not there.
pub(crate) fn parse(message: &[u8]) -> Option<Message> {
    let [operation @ (1 | 2), 1, 6, ..] = message else { return None };
    if message.get(OPTIONS_AT - 4..OPTIONS_AT)? != COOKIE {
        return None;
    }
    let mut found =
        Message { hardware: *message.get(HARDWARE_ADDRESS_AT..)?.first_chunk()?, ..Message::default() };
    let from_client = *operation == 1;
    let mut kind = None;
    let mut requested = None;
    let mut full_name = None;
    let mut options = Reader::new(&message[OPTIONS_AT..]);
    for _ in 0..MAX_OPTIONS {
        let code = match options.u8() {
            Some(0) => continue,
            None | Some(255) => break,
            Some(code) => code,
        };
        let Some(data) = options.vec8() else { break };
        match (code, data) {
            (53, [value]) => kind = Some(*value),
            (50, _) => requested = <[u8; 4]>::try_from(data).ok(),
            (12, _) if from_client => found.host_name = super::host_name(data),
            (81, [flags, _, _, name @ ..]) if from_client => full_name = client_name(*flags, name),
            _ => {}
        }
    }
    let field =
        |at: usize| message.get(at..)?.first_chunk::<4>().copied().filter(|address| *address != [0; 4]);
    found.passed_on = !from_client || field(RELAY_ADDRESS_AT).is_some();
    match (from_client, kind) {
        (true, Some(REQUEST)) => {
            found.has = field(CLIENT_ADDRESS_AT);
            found.asks_for = requested;
        }
        (false, Some(ACKNOWLEDGED)) => found.has = field(YOUR_ADDRESS_AT),
        _ => {}
    }
    found.host_name = found.host_name.or(full_name);
    Some(found)
}

const REQUEST: u8 = 3;
const ACKNOWLEDGED: u8 = 5;

/// The name of option 81: in labels where the E flag says so, else as text.
fn client_name(flags: u8, name: &[u8]) -> Option<Box<str>> {
    if flags & 4 == 0 {
        return super::host_name(name);
    }
    let mut labels = Reader::new(name);
    let mut text = Vec::new();
    // A name without its last, empty label is one that the server is to complete.
    while let Some(label) = labels.vec8().filter(|label| !label.is_empty() && label.len() < 64) {
        if !text.is_empty() {
            text.push(b'.');
        }
        text.extend_from_slice(label);
    }
    super::host_name(&text)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) const MAC: [u8; 6] = [0x3c, 0x52, 0x82, 1, 2, 3];

    /// A message with these options; `operation` 1 is a client's.
    pub(crate) fn message(
        operation: u8,
        ciaddr: [u8; 4],
        yiaddr: [u8; 4],
        options: &[(u8, &[u8])],
    ) -> Vec<u8> {
        let mut message = vec![0; OPTIONS_AT];
        message[..3].copy_from_slice(&[operation, 1, 6]);
        message[CLIENT_ADDRESS_AT..][..4].copy_from_slice(&ciaddr);
        message[YOUR_ADDRESS_AT..][..4].copy_from_slice(&yiaddr);
        message[HARDWARE_ADDRESS_AT..][..6].copy_from_slice(&MAC);
        message[OPTIONS_AT - 4..].copy_from_slice(&COOKIE);
        for (code, data) in options {
            message.extend([*code, u8::try_from(data.len()).unwrap()]);
            message.extend(*data);
        }
        message.push(255);
        message
    }

    #[test]
    fn a_request_says_name_and_wish_and_an_acknowledgement_the_address() {
        let request = message(
            1,
            [0; 4],
            [0; 4],
            &[(53, &[3]), (55, &[1, 3, 6]), (50, &[10, 0, 0, 7]), (12, b"Laptop-7\0")],
        );
        let asked = parse(&request).unwrap();
        assert_eq!((asked.hardware, asked.has, asked.asks_for), (MAC, None, Some([10, 0, 0, 7])));
        assert_eq!(asked.host_name.as_deref(), Some("laptop-7"));
        let given = parse(&message(2, [0; 4], [10, 0, 0, 7], &[(53, &[5]), (12, b"other")])).unwrap();
        assert_eq!((given.has, given.host_name), (Some([10, 0, 0, 7]), None), "a server names nobody");
        let renewed = parse(&message(1, [10, 0, 0, 7], [0; 4], &[(53, &[3])])).unwrap();
        assert_eq!(renewed.has, Some([10, 0, 0, 7]));
    }

    #[test]
    fn an_offer_and_a_refusal_give_nobody_an_address() {
        for kind in [2, 6] {
            assert_eq!(parse(&message(2, [0; 4], [10, 0, 0, 7], &[(53, &[kind])])).unwrap().has, None);
        }
    }

    #[test]
    fn a_full_name_stands_in_for_a_host_name_in_both_of_its_forms() {
        for option in [&b"\x00\x00\x00desk.corp.example"[..], b"\x05\x00\x00\x04desk\x04corp\x07example\x00"]
        {
            let found = parse(&message(1, [0; 4], [0; 4], &[(53, &[3]), (81, option)])).unwrap();
            assert_eq!(found.host_name.as_deref(), Some("desk.corp.example"));
            let both = parse(&message(1, [0; 4], [0; 4], &[(81, option), (12, b"desk")])).unwrap();
            assert_eq!(both.host_name.as_deref(), Some("desk"));
        }
    }

    #[test]
    fn every_prefix_says_less_and_nothing_else() {
        let whole = message(1, [0; 4], [0; 4], &[(50, &[10, 0, 0, 7]), (12, b"laptop-7"), (53, &[3])]);
        for len in 0..whole.len() {
            match parse(&whole[..len]) {
                None => assert!(len < OPTIONS_AT, "at {len}"),
                Some(found) => {
                    assert!(len >= OPTIONS_AT);
                    assert_eq!(found.hardware, MAC);
                    assert!(matches!(found.host_name.as_deref(), None | Some("laptop-7")), "at {len}");
                    assert!(matches!(found.asks_for, None | Some([10, 0, 0, 7])), "at {len}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn arbitrary_options_are_survived(options in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut bytes = message(1, [0; 4], [0; 4], &[]);
            bytes.truncate(OPTIONS_AT);
            bytes.extend(options);
            prop_assert_eq!(parse(&bytes).unwrap().hardware, MAC);
        }
    }
}
