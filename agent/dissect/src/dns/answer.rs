//! What an answer says (RFC 1035, section 4.1.3): which names the one asked for leads to, and which addresses.

use std::net::IpAddr;

use super::{Question, name_into, name_len, question, service};
use crate::observation::{Answer, Service};
use crate::reader::{Reader, be16};

/// Records of the answer section that are looked at. A large one has 30; more say nothing new.
const MAX_RECORDS: u16 = 64;
/// Names that one leads to. Resolvers follow 8 to 16.
const MAX_TARGETS: usize = 16;
/// Addresses kept of one answer, and services.
const MAX_ADDRESSES: usize = 32;
const MAX_SERVICES: usize = 8;

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;
const SVCB: u16 = 64;
const HTTPS: u16 = 65;
const INTERNET: u16 = 1;

/// Reads a message that is known to be a response; `None` where it says nothing of interest, for which nothing is
/// allocated.
///
/// Records may stand in any order, so the names come first and what they lead to second. A DNAME (RFC 6672) needs
/// no care: a CNAME made from it stands beside it.
pub(crate) fn answer(message: &[u8]) -> Option<(Question, Answer)> {
    let (flags, asked, answered) = (be16(message, 2)?, be16(message, 4)?, be16(message, 6)?);
    // A standard query without an error; a name that leads to one that does not exist (3) has led there all the same.
    let (opcode, code) = (flags >> 11 & 0xf, flags & 0xf);
    // One question, as RFC 9619 has it.
    if opcode != 0 || !matches!(code, 0 | 3) || asked != 1 {
        return None;
    }
    let begin = super::HEADER + name_len(message.get(super::HEADER..)?)? + 4;
    let records = Records { message, at: begin, left: answered.min(MAX_RECORDS) };
    if !records.clone().any(|record| record.is_of_interest()) {
        return None;
    }
    let (question, _) = question(message, super::HEADER)?;
    // The root has no addresses: whoever answers so answers about no name.
    if question.name.is_empty() {
        return None;
    }
    let mut answer = Answer { targets: targets(&records, &question.name), ..Answer::default() };
    let mut owner = String::with_capacity(64);
    // Records of one name stand together and point to the same place.
    let mut last = None;
    for record in records.filter(Record::is_of_interest) {
        let pointer = be16(message, record.owner_at).filter(|pointer| pointer >> 14 == 3);
        let reached = match last {
            Some((known, reached)) if pointer == Some(known) => reached,
            _ => {
                name_into(message, record.owner_at, &mut owner).is_some()
                    && (*owner == *question.name || answer.targets.iter().any(|target| **target == owner))
            }
        };
        last = pointer.map(|pointer| (pointer, reached));
        if reached {
            record.tell(message, &mut answer);
        }
    }
    (answer != Answer::default()).then_some((question, answer))
}

/// Follows the aliases from the name asked for, as far as they go and no name comes twice.
fn targets(records: &Records<'_>, asked: &str) -> Vec<Box<str>> {
    let read = |at: usize| {
        let mut name = String::with_capacity(64);
        name_into(records.message, at, &mut name).map(|_| name.into_boxed_str())
    };
    let aliases: Vec<(Box<str>, usize)> = records
        .clone()
        .filter_map(|record| Some((record.owner_at, record.alias_at()?)))
        .take(MAX_TARGETS)
        .filter_map(|(owner_at, alias_at)| Some((read(owner_at)?, alias_at)))
        .collect();
    let mut targets: Vec<Box<str>> = Vec::new();
    while targets.len() < MAX_TARGETS {
        let last = targets.last().map_or(asked, |target| target);
        let Some((_, at)) = aliases.iter().find(|(owner, _)| **owner == *last) else { break };
        match read(*at) {
            Some(next) if !next.is_empty() && *next != *asked && !targets.contains(&next) => {
                targets.push(next)
            }
            _ => break,
        }
    }
    targets
}

/// A resource record; what is in it is found when it is asked for.
#[derive(Clone, Copy)]
struct Record<'a> {
    owner_at: usize,
    kind: u16,
    data_at: usize,
    data: &'a [u8],
}

impl Record<'_> {
    fn is_of_interest(&self) -> bool {
        matches!(self.kind, A | CNAME | AAAA | SVCB | HTTPS)
    }

    /// Where the name stands that this record makes another name of: of a CNAME, and of a service binding in alias mode
    /// (RFC 9460, section 2.4.2).
    fn alias_at(&self) -> Option<usize> {
        match (self.kind, self.data) {
            (CNAME, _) => Some(self.data_at),
            (SVCB | HTTPS, [0, 0, ..]) => Some(self.data_at + 2),
            _ => None,
        }
    }

    fn tell(&self, message: &[u8], answer: &mut Answer) {
        let mut address = |address: IpAddr| {
            if answer.addresses.len() < MAX_ADDRESSES && !answer.addresses.contains(&address) {
                answer.addresses.push(address);
            }
        };
        match self.kind {
            A => {
                if let Ok(octets) = <[u8; 4]>::try_from(self.data) {
                    address(octets.into());
                }
            }
            AAAA => {
                if let Ok(octets) = <[u8; 16]>::try_from(self.data) {
                    address(octets.into());
                }
            }
            SVCB | HTTPS if self.alias_at().is_none() && answer.services.len() < MAX_SERVICES => {
                let mut target = String::with_capacity(64);
                let Some(len) = name_into(message, self.data_at + 2, &mut target) else { return };
                let Some(rest) = self.data.get(2 + len..) else { return };
                let mut found = Service { target: target.into(), ..Service::default() };
                service::parameters(rest, &mut found, address);
                answer.services.push(found);
            }
            _ => {}
        }
    }
}

#[derive(Clone)]
struct Records<'a> {
    message: &'a [u8],
    at: usize,
    left: u16,
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    /// The next record of the Internet's class.
    fn next(&mut self) -> Option<Record<'a>> {
        while self.left > 0 {
            self.left -= 1;
            let owner_at = self.at;
            let rest = self.message.get(owner_at..)?;
            let mut reader = Reader::new(rest);
            reader.take(name_len(rest)?)?;
            let (kind, class) = (reader.u16()?, reader.u16()?);
            reader.u32()?;
            let data = reader.vec16()?;
            self.at = self.message.len() - reader.rest().len();
            if class == INTERNET {
                return Some(Record { owner_at, kind, data_at: self.at - data.len(), data });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        Bench, CLIENT, SERVER, a, cname, ech_config_list, https, ipv4, query, response, tcp_header,
        udp_header,
    };
    use proptest::prelude::*;

    fn told(message: &[u8]) -> Answer {
        answer(message).map(|(_, answer)| answer).unwrap_or_default()
    }

    #[test]
    fn an_answer_about_the_root_is_about_no_name() {
        assert_eq!(answer(&response("", &[a("", [192, 0, 2, 7])])), None);
        assert!(answer(&response("a", &[a("a", [192, 0, 2, 7])])).is_some());
    }

    #[test]
    fn names_and_addresses_are_told_in_the_order_they_lead_in() {
        let records = [
            cname("app.example", "app.cdn.example"),
            cname("app.cdn.example", "edge.example"),
            a("edge.example", [192, 0, 2, 7]),
        ];
        let expected = Answer {
            query: 0,
            targets: vec!["app.cdn.example".into(), "edge.example".into()],
            addresses: vec![[192, 0, 2, 7].into()],
            services: vec![],
        };
        let mut order = vec![0, 1, 2];
        for _ in 0..3 {
            order.rotate_left(1);
            let records: Vec<_> = order.iter().map(|&at: &usize| records[at].clone()).collect();
            let (question, answer) = answer(&response("APP.example", &records)).unwrap();
            assert_eq!((&*question.name, answer), ("app.example", expected.clone()), "{order:?}");
        }
    }

    #[test]
    fn what_the_name_asked_for_does_not_lead_to_is_not_told() {
        let records = [
            cname("other.example", "chatgpt.com"),
            a("other.example", [192, 0, 2, 7]),
            a("app.example", [192, 0, 2, 8]),
        ];
        let answer = told(&response("app.example", &records));
        assert_eq!((answer.targets, answer.addresses), (vec![], vec![[192, 0, 2, 8].into()]));
    }

    #[test]
    fn a_chain_that_bites_its_tail_ends() {
        let records = [
            cname("a.example", "b.example"),
            cname("b.example", "c.example"),
            cname("c.example", "b.example"),
        ];
        assert_eq!(told(&response("a.example", &records)).targets, ["b.example".into(), "c.example".into()]);
        assert_eq!(told(&response("a.example", &[cname("a.example", "a.example")])), Answer::default());
    }

    #[test]
    fn a_service_tells_its_protocols_keys_and_addresses_and_an_alias_leads_on() {
        let list = ech_config_list(&["public.example"]);
        let parameters = [(1, &b"\x02h3"[..]), (4, &[192, 0, 2, 7]), (5, &list)];
        let records = [https("a.example", 0, "b.example", &[]), https("b.example", 1, ".", &parameters)];
        let answer = told(&response("a.example", &records));
        let service = Service {
            target: "".into(),
            alpn: vec!["h3".into()],
            ech_public_names: vec!["public.example".into()],
        };
        assert_eq!((answer.targets, answer.services), (vec!["b.example".into()], vec![service]));
        assert_eq!(answer.addresses, [IpAddr::from([192, 0, 2, 7])]);
    }

    #[test]
    fn a_target_that_does_not_exist_has_been_led_to_all_the_same_and_a_failure_says_nothing() {
        let mut message = response("a.example", &[cname("a.example", "b.example")]);
        message[3] |= 3;
        assert_eq!(told(&message).targets, ["b.example".into()]);
        message[3] = 2;
        assert_eq!(answer(&message), None);
    }

    #[test]
    fn answers_without_records_of_interest_say_nothing() {
        let mut text = a("a.example", [0; 4]);
        let kind = text.len() - 14;
        text[kind..kind + 2].copy_from_slice(&[0, 16]);
        let mut chaos = a("a.example", [0; 4]);
        chaos[kind + 3] = 3;
        for records in [&[][..], &[text], &[chaos]] {
            assert_eq!(answer(&response("a.example", records)), None);
        }
        let mut two = response("a.example", &[a("a.example", [0; 4])]);
        two[5] = 2;
        assert_eq!(answer(&two), None);
    }

    #[test]
    fn every_prefix_is_survived_and_tells_no_more_than_the_whole() {
        let list = ech_config_list(&["public.example"]);
        let records = [
            cname("a.example", "b.example"),
            a("b.example", [192, 0, 2, 7]),
            https("b.example", 1, ".", &[(5, &list)]),
        ];
        let message = response("a.example", &records);
        let whole = told(&message);
        for len in 0..message.len() {
            let part = told(&message[..len]);
            assert!(whole.targets.starts_with(&part.targets) && whole.addresses.starts_with(&part.addresses));
            assert!(part.services.is_empty(), "at {len}");
        }
        assert_eq!(whole.services.len(), 1);
    }

    #[test]
    fn loops_of_pointers_in_records_end() {
        let mut message = response("a.example", &[]);
        message[7] = 1;
        let at = message.len() as u8;
        for owner in [[0xc0, at], [0xc0, at + 12]] {
            let record = [&owner[..], &[0, 5, 0, 1, 0, 0, 0, 9, 0, 2, 0xc0, at]].concat();
            assert_eq!(answer(&[&message[..], &record].concat()), None);
        }
    }

    #[test]
    fn the_counts_of_an_answer_are_bounded() {
        let many: Vec<_> = (0..200_u8).map(|last| a("a.example", [192, 0, 2, last])).collect();
        assert_eq!(told(&response("a.example", &many)).addresses.len(), MAX_ADDRESSES);
        let name = |number: u8| format!("n{number}.example");
        let chain: Vec<_> = (0..60).map(|number| cname(&name(number), &name(number + 1))).collect();
        assert_eq!(told(&response("n0.example", &chain)).targets.len(), MAX_TARGETS);
        let services: Vec<_> = (0..60).map(|number| https("a.example", 1, &name(number), &[])).collect();
        assert_eq!(told(&response("a.example", &services)).services.len(), MAX_SERVICES);
    }

    proptest! {
        #[test]
        fn any_bytes_from_a_resolver_are_survived_over_both_transports(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..8),
            flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        ) {
            let list = ech_config_list(&["public.example"]);
            let records = [cname("a.example", "b.example"), https("b.example", 1, ".", &[(1, b"\x02h3"), (5, &list)])];
            let mut real = response("a.example", &records);
            for (at, bits) in flips {
                let at = at.index(real.len());
                real[at] ^= bits;
            }
            let mut bench = Bench::new();
            let mut sequence = 10;
            for bytes in pieces.iter().chain([&real]) {
                bench.packet(&ipv4(SERVER, CLIENT, 17, &udp_header(53, 4000, bytes)));
                let framed = [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
                let segment = [tcp_header(53, 4000, sequence, 0x18), framed.clone()].concat();
                bench.packet(&ipv4(SERVER, CLIENT, 6, &segment));
                sequence += framed.len() as u32;
            }
            bench.0.finish();
            let names = |answer: &Answer| answer.targets.len() + answer.addresses.len() + answer.services.len();
            for seen in bench.observations() {
                prop_assert!(seen.answer.is_none_or(|answer| names(&answer) <= MAX_TARGETS + MAX_ADDRESSES + MAX_SERVICES));
            }
            prop_assert_eq!(bench.0.held_bytes(), 0);
        }

        #[test]
        fn any_bytes_are_survived_and_the_names_in_them_are_bounded(
            answered in 0u8..80,
            body in proptest::collection::vec(any::<u8>(), 0..600),
            start in any::<prop::sample::Index>(),
        ) {
            let mut message = query("a.example");
            message[2] |= 0x80;
            message[7] = answered;
            // Bytes that begin like records get further than bytes that do not.
            let record = cname("a.example", "b.example");
            message.extend(&record[..start.index(record.len())]);
            message.extend(body);
            if let Some((question, answer)) = answer(&message) {
                let services = answer.services.iter().flat_map(|service| {
                    service.ech_public_names.iter().chain([&service.target])
                });
                // A byte that is written as a number takes four characters.
                prop_assert!(answer.targets.iter().chain(services).chain([&question.name]).all(|name| name.len() <= 4 * 255));
                prop_assert!(answer.targets.len() <= MAX_TARGETS && answer.addresses.len() <= MAX_ADDRESSES);
            }
        }
    }
}
