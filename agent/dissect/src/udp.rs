//! UDP datagrams: DNS by port, QUIC and DTLS by what they look like.

use crate::dns;
use crate::dtls::{self, Piece};
use crate::flow::{Held, Kind, Tuple, Waiting};
use crate::frame::Datagram;
use crate::hello::{self, Layout};
use crate::observation::Channel;
use crate::output::Output;
use crate::quic::{self, Connection, Outcome};
use crate::reader::Answer;
use crate::record;
use crate::table::{Seeded, Table};
use std::hash::BuildHasher;

/// What a connection takes in its table with keys and without.
const OPEN_BYTES: usize = 1200;
const DONE_BYTES: usize = 200;

/// All QUIC connections.
pub(crate) struct Udp {
    seed: Seeded,
    connections: Table<Tuple, Connection>,
    scratch: Vec<u8>,
}

impl Udp {
    pub(crate) fn new(max_bytes: usize, seed: u64) -> Self {
        Udp { seed: Seeded(seed), connections: Table::new(max_bytes, seed), scratch: Vec::new() }
    }

    #[inline]
    pub(crate) fn handle(&mut self, datagram: &Datagram<'_>, held: &mut Held, out: &mut Output) {
        let on = |port: u16| datagram.src_port == port || datagram.dst_port == port;
        let channel = if on(53) {
            Some(Channel::Dns)
        } else if on(5353) {
            Some(Channel::Mdns)
        } else if on(5355) {
            Some(Channel::Llmnr)
        } else {
            None
        };
        // What looks like the start of QUIC or DTLS is no DNS, whatever the port: as DNS it would be a message of hundreds
        // of questions.
        let other = quic::may_start(datagram.payload) || dtls::may_start(datagram.payload);
        if let Some(channel) = channel.filter(|_| !other) {
            return names(channel, datagram, out);
        }
        let clear = dtls::behind_capwap(datagram.payload).filter(|_| on(5246) || on(5247));
        if quic::may_start(datagram.payload) {
            self.quic(datagram, held, out);
        } else if dtls::may_start(datagram.payload) || clear.is_some() {
            for piece in dtls::pieces(clear.unwrap_or(datagram.payload)) {
                dtls_piece(datagram, &piece, held, out);
            }
        } else if on(3389) {
            remote_desktop(datagram, out);
        } else if dns::is_query_of_a_host(datagram.payload) || dns::is_certificate_query(datagram.payload) {
            names(Channel::Dns, datagram, out);
        }
    }

    fn quic(&mut self, datagram: &Datagram<'_>, held: &mut Held, out: &mut Output) {
        let (src_cid, dst_cid) = quic::connection_ids(datagram.payload);
        let id = |cid: &[u8]| Kind::Quic(self.seed.hash_one(cid) as u32);
        let key = Tuple::of_datagram(datagram, id(src_cid));
        // The other side's packets: its Initials have other keys.
        if self.connections.contains(&key.reversed().with_kind(id(dst_cid))) {
            return;
        }
        let mut connection = self.connections.remove(&key);
        let mut assembler = match &connection {
            Some(known) if known.is_open() => {
                held.take(&key).map(|waiting| waiting.assembler).unwrap_or_default()
            }
            _ => Default::default(),
        };
        let outcome = quic::handle(&mut connection, &mut assembler, datagram.payload, &mut self.scratch);
        match outcome {
            Outcome::Hello(hello) => out.hello(Channel::Quic, &key, hello),
            Outcome::Undecryptable => out.counters.undecryptable += 1,
            Outcome::More | Outcome::Nothing => {}
        }
        let Some(connection) = connection else { return };
        if connection.is_open() && !assembler.is_empty() {
            let waiting = Waiting { assembler, at: out.at, total: 0, headless: false };
            held.put(key, waiting, |key, gone| out.abandon([(key, gone)]));
        }
        let weight = if connection.is_open() { OPEN_BYTES } else { DONE_BYTES };
        self.connections.insert(key, connection, weight, |_, _| out.counters.evicted_flows += 1);
    }

    /// See [`Table::is_large`].
    pub(crate) fn is_large(&self) -> bool {
        self.connections.is_large()
    }

    /// See [`Table::sweep`].
    pub(crate) fn sweep(&mut self) -> bool {
        self.connections.sweep()
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn weight(&self) -> usize {
        self.connections.weight()
    }
}

fn names(channel: Channel, datagram: &Datagram<'_>, out: &mut Output) {
    match dns::parse(datagram.payload) {
        dns::Message::Query(questions) => {
            let key = Tuple::of_datagram(datagram, Kind::Udp);
            for question in questions {
                out.question(channel, &key, question);
            }
        }
        // On the link of mDNS and LLMNR anyone answers, and the port says who was asked.
        dns::Message::Response if channel == Channel::Dns && datagram.src_port == 53 && out.reads_answers => {
            if let Some((question, answer)) = dns::answer(datagram.payload) {
                out.answer(&Tuple::of_datagram(datagram, Kind::Udp), question, answer);
            }
        }
        dns::Message::Response => {}
        dns::Message::NotDns => out.counters.not_dns += 1,
    }
}

/// Remote Desktop over UDP carries TLS records behind headers of 8 to 24 bytes that depend on flags (MS-RDPEUDP,
/// MS-RDPEUDP2). Its hello fits one datagram.
fn remote_desktop(datagram: &Datagram<'_>, out: &mut Output) {
    const HEADERS: std::ops::Range<usize> = 8..24;
    let record = HEADERS.filter_map(|at| datagram.payload.get(at..)).find(|bytes| record::starts(bytes));
    let Some(Answer::Found(found)) = record.map(|bytes| record::parse(bytes, &mut out.scratch)) else {
        return;
    };
    let key = Tuple::of_datagram(datagram, Kind::Udp);
    out.hello(Channel::Tls, &key, found.hello);
}

fn dtls_piece(datagram: &Datagram<'_>, piece: &Piece<'_>, held: &mut Held, out: &mut Output) {
    let key = Tuple::of_datagram(datagram, Kind::Dtls(piece.message_seq));
    if piece.offset == 0 && piece.bytes.len() == piece.total {
        if let Answer::Found(hello) = hello::body(piece.bytes, Layout::Datagram) {
            out.hello(Channel::Dtls, &key, hello);
        }
        return;
    }
    let mut assembler = match held.take(&key) {
        Some(waiting) if waiting.total == piece.total => waiting.assembler,
        _ => Default::default(),
    };
    assembler.insert(piece.offset, piece.bytes);
    if assembler.contiguous().len() < piece.total {
        let waiting = Waiting { assembler, at: out.at, total: piece.total, headless: false };
        held.put(key, waiting, |key, gone| out.abandon([(key, gone)]));
    } else if let Answer::Found(hello) = hello::body(&assembler.contiguous()[..piece.total], Layout::Datagram)
    {
        out.hello(Channel::Dtls, &key, hello);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, CLIENT, SERVER, a, cname, ipv4, query, response, udp, udp_header};
    use crate::{Channel, Dissector, Limits, Timestamp};

    fn answer_from(port: u16, message: &[u8]) -> Vec<u8> {
        ipv4(SERVER, CLIENT, 17, &udp_header(port, 4000, message))
    }

    #[test]
    fn an_answer_is_of_the_flow_of_its_question() {
        let message =
            response("App.example", &[cname("app.example", "b.example"), a("b.example", [192, 0, 2, 7])]);
        let mut bench = Bench::new();
        bench.packet(&udp(4000, 53, &query("app.example")));
        bench.packet(&answer_from(53, &message));
        let seen = bench.observations();
        let channels: Vec<_> = seen.iter().map(|seen| (seen.channel, seen.name.as_deref())).collect();
        assert_eq!(
            channels,
            [(Channel::Dns, Some("app.example")), (Channel::DnsAnswer, Some("app.example"))]
        );
        assert_eq!(seen[0].flow, seen[1].flow);
        let answer = seen[1].answer.as_deref().unwrap();
        assert_eq!(answer.query, seen[0].key);
        assert_ne!(seen[1].key, seen[0].key);
        assert_eq!((&answer.targets[..], answer.addresses.len()), (&["b.example".into()][..], 1));
        assert_eq!(seen[1].at, Timestamp(1));
    }

    #[test]
    fn answers_are_left_unread_where_nobody_wants_them() {
        let message = response("app.example", &[a("app.example", [192, 0, 2, 7])]);
        let mut bench = Bench(Dissector::new(Limits::default()).without_answers());
        bench.packet(&udp(4000, 53, &query("app.example")));
        bench.packet(&answer_from(53, &message));
        assert_eq!(bench.seen(), [(Channel::Dns, "app.example".to_owned())]);
    }

    #[test]
    fn answers_of_other_ports_and_to_nobody_in_particular_are_left_alone() {
        let message = response("app.example", &[a("app.example", [192, 0, 2, 7])]);
        let mut bench = Bench::new();
        for port in [5353, 5355, 4001] {
            bench.packet(&answer_from(port, &message));
        }
        bench.packet(&udp(4000, 53, &message));
        assert_eq!(bench.seen(), []);
    }
}
