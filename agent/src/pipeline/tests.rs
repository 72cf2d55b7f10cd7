//! Packets made here, from the IP header on, through the whole pipeline.

use super::*;
use umbrascope_rules::Catalogue;

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const RESOLVER: [u8; 4] = [10, 0, 0, 53];
const SERVER: [u8; 4] = [192, 0, 2, 7];

const A: u16 = 1;
const CNAME: u16 = 5;
const HTTPS: u16 = 65;

struct Bench {
    pipeline: Pipeline,
    now_us: u64,
}

impl Bench {
    fn new() -> Self {
        Bench::seeded(1)
    }

    fn seeded(seed: u64) -> Self {
        Bench { pipeline: Pipeline::new(Matcher::new(Catalogue::embedded()), seed), now_us: 1_000_000_000 }
    }

    /// Rule, channel and value of what a packet brings.
    fn packet(&mut self, packet: &[u8]) -> Vec<(String, &'static str, String)> {
        self.pipeline.handle_frame(Timestamp(self.now_us), LinkType::Raw, packet);
        let mut seen = Vec::new();
        while let Some(matched) = self.pipeline.poll_matched() {
            let value = matched.observation.name.as_deref().unwrap_or_default().to_owned();
            seen.push((matched.rule.rule.to_string(), matched.channel, value));
        }
        seen
    }

    /// What an answer brings to a question that was asked, and that brought something of its own perhaps.
    fn look_up(
        &mut self,
        id: u16,
        name: &str,
        kind: u16,
        records: &[Vec<u8>],
    ) -> Vec<(&'static str, String)> {
        self.packet(&query(id, name, kind));
        self.values(&answer(id, name, kind, records))
    }

    /// Channel and value alone.
    fn values(&mut self, packet: &[u8]) -> Vec<(&'static str, String)> {
        self.packet(packet).into_iter().map(|(_, channel, value)| (channel, value)).collect()
    }
}

fn ipv4(src: [u8; 4], dst: [u8; 4], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = (20 + payload.len() as u16).to_be_bytes();
    [&[0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, protocol, 0, 0][..], &src, &dst, payload].concat()
}

fn udp(src: ([u8; 4], u16), dst: ([u8; 4], u16), payload: &[u8]) -> Vec<u8> {
    let header = [src.1, dst.1, 8 + payload.len() as u16, 0].map(u16::to_be_bytes).concat();
    ipv4(src.0, dst.0, 17, &[&header, payload].concat())
}

fn wire_name(name: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        wire.push(label.len() as u8);
        wire.extend(label.as_bytes());
    }
    wire.push(0);
    wire
}

fn message(id: u16, flags: u8, name: &str, kind: u16, records: &[Vec<u8>]) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend([flags, 0x80, 0, 1, 0, records.len() as u8, 0, 0, 0, 0]);
    message.extend([wire_name(name), kind.to_be_bytes().to_vec(), vec![0, 1], records.concat()].concat());
    message
}

fn query(id: u16, name: &str, kind: u16) -> Vec<u8> {
    udp((CLIENT, 40000), (RESOLVER, 53), &message(id, 1, name, kind, &[]))
}

fn answer(id: u16, name: &str, kind: u16, records: &[Vec<u8>]) -> Vec<u8> {
    udp((RESOLVER, 53), (CLIENT, 40000), &message(id, 0x81, name, kind, records))
}

fn record(owner: &str, kind: u16, data: &[u8]) -> Vec<u8> {
    let fields = [&kind.to_be_bytes()[..], &[0, 1, 0, 0, 0, 60], &(data.len() as u16).to_be_bytes()].concat();
    [wire_name(owner), fields, data.to_vec()].concat()
}

fn cname(owner: &str, target: &str) -> Vec<u8> {
    record(owner, CNAME, &wire_name(target))
}

/// An HTTPS record whose keys hide names behind this one.
fn https(owner: &str, public_name: &str) -> Vec<u8> {
    let sized = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
    let key = [&[7, 0, 0x20, 0, 32][..], &[9; 32], &[0, 4, 0, 1, 0, 1, 0, public_name.len() as u8]].concat();
    let config = sized(&[&key, public_name.as_bytes(), &[0, 0]].concat());
    let list = sized(&[&[0xfe, 0x0d][..], &config].concat());
    record(owner, HTTPS, &[&[0, 1, 0, 0, 5][..], &sized(&list)].concat())
}

/// What a ClientHello says, and where it goes.
#[derive(Clone, Copy)]
struct Hello<'a> {
    random: u8,
    name: &'a str,
    alpn: &'a str,
    ech: bool,
    port: u16,
}

impl Default for Hello<'_> {
    fn default() -> Self {
        Hello { random: 1, name: "", alpn: "h2", ech: false, port: 443 }
    }
}

impl Hello<'_> {
    /// The packet of a connection from this port of the client.
    fn packet_from(self, src_port: u16) -> Vec<u8> {
        let sized = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
        let extension = |kind: u16, data: &[u8]| [&kind.to_be_bytes()[..], &sized(data)].concat();
        let mut extensions =
            extension(16, &sized(&[&[self.alpn.len() as u8], self.alpn.as_bytes()].concat()));
        if !self.name.is_empty() {
            let name = [&[0][..], &sized(self.name.as_bytes())].concat();
            extensions.extend(extension(0, &sized(&name)));
        }
        if self.ech {
            extensions.extend(extension(0xfe0d, &[0; 64]));
        }
        let body = [&[3, 3][..], &[self.random; 32], &[0, 0, 2, 0x13, 1, 1, 0], &sized(&extensions)].concat();
        let handshake = [&[1, 0][..], &sized(&body)].concat();
        let ports = [src_port, self.port].map(u16::to_be_bytes).concat();
        let header = [&ports[..], &[0, 0, 0, 9, 0, 0, 0, 0, 0x50, 0x18, 1, 0, 0, 0, 0, 0]].concat();
        ipv4(CLIENT, SERVER, 6, &[&header[..], &[22, 3, 1], &sized(&handshake)].concat())
    }
}

#[test]
fn a_known_name_comes_out_with_its_rule_and_an_unknown_one_does_not() {
    let mut bench = Bench::new();
    for name in ["intranet.example", "chatgpt.com"] {
        bench.pipeline.handle_frame(Timestamp(1), LinkType::Raw, &query(7, name, A));
    }
    let matched = bench.pipeline.poll_matched().unwrap();
    assert_eq!((matched.observation.name.as_deref(), matched.channel), (Some("chatgpt.com"), "dns"));
    assert_eq!((&*matched.rule.vendor, matched.position), ("openai", 2));
    assert!(bench.pipeline.poll_matched().is_none());
    assert_eq!(bench.pipeline.counters().packets, 2);
}

#[test]
fn a_name_reached_by_cname_is_a_resolution_of_the_target_and_the_name_asked_for_stays_here() {
    let mut bench = Bench::new();
    let asked = "ki.intranet.example";
    assert_eq!(bench.packet(&query(7, asked, A)), []);
    let records = [
        cname(asked, "edge.example"),
        cname("edge.example", "chatgpt.com"),
        record("chatgpt.com", A, &SERVER),
    ];
    bench.pipeline.handle_frame(Timestamp(bench.now_us), LinkType::Raw, &answer(7, asked, A, &records));
    let matched = bench.pipeline.poll_matched().unwrap();
    assert_eq!((matched.observation.name.as_deref(), matched.channel), (Some("chatgpt.com"), "dns"));
    assert!(matched.observation.answer.is_none(), "what else was answered goes no further");
    let flow = flow(&matched.observation.flow);
    assert_eq!((flow.udp, flow.client, flow.server), (true, (CLIENT, 40000).into(), (RESOLVER, 53).into()));
    assert!(bench.pipeline.poll_matched().is_none());
}

#[test]
fn an_answer_to_a_name_that_counted_itself_counts_nothing() {
    let mut bench = Bench::new();
    assert_eq!(bench.values(&query(7, "chatgpt.com", A)), [("dns", "chatgpt.com".to_owned())]);
    let records = [cname("chatgpt.com", "claude.ai")];
    assert_eq!(bench.values(&answer(7, "chatgpt.com", A, &records)), []);
    assert_eq!(bench.look_up(8, "a.example", A, &[cname("a.example", "cdn.example")]), []);
}

#[test]
fn an_answer_that_nobody_asked_for_counts_nothing_hides_nothing_and_does_not_shut_out_the_true_one() {
    let mut bench = Bench::new();
    let asked = "a.example";
    let forged = [
        answer(7, asked, A, &[cname(asked, "chatgpt.com"), record("chatgpt.com", A, &SERVER)]),
        answer(7, asked, HTTPS, &[https(asked, "claude.ai")]),
    ];
    for packet in &forged {
        assert_eq!(bench.values(packet), []);
    }
    let hello = Hello { name: "claude.ai", ech: true, ..Hello::default() }.packet_from(40000);
    assert_eq!(bench.values(&hello), [("tls", "claude.ai".to_owned())]);
    assert_eq!(bench.pipeline.counters().hidden_destinations, 0);
    bench.packet(&query(7, asked, A));
    assert_eq!(bench.values(&forged[0]), [("dns", "chatgpt.com".to_owned())]);
    // Another port, another server, another type, and too late.
    bench.packet(&query(8, asked, A));
    let records = [cname(asked, "chatgpt.com")];
    let reply = message(8, 0x81, asked, A, &records);
    for (server, port) in [((RESOLVER, 53), 40001), ((SERVER, 53), 40000)] {
        assert_eq!(bench.values(&udp(server, (CLIENT, port), &reply)), []);
    }
    assert_eq!(bench.values(&answer(8, asked, HTTPS, &records)), []);
    bench.now_us += 10_000_001;
    assert_eq!(bench.values(&answer(8, asked, A, &records)), []);
}

#[test]
fn behind_translated_addresses_the_answer_is_of_the_machine_that_asked() {
    let mut bench = Bench::new();
    let (inside, outside) = ((CLIENT, 40000), ([198, 51, 100, 1], 61001));
    let question = message(7, 1, "a.example", A, &[]);
    let reply = message(7, 0x81, "a.example", A, &[cname("a.example", "chatgpt.com")]);
    // As a gateway sees them, the copies with its own address in the middle.
    let packets = [
        udp(inside, (RESOLVER, 53), &question),
        udp(outside, (RESOLVER, 53), &question),
        udp((RESOLVER, 53), outside, &reply),
        udp((RESOLVER, 53), inside, &reply),
    ];
    for packet in packets {
        bench.pipeline.handle_frame(Timestamp(bench.now_us), LinkType::Raw, &packet);
    }
    let client = bench.pipeline.poll_matched().unwrap().observation.flow.src;
    assert_eq!(client, inside.into());
    assert!(bench.pipeline.poll_matched().is_none());
}

#[test]
fn what_a_target_proves_is_its_own_rules_confidence() {
    let mut bench = Bench::new();
    let matcher = Matcher::embedded();
    for target in ["bing.com", "chatgpt.com"] {
        let packet = answer(7, "a.example", A, &[cname("a.example", target)]);
        bench.now_us += 10 * COPY_US;
        bench.packet(&query(7, "a.example", A));
        bench.pipeline.handle_frame(Timestamp(bench.now_us), LinkType::Raw, &packet);
        let confidence = bench.pipeline.poll_matched().unwrap().rule.confidence;
        assert_eq!(Some(confidence), matcher.name(target).map(|rule| rule.confidence), "{target}");
    }
}

#[test]
fn a_hello_that_offers_ech_counts_by_the_name_it_carries() {
    let mut bench = Bench::new();
    let packet = Hello { name: "chatgpt.com", ech: true, ..Hello::default() }.packet_from(40000);
    bench.pipeline.handle_frame(Timestamp(1), LinkType::Raw, &packet);
    let matched = bench.pipeline.poll_matched().unwrap();
    assert!(matched.observation.ech);
    assert_eq!((matched.observation.name.as_deref(), matched.channel), (Some("chatgpt.com"), "tls"));
    let counters = bench.pipeline.counters();
    assert_eq!((counters.hellos_with_ech, counters.hidden_destinations), (1, 0));
}

#[test]
fn a_listed_public_name_hides_the_destination_and_only_with_ech() {
    let mut bench = Bench::new();
    let public = Hello { name: "cloudflare-ech.com", ..Hello::default() };
    bench.packet(&public.packet_from(40000));
    assert_eq!(bench.pipeline.counters().hidden_destinations, 0);
    assert_eq!(bench.packet(&Hello { random: 2, ech: true, ..public }.packet_from(40001)), []);
    let counters = bench.pipeline.counters();
    assert_eq!((counters.hidden_destinations, counters.hidden_suspects, counters.hellos), (1, 0, 2));
}

#[test]
fn a_public_name_seen_in_an_https_record_hides_even_a_name_that_a_rule_knows() {
    let mut bench = Bench::new();
    // Something else behind the name of an AI service: without the record that name would be a sighting.
    let packet = Hello { name: "claude.ai", ech: true, ..Hello::default() }.packet_from(40000);
    assert_eq!(bench.values(&packet), [("tls", "claude.ai".to_owned())]);
    bench.look_up(7, "hidden.example", HTTPS, &[https("hidden.example", "claude.ai")]);
    let packet = Hello { random: 2, name: "claude.ai", ech: true, ..Hello::default() }.packet_from(40001);
    assert_eq!(bench.values(&packet), []);
    assert_eq!(bench.pipeline.counters().hidden_destinations, 1);
    let plain = Hello { random: 3, name: "claude.ai", ..Hello::default() }.packet_from(40002);
    assert_eq!(bench.values(&plain), [("tls", "claude.ai".to_owned())]);
}

#[test]
fn a_hidden_destination_is_suspect_where_one_known_name_led_to_its_address() {
    let hidden = |random| Hello { random, name: "cloudflare-ech.com", ech: true, ..Hello::default() };
    let mut bench = Bench::new();
    bench.look_up(7, "chatgpt.com", A, &[record("chatgpt.com", A, &SERVER)]);
    assert_eq!(bench.packet(&hidden(1).packet_from(40000)), []);
    assert_eq!(bench.pipeline.counters().hidden_suspects, 1);
    // Another site at the same address, and the join says nothing any more.
    bench.look_up(8, "shop.example", A, &[record("shop.example", A, &SERVER)]);
    assert_eq!(bench.packet(&hidden(2).packet_from(40001)), []);
    let counters = bench.pipeline.counters();
    assert_eq!((counters.hidden_destinations, counters.hidden_suspects), (2, 1));
}

#[test]
fn encrypted_dns_is_told_by_port_protocol_and_name() {
    let mut bench = Bench::new();
    let hello = Hello::default();
    let hellos = [
        (Hello { port: 853, ..hello }, (1, 0)),
        (Hello { port: 853, name: "dns.google", ..hello }, (2, 0)),
        (Hello { alpn: "dot", name: "resolver.example", ..hello }, (3, 0)),
        (Hello { name: "mozilla.cloudflare-dns.com", ..hello }, (3, 1)),
        (Hello { name: "a1b2c3.dns.nextdns.io", alpn: "http/1.1", ..hello }, (3, 2)),
        (Hello { name: "www.google.com", ..hello }, (3, 2)),
    ];
    for (number, (hello, expected)) in hellos.into_iter().enumerate() {
        bench.packet(&Hello { random: number as u8, ..hello }.packet_from(40000 + number as u16));
        let counters = bench.pipeline.counters();
        assert_eq!((counters.dns_over_tls, counters.dns_over_https), expected, "{number}");
        assert_eq!(counters.encrypted_dns, counters.dns_over_tls + counters.dns_over_https);
    }
    // A DNSCrypt client asks for its resolver's certificate, on the resolver's own port or on 53.
    for (id, port) in [(1, 5443), (2, 53)] {
        let question = message(id, 1, "2.dnscrypt-cert.resolver.example", 16, &[]);
        bench.packet(&udp((CLIENT, 40000), (SERVER, port), &question));
    }
    let counters = bench.pipeline.counters();
    assert_eq!((counters.encrypted_dns, counters.dns_over_tls, counters.dns_over_https), (7, 3, 2));
}

#[test]
fn a_message_captured_several_times_counts_once_and_a_later_one_again() {
    let mut bench = Bench::new();
    let hello = Hello { name: "chatgpt.com", ..Hello::default() };
    let sighting = [("tls", "chatgpt.com".to_owned())];
    // On the container's side, and translated on the network's.
    assert_eq!(bench.values(&hello.packet_from(40000)), sighting);
    assert_eq!(bench.values(&hello.packet_from(61001)), []);
    assert_eq!(bench.values(&Hello { random: 2, ..hello }.packet_from(40001)), sighting);
    assert_eq!(bench.pipeline.counters().hellos, 2);
    let asked = [("dns", "chatgpt.com".to_owned())];
    assert_eq!(bench.values(&query(7, "chatgpt.com", A)), asked);
    bench.now_us += COPY_US;
    assert_eq!(bench.values(&query(7, "chatgpt.com", A)), []);
    assert_eq!(bench.values(&query(8, "chatgpt.com", A)), asked);
    bench.now_us += 1;
    assert_eq!(bench.values(&query(7, "chatgpt.com", A)), asked);
}

#[test]
fn positions_count_copies_too_so_that_they_are_the_same_in_every_run() {
    let positions = |seed| {
        let mut bench = Bench::seeded(seed);
        for packet in [
            query(7, "a.example", A),
            query(8, "chatgpt.com", A),
            query(8, "chatgpt.com", A),
            query(9, "claude.ai", A),
        ] {
            bench.pipeline.handle_frame(Timestamp(1), LinkType::Raw, &packet);
        }
        let mut positions = Vec::new();
        while let Some(matched) = bench.pipeline.poll_matched() {
            positions.push(matched.position);
        }
        positions
    };
    assert_eq!(positions(0), [2, 4]);
    assert_eq!(positions(77), [2, 4]);
}

#[test]
fn suspects_are_found_only_while_they_are_asked_for_and_told_by_their_domain_alone() {
    let mut bench = Bench::new();
    let found = |bench: &mut Bench| {
        let mut found = Vec::new();
        bench.pipeline.hand_on_suspects(|rows| {
            found = rows.into_iter().map(|row| (row.domain, row.count)).collect();
            true
        });
        found
    };
    let mut id = 0;
    let mut ask = |bench: &mut Bench, names: &[&str]| {
        for name in names {
            id += 1;
            assert_eq!(bench.packet(&query(id, name, A)), []);
        }
    };
    ask(&mut bench, &["chat.secret-host.quorbel-chatbot.com"]);
    assert_eq!(found(&mut bench), [], "nobody asked");
    bench.pipeline.judge_suspects(true);
    ask(
        &mut bench,
        &["chat.secret-host.quorbel-chatbot.com", "Eu.Quorbel-Chatbot.COM", "hyundai.com", "api.quorbel.ai"],
    );
    let expected = [("quorbel-chatbot.com".to_owned(), 2), ("quorbel.ai".to_owned(), 1)];
    assert_eq!(found(&mut bench), expected);
    assert!(!bench.pipeline.has_suspects());
    ask(&mut bench, &["api.quorbel.ai"]);
    bench.pipeline.judge_suspects(false);
    bench.pipeline.judge_suspects(true);
    assert_eq!(found(&mut bench), [], "forgotten with the wish");
}

#[test]
fn made_up_suspects_are_counted_and_not_kept() {
    let mut bench = Bench::new();
    bench.pipeline.judge_suspects(true);
    for id in 0..300 {
        bench.packet(&query(id, &format!("gpt-{id}.com"), A));
    }
    bench.pipeline.hand_on_suspects(|rows| {
        assert_eq!(rows.len(), umbrascope_api::limits::SUSPECTS);
        true
    });
    assert_eq!(bench.pipeline.counters().suspects_dropped, 100);
}
