//! A bulk transfer over veth, with the agent and without, in turn.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::Instant;

use umbrascope_e2e::netns::{NET, Pair};

use crate::agent::{Agent, Filter};
use crate::{Size, frames, median, pair, processes, this_program};

const BUDGET_S_A_GB: f64 = 0.05;
const BUDGET_SLOWDOWN_PERCENT: f64 = 2.0;
const PORT: u16 = 8443;

/// One transfer.
#[derive(Clone, Copy)]
struct Transfer {
    wall_s: f64,
    /// Of both ends.
    cpu_s: f64,
}

/// Prints a row for each filter, direction, payload and kind of link.
pub(crate) fn run(size: Size) {
    let (bytes, rounds) = size.pick((500_000_000_u64, 24), (400_000_000, 3));
    println!(
        "\nbulk: one TCP connection of {:.1} GB over veth at an MTU of 1500, {rounds} rounds: in each",
        bytes as f64 / 1e9
    );
    println!(
        "      of them the agent is there with either filter, and not there, in turn. Agent and packets: medians;"
    );
    println!("      the two ends: the best of all rounds, for what else the machine does only ever adds");
    println!(
        "      budget: {BUDGET_S_A_GB} s of agent a GB (plain filter without offload: none), {BUDGET_SLOWDOWN_PERCENT} % slower"
    );
    println!(
        "  {:7} {:9} {:9} {:11} | {:>10} {:>9} | {:>13} {:>11} {:>9}",
        "", "", "", "", "agent", "packets", "both ends", "with agent", "transfer"
    );
    println!(
        "  {:7} {:9} {:9} {:11} | {:>10} {:>9} | {:>13} {:>11} {:>9}",
        "offload", "direction", "payload", "filter", "s a GB", "a GB", "alone, s a GB", "CPU", "time"
    );
    for offload in [true, false] {
        let pair = pair(offload);
        let server = Server::start(&pair);
        for direction in ["upload", "download"] {
            for payload in ["tls", "plain"] {
                measure(&pair, &server, offload, direction, payload, bytes, rounds);
            }
        }
    }
}

/// What the rounds gave for one filter.
#[derive(Default)]
struct Rounds {
    agent: Vec<f64>,
    packets: Vec<f64>,
    best: Best,
    note: String,
}

/// The least that transfers took.
#[derive(Clone, Copy)]
struct Best(Transfer);

impl Default for Best {
    fn default() -> Self {
        Self(Transfer { wall_s: f64::INFINITY, cpu_s: f64::INFINITY })
    }
}

impl Best {
    fn take(&mut self, transfer: Transfer) {
        self.0.wall_s = self.0.wall_s.min(transfer.wall_s);
        self.0.cpu_s = self.0.cpu_s.min(transfer.cpu_s);
    }
}

fn measure(
    pair: &Pair,
    server: &Server,
    offload: bool,
    direction: &str,
    payload: &str,
    bytes: u64,
    rounds: usize,
) {
    let gb = bytes as f64 / 1e9;
    let transfer = || server.transfer(pair, direction, payload, bytes);
    let filters = [Filter::Auto, Filter::Plain];
    let mut results = filters.map(|_| Rounds::default());
    let mut alone = Best::default();
    for number in 0..rounds {
        // Now the one first, now the other.
        let before = number % 2 == 0;
        if before {
            alone.take(transfer());
        }
        for (filter, result) in filters.into_iter().zip(&mut results) {
            let running = Agent::start(pair, filter, None);
            let start = running.cpu_s();
            result.best.take(transfer());
            result.agent.push((running.cpu_s() - start) / gb);
            let counted = running.end();
            result.packets.push(counted.packets as f64 / gb);
            result.note = counted.note;
        }
        if !before {
            alone.take(transfer());
        }
    }
    let Best(alone) = alone;
    for result in results {
        let Best(with) = result.best;
        println!(
            "  {:7} {direction:9} {:9} {:11} | {:10.4} {:9.0} | {:13.3} {:+9.1} % {:+7.1} %",
            if offload { "on" } else { "off" },
            if payload == "tls" { "TLS" } else { "no TLS" },
            if result.note.contains("tier 2") { "flow-aware" } else { "plain" },
            median(result.agent),
            median(result.packets),
            alone.cpu_s / gb,
            (with.cpu_s / alone.cpu_s - 1.0) * 100.0,
            (with.wall_s / alone.wall_s - 1.0) * 100.0,
        );
    }
}

/// The other end, a process in the namespace of its own.
struct Server(Child);

impl Server {
    fn start(pair: &Pair) -> Self {
        let mut command = pair.net(this_program());
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
        let mut command = pair.host(this_program());
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
