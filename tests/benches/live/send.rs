//! Senders, each a process of its own inside a namespace.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use pnet::datalink::{self, Channel};

use crate::frames::{self, Kind};
use crate::processes;

/// Connections that a client has open at a time.
const OPEN: usize = 64;

/// What a sender did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    /// Flows begun.
    pub(crate) flows: u32,
    /// How long it took.
    pub(crate) wall_s: f64,
    /// Its processor time, in which is what the kernel does on the way of a frame.
    pub(crate) cpu_s: f64,
}

/// Runs a sender to its end; `words` is one of the commands below.
pub(crate) fn run(command: &mut Command) -> Sent {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.split_whitespace().filter_map(|word| word.parse::<f64>().ok());
    match (numbers.next(), numbers.next(), numbers.next()) {
        (Some(flows), Some(wall_s), Some(cpu_s)) => Sent { flows: flows as u32, wall_s, cpu_s },
        _ => panic!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// `send INTERFACE KIND RATE SECONDS`: new flows as prebuilt frames, so many a second, evenly by the millisecond.
pub(crate) fn main(interface: &str, kind: &str, rate: &str, seconds: &str) {
    let kind = Kind::named(kind).unwrap_or_else(|| panic!("no kind of flows is called {kind}"));
    let device = datalink::interfaces().into_iter().find(|device| device.name == interface);
    let device = device.unwrap_or_else(|| panic!("there is no interface {interface}"));
    let config = datalink::Config { promiscuous: false, ..datalink::Config::default() };
    let Ok(Channel::Ethernet(mut sender, _)) = datalink::channel(&device, config) else {
        panic!("no packet socket on {interface}");
    };
    let mut templates = frames::templates(kind);
    let kinds = templates.len() as u32;
    paced(rate, seconds, |number| {
        for frame in templates[(number % kinds) as usize].flow(number) {
            // A full queue of the device is waited for: a frame that is not sent could not be seen.
            while !matches!(sender.send_to(frame, None), Some(Ok(()))) {
                std::thread::yield_now();
            }
        }
    });
}

/// `connect SERVER RATE SECONDS`: real connections, each of which sends a hello and stays until [`OPEN`] more have come.
pub(crate) fn connect_main(server: &str, rate: &str, seconds: &str) {
    let mut hellos: Vec<_> = frames::NAMES.iter().map(|name| frames::hello(name, 2)).collect();
    let mut open = VecDeque::new();
    paced(rate, seconds, |number| {
        let mut stream = TcpStream::connect(server).unwrap_or_else(|error| panic!("cannot connect: {error}"));
        let hello = &mut hellos[number as usize % frames::NAMES.len()];
        hello[frames::RANDOM..frames::RANDOM + 4].copy_from_slice(&number.to_be_bytes());
        stream.write_all(hello).unwrap_or_else(|error| panic!("cannot send: {error}"));
        open.push_back(stream);
        if open.len() > OPEN {
            open.pop_front();
        }
    });
}

/// `sink ADDRESS`: takes connections, reads once and closes them, so that its ports wait and not those of the client; runs
/// until it is killed.
pub(crate) fn sink_main(address: &str) {
    let listener = TcpListener::bind(address).unwrap_or_else(|error| panic!("cannot listen: {error}"));
    println!("ready");
    for mut stream in listener.incoming().flatten() {
        let _ = stream.read(&mut [0; 4096]);
    }
}

fn paced(rate: &str, seconds: &str, mut flow: impl FnMut(u32)) {
    let number = |word: &str| word.parse::<f64>().unwrap_or_else(|error| panic!("{word}: {error}"));
    let (rate, seconds) = (number(rate), number(seconds));
    let all = (rate * seconds) as u32;
    let begun = Instant::now();
    let mut sent = 0;
    while sent < all {
        let due = ((begun.elapsed().as_secs_f64() * rate) as u32).min(all);
        while sent < due {
            flow(sent);
            sent += 1;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    println!("{sent} {} {}", begun.elapsed().as_secs_f64(), processes::cpu_s(std::process::id()));
}
