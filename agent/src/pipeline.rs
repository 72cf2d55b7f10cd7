//! Frames to sightings: the dissector and the matcher in a row. Live capture and replay go through here.
//!
//! A name that no rule knows is dropped on the spot: it is neither stored nor logged nor counted by name.

use umbrascope_dissect::{Channel, Dissector, Limits, LinkType, Observation, Timestamp, Transport};
use umbrascope_rules::{Matcher, RuleRef};

use crate::ipc::message::{Counters, Flow};

/// A name that a rule knows.
#[derive(Debug)]
pub struct Matched<'a> {
    /// Position among all observations of this pipeline, from 1. The same capture gives the same positions.
    pub position: u64,
    /// What was seen.
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
    hellos: u64,
    encrypted_dns: u64,
}

impl Pipeline {
    /// An empty pipeline. `seed` is random, so that nobody outside can make its tables slow.
    pub fn new(matcher: Matcher, seed: u64) -> Self {
        let dissector = Dissector::new(Limits { seed, ..Limits::default() });
        Self { dissector, matcher, position: 0, hellos: 0, encrypted_dns: 0 }
    }

    /// Takes one frame.
    #[inline]
    pub fn handle_frame(&mut self, at: Timestamp, link: LinkType, frame: &[u8]) {
        self.dissector.handle_frame(at, link, frame);
    }

    /// Forgets what has waited too long.
    pub fn handle_timeout(&mut self, at: Timestamp) {
        self.dissector.handle_timeout(at);
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
            if matches!(observation.channel, Channel::Tls | Channel::Dtls | Channel::Quic) {
                self.hellos += 1;
                self.encrypted_dns += u64::from(observation.flow.dst.port() == PORT_ENCRYPTED_DNS);
            }
            let (Some(channel), Some(name)) = (observation.channel.as_str(), &observation.name) else {
                continue;
            };
            // Looked up twice because the borrow of the first answer would outlive the loop.
            if self.matcher.name(name).is_none() {
                continue;
            }
            let rule = self.matcher.name(name)?;
            return Some(Matched { position: self.position, rule, channel, observation });
        }
    }

    /// What was counted so far, as far as this pipeline knows it.
    pub fn counters(&self) -> Counters {
        let counters = self.dissector.counters();
        Counters {
            packets: counters.frames,
            hellos: self.hellos,
            hellos_without_name: counters.unnamed_hellos,
            hellos_with_ech: counters.ech_hellos,
            encrypted_dns: self.encrypted_dns,
            flows_lost: counters.evicted_flows + counters.abandoned + counters.unpolled,
            ..Counters::default()
        }
    }
}

/// A flow of the dissector as the roles speak of it.
pub fn flow(flow: &umbrascope_dissect::Flow) -> Flow {
    Flow { udp: flow.transport == Transport::Udp, client: flow.src, server: flow.dst }
}

/// DNS over TLS and over QUIC (RFC 7858, RFC 9250).
const PORT_ENCRYPTED_DNS: u16 = 853;

#[cfg(test)]
mod tests {
    use super::*;
    use umbrascope_rules::Catalogue;

    /// A DNS query of one name over IPv4, from the IP header on.
    fn query(name: &str) -> Vec<u8> {
        let mut dns = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            dns.push(label.len() as u8);
            dns.extend_from_slice(label.as_bytes());
        }
        dns.extend_from_slice(&[0, 0, 1, 0, 1]);
        let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 53];
        packet.extend_from_slice(&[0xa0, 0, 0, 53]);
        packet.extend_from_slice(&((dns.len() + 8) as u16).to_be_bytes());
        packet.extend_from_slice(&[0, 0]);
        packet.extend_from_slice(&dns);
        let length = (packet.len() as u16).to_be_bytes();
        packet[2..4].copy_from_slice(&length);
        packet
    }

    #[test]
    fn a_known_name_comes_out_with_its_rule_and_an_unknown_one_does_not() {
        let mut pipeline = Pipeline::new(Matcher::new(Catalogue::embedded()), 1);
        for name in ["intranet.example", "chatgpt.com"] {
            pipeline.handle_frame(Timestamp(1), LinkType::Raw, &query(name));
        }
        let matched = pipeline.poll_matched().unwrap();
        assert_eq!((matched.observation.name.as_deref(), matched.channel), (Some("chatgpt.com"), "dns"));
        assert_eq!((&*matched.rule.vendor, matched.position), ("openai", 2));
        assert!(pipeline.poll_matched().is_none());
        assert_eq!(pipeline.counters().packets, 2);
    }
}
