//! A bulk transfer over veth, with the agent and without, in turn.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::Instant;

use umbrascope_e2e::netns::{NET, Pair};

use crate::agent::{Agent, Filter};
use crate::{Size, frames, median, on_processor, pair, processes, this_program};

const BUDGET_S_A_GB: f64 = 0.05;
const BUDGET_SLOWDOWN_PERCENT: f64 = 2.0;
const PORT: u16 = 8443;

/// Transfers of a block.
const BLOCK: usize = 8;

/// One transfer.
#[derive(Clone, Copy)]
struct Transfer {
    wall_s: f64,
    /// Of both ends.
    cpu_s: f64,
}

/// Prints a row for each filter, direction, payload and kind of link.
pub(crate) fn run(size: Size) {
    let (bytes, rounds) = size.pick((250_000_000_u64, 30), (100_000_000, 3));
    println!(
        "\nbulk: TCP connections of {:.2} GB over veth at an MTU of 1500, each end on a processor of its own, {rounds} rounds:",
        bytes as f64 / 1e9
    );
    println!(
        "      {} transfers alone, {BLOCK} with the agent there, {} alone. Medians;",
        BLOCK / 2,
        BLOCK / 2
    );
    println!(
        "      slower: of the rounds' ratios of medians, the median and where it is with a certainty of 95 %"
    );
    println!(
        "      budget: {BUDGET_S_A_GB} s of agent a GB (plain filter without offload: none), {BUDGET_SLOWDOWN_PERCENT} % slower"
    );
    println!(
        "  {:7} {:9} {:7} {:11} | {:>8} {:>8} | {:>13} | {:^23} | {:^23}",
        "", "", "", "", "agent", "packets", "both ends", "CPU of both ends", "time of a transfer"
    );
    println!(
        "  {:7} {:9} {:7} {:11} | {:>8} {:>8} | {:>13} | {:^23} | {:^23}",
        "offload", "direction", "payload", "filter", "s a GB", "a GB", "alone, s a GB", "more, %", "more, %"
    );
    for offload in [true, false] {
        let pair = pair(offload);
        let server = Server::start(&pair);
        for direction in ["upload", "download"] {
            for payload in ["tls", "plain"] {
                for filter in [Filter::Auto, Filter::Plain] {
                    let transfer = || server.transfer(&pair, direction, payload, bytes);
                    let measured = measure(&pair, filter, transfer, bytes, rounds);
                    println!(
                        "  {:7} {direction:9} {:7} {measured}",
                        if offload { "on" } else { "off" },
                        if payload == "tls" { "TLS" } else { "no TLS" },
                    );
                }
            }
        }
    }
}

/// The processor of the end where the agent is; `None`: there is but one.
fn near_end() -> Option<usize> {
    far_end().map(|far| far - 1)
}

/// The processor of the other end.
fn far_end() -> Option<usize> {
    std::thread::available_parallelism().is_ok_and(|count| count.get() > 1).then_some(1)
}

/// What the rounds gave for one filter.
#[derive(Default)]
struct Rounds {
    agent: Vec<f64>,
    packets: Vec<f64>,
    alone: Vec<f64>,
    cpu: Vec<f64>,
    wall: Vec<f64>,
    note: String,
}

impl fmt::Display for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:11} | {:8.4} {:8.0} | {:13.3} | {} | {}",
            if self.note.contains("tier 2") { "flow-aware" } else { "plain" },
            median(self.agent.clone()),
            median(self.packets.clone()),
            median(self.alone.clone()),
            More::of(&self.cpu),
            More::of(&self.wall),
        )
    }
}

/// How much more something is than something else, in percent: a median, and between which two of the numbers the true one is with a
/// certainty of 95 %. Nothing is supposed of how they scatter: it is as likely below the median as above.
struct More {
    median: f64,
    least: f64,
    most: f64,
}

impl More {
    fn of(ratios: &[f64]) -> Self {
        let mut percents: Vec<f64> = ratios.iter().map(|ratio| (ratio - 1.0) * 100.0).collect();
        percents.sort_by(f64::total_cmp);
        let count = percents.len() as f64;
        // The normal approximation of a binomial distribution of probability 1/2.
        let below = ((count / 2.0 - 1.96 * count.sqrt() / 2.0).floor().max(0.0)) as usize;
        let at = |place: usize| percents.get(place).copied().unwrap_or(f64::NAN);
        Self {
            median: median(percents.clone()),
            least: at(below),
            most: at(percents.len().saturating_sub(1 + below)),
        }
    }
}

impl fmt::Display for More {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+6.2} ({:+6.2} … {:+6.2})", self.median, self.least, self.most)
    }
}

fn measure(
    pair: &Pair,
    filter: Filter,
    transfer: impl Fn() -> Transfer,
    bytes: u64,
    rounds: usize,
) -> Rounds {
    let gb = bytes as f64 / 1e9;
    let block = |count: usize| (0..count).map(|_| transfer()).collect::<Vec<_>>();
    let middle =
        |transfers: &[Transfer], of: fn(&Transfer) -> f64| median(transfers.iter().map(of).collect());
    let mut found = Rounds::default();
    for _ in 0..rounds {
        let mut alone = block(BLOCK / 2);
        let running = Agent::start(pair, filter, None);
        let start = running.cpu_s();
        let with = block(BLOCK);
        found.agent.push((running.cpu_s() - start) / (gb * BLOCK as f64));
        let counted = running.end();
        alone.extend(block(BLOCK / 2));
        found.packets.push(counted.packets as f64 / (gb * BLOCK as f64));
        found.note = counted.note;
        found.alone.push(middle(&alone, |one| one.cpu_s) / gb);
        found.cpu.push(middle(&with, |one| one.cpu_s) / middle(&alone, |one| one.cpu_s));
        found.wall.push(middle(&with, |one| one.wall_s) / middle(&alone, |one| one.wall_s));
    }
    found
}

/// The other end, a process in the namespace of its own.
struct Server(Child);

impl Server {
    fn start(pair: &Pair) -> Self {
        let mut command = on_processor(far_end(), &this_program(), |program| pair.net(program));
        command.args(["bulk-server", &format!("{NET}:{PORT}")]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("no server: {error}"));
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            let _ = BufReader::new(output).read_line(&mut line);
        }
        assert_eq!(line, "ready\n", "the server does not listen");
        Self(child)
    }

    fn transfer(&self, pair: &Pair, direction: &str, payload: &str, bytes: u64) -> Transfer {
        let before = processes::cpu_s(self.0.id());
        let mut command = on_processor(near_end(), &this_program(), |program| pair.host(program));
        command.args(["bulk-client", &format!("{NET}:{PORT}"), direction, payload, &bytes.to_string()]);
        let output = command.output().unwrap_or_else(|error| panic!("no client: {error}"));
        let text = String::from_utf8_lossy(&output.stdout);
        let mut numbers = text.split_whitespace().filter_map(|word| word.parse::<f64>().ok());
        let (Some(wall_s), Some(cpu_s)) = (numbers.next(), numbers.next()) else {
            panic!("the transfer failed: {}", String::from_utf8_lossy(&output.stderr));
        };
        Transfer { wall_s, cpu_s: cpu_s + processes::cpu_s(self.0.id()) - before }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `bulk-server ADDRESS`: a connection says in its first line, after its hello if it is one of TLS, what is to be done.
pub(crate) fn server_main(address: &str) {
    let listener = TcpListener::bind(address).unwrap_or_else(|error| panic!("cannot listen: {error}"));
    println!("ready");
    for stream in listener.incoming().flatten() {
        let _ = serve(stream);
    }
}

fn serve(stream: TcpStream) -> std::io::Result<()> {
    let mut line = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    if reader.fill_buf()?.first() == Some(&22) {
        let mut header = [0; 5];
        reader.read_exact(&mut header)?;
        let mut hello = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
        reader.read_exact(&mut hello)?;
    }
    reader.read_line(&mut line)?;
    match line.split_whitespace().collect::<Vec<_>>()[..] {
        ["upload", ..] => {
            drain(&mut reader)?;
            (&stream).write_all(b".")
        }
        ["download", payload, bytes] => fill(&stream, payload, bytes.parse().unwrap_or_default()),
        _ => Ok(()),
    }
}

/// `bulk-client ADDRESS DIRECTION PAYLOAD BYTES`: prints the seconds that passed and those of its processor time.
pub(crate) fn client_main(address: &str, direction: &str, payload: &str, bytes: &str) {
    let count: u64 = bytes.parse().unwrap_or_else(|error| panic!("{bytes}: {error}"));
    let begun = Instant::now();
    let done = TcpStream::connect(address).and_then(|mut stream| {
        if payload == "tls" {
            stream.write_all(&frames::hello("bulk.example", 2))?;
        }
        stream.write_all(format!("{direction} {payload} {bytes}\n").as_bytes())?;
        if direction == "upload" {
            fill(&stream, payload, count)?;
            stream.shutdown(std::net::Shutdown::Write)?;
        }
        drain(&mut stream)
    });
    if let Err(error) = done {
        panic!("the transfer failed: {error}");
    }
    println!("{} {}", begun.elapsed().as_secs_f64(), processes::cpu_s(std::process::id()));
}

fn drain(stream: &mut impl Read) -> std::io::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}

/// Bytes without a pattern; as TLS they are in records of application data, the largest there are (RFC 8446 §5.2).
fn fill(mut stream: &TcpStream, payload: &str, bytes: u64) -> std::io::Result<()> {
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state >> 56) as u8
    };
    let mut block = Vec::new();
    for _ in 0..16 {
        if payload == "tls" {
            block.extend([23, 3, 3, 0x40, 0x11]);
        }
        block.extend((0..0x4011).map(|_| noise()));
    }
    let mut left = bytes as usize;
    while left > 0 {
        let next = left.min(block.len());
        stream.write_all(&block[..next])?;
        left -= next;
    }
    Ok(())
}
