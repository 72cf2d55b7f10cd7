//! The running collector: both listeners and what goes on beside them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use umbrascope_api::Day;
use umbrascope_rules::Catalogue;

use crate::catalogue::Current;
use crate::clock::Clock;
use crate::config::Config;
use crate::datadir::{DataDir, DataDirError, Lock};
use crate::export::{Sources, monthly};
use crate::ingest::{self, Ingest};
use crate::net::{self, Listener};
use crate::notary::{Notary, NotaryError};
use crate::ops::{self, Counters};
use crate::own::Desk;
use crate::pki::{Authority, PkiError, SERVER_LIFETIME_MS};
use crate::session::{SessionError, Sessions};
use crate::stamper::{Stamper, Standing};
use crate::store::own::OwnRules;
use crate::store::people::People;
use crate::store::proof::Proof;
use crate::store::readiness::Readying;
use crate::store::retention::Retaining;
use crate::store::sqlite::Options;
use crate::store::{Governance, SqliteStore, Store, StoreError};
use crate::tls::{self, ServerCertificate, TlsError, Trust};
use crate::token::EnrolmentPoint;
use crate::{AppState, web};

pub mod control;
mod published;

use published::Published;

/// How often time is let pass over the records: what is due on a day is seen within the hour.
const ATTEND_EVERY: Duration = Duration::from_secs(3_600);
/// How often entries without a checkpoint are looked for.
const SIGN_POLL: Duration = Duration::from_secs(10);
/// How often what is told of a large fleet as a whole is made anew: well within the time for which it is told.
const FLEET_RENEWAL: Duration = Duration::from_secs(60);
/// How often a revocation by another process is looked for.
const TRUST_POLL: Duration = Duration::from_secs(1);
/// How often the free space of the disk is looked at.
const DISK_POLL: Duration = Duration::from_secs(2);
/// How often the age of our own certificate is looked at.
const CERTIFICATE_POLL: Duration = Duration::from_secs(3_600);
/// Largest share of the disk that is kept free by default, and its bound.
const FREE_SHARE: u64 = 10;
const FREE_BYTES: u64 = 1 << 30;
/// Connections of people at the same time, and from one address.
const PEOPLE_CONNECTIONS: usize = 1_000;

/// A collector that runs.
pub struct Running {
    /// Where people reach it.
    pub people: SocketAddr,
    /// Where agents reach it.
    pub agents: SocketAddr,
    /// What its pages work with.
    pub app: AppState,
    /// What it counted.
    pub counters: Arc<Counters>,
    store: Arc<SqliteStore>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    _lock: Lock,
}

/// Starts on a folder that was made ready by `init`. It answers when this returns.
pub async fn start(dir: &DataDir, config: &Config, clock: Clock) -> Result<Running, ServeError> {
    let lock = dir.lock()?;
    let now_ms = clock.now_ms();
    let published = Published::new(dir, config);
    let (composition, served) = published.begin();
    let mut options = Options::knowing(Arc::clone(&composition.known));
    options.rebuild_on_new_catalogue = true;
    let store = Arc::new(dir.open(options, now_ms)?);
    let authority = Arc::new(dir.authority()?);
    let trust = Arc::new(Trust::default());
    let revision = store.trust_revision()?;
    trust.replace(store.trusted_keys(now_ms)?);
    let certificate = ServerCertificate::new(authority.server_identity(&config.agents.names, now_ms)?)?;
    let certificate = Arc::new(certificate);
    let agents_tls = tls::agents_config(&authority, Arc::clone(&trust), Arc::clone(&certificate))?;
    let people_tls = match &config.people.tls {
        Some((chain, key)) => Some(TlsAcceptor::from(Arc::new(tls::people_config(chain, key)?))),
        None => None,
    };
    let people = bind(config.people.listen, "people").await?;
    let agents = bind(config.agents.listen, "agents").await?;
    let (people_at, agents_at) = (local(&people)?, local(&agents)?);

    let catalogue = Arc::new(Current::new(composition, served));
    let own = Arc::new(Desk::new(Arc::clone(&store) as Arc<dyn OwnRules>, dir)?);
    if let Err(error) = own.restore() {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the file of the own rules cannot be written"
        );
    }
    let counters = Arc::new(Counters::default());
    let shared: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
    let url = match config.agents.listen.port() {
        0 => format!("https://localhost:{}", agents_at.port()),
        _ => config.agents.url.clone(),
    };
    let notary = Arc::new(Notary::new(Arc::clone(&store) as Arc<dyn Proof>, dir, now_ms)?);
    let stamping = Arc::new(Standing::of(config.time_stamps.as_ref()));
    let app = AppState {
        sessions: Arc::new(Sessions::new(Arc::clone(&store) as Arc<dyn People>, dir.sealing()?)?),
        people: Arc::clone(&store) as Arc<dyn People>,
        store: Arc::clone(&shared),
        governance: Arc::clone(&store) as Arc<dyn Governance>,
        catalogue: Arc::clone(&catalogue),
        clock: clock.clone(),
        demonstration: dir.is_demonstration(),
        https: people_tls.is_some(),
        own: Arc::clone(&own),
        notary: Arc::clone(&notary),
        stamping: Arc::clone(&stamping),
        enrolment: Arc::new(EnrolmentPoint { url, ca_sha256: authority.fingerprint() }),
    };
    let ingest = Arc::new(Ingest {
        store: shared,
        catalogue: Arc::clone(&catalogue),
        own_rules_key: own.key().public().to_string(),
        notary: Arc::clone(&notary),
        trust: Arc::clone(&trust),
        authority: Arc::clone(&authority),
        pseudonyms: dir.pseudonyms()?,
        clock: clock.clone(),
        counters: Arc::clone(&counters),
        report_interval_s: config.agents.report_interval_s,
        certificate_lifetime_ms: i64::from(config.agents.sensor_certificate_s) * 1_000,
    });

    let (stop, stopping) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let agents_listener = Listener {
        socket: agents,
        tls: Some(TlsAcceptor::from(Arc::new(agents_tls))),
        router: ingest::router(ingest),
        connections: config.agents.connections,
        per_address: config.agents.connections_per_address,
        counters: Arc::clone(&counters),
    };
    let people_listener = Listener {
        socket: people,
        tls: people_tls,
        router: web::router(app.clone()).merge(ops::router(app.clone(), Arc::clone(&counters))),
        connections: PEOPLE_CONNECTIONS,
        per_address: PEOPLE_CONNECTIONS,
        counters: Arc::clone(&counters),
    };
    tasks.spawn(net::serve(agents_listener, stopping.clone()));
    tasks.spawn(net::serve(people_listener, stopping.clone()));
    tasks.spawn(until(stopping.clone(), watch_trust(Arc::clone(&store), trust, revision, clock.clone())));
    let watched = published.watch(Arc::clone(&store), catalogue, clock.clone());
    tasks.spawn(until(stopping.clone(), watched));
    let disk = watch_disk(dir.path().to_owned(), config.min_free_bytes, Arc::clone(&counters));
    tasks.spawn(until(stopping.clone(), disk));
    let time = attend(Arc::clone(&store), Arc::clone(&app.catalogue), Arc::clone(&notary), clock.clone());
    tasks.spawn(until(stopping.clone(), time));
    tasks.spawn(until(stopping.clone(), renew_fleet(Arc::clone(&store), clock.clone())));
    if let Some(authority) = &config.time_stamps {
        let proof = Arc::clone(&store) as Arc<dyn Proof>;
        match Stamper::new(authority.clone(), proof, Arc::clone(&notary), stamping) {
            Ok(stamper) => {
                tasks.spawn(until(stopping.clone(), stamper.run(clock.clone())));
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "no time stamps are asked for");
            }
        }
    }
    tasks.spawn(until(stopping.clone(), sign(Arc::clone(&notary), clock.clone())));
    match control::listen(dir) {
        Ok(socket) => {
            tasks.spawn(until(stopping.clone(), control::serve(socket, notary, clock.clone())));
        }
        Err(error) => {
            tracing::warn!(%error, "commands beside the collector cannot ask it: exports that sign need it stopped")
        }
    }
    let names = config.agents.names.clone();
    tasks.spawn(until(stopping, watch_certificate(authority, certificate, names, clock)));
    Ok(Running { people: people_at, agents: agents_at, app, counters, store, stop, tasks, _lock: lock })
}

impl Running {
    /// Lets requests under way end, commits what is queued, and closes the database.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        let store = Arc::clone(&self.store);
        if tokio::task::spawn_blocking(move || store.close()).await.is_err() {
            tracing::error!("the store could not be closed");
        }
    }
}

async fn bind(address: SocketAddr, whom: &'static str) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| ServeError::Bind { address, whom, source })
}

fn local(listener: &TcpListener) -> Result<SocketAddr, ServeError> {
    listener.local_addr().map_err(ServeError::Socket)
}

/// Goes on with `work` until it is told to stop.
async fn until(mut stopping: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        _ = stopping.wait_for(|stop| *stop) => {}
    }
}

/// Lets time pass over the governed records, at once and then every [`ATTEND_EVERY`] and when a day begins; once on each day, keeps what is
/// kept of a month and deletes what is over.
async fn attend(store: Arc<SqliteStore>, catalogue: Arc<Current>, notary: Arc<Notary>, clock: Clock) {
    let mut swept_on = None;
    loop {
        let (keeper, now_ms) = (Arc::clone(&store), clock.now_ms());
        match tokio::task::spawn_blocking(move || keeper.attend(now_ms)).await {
            Ok(Ok(0)) => {}
            Ok(Ok(changed)) => tracing::info!(changed, "time moved records of the inventory"),
            Ok(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "records could not be attended to");
            }
            Err(_) => return,
        }
        let today = Day::from_unix_ms(now_ms);
        if swept_on.replace(today) == Some(today) {
            tokio::time::sleep(pause(clock.now_ms())).await;
            continue;
        }
        let keeper = Arc::clone(&store);
        let kept = tokio::task::spawn_blocking(move || keeper.keep_indicators(now_ms)).await;
        if let Ok(Err(error)) = kept {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the indicators of the month could not be kept"
            );
        }
        let (keeper, known, signer) = (Arc::clone(&store), catalogue.known(), Arc::clone(&notary));
        let kept = move || keep_months(&keeper, known.catalogue(), &signer, now_ms);
        match tokio::task::spawn_blocking(kept).await {
            Ok(Ok(months)) if months.is_empty() => {}
            Ok(Ok(months)) => tracing::info!(?months, "snapshots of the inventory are kept"),
            Ok(Err(error)) => {
                // Within the hour once more; what has to be deleted does not wait for it.
                swept_on = None;
                tracing::error!(
                    error = &*error as &dyn std::error::Error,
                    "the snapshot of a month could not be kept"
                );
            }
            Err(_) => return,
        }
        let keeper = Arc::clone(&store);
        match tokio::task::spawn_blocking(move || keeper.sweep(now_ms)).await {
            Ok(Ok(swept)) if swept.is_nothing() => {}
            Ok(Ok(swept)) => tracing::info!(?swept, "what was over is deleted"),
            Ok(Err(error)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "what is over could not be deleted"
                );
            }
            Err(_) => return,
        }
        tokio::time::sleep(pause(clock.now_ms())).await;
    }
}

/// Until time is let pass again: [`ATTEND_EVERY`], or the beginning of the next day where that is sooner.
fn pause(now_ms: i64) -> Duration {
    let day_ms = 86_400_000;
    let left_ms = day_ms - now_ms.rem_euclid(day_ms);
    ATTEND_EVERY.min(Duration::from_millis(left_ms.unsigned_abs()))
}

/// Keeps snapshots of the months that ended, and signs a checkpoint that covers them. The months.
fn keep_months(
    store: &SqliteStore,
    catalogue: &Catalogue,
    notary: &Notary,
    now_ms: i64,
) -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
    let kept = monthly::keep(Sources { reads: store, governance: store }, catalogue, now_ms)?;
    if !kept.is_empty() {
        notary.checkpoint(now_ms)?;
    }
    Ok(kept)
}

/// Keeps what is told of a large fleet as a whole fresh.
async fn renew_fleet(store: Arc<SqliteStore>, clock: Clock) {
    loop {
        let (store, now_ms) = (Arc::clone(&store), clock.now_ms());
        match tokio::task::spawn_blocking(move || store.renew_fleet(now_ms)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the coverage could not be summed up"
                );
            }
            Err(_) => return,
        }
        tokio::time::sleep(FLEET_RENEWAL).await;
    }
}

/// Signs what waits, as [`Notary::attend`] has it.
async fn sign(notary: Arc<Notary>, clock: Clock) {
    loop {
        tokio::time::sleep(SIGN_POLL).await;
        let (notary, now_ms) = (Arc::clone(&notary), clock.now_ms());
        match tokio::task::spawn_blocking(move || notary.attend(now_ms)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the audit trail could not be signed"
                );
            }
            Err(_) => return,
        }
    }
}

/// Takes up revocations, also those of another process, within [`TRUST_POLL`].
async fn watch_trust(store: Arc<SqliteStore>, trust: Arc<Trust>, mut known: i64, clock: Clock) {
    loop {
        tokio::time::sleep(TRUST_POLL).await;
        let (store, trust, now_ms) = (Arc::clone(&store), Arc::clone(&trust), clock.now_ms());
        let asked = tokio::task::spawn_blocking(move || {
            let revision = store.trust_revision()?;
            if revision != known {
                trust.prepare();
                trust.replace(store.trusted_keys(now_ms)?);
            }
            Ok::<_, StoreError>(revision)
        });
        match asked.await {
            Ok(Ok(revision)) => known = revision,
            Ok(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "revocations could not be read");
            }
            Err(_) => return,
        }
    }
}

/// Stops taking reports before the disk is full, and starts again by itself.
async fn watch_disk(path: PathBuf, min_free_bytes: Option<u64>, counters: Arc<Counters>) {
    loop {
        if let Ok(disk) = rustix::fs::statvfs(&path) {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let size = disk.f_blocks.saturating_mul(disk.f_frsize);
            let floor = min_free_bytes.unwrap_or((size / FREE_SHARE).min(FREE_BYTES));
            let low = free < floor;
            if counters.disk_low.swap(low, Ordering::Relaxed) != low {
                tracing::warn!(
                    low,
                    free_bytes = free,
                    floor_bytes = floor,
                    "free disk space crossed its floor"
                );
            }
        }
        tokio::time::sleep(DISK_POLL).await;
    }
}

/// Renews our own certificate at half its life.
async fn watch_certificate(
    authority: Arc<Authority>,
    certificate: Arc<ServerCertificate>,
    names: Vec<String>,
    clock: Clock,
) {
    let mut made_at_ms = clock.now_ms();
    loop {
        tokio::time::sleep(CERTIFICATE_POLL).await;
        let now_ms = clock.now_ms();
        if now_ms - made_at_ms < SERVER_LIFETIME_MS / 2 {
            continue;
        }
        let renewed = authority
            .server_identity(&names, now_ms)
            .map_err(ServeError::from)
            .and_then(|identity| Ok(certificate.replace(identity)?));
        match renewed {
            Ok(()) => made_at_ms = now_ms,
            Err(error) => tracing::error!(%error, "the collector's own certificate could not be renewed"),
        }
    }
}

/// Why the collector does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Something in its folder.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The audit trail.
    #[error(transparent)]
    Notary(#[from] NotaryError),
    /// A certificate.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Sessions.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// An address is taken or not ours.
    #[error(
        "could not listen on {address} for {whom}: choose another address in the configuration, or end what uses it"
    )]
    Bind {
        /// The address.
        address: SocketAddr,
        /// `people` or `agents`.
        whom: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A socket failed.
    #[error("a listening socket failed: {0}")]
    Socket(#[source] std::io::Error),
}

#[cfg(test)]
mod tests;
