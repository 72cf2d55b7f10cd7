//! The dissector: parses what the network sends, and may open nothing.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use umbrascope_api::Day;
use umbrascope_dissect::{LinkType, Timestamp};
use umbrascope_rules::Matcher;

use super::control_socket;
use super::outbox::{Outbox, ToUplink};
use super::pace::Pace;
use crate::capture::Frames;
use crate::capture::afpacket::LivePackets;
use crate::clock::wall_clock_us;
use crate::ipc::message::{
    A_MESSAGE, Counters, Flow, FromCapture, FromDissector, Owner, Sighting, StreamId, ToCapture, ToDissector,
};
use crate::ipc::{Channel, Received};
use crate::os::{memory, signals};
use crate::own::Sources;
use crate::pipeline::{Pipeline, flow};
use crate::sandbox;

mod catalogue;
mod others;
mod replay;

use catalogue::Handover;
use others::{Interfaces, Origin, Others};
use replay::{Replay, content_id};

/// Frames read in a row before the other descriptors get a look.
const FRAMES_IN_A_ROW: usize = 256;
/// How often counters are told while they change, in microseconds.
const COUNTERS_US: u64 = 5_000_000;
/// How long suspects are gathered before they are handed on, in microseconds.
const SUSPECTS_US: u64 = 1_000_000;

type Control = Channel<FromDissector, ToDissector>;

/// Runs until the warden says so or is gone.
pub fn run() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the dissector ends");
            ExitCode::FAILURE
        }
    }
}

/// What is read.
enum Input {
    Live(OwnedFd),
    File(File),
}

fn start() -> io::Result<()> {
    signals::block_termination()?;
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let mut control: Control = Channel::new(control_socket()?);
    let mut random = [0; 24];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| io::Error::other("the system gives no random numbers"))?;
    let (stream, seed) = random.split_at(16);
    let mut stream = StreamId(stream.try_into().unwrap_or_default());
    let seed = u64::from_ne_bytes(seed.try_into().unwrap_or_default());

    let (mut input, mut uplink, mut sources) = (None, None, Sources::default());
    let (mut interfaces, mut others) = (Interfaces::default(), Others::new(seed));
    while input.is_none() || uplink.is_none() {
        wait(&[(control.as_fd(), PollFlags::IN)], None)?;
        match control.receive()? {
            Received::Message(ToDissector::Capture, Some(socket)) => input = Some(Input::Live(socket)),
            Received::Message(ToDissector::Own { addresses, host_names }, _) => {
                others.set_own(addresses, host_names);
            }
            Received::Message(ToDissector::Gateway { interface, index }, Some(socket)) => {
                interfaces.watch(interface, index, socket);
            }
            Received::Message(ToDissector::Replay, Some(file)) => input = Some(Input::File(file.into())),
            Received::Message(ToDissector::Uplink, Some(socket)) => uplink = Some(Channel::new(socket)),
            Received::Message(ToDissector::Catalogue { keys }, Some(file)) => {
                Handover::catalogue(file, keys).put(&mut sources);
            }
            Received::Message(ToDissector::OwnRules { keys }, Some(file)) => {
                Handover::own(file, keys).put(&mut sources);
            }
            Received::Message(ToDissector::Finish, _) | Received::Closed => return Ok(()),
            Received::Message(..) | Received::Empty => {}
        }
    }
    // What came from elsewhere is read inside.
    let own = sources.is_empty().then(Matcher::embedded);
    let sandbox = sandbox::enter()?;
    let matcher = own.unwrap_or_else(|| sources.matcher("matching"));
    match input {
        Some(Input::Live(socket)) => {
            let (packets, trouble) = match LivePackets::new(socket) {
                Ok(packets) => (Some(packets), None),
                Err(error) => (None, Some(format!("cannot bind the packet socket: {error}"))),
            };
            send_control(&control, &FromDissector::Ready { sandbox, trouble });
            let Some(packets) = packets else { return Ok(()) };
            memory::give_back();
            let pipeline = Pipeline::new(matcher, seed);
            Live {
                control,
                uplink,
                packets,
                interfaces,
                others,
                behind: Vec::new(),
                sources,
                pipeline,
                outbox: Outbox::new(stream, false),
                questions: Vec::new(),
                pace: Pace::default(),
                pass: Pass::default(),
                stream,
                counters: Counters::default(),
                told: None,
                suspects_told_us: 0,
            }
            .run()
        }
        Some(Input::File(mut file)) => {
            send_control(&control, &FromDissector::Ready { sandbox, trouble: None });
            // The content names the stream, so that a file fed again is known for what it is; positions in it are the same
            // in every run because the tables are laid out the same (seed 0).
            stream = content_id(&mut file)?;
            let outbox = Outbox::new(stream, true);
            Replay { control, uplink, pipeline: Pipeline::new(matcher, 0), outbox }.run(file)
        }
        None => Ok(()),
    }
}

/// What was read since the process was woken.
#[derive(Default)]
struct Pass {
    packets: usize,
    /// Some were left in a socket.
    left_some: bool,
}

/// Live capture.
struct Live {
    control: Control,
    uplink: Option<ToUplink>,
    packets: LivePackets,
    /// Those of a gateway.
    interfaces: Interfaces,
    others: Others,
    /// A packet that waits until those in front of it are read.
    behind: Vec<u8>,
    /// What the pipeline matches with.
    sources: Sources,
    pipeline: Pipeline,
    outbox: Outbox,
    /// Questions that are not asked yet.
    questions: Vec<(u64, Flow)>,
    pace: Pace,
    pass: Pass,
    stream: StreamId,
    /// Kernel counters so far; the others are the pipeline's own.
    counters: Counters,
    /// What was told last, and when.
    told: Option<(Counters, u64)>,
    /// When suspects were handed on last.
    suspects_told_us: u64,
}

impl Live {
    fn run(mut self) -> io::Result<()> {
        loop {
            let now = wall_clock_us();
            let until = self.next_wake(now).map(|at| at.saturating_sub(now));
            let uplink_events =
                if self.outbox.has_unsent() { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
            let mut waited =
                vec![(self.packets.as_fd(), PollFlags::IN), (self.control.as_fd(), PollFlags::IN)];
            waited.extend(self.interfaces.sockets().map(|packets| (packets.as_fd(), PollFlags::IN)));
            waited.extend(self.uplink.as_ref().map(|uplink| (uplink.as_fd(), uplink_events)));
            wait(&waited, until)?;
            let rest = self.pace.rest_us(wall_clock_us());
            if rest > 0 {
                std::thread::sleep(Duration::from_micros(rest));
            }
            self.read_gateway()?;
            self.read_packets()?;
            let now = wall_clock_us();
            let pass = std::mem::take(&mut self.pass);
            if pass.packets > 0 {
                self.pace.read(pass.packets, !pass.left_some, now);
            }
            if self.pipeline.handle_timeout(Timestamp(now)) {
                memory::give_back();
            }
            self.collect(Origin::Late, now);
            self.ask();
            let gateway = Some((&mut self.interfaces, &mut self.others));
            match read_control(&mut self.control, &mut self.outbox, &mut self.uplink, gateway)? {
                Order::GoOn => {}
                Order::Swap(handed) => self.swap(handed),
                Order::Finish => return self.finish(),
            }
            self.tell_renamed();
            if let Some(wanted) = read_stored(&mut self.uplink, &mut self.outbox) {
                self.pipeline.judge_suspects(wanted);
            }
            self.tell_suspects(now);
            self.outbox.give_up(now);
            self.outbox.pack(now);
            pump(&mut self.uplink, &mut self.outbox);
            self.tell_counters(false);
        }
    }

    /// Packets wait in their sockets meanwhile.
    fn swap(&mut self, handed: Handover) {
        handed.put(&mut self.sources);
        self.pipeline.set_matcher(self.sources.matcher("matching"));
        memory::give_back();
    }

    fn next_wake(&self, now: u64) -> Option<u64> {
        let counters = self.told.is_none_or(|(told, _)| told != self.current_counters());
        let counters = counters.then(|| self.told.map_or(now, |(_, at)| at + COUNTERS_US));
        let timeout = self.pipeline.next_timeout().map(|at| at.0);
        let suspects = self.pipeline.has_suspects().then_some(self.suspects_told_us + SUSPECTS_US);
        [timeout, counters, suspects, self.outbox.wake_at_us()].into_iter().flatten().min()
    }

    /// Reads what is there, up to a bound.
    fn read_packets(&mut self) -> io::Result<()> {
        let now = wall_clock_us();
        for _ in 0..FRAMES_IN_A_ROW {
            match self.packets.next()? {
                Some(frame) if self.interfaces.len() == 0 => {
                    self.pipeline.handle_frame(Timestamp(now), LinkType::LinuxPacket, frame);
                }
                // What is forwarded was seen on its way in, by then with the address of the machine that sent it: that copy is
                // in its socket by now, and must be read first, since the pipeline takes the first of several.
                Some(frame) => {
                    let mut behind = std::mem::take(&mut self.behind);
                    behind.clear();
                    behind.extend_from_slice(frame);
                    self.read_gateway()?;
                    self.pipeline.handle_frame(Timestamp(now), LinkType::LinuxPacket, &behind);
                    self.behind = behind;
                }
                None => return Ok(()),
            }
            self.pass.packets += 1;
            self.collect(Origin::Own, now);
        }
        self.pass.left_some = true;
        Ok(())
    }

    fn read_gateway(&mut self) -> io::Result<()> {
        for interface in 0..self.interfaces.len() {
            let now = wall_clock_us();
            let before = self.pass.packets;
            while let Some(frame) = self.interfaces.next(interface)? {
                self.pass.packets += 1;
                self.others.learn(Timestamp(now), frame);
                self.pipeline.handle_frame(Timestamp(now), LinkType::Ethernet, frame);
                self.collect(Origin::Gateway, now);
                if self.pass.packets - before == FRAMES_IN_A_ROW {
                    self.pass.left_some = true;
                    break;
                }
            }
        }
        Ok(())
    }

    fn collect(&mut self, origin: Origin, now: u64) {
        while let Some(matched) = self.pipeline.poll_matched() {
            let flow = flow(&matched.observation.flow);
            let station = self.others.station(matched.observation.at, flow.client.ip(), origin);
            let (number, sighting) = sighting(matched);
            // No socket here has it.
            if let Some(station) = station {
                self.outbox.push(number, Sighting { station: Some(station), ..sighting }, now);
                continue;
            }
            if self.outbox.push_asking(number, sighting, now) {
                self.questions.push((number, flow));
            }
            if self.questions.len() == A_MESSAGE {
                self.ask();
            }
        }
    }

    fn ask(&mut self) {
        if self.questions.is_empty() {
            return;
        }
        let questions = FromDissector::Whose(std::mem::take(&mut self.questions));
        if self.control.send(&questions).is_err()
            && let FromDissector::Whose(questions) = questions
        {
            for (number, _) in questions {
                self.outbox.answer(number, Owner::default());
            }
        }
    }

    /// A name that came after the sighting. It comes again with the next one, should it be lost now.
    fn tell_renamed(&mut self) {
        let Some(uplink) = &self.uplink else { return };
        while let Some(station) = self.others.poll_renamed() {
            if uplink.send(&FromCapture::Renamed(station)).is_err() {
                return;
            }
        }
    }

    /// Hands suspects on, now and then. Those of a channel that is full or gone stay for the next time.
    fn tell_suspects(&mut self, now: u64) {
        if !self.pipeline.has_suspects() || now.saturating_sub(self.suspects_told_us) < SUSPECTS_US {
            return;
        }
        self.suspects_told_us = now;
        if let Some(uplink) = &self.uplink {
            self.pipeline.hand_on_suspects(|rows| uplink.send(&FromCapture::Suspects(rows)).is_ok());
        }
    }

    fn current_counters(&self) -> Counters {
        Counters {
            kernel_drops: self.counters.kernel_drops,
            queue_drops: self.outbox.dropped(),
            ..self.pipeline.counters()
        }
    }

    fn tell_counters(&mut self, last: bool) {
        let now = wall_clock_us();
        if !last && self.told.is_some_and(|(_, at)| now.saturating_sub(at) < COUNTERS_US) {
            return;
        }
        for packets in std::iter::once(&self.packets).chain(self.interfaces.sockets()) {
            if let Ok(statistics) = packets.statistics() {
                self.counters.kernel_drops += u64::from(statistics.drops);
            }
        }
        let counters = self.current_counters();
        if self.told.is_some_and(|(told, _)| told == counters) {
            return;
        }
        if let Some(uplink) = &self.uplink
            && uplink.send(&FromCapture::Counters { stream: self.stream, counters }).is_ok()
        {
            self.told = Some((counters, now));
        }
    }

    /// Reads what is in the socket, hands everything over, and waits a moment for it to be stored.
    fn finish(mut self) -> io::Result<()> {
        for _ in 0..64 {
            self.read_gateway()?;
            self.read_packets()?;
        }
        self.pipeline.finish();
        self.collect(Origin::Late, wall_clock_us());
        self.outbox.give_up(u64::MAX);
        self.outbox.pack(u64::MAX);
        self.tell_suspects(u64::MAX);
        self.tell_counters(true);
        drain(&mut self.uplink, &mut self.outbox, 1_500_000)
    }
}

enum Order {
    GoOn,
    /// Another catalogue; there may be more to read.
    Swap(Handover),
    Finish,
}

fn read_control(
    control: &mut Control,
    outbox: &mut Outbox,
    uplink: &mut Option<ToUplink>,
    mut gateway: Option<(&mut Interfaces, &mut Others)>,
) -> io::Result<Order> {
    loop {
        match (control.receive()?, &mut gateway) {
            (Received::Message(ToDissector::Own { addresses, host_names }, _), Some((_, others))) => {
                others.set_own(addresses, host_names);
            }
            (
                Received::Message(ToDissector::Gateway { interface, index }, Some(socket)),
                Some((interfaces, _)),
            ) => interfaces.watch(interface, index, socket),
            (Received::Message(ToDissector::Uplink, Some(socket)), _) => {
                *uplink = Some(Channel::new(socket));
                outbox.reconnected();
            }
            (Received::Message(ToDissector::Owners(owners), _), _) => {
                for (number, owner) in owners {
                    outbox.answer(number, owner);
                }
            }
            (Received::Message(ToDissector::Catalogue { keys }, Some(file)), _) => {
                return Ok(Order::Swap(Handover::catalogue(file, keys)));
            }
            (Received::Message(ToDissector::OwnRules { keys }, Some(file)), _) => {
                return Ok(Order::Swap(Handover::own(file, keys)));
            }
            (Received::Message(ToDissector::Finish, _) | Received::Closed, _) => return Ok(Order::Finish),
            (Received::Message(..), _) => {}
            (Received::Empty, _) => return Ok(Order::GoOn),
        }
    }
}

/// Reads what the uplink stored, and whether it wants suspects where it says so. A channel that fails is given up; the warden brings the next.
fn read_stored(uplink: &mut Option<ToUplink>, outbox: &mut Outbox) -> Option<bool> {
    let mut suspects = None;
    while let Some(channel) = uplink {
        match channel.receive() {
            Ok(Received::Message(ToCapture::Stored(stored), _)) => outbox.stored(&stored),
            Ok(Received::Message(ToCapture::Suspects(wanted), _)) => suspects = Some(wanted),
            Ok(Received::Empty) => break,
            // Whether they are wanted is for the next uplink to say.
            Ok(Received::Closed) | Err(_) => (*uplink, suspects) = (None, Some(false)),
        }
    }
    suspects
}

fn pump(uplink: &mut Option<ToUplink>, outbox: &mut Outbox) {
    if let Some(channel) = uplink
        && outbox.pump(channel).is_err()
    {
        *uplink = None;
    }
}

fn drain(uplink: &mut Option<ToUplink>, outbox: &mut Outbox, patience_us: u64) -> io::Result<()> {
    let end = wall_clock_us() + patience_us;
    loop {
        pump(uplink, outbox);
        read_stored(uplink, outbox);
        let now = wall_clock_us();
        let Some(channel) = uplink else { return Ok(()) };
        if outbox.is_empty() || now >= end {
            return Ok(());
        }
        wait(&[(channel.as_fd(), PollFlags::IN)], Some(end - now))?;
    }
}

fn sighting(matched: crate::pipeline::Matched<'_>) -> (u64, Sighting) {
    let at_ms = i64::try_from(matched.observation.at.0 / 1000).unwrap_or(i64::MAX);
    let sighting = Sighting {
        day: Day::from_unix_ms(at_ms),
        rule: matched.rule.rule.to_string(),
        channel: matched.channel.to_owned(),
        name: matched.observation.name.as_deref().unwrap_or_default().to_owned(),
        owner: Owner::default(),
        station: None,
    };
    (matched.position, sighting)
}

/// The warden reads its control sockets always; when it does not, it is about to end.
fn send_control(control: &Control, message: &FromDissector) {
    if let Err(error) = control.send_waiting(message) {
        tracing::debug!(%error, "the warden is gone");
    }
}

/// Waits for one of the descriptors, for so many microseconds at most.
fn wait(descriptors: &[(std::os::fd::BorrowedFd<'_>, PollFlags)], timeout_us: Option<u64>) -> io::Result<()> {
    let mut polled: Vec<_> =
        descriptors.iter().map(|(fd, events)| PollFd::from_borrowed_fd(*fd, *events)).collect();
    let timeout = timeout_us.map(|us| Timespec {
        tv_sec: i64::try_from(us / 1_000_000).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(us % 1_000_000 * 1000).unwrap_or_default(),
    });
    match poll(&mut polled, timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
