//! Frames to sightings: the dissector and the matcher in a row. Live capture and replay go through here.
//!
//! A name that no rule knows is dropped on the spot: it is neither stored nor logged nor counted by name. A message that was
//! captured several times counts once. A name that an answer leads to counts where the name asked for does not.

mod answers;
mod counters;
mod recent;
mod suspected;

use umbrascope_api::SuspectRow;
use umbrascope_dissect::{Channel, Dissector, Limits, LinkType, Observation, Timestamp, Transport};
use umbrascope_rules::{LandmarkKind, Matcher, RuleRef};

use answers::Answers;
pub use counters::{Counters, Flow};
use recent::Recent;
use suspected::Suspected;

/// Copies of a message come within milliseconds of each other, a query sent again within a second or two; in microseconds.
const COPY_US: u64 = 2_000_000;
/// Four times so many messages, 64 KiB: what a busy machine says in that time.
const COPY_SETS: usize = 1024;
/// DNS over TLS and over QUIC (RFC 7858, RFC 9250).
const PORT_ENCRYPTED_DNS: u16 = 853;

/// A name that a rule knows.
#[derive(Debug)]
pub struct Matched<'a> {
    /// Position among all observations of this pipeline, from 1. The same capture gives the same positions.
    pub position: u64,
    /// What was seen. Of a DNS answer: the name that a rule knows, never the one that was asked for.
    pub observation: Observation,
    /// The channel as the wire spells it.
    pub channel: &'static str,
    /// The rule.
    pub rule: &'a RuleRef,
}

/// The dissector, the matcher, and what they count.
pub struct Pipeline {
    dissector: Dissector,
    matcher: Matcher,
    position: u64,
    copies: Recent<()>,
    answers: Answers,
    /// While suspects are asked for.
    suspected: Option<Suspected>,
    /// What is counted here; the rest is the dissector's.
    counted: Counters,
}

impl Pipeline {
    /// An empty pipeline. `seed` is random, so that nobody outside can make its tables slow.
    pub fn new(matcher: Matcher, seed: u64) -> Self {
        Self {
            dissector: Dissector::new(Limits { seed, ..Limits::default() }),
            matcher,
            position: 0,
            copies: Recent::new(COPY_SETS, COPY_US),
            answers: Answers::new(seed),
            suspected: None,
            counted: Counters::default(),
        }
    }

    /// Matches with another catalogue from the next message on. Nothing that is under way is lost.
    pub fn set_matcher(&mut self, matcher: Matcher) {
        self.matcher = matcher;
    }

    /// Takes one frame.
    #[inline]
    pub fn handle_frame(&mut self, at: Timestamp, link: LinkType, frame: &[u8]) {
        self.dissector.handle_frame(at, link, frame);
    }

    /// Forgets what has waited too long; tells whether much memory became free.
    pub fn handle_timeout(&mut self, at: Timestamp) -> bool {
        self.dissector.handle_timeout(at)
    }

    /// The capture is over: reports what still waits.
    pub fn finish(&mut self) {
        self.dissector.finish();
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        self.dissector.next_timeout()
    }

    /// The next name that a rule knows.
    pub fn poll_matched(&mut self) -> Option<Matched<'_>> {
        loop {
            let observation = self.dissector.poll_observation()?;
            self.position += 1;
            // Before it may count as the first of its copies, so that a forged answer does not shut out the true one.
            if self.is_unasked(&observation) {
                continue;
            }
            if self.copies.get(observation.key, observation.at).is_some() {
                continue;
            }
            self.copies.put(observation.key, observation.at, ());
            let Some(observation) = self.sift(observation) else { continue };
            let (Some(channel), Some(name)) = (observation.channel.as_str(), &observation.name) else {
                continue;
            };
            // Looked up twice because the borrow of the first answer would outlive the loop.
            if self.matcher.name(name).is_none() {
                if let Some(suspected) = &mut self.suspected
                    && !suspected.judge(&self.matcher, name, observation.at)
                {
                    self.counted.suspects_dropped += 1;
                }
                continue;
            }
            let rule = self.matcher.name(name)?;
            return Some(Matched { position: self.position, rule, channel, observation });
        }
    }

    /// Whether names that no rule knows are judged by their looks; not until this says so. What was found is forgotten when
    /// it says no.
    pub fn judge_suspects(&mut self, wanted: bool) {
        match wanted {
            true => _ = self.suspected.get_or_insert_with(Suspected::new),
            false => self.suspected = None,
        }
    }

    /// Whether there are suspects to be handed on.
    pub fn has_suspects(&self) -> bool {
        self.suspected.as_ref().is_some_and(|suspected| !suspected.is_empty())
    }

    /// Hands the suspects found since the last time to `deliver`, and forgets them if it took them.
    pub fn hand_on_suspects(&mut self, deliver: impl FnOnce(Vec<SuspectRow>) -> bool) {
        if let Some(suspected) = self.suspected.as_mut().filter(|suspected| !suspected.is_empty())
            && deliver(suspected.rows())
        {
            suspected.clear();
        }
    }

    /// What was counted so far, as far as this pipeline knows it.
    pub fn counters(&self) -> Counters {
        let counters = self.dissector.counters();
        Counters {
            packets: counters.frames,
            // Connections that a table forgot are not among them: those with a hello in the making left bytes behind,
            // which are, and the others are past their hello.
            flows_lost: counters.abandoned + counters.unpolled,
            flows_joined_late: counters.headless,
            ..self.counted
        }
    }

    /// It is an answer to a question that nobody was seen to ask.
    fn is_unasked(&self, observation: &Observation) -> bool {
        observation
            .answer
            .as_ref()
            .is_some_and(|answer| !self.answers.was_asked(answer.query, &observation.flow, observation.at))
    }

    /// Counts what is to be counted. Returns what may be a sighting, an answer in the form of what it leads to.
    fn sift(&mut self, mut observation: Observation) -> Option<Observation> {
        match observation.channel {
            Channel::Tls | Channel::Dtls | Channel::Quic => {
                self.count_hello(&observation);
                if self.is_hidden(&observation) {
                    let (client, server) = (observation.flow.src.ip(), observation.flow.dst.ip());
                    let suspect = self.answers.is_suspect(client, server, observation.at);
                    self.counted.hidden_destinations += 1;
                    self.counted.hidden_suspects += u64::from(suspect);
                    return None;
                }
                Some(observation)
            }
            Channel::DnsAnswer => {
                observation.name = self.reached(&observation);
                observation.channel = Channel::Dns;
                observation.answer = None;
                Some(observation)
            }
            Channel::Dns => {
                // The first copy alone: where addresses are translated it is the one that says who asked, and so its
                // answer does.
                self.answers.ask(observation.key, &observation.flow, observation.at);
                let is_dnscrypt =
                    observation.name.as_ref().is_some_and(|name| name.starts_with(DNSCRYPT_CERTIFICATE));
                self.counted.encrypted_dns += u64::from(is_dnscrypt);
                Some(observation)
            }
            Channel::Mdns | Channel::Llmnr | Channel::Http => Some(observation),
        }
    }

    /// The first name that an answer leads to and a rule knows. `None` where a rule knows the name asked for: its
    /// query counted.
    fn reached(&mut self, observation: &Observation) -> Option<Box<str>> {
        let (name, answer) = (observation.name.as_ref()?, observation.answer.as_ref()?);
        let asked_is_known = self.matcher.name(name).is_some();
        let target = answer.targets.iter().find(|target| self.matcher.name(target).is_some());
        let known = asked_is_known || target.is_some();
        self.answers.note(observation.flow.src.ip(), name, known, answer, observation.at);
        target.filter(|_| !asked_is_known).cloned()
    }

    fn count_hello(&mut self, observation: &Observation) {
        let counted = &mut self.counted;
        counted.hellos += 1;
        counted.hellos_without_name += u64::from(observation.name.is_none());
        counted.hellos_with_ech += u64::from(observation.ech);
        let says = |words: &[&str]| {
            observation.alpn.as_ref().is_some_and(|alpn| words.iter().any(|word| alpn.starts_with(word)))
        };
        let is_resolver = |name: &str| {
            self.matcher.landmark(name) == Some(LandmarkKind::Resolver)
                || self.answers.resolves(observation.flow.src.ip(), name, observation.at)
        };
        if observation.flow.dst.port() == PORT_ENCRYPTED_DNS || says(&ALPN_ENCRYPTED_DNS) {
            counted.dns_over_tls += 1;
            counted.encrypted_dns += 1;
        } else if observation.name.as_deref().is_some_and(is_resolver) {
            counted.dns_over_https += 1;
            counted.encrypted_dns += 1;
        }
    }

    /// The name of the hello stands for another one that nobody can read.
    fn is_hidden(&self, observation: &Observation) -> bool {
        let Some(name) = observation.name.as_ref().filter(|_| observation.ech) else { return false };
        self.matcher.landmark(name) == Some(LandmarkKind::EchPublicName)
            || self.answers.hides(observation.flow.src.ip(), name, observation.at)
    }
}

/// What DNS over TLS and over QUIC are called in ALPN, drafts included.
const ALPN_ENCRYPTED_DNS: [&str; 2] = ["dot", "doq"];
/// How a DNSCrypt client's question for its resolver's certificate begins, over whatever port.
const DNSCRYPT_CERTIFICATE: &str = "2.dnscrypt-cert.";

/// A flow of the dissector as the roles speak of it.
pub fn flow(flow: &umbrascope_dissect::Flow) -> Flow {
    Flow { udp: flow.transport == Transport::Udp, client: flow.src, server: flow.dst }
}

#[cfg(test)]
mod tests;
