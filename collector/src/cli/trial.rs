//! `try`: the whole product on this machine. The collector is this process; the agent is its own
//! program in its own processes, enrolled with a one-use token over real mutual TLS.

mod agent;
mod demo;
mod people;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use umbrascope_api::{Channel, Day};

use self::agent::Agent;
use super::output::table;
use super::{CliError, Place, options, user};
use crate::clock::Clock;
use crate::config::Config;
use crate::datadir::DataDir;
use crate::model::{Direction, NewToken, PageRequest, ProductFilter, ProductSort};
use crate::serve::{self, Running, ServeError};
use crate::store::{Store, StoreError};
use crate::token;

/// Where people look when nothing else is asked for.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
/// The agent is asked to report so often, in seconds: a sighting shows within ten.
const REPORT_INTERVAL_S: u32 = 2;
/// How long the one-use token of the local agent can be used, in milliseconds.
const TOKEN_LIFETIME_MS: i64 = 120_000;
/// Patience with one scan, in seconds: `--once` ends within 45 with everything around it.
const ONCE_DEADLINE_S: u64 = 30;
/// After that patience the agent is no longer waited for.
const ONCE_LIMIT: Duration = Duration::from_secs(38);

/// Arguments of `try`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address and port of the pages; port 0 takes any free one. Default: 127.0.0.1:8080, or any
    /// free port when that is taken
    #[arg(long, value_name = "A")]
    listen: Option<SocketAddr>,
    /// Feed a capture file (pcap, pcapng) in as well
    #[arg(long, value_name = "FILE")]
    replay: Vec<PathBuf>,
    /// Scan once, print every product seen, and end
    #[arg(long)]
    once: bool,
    /// Make up an organisation first, in a data folder of its own: 2,000 machines, 300 products, people and their decisions, all
    /// marked as a demonstration
    #[arg(long)]
    demo: bool,
}

pub(super) fn run(place: &Place, args: Args) -> Result<(), CliError> {
    let program = agent::find()?;
    for file in &args.replay {
        std::fs::File::open(file).map_err(|source| {
            CliError::Failed(format!("could not read the capture {}: {source}", file.display()))
        })?;
    }
    let dir = DataDir::choose_for_try(place.data_dir.clone(), args.demo)?;
    if args.demo && !dir.database().exists() {
        dir.mark_demonstration()?;
    }
    dir.init(options(&Config::default(), &dir), Clock::system().now_ms())?;
    // The agent's processes need what this one never does.
    agent::drop_own_capabilities().map_err(CliError::io("give up capabilities"))?;
    let runtime = tokio::runtime::Runtime::new().map_err(CliError::io("start the runtime"))?;
    runtime.block_on(async {
        let running = start(&dir, args.listen).await?;
        let mut agent = Agent::new(program, &dir, running.agents);
        let ran = tokio::select! {
            ran = attend(&dir, &running, &mut agent, &args) => ran,
            asked = asked_to_end() => {
                eprintln!("stopping");
                asked
            }
        };
        // The agent first: it delivers once more.
        let stopped = agent.stop().await;
        running.stop().await;
        ran.and(stopped)
    })
}

async fn start(dir: &DataDir, listen: Option<SocketAddr>) -> Result<Running, CliError> {
    let mut config = Config::default();
    config.people.listen = listen.unwrap_or(LISTEN);
    config.agents.listen.set_port(0);
    config.agents.report_interval_s = REPORT_INTERVAL_S;
    let started = serve::start(dir, &config, Clock::system()).await;
    match started {
        // The usual port is somebody else's: any other will do, unless this one was asked for.
        Err(ServeError::Bind { whom: "people", source, .. })
            if listen.is_none() && source.kind() == io::ErrorKind::AddrInUse =>
        {
            config.people.listen.set_port(0);
            Ok(serve::start(dir, &config, Clock::system()).await?)
        }
        started => Ok(started?),
    }
}

/// Enrols and runs the agent, and tells the person where to look.
async fn attend(dir: &DataDir, running: &Running, agent: &mut Agent, args: &Args) -> Result<(), CliError> {
    eprintln!("data folder: {}", dir.path().display());
    agent.write_config()?;
    if args.demo {
        let app = running.app.clone();
        blocking(move || demo::seed(&app)).await?;
    }
    // A certificate ends when nobody tried for a month.
    if !agent.is_enrolled() || !lets_somebody_in(running).await? {
        let token = one_use_token(running).await?;
        agent.enrol(&token).await?;
    }
    if args.once {
        let ran = tokio::time::timeout(ONCE_LIMIT, agent.run_once(&args.replay, ONCE_DEADLINE_S)).await;
        let ran = match ran {
            Ok(ran) => ran,
            Err(_) => {
                eprintln!("the scan took too long and was cut short; what it delivered so far:");
                agent.stop().await
            }
        };
        print_products(running).await?;
        return ran;
    }
    agent.start(&args.replay).await?;
    let link = sign_in_link(running).await?;
    println!("Look here (signs you in once, within 15 minutes): {link}");
    println!(
        "Decisions take two people. {} are made up for that; `umbrascope-collector user link NAME --data-dir {}` signs one in.",
        people::names(),
        dir.path().display()
    );
    println!("What runs, and with which privileges:");
    table(&mut io::stdout().lock(), &agent::HEAD, &agent.processes())
        .map_err(CliError::io("write the table"))?;
    println!("Ctrl-C ends it; the next start goes on with the same data.");
    io::stdout().flush().map_err(CliError::io("write to stdout"))?;
    Err(agent.ended().await)
}

async fn asked_to_end() -> Result<(), CliError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(CliError::io("listen for SIGTERM"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::io("listen for SIGINT"))?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

async fn lets_somebody_in(running: &Running) -> Result<bool, CliError> {
    let app = running.app.clone();
    blocking(move || Ok(!app.store.trusted_keys(app.clock.now_ms())?.is_empty())).await
}

async fn one_use_token(running: &Running) -> Result<String, CliError> {
    let app = running.app.clone();
    let made = blocking(move || {
        let now_ms = app.clock.now_ms();
        let new = NewToken {
            unit: "This machine".to_owned(),
            label: "the agent of `try`".to_owned(),
            max_uses: 1,
            expires_at_ms: now_ms + TOKEN_LIFETIME_MS,
            created_by: "try".to_owned(),
        };
        Ok(token::create(app.store.as_ref(), &new, &app.enrolment.ca_sha256, now_ms)?)
    });
    Ok(made.await?.1)
}

async fn sign_in_link(running: &Running) -> Result<String, CliError> {
    let (app, people) = (running.app.clone(), running.people);
    blocking(move || {
        let by = user::command_line(app.clock.now_ms());
        people::ready(app.people.as_ref(), &by)?;
        let secret = app.sessions.new_link(people::PERSON, &by)?;
        let secret = secret.ok_or_else(|| CliError::Failed("the link could not be made".to_owned()))?;
        Ok(format!("http://{people}/sign-in/link/{secret}"))
    })
    .await
}

/// Every product, one line each.
async fn print_products(running: &Running) -> Result<(), CliError> {
    let app = running.app.clone();
    let rows = blocking(move || Ok(product_rows(app.store.as_ref(), app.clock.today())?)).await?;
    let head = ["PRODUCT", "VENDOR", "KIND", "KNOWN BY", "CONFIDENCE", "LEVEL", "FIRST DAY", "LAST DAY"];
    table(&mut io::stdout().lock(), &head, &rows).map_err(CliError::io("write the table"))
}

fn product_rows(store: &dyn Store, today: Day) -> Result<Vec<Vec<String>>, StoreError> {
    let mut rows = Vec::new();
    let mut page = PageRequest { offset: 0, limit: PageRequest::MAX_LIMIT };
    loop {
        let filter = ProductFilter::default();
        let found = store.products(&filter, ProductSort::Name, Direction::Ascending, page, today)?;
        page.offset += found.rows.len() as u64;
        let last = found.rows.is_empty() || page.offset >= found.total;
        rows.extend(found.rows.into_iter().map(|product| {
            vec![
                product.name,
                product.vendor,
                product.kind.map_or_else(|| "?".to_owned(), |kind| kind.as_str().to_owned()),
                product.channels.iter().map(Channel::as_str).collect::<Vec<_>>().join(","),
                product.confidence.as_str().to_owned(),
                product.level.as_str().to_owned(),
                product.first_day.to_string(),
                product.last_day.to_string(),
            ]
        }));
        if last {
            return Ok(rows);
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CliError> + Send + 'static,
) -> Result<T, CliError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(CliError::Failed("a step of the start broke off".to_owned())))
}
