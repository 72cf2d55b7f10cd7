//! Delivery: when to report, what goes into a batch, and what an answer means.
//!
//! Mutual TLS with the sensor's own certificate; only the authority given at enrolment is trusted. Codes
//! (`POST /v1/batches`): 200 after the collector's commit; 429, 503 and trouble on the way are tried again; 400, 413 and 422
//! are about this batch and never block what comes behind; 401 and 403 stop delivery for hours.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{HeaderValue, RETRY_AFTER};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use serde::de::DeserializeOwned;
use umbrascope_api::{Ack, Batch, RenewRequest, RenewResponse, SealedAccount, Snapshot, SuspectRow, limits};

mod catalogue;

pub use catalogue::Fetched;

use crate::config::CollectorConfig;
use crate::identity::Identity;
use crate::state::{DueRow, DueStation};

/// Patience for a connection, and for a whole request.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// An idle connection is given back soon: there are many sensors to one collector.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest answer read, in bytes: an acknowledgement that refuses every row.
const ANSWER_BYTES: usize = 512 * 1024;
/// Bytes of rows and snapshots in one batch; the envelope and Coverage fit into the rest of the body's bound.
const CONTENT_BYTES: usize = limits::BODY_BYTES - 128 * 1024;

/// Why the collector cannot be talked to at all.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// Key or certificate in the identity cannot be used.
    #[error("the identity of this sensor cannot be used; enrol again with `--force`")]
    Identity(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The HTTP client cannot be made.
    #[error("cannot set up the connection to the collector")]
    Client(#[source] reqwest::Error),
}

/// A connection to the collector under one certificate.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
}

/// What became of a request.
#[derive(Debug)]
pub enum Outcome<T> {
    /// 200, with its answer.
    Done(T),
    /// Try again, not before this time if the collector said so.
    Retry {
        /// The collector's wish.
        after: Option<Duration>,
        /// What happened, without a secret or an address of people.
        trouble: String,
    },
    /// 400, 413, 422: this body will never be taken.
    Refused {
        /// What the status was.
        trouble: String,
    },
    /// 401, 403: this sensor is not welcome.
    Forbidden {
        /// What the status was.
        trouble: String,
    },
}

impl Client {
    /// A client of an enrolled sensor.
    pub fn new(identity: &Identity, config: &CollectorConfig) -> Result<Self, SenderError> {
        let tls = client_config(identity).map_err(SenderError::Identity)?;
        let http = http_client(tls, config.proxy.as_deref()).map_err(SenderError::Client)?;
        let base = config.url.as_ref().unwrap_or(&identity.collector);
        Ok(Self { http, base: base.trim_end_matches('/').to_owned() })
    }

    /// Delivers a batch.
    pub async fn deliver(self, body: Vec<u8>) -> Outcome<Ack> {
        let outcome = self.post("/v1/batches", body).await;
        crate::failpoint::hit("agent-after-send-before-ack");
        outcome
    }

    /// Asks for a certificate of a new key.
    pub async fn renew(self, request: RenewRequest) -> Outcome<RenewResponse> {
        match serde_json::to_vec(&request) {
            Ok(body) => self.post("/v1/renew", body).await,
            Err(error) => Outcome::Refused { trouble: error.to_string() },
        }
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: Vec<u8>) -> Outcome<T> {
        let request = self
            .http
            .post(format!("{}{path}", self.base))
            .header("content-type", "application/json")
            .body(body);
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Outcome::Retry { after: None, trouble: describe(&error) },
        };
        let status = response.status();
        let trouble = format!("the collector answered {status}");
        match status.as_u16() {
            200 => match read_bounded(response).await {
                Ok(answer) => match serde_json::from_slice(&answer) {
                    Ok(answer) => Outcome::Done(answer),
                    Err(_) => Outcome::Retry {
                        after: None,
                        trouble: "the collector's answer cannot be read".into(),
                    },
                },
                Err(trouble) => Outcome::Retry { after: None, trouble },
            },
            400 | 413 | 422 => Outcome::Refused { trouble },
            401 | 403 => Outcome::Forbidden { trouble },
            _ => {
                let after = wished(response.headers().get(RETRY_AFTER));
                Outcome::Retry { after, trouble }
            }
        }
    }
}

/// The HTTP client that both delivery and enrolment use.
pub(crate) fn http_client(
    #[cfg_attr(not(feature = "failpoints"), expect(unused_mut, reason = "changed only for tests"))]
    mut tls: ClientConfig,
    proxy: Option<&str>,
) -> Result<reqwest::Client, reqwest::Error> {
    // A test reads what really goes over the wire: SSLKEYLOGFILE names where the session keys go. In no package.
    #[cfg(feature = "failpoints")]
    {
        tls.key_log = Arc::new(rustls::KeyLogFile::new());
    }
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .https_only(true)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(1)
        .user_agent(concat!("umbrascope-agent/", env!("CARGO_PKG_VERSION")));
    match proxy {
        Some(proxy) => builder.proxy(reqwest::Proxy::all(proxy)?),
        None => builder.no_proxy(),
    }
    .build()
}

fn client_config(identity: &Identity) -> Result<ClientConfig, Box<dyn std::error::Error + Send + Sync>> {
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(identity.ca_pem.as_bytes()) {
        roots.add(authority?)?;
    }
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(identity.certificate_pem.as_bytes()).collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)?)
}

/// When the collector would like to be asked again.
fn wished(header: Option<&HeaderValue>) -> Option<Duration> {
    header?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Reads an answer up to the bound.
pub(crate) async fn read_bounded(response: reqwest::Response) -> Result<Vec<u8>, String> {
    read_up_to(response, ANSWER_BYTES).await
}

async fn read_up_to(mut response: reqwest::Response, most: usize) -> Result<Vec<u8>, String> {
    let mut answer = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if answer.len() + chunk.len() <= most => answer.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err("the collector's answer is too long".to_owned()),
            Ok(None) => return Ok(answer),
            Err(error) => return Err(describe(&error)),
        }
    }
}

/// The causes of a failed request in one line, without the address it went to.
pub(crate) fn describe(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() {
        "the collector did not answer in time".to_owned()
    } else if error.is_connect() {
        "cannot connect to the collector".to_owned()
    } else {
        "the request to the collector failed".to_owned()
    };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Rows and snapshots of one batch, cut to the bounds of the wire. What does not fit waits for the next.
#[derive(Debug, Default, PartialEq)]
pub struct Content {
    /// Rows.
    pub rows: Vec<DueRow>,
    /// Snapshots.
    pub snapshots: Vec<Snapshot>,
    /// What is new of the machines that rows here, or delivered before, are of.
    pub stations: Vec<DueStation>,
    /// Suspects, where they are asked for. They ride along: no report is sent for their sake.
    pub suspects: Vec<SuspectRow>,
    /// Sealed names of accounts, where they are asked for. They ride along too.
    pub sealed_accounts: Vec<SealedAccount>,
}

impl Content {
    /// Takes what fits, at most `limit` entries, snapshots first since there are few.
    pub fn fitting(rows: Vec<DueRow>, snapshots: Vec<Snapshot>, limit: usize) -> Self {
        let mut content = Self::default();
        let mut bytes = 0;
        for snapshot in snapshots {
            let more = size(&snapshot);
            if content.len() >= limit || (bytes + more > CONTENT_BYTES && !content.is_empty()) {
                break;
            }
            bytes += more;
            content.snapshots.push(snapshot);
        }
        for due in rows {
            let more = size(&due.row);
            if content.len() >= limit.min(limits::ACTIVITY_ROWS) || bytes + more > CONTENT_BYTES {
                break;
            }
            bytes += more;
            content.rows.push(due);
        }
        content
    }

    /// Adds what is new of machines that the collector knows, or comes to know by the rows here.
    pub fn with_stations(mut self, stations: Vec<DueStation>) -> Self {
        let here: HashSet<_> = self.rows.iter().filter_map(|due| due.row.subject).collect();
        let told = |due: &DueStation| due.known || here.contains(&due.station.subject);
        self.stations = stations.into_iter().filter(told).take(limits::STATIONS).collect();
        self
    }

    /// Entries in it.
    pub fn len(&self) -> usize {
        self.rows.len() + self.snapshots.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn size<T: serde::Serialize>(value: &T) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX / 2, |text| text.len() + 1)
}

/// The body of a batch.
pub fn body(batch: &Batch) -> Vec<u8> {
    serde_json::to_vec(batch).unwrap_or_default()
}

/// When to report. Time and chance are arguments.
#[derive(Debug)]
pub struct Schedule {
    interval: Duration,
    next_regular: Instant,
    next_grown: Instant,
    not_before: Instant,
    failures: u32,
}

/// The other roles come up in this time.
const FIRST: Duration = Duration::from_secs(1);
/// What is new waits this long for company.
const GATHER: Duration = Duration::from_secs(2);
/// First step and bound of the backoff.
const BACKOFF_FIRST: Duration = Duration::from_secs(2);
const BACKOFF_MOST: Duration = Duration::from_secs(300);
/// A sensor that is not welcome asks again after this long, and up to as long again.
const FORBIDDEN: Duration = Duration::from_secs(3600);
/// Longest wish of the collector that is followed.
const INTERVAL_MOST: Duration = Duration::from_secs(86_400);

impl Schedule {
    /// A first report at once (as soon as it can say whether packets are read), then every `interval`.
    pub fn new(now: Instant, interval: Duration) -> Self {
        let interval = interval.clamp(Duration::from_secs(1), INTERVAL_MOST);
        Self { interval, next_regular: now + FIRST, next_grown: now, not_before: now, failures: 0 }
    }

    /// When the next report is due: `new` if something waits that was never reported.
    pub fn next(&self, new_since: Option<Instant>, grown: bool) -> Instant {
        let mut at = self.next_regular;
        if let Some(since) = new_since {
            at = at.min(since + GATHER);
        }
        if grown {
            at = at.min(self.next_grown);
        }
        at.max(self.not_before)
    }

    /// Whether counts that only grew go along now.
    pub fn grown_is_due(&self, now: Instant) -> bool {
        now >= self.next_grown
    }

    /// A batch was taken. `phase` (0 to 1) is the sensor's own place in the interval, so that sensors spread.
    pub fn taken(
        &mut self,
        now: Instant,
        wish: Duration,
        counter_interval: Duration,
        had_grown: bool,
        phase: f64,
    ) {
        let first = self.interval != wish;
        self.interval = wish.clamp(Duration::from_secs(1), INTERVAL_MOST);
        self.next_regular =
            now + if first { self.interval.mul_f64(0.5 + 0.5 * phase) } else { self.interval };
        if had_grown {
            self.next_grown = now + counter_interval;
        }
        // Not to zero: after an outage everybody succeeds once and would come back at full speed.
        self.failures /= 2;
        self.not_before = now;
    }

    /// A batch was not taken; full jitter over a bound that doubles, and never before the collector's wish.
    pub fn failed(&mut self, now: Instant, after: Option<Duration>, chance: f64) {
        let bound = BACKOFF_FIRST.saturating_mul(1 << self.failures.min(16)).min(BACKOFF_MOST);
        self.failures = self.failures.saturating_add(1);
        let mut wait = bound.mul_f64(chance);
        if let Some(after) = after {
            let after = after.min(INTERVAL_MOST);
            wait = wait.max(after.mul_f64(1.0 + 0.1 * chance));
        }
        self.not_before = now + wait.max(Duration::from_millis(100));
    }

    /// The sensor is not welcome.
    pub fn forbidden(&mut self, now: Instant, chance: f64) {
        self.not_before = now + FORBIDDEN.mul_f64(1.0 + chance);
    }

    /// There is a new identity: no reason to wait any more.
    pub fn renewed(&mut self, now: Instant) {
        self.not_before = now;
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use umbrascope_api::{ActivityRow, Channel, Completeness, Day, Evidence, Station};

    fn due(id: i64, bytes: usize) -> DueRow {
        let evidence = Evidence { value: "x".repeat(bytes), ..Evidence::default() };
        let day = Day::from_number(20_778).unwrap();
        DueRow {
            id,
            row: ActivityRow {
                day,
                rule: "a.b.c".into(),
                channel: Channel::Tls,
                subject: None,
                account: None,
                evidence,
                count: 1,
            },
        }
    }

    #[test]
    fn a_batch_keeps_the_bounds_of_the_wire() {
        let rows: Vec<_> = (0..5000).map(|id| due(id, 500)).collect();
        let content = Content::fitting(rows, vec![], usize::MAX);
        assert!(content.rows.len() < limits::ACTIVITY_ROWS && content.rows.len() > 1000);
        let small: Vec<_> = (0..5000).map(|id| due(id, 5)).collect();
        assert_eq!(Content::fitting(small, vec![], usize::MAX).rows.len(), limits::ACTIVITY_ROWS);
        let snapshot = Snapshot {
            source: "dpkg".into(),
            generation: 1,
            completeness: Completeness::Complete,
            items: vec![],
        };
        let content = Content::fitting(vec![due(1, 5)], vec![snapshot.clone(), snapshot], 1);
        assert_eq!((content.snapshots.len(), content.rows.len()), (1, 0));
    }

    #[test]
    fn a_machine_is_described_once_its_rows_are_told() {
        let mut row = due(1, 5);
        row.row.subject = "10.0.0.7".parse().ok();
        let station = |subject: &str, known| DueStation {
            station: Station { subject: subject.parse().unwrap(), address: None, host_name: None },
            version: 1,
            known,
        };
        let stations =
            ["10.0.0.7", "10.0.0.8", "10.0.0.9"].map(|subject| station(subject, subject == "10.0.0.9"));
        let content = Content::fitting(vec![row], vec![], usize::MAX).with_stations(stations.to_vec());
        assert_eq!(content.stations, [stations[0].clone(), stations[2].clone()]);
    }

    #[test]
    fn the_first_report_is_due_at_once_and_then_by_interval() {
        let now = Instant::now();
        let mut schedule = Schedule::new(now, Duration::from_secs(300));
        assert_eq!(schedule.next(None, false), now + FIRST);
        schedule.taken(now, Duration::from_secs(300), Duration::from_secs(3600), true, 0.3);
        assert_eq!(schedule.next(None, false), now + Duration::from_secs(300));
        assert_eq!(schedule.next(None, true), now + Duration::from_secs(300));
        assert!(!schedule.grown_is_due(now + Duration::from_secs(3599)));
        assert!(schedule.grown_is_due(now + Duration::from_secs(3600)));
    }

    #[test]
    fn what_is_new_is_reported_within_seconds() {
        let now = Instant::now();
        let mut schedule = Schedule::new(now, Duration::from_secs(300));
        schedule.taken(now, Duration::from_secs(300), Duration::from_secs(3600), true, 0.3);
        let seen = now + Duration::from_secs(10);
        assert_eq!(schedule.next(Some(seen), false), seen + GATHER);
    }

    #[test]
    fn backoff_doubles_its_bound_and_follows_retry_after() {
        let now = Instant::now();
        let mut schedule = Schedule::new(now, Duration::from_secs(300));
        let mut waits = Vec::new();
        for _ in 0..12 {
            schedule.failed(now, None, 1.0);
            waits.push(schedule.next(None, false).duration_since(now));
        }
        assert_eq!(waits[..3], [2, 4, 8].map(Duration::from_secs));
        assert_eq!(waits[11], BACKOFF_MOST);
        schedule.failed(now, Some(Duration::from_secs(900)), 0.0);
        assert!(schedule.next(Some(now), true).duration_since(now) >= Duration::from_secs(900));
    }

    #[test]
    fn one_success_does_not_forget_an_outage() {
        let now = Instant::now();
        let mut schedule = Schedule::new(now, Duration::from_secs(300));
        (0..8).for_each(|_| schedule.failed(now, None, 1.0));
        schedule.taken(now, Duration::from_secs(300), Duration::from_secs(3600), false, 0.0);
        schedule.failed(now, None, 1.0);
        assert_eq!(schedule.next(Some(now), false).duration_since(now), Duration::from_secs(32));
    }

    #[test]
    fn a_sensor_that_is_not_welcome_waits_for_hours_until_it_is_enrolled_anew() {
        let now = Instant::now();
        let mut schedule = Schedule::new(now, Duration::from_secs(300));
        schedule.forbidden(now, 0.5);
        assert!(schedule.next(Some(now), true).duration_since(now) >= FORBIDDEN);
        schedule.renewed(now);
        assert_eq!(schedule.next(None, false), now + FIRST);
    }
}
