//! What DNS answers told lately: which names hide others, which are encrypted resolvers, and which names an address was
//! given for.
//!
//! Only digests are kept, under a seed that lives as long as the process, and for an hour: browsers keep keys and
//! addresses about as long. Everything is kept by client, so that what one machine looks up says nothing of
//! another's connections, and only of answers to a question that was seen to leave on the same flow: anybody can
//! send a packet that looks like an answer. Answers on loopback come from this machine's own stub resolver; they speak for all its addresses.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use umbrascope_dissect::{Answer, Flow, Timestamp};

use super::recent::Recent;

/// How long an answer is waited for; resolvers are asked again after five seconds.
const WAITS_US: u64 = 10_000_000;
/// Four times so many questions at once, 64 KiB.
const ASKED_SETS: usize = 1024;
/// How long an answer speaks for a connection, in microseconds.
const KEEPS_US: u64 = 3_600_000_000;
/// Four times so many pairs of a client and a name or an address: 16 KiB, 2 KiB and 128 KiB.
const PUBLIC_NAME_SETS: usize = 256;
const RESOLVER_SETS: usize = 32;
const ADDRESS_SETS: usize = 1024;
/// A resolver says under this label where it is to be reached encrypted (RFC 9461, section 3; RFC 9462, section 4).
const RESOLVER_LABEL: &str = "_dns.";
/// The protocols of DNS over HTTPS; those over TLS and QUIC are known by their own names in ALPN.
const OVER_HTTPS: [&str; 3] = ["h2", "h3", "http/1.1"];

/// See the module's documentation.
pub(super) struct Answers {
    seed: u64,
    asked: Recent<()>,
    public_names: Recent<()>,
    resolvers: Recent<()>,
    addresses: Recent<Named>,
}

/// The names that led to an address.
#[derive(Clone, Copy, Default)]
struct Named {
    /// Digest of the first.
    name: u64,
    /// A rule knows it, or a name it leads to.
    known: bool,
    /// There is more than one.
    several: bool,
}

impl Answers {
    pub(super) fn new(seed: u64) -> Self {
        Answers {
            seed,
            asked: Recent::new(ASKED_SETS, WAITS_US),
            public_names: Recent::new(PUBLIC_NAME_SETS, KEEPS_US),
            resolvers: Recent::new(RESOLVER_SETS, KEEPS_US),
            addresses: Recent::new(ADDRESS_SETS, KEEPS_US),
        }
    }

    /// Remembers a question, by the key of its message.
    pub(super) fn ask(&mut self, query: u64, flow: &Flow, at: Timestamp) {
        self.asked.put(self.digest((query, flow)), at, ());
    }

    /// Whether the question was asked lately.
    pub(super) fn was_asked(&self, query: u64, flow: &Flow, at: Timestamp) -> bool {
        self.asked.get(self.digest((query, flow)), at).is_some()
    }

    /// Remembers an answer to a client. `known`: a rule knows the name or one that it leads to.
    pub(super) fn note(&mut self, client: IpAddr, name: &str, known: bool, answer: &Answer, at: Timestamp) {
        let asker = Asker::of(client);
        if name.starts_with(RESOLVER_LABEL) {
            let speaks_https = |alpn: &[Box<str>]| alpn.iter().any(|word| OVER_HTTPS.contains(&&**word));
            for service in answer.services.iter().filter(|service| speaks_https(&service.alpn)) {
                let key = self.digest((asker, &*service.target));
                self.resolvers.put(key, at, ());
            }
        }
        for public_name in answer.services.iter().flat_map(|service| &service.ech_public_names) {
            let key = self.digest((asker, &**public_name));
            self.public_names.put(key, at, ());
        }
        let name = self.digest(name);
        for address in &answer.addresses {
            let key = self.digest((asker, address));
            let named = match self.addresses.get(key, at) {
                Some(named) => Named { several: named.several || named.name != name, ..named },
                None => Named { name, known, several: false },
            };
            self.addresses.put(key, at, named);
        }
    }

    /// Whether the name stands in the client's hellos in place of hidden ones.
    ///
    /// Whoever owns a name can make any other a public name, and so hide the latter from whoever looks the former up; the
    /// connections are counted as hidden then, never lost.
    pub(super) fn hides(&self, client: IpAddr, name: &str, at: Timestamp) -> bool {
        self.holds(&self.public_names, client, name, at)
    }

    /// Whether the client was told to ask this name, over HTTPS, in place of its resolver.
    pub(super) fn resolves(&self, client: IpAddr, name: &str, at: Timestamp) -> bool {
        self.holds(&self.resolvers, client, name, at)
    }

    /// Whether the one name that the client was given this address for is one that a rule knows; `false` where there were
    /// several.
    pub(super) fn is_suspect(&self, client: IpAddr, server: IpAddr, at: Timestamp) -> bool {
        let server = server.to_canonical();
        let askers = Asker::both(client);
        let mut named =
            askers.iter().filter_map(|asker| self.addresses.get(self.digest((asker, server)), at));
        let Some(first) = named.next() else { return false };
        first.known && !first.several && named.all(|other| other.name == first.name && !other.several)
    }

    fn holds(&self, table: &Recent<()>, client: IpAddr, name: &str, at: Timestamp) -> bool {
        Asker::both(client).iter().any(|asker| table.get(self.digest((asker, name)), at).is_some())
    }

    fn digest(&self, what: impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.seed);
        what.hash(&mut hasher);
        hasher.finish()
    }
}

/// Who asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Asker {
    /// This machine, over loopback.
    Here,
    At(IpAddr),
}

impl Asker {
    fn of(client: IpAddr) -> Self {
        let client = client.to_canonical();
        if client.is_loopback() { Asker::Here } else { Asker::At(client) }
    }

    /// Those whose answers may speak for a connection of this client.
    fn both(client: IpAddr) -> [Self; 2] {
        [Asker::At(client.to_canonical()), Asker::Here]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use umbrascope_dissect::Service;

    const AT: Timestamp = Timestamp(1);

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn answer(addresses: &[IpAddr], public_name: Option<&str>) -> Answer {
        let service = public_name.map(|name| Service {
            target: name.into(),
            alpn: vec!["h3".into()],
            ech_public_names: vec![name.into()],
        });
        Answer { addresses: addresses.to_vec(), services: service.into_iter().collect(), ..Answer::default() }
    }

    #[test]
    fn a_public_name_hides_for_the_client_that_was_told_and_not_for_ever() {
        let mut answers = Answers::new(1);
        answers.note(ip(1), "hidden.example", false, &answer(&[], Some("public.example")), AT);
        assert!(answers.hides(ip(1), "public.example", AT));
        assert!(!answers.hides(ip(2), "public.example", AT));
        assert!(!answers.hides(ip(1), "hidden.example", AT));
        assert!(!answers.hides(ip(1), "public.example", Timestamp(KEEPS_US + 2)));
    }

    #[test]
    fn what_the_stub_resolver_says_holds_for_every_address_of_this_machine() {
        let mut answers = Answers::new(1);
        let told = answer(&[ip(9)], Some("public.example"));
        answers.note(IpAddr::from([127, 0, 0, 1]), "ai.example", true, &told, AT);
        assert!(answers.hides(ip(1), "public.example", AT));
        assert!(answers.is_suspect(ip(1), ip(9), AT));
        answers.note(ip(1), "ai.example", true, &told, AT);
        assert!(answers.is_suspect(ip(1), ip(9), AT));
        answers.note(ip(1), "other.example", true, &told, AT);
        assert!(!answers.is_suspect(ip(1), ip(9), AT));
    }

    #[test]
    fn a_resolver_that_tells_its_encrypted_name_is_known_by_it() {
        let service = |target: &str, alpn: &str| Service {
            target: target.into(),
            alpn: vec![alpn.into()],
            ..Service::default()
        };
        let services = vec![service("doh.example", "h2"), service("dot.example", "dot")];
        let told = Answer { services, ..Answer::default() };
        let mut answers = Answers::new(1);
        answers.note(ip(1), "www.example", false, &told, AT);
        assert!(!answers.resolves(ip(1), "doh.example", AT), "the record is of a web site");
        answers.note(ip(1), "_dns.resolver.arpa", false, &told, AT);
        assert!(answers.resolves(ip(1), "doh.example", AT));
        assert!(!answers.resolves(ip(1), "dot.example", AT) && !answers.resolves(ip(2), "doh.example", AT));
    }

    #[test]
    fn an_address_is_suspect_only_for_one_known_name_and_its_client() {
        let mut answers = Answers::new(1);
        answers.note(ip(1), "ai.example", true, &answer(&[ip(9)], None), AT);
        answers.note(ip(1), "other.example", false, &answer(&[ip(8)], None), AT);
        assert!(answers.is_suspect(ip(1), ip(9), AT));
        assert!(!answers.is_suspect(ip(1), ip(8), AT), "no rule knows its name");
        assert!(!answers.is_suspect(ip(2), ip(9), AT), "another client");
        assert!(!answers.is_suspect(ip(1), ip(7), AT), "never heard of");
        answers.note(ip(1), "ai.example", true, &answer(&[ip(9)], None), AT);
        assert!(answers.is_suspect(ip(1), ip(9), AT), "the same name once more");
        answers.note(ip(1), "shared.example", false, &answer(&[ip(9)], None), AT);
        assert!(!answers.is_suspect(ip(1), ip(9), AT), "two names share it");
    }

    #[test]
    fn a_flood_of_answers_keeps_the_tables_at_their_size() {
        let mut answers = Answers::new(1);
        for number in 0..50_000_u32 {
            let told = answer(&[IpAddr::from(number.to_be_bytes())], Some(&format!("n{number}.example")));
            answers.note(ip(1), &format!("_dns.{number}.example"), true, &told, Timestamp(u64::from(number)));
        }
        let bytes = [answers.public_names.bytes(), answers.resolvers.bytes(), answers.addresses.bytes()];
        assert_eq!(bytes, [16 * 1024, 2 * 1024, 128 * 1024]);
    }
}
