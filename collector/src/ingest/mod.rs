//! What agents call: `POST /v1/enrol`, `/v1/renew` and `/v1/batches`, `GET /v1/catalogue` and `/v1/own-rules`. A batch is checked, queued
//! for the writer and acknowledged after its commit.

mod catalogue;
mod check;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use umbrascope_api::limits::BODY_BYTES;
use umbrascope_api::{
    AccountId, Ack, Batch, Day, EnrolRequest, EnrolResponse, RenewRequest, RenewResponse, SensorId,
};

use crate::catalogue::Current;
use crate::clock::Clock;
use crate::net::Closer;
use crate::notary::Notary;
use crate::ops::{Counters, Turned};
use crate::pki::{Authority, Issued, PkiError};
use crate::store::{Enrolled, Enrolment, NewCertificate, Report, Store, StoreError, TrustedKey};
use crate::tls::{Peer, Trust};
use crate::token;

/// How long a body may take to come.
const BODY_LIMIT: Duration = Duration::from_secs(30);
/// Largest body of an enrolment or renewal, in bytes: a token and a signing request.
const SMALL_BODY_BYTES: usize = 16 * 1024;
/// What a turned-away agent is told to wait at least, in seconds, and how much more at random.
const RETRY_AFTER_S: u64 = 5;
const RETRY_SPREAD_S: u64 = 25;

/// What the agents' listener works with.
pub struct Ingest {
    /// The records.
    pub store: Arc<dyn Store>,
    /// What agents are given to match with.
    pub catalogue: Arc<Current>,
    /// The key that agents check the organisation's own rules with.
    pub own_rules_key: String,
    /// Who signs the audit trail, whose newest checkpoint goes to every sensor.
    pub notary: Arc<Notary>,
    /// Whose keys are let in.
    pub trust: Arc<Trust>,
    /// Signs sensors' keys.
    pub authority: Arc<Authority>,
    /// Keys pseudonyms once more.
    pub pseudonyms: ring::hmac::Key,
    /// What time it is.
    pub clock: Clock,
    /// Where everything is counted.
    pub counters: Arc<Counters>,
    /// How often an agent is asked to report, in seconds.
    pub report_interval_s: u32,
    /// How long a sensor's certificate is valid, in milliseconds.
    pub certificate_lifetime_ms: i64,
}

/// The agents' routes.
pub fn router(ingest: Arc<Ingest>) -> Router {
    Router::new()
        .route("/v1/enrol", post(enrol))
        .route("/v1/renew", post(renew))
        .route("/v1/batches", post(batches))
        .route("/v1/catalogue", get(catalogue::catalogue))
        .route("/v1/own-rules", get(catalogue::own_rules))
        .with_state(ingest)
}

async fn batches(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    let answer = async {
        let peer = ingest.peer(&request)?;
        if ingest.counters.disk_low.load(Ordering::Relaxed) {
            return Err(Refused::Later(Turned::DiskLow));
        }
        let (mut batch, unknown_fields): (Batch, u64) = read(request, BODY_BYTES).await?;
        if batch.sensor != peer.sensor {
            return Err(Refused::Forbidden(
                Turned::OtherSensor,
                "the batch names another sensor than its certificate",
            ));
        }
        let received_at_ms = ingest.clock.now_ms();
        let refused = check::check(&mut batch, Day::from_unix_ms(received_at_ms));
        ingest.key_again(&mut batch);
        let suspect_source = ingest.suspect_source(&batch);
        let report = Report {
            sensor: peer.sensor,
            batch,
            refused,
            unknown_fields,
            suspect_source,
            received_at_ms,
            next_report_after_s: ingest.report_interval_s,
        };
        let mut ack = ingest.commit(report).await?;
        ack.catalogue = ingest.catalogue.served().map(|served| served.digest);
        ack.own_rules = ingest.catalogue.own().map(|own| own.served.digest.clone());
        ack.own_rules_key = Some(ingest.own_rules_key.clone());
        ack.checkpoint = ingest.notary.newest();
        ingest.counters.taken(&ack);
        crate::failpoint::hit("collector-before-ack");
        Ok(axum::Json(ack).into_response())
    };
    answer.await.unwrap_or_else(|refused: Refused| refused.answer(&ingest.counters))
}

async fn enrol(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    let answer = async {
        let (mut body, _): (EnrolRequest, u64) = read(request, SMALL_BODY_BYTES).await?;
        check::trim_info(&mut body.info);
        let refused =
            || Refused::Forbidden(Turned::Token, "the token is unknown, used up, expired or revoked");
        let (token, secret_hash) = token::parse(&body.token).ok_or_else(refused)?;
        let mut id = [0; SensorId::BYTES];
        SystemRandom::new().fill(&mut id).map_err(|_| Refused::Later(Turned::Failed))?;
        let sensor = SensorId::from_bytes(id);
        let now_ms = ingest.clock.now_ms();
        let issued = ingest.sign(&body.csr_pem, sensor, now_ms)?;
        let enrolment = Enrolment {
            token,
            secret_hash,
            sensor,
            machine: body.machine,
            info: body.info,
            certificate: NewCertificate {
                key_hash: issued.key_hash,
                issued_at_ms: now_ms,
                ends_at_ms: issued.ends_at_ms,
            },
        };
        match ingest.blocking(move |store| store.enrol(enrolment)).await? {
            Enrolled::Yes { machine_known } => {
                tracing::info!(%sensor, machine_known, "a sensor enrolled");
                ingest.counters.enrolled.fetch_add(1, Ordering::Relaxed);
                ingest.admit(sensor, &issued);
                Ok(axum::Json(EnrolResponse {
                    sensor,
                    certificate_pem: issued.certificate_pem,
                    ca_pem: ingest.authority.certificate_pem().to_owned(),
                    report_interval_s: ingest.report_interval_s,
                })
                .into_response())
            }
            Enrolled::TokenRefused => Err(refused()),
        }
    };
    answer.await.unwrap_or_else(|refused: Refused| refused.answer(&ingest.counters))
}

async fn renew(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    let answer = async {
        let peer = ingest.peer(&request)?;
        let (body, _): (RenewRequest, u64) = read(request, SMALL_BODY_BYTES).await?;
        let now_ms = ingest.clock.now_ms();
        let issued = ingest.sign(&body.csr_pem, peer.sensor, now_ms)?;
        let certificate =
            NewCertificate { key_hash: issued.key_hash, issued_at_ms: now_ms, ends_at_ms: issued.ends_at_ms };
        if !ingest.blocking(move |store| store.renew(peer.sensor, certificate)).await? {
            return Err(Refused::Forbidden(
                Turned::NotTrusted,
                "a renewal needs a sensor in good standing and a new key",
            ));
        }
        ingest.admit(peer.sensor, &issued);
        ingest.counters.renewed.fetch_add(1, Ordering::Relaxed);
        crate::failpoint::hit("collector-renew-before-answer");
        Ok(axum::Json(RenewResponse {
            certificate_pem: issued.certificate_pem,
            ca_pem: ingest.authority.certificate_pem().to_owned(),
        })
        .into_response())
    };
    answer.await.unwrap_or_else(|refused: Refused| refused.answer(&ingest.counters))
}

impl Ingest {
    /// Who sends, if let in now.
    fn peer(&self, request: &Request) -> Result<Peer, Refused> {
        let peer = request.extensions().get::<Peer>().copied();
        if let Some(peer) = peer.filter(|peer| self.trust.allows(peer, self.clock.now_ms())) {
            return Ok(peer);
        }
        if let Some(closer) = request.extensions().get::<Closer>() {
            closer.close();
        }
        Err(Refused::Forbidden(Turned::NotTrusted, "no certificate of this collector, or it was revoked"))
    }

    fn sign(&self, csr_pem: &str, sensor: SensorId, now_ms: i64) -> Result<Issued, Refused> {
        self.authority.sign_sensor(csr_pem, sensor, now_ms, self.certificate_lifetime_ms).map_err(|error| {
            match error {
                PkiError::Request(_) | PkiError::KeyKind => Refused::Malformed(error.to_string()),
                error => {
                    tracing::error!(%error, "a certificate could not be signed");
                    Refused::Later(Turned::Failed)
                }
            }
        })
    }

    fn admit(&self, sensor: SensorId, issued: &Issued) {
        self.trust.add(TrustedKey { key_hash: issued.key_hash, sensor, ends_at_ms: issued.ends_at_ms });
    }

    /// Pseudonyms under a key that no sensor has and no database holds.
    fn key_again(&self, batch: &mut Batch) {
        let again = |account: AccountId| {
            let tag = ring::hmac::sign(&self.pseudonyms, account.as_bytes());
            let mut bytes = [0; AccountId::BYTES];
            bytes.copy_from_slice(&tag.as_ref()[..AccountId::BYTES]);
            AccountId::from_bytes(bytes)
        };
        let rows = batch.activity.iter_mut().map(|row| &mut row.account);
        let items = batch.snapshots.iter_mut().flat_map(|snapshot| &mut snapshot.items);
        for account in rows.chain(items.map(|item| &mut item.account)) {
            *account = account.map(again);
        }
        batch.sealed_accounts.iter_mut().for_each(|row| row.account = again(row.account));
    }

    /// What stands for the sender where suspects are counted: the same in every report of one state database, and nobody who
    /// has the collector's database alone can tell whose it is.
    fn suspect_source(&self, batch: &Batch) -> String {
        let text = format!("suspects:{}:{}", batch.sensor, batch.epoch);
        let tag = ring::hmac::sign(&self.pseudonyms, text.as_bytes());
        data_encoding::HEXLOWER.encode(&tag.as_ref()[..16])
    }

    async fn commit(&self, report: Report) -> Result<Ack, Refused> {
        let (answer, answered) = oneshot::channel();
        let answer = Box::new(move |result| {
            // The agent may have gone away meanwhile; it will send again.
            let _ = answer.send(result);
        });
        self.store.submit(report, answer).map_err(|_| Refused::Later(Turned::Busy))?;
        match answered.await {
            Ok(Ok(ack)) => Ok(ack),
            Ok(Err(error)) => Err(failed(&error)),
            Err(_) => Err(Refused::Later(Turned::Failed)),
        }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Refused> {
        let store = Arc::clone(&self.store);
        match tokio::task::spawn_blocking(move || work(store.as_ref())).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(failed(&error)),
            Err(_) => Err(Refused::Later(Turned::Failed)),
        }
    }
}

fn failed(error: &StoreError) -> Refused {
    tracing::error!(error = error as &dyn std::error::Error, "a request of an agent failed");
    Refused::Later(Turned::Failed)
}

impl Counters {
    fn taken(&self, ack: &Ack) {
        self.reports.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(ack.activity_taken + ack.snapshots_taken, Ordering::Relaxed);
        self.unknown_fields.fetch_add(ack.unknown_fields, Ordering::Relaxed);
        ack.refused.iter().for_each(|row| self.count(row.reason.into()));
    }
}

/// Reads a body up to its bound and counts the fields that its type does not know.
async fn read<T: DeserializeOwned>(request: Request, limit: usize) -> Result<(T, u64), Refused> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if length.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > limit as u64) {
        return Err(Refused::TooLarge);
    }
    let body = Limited::new(request.into_body(), limit).collect();
    let body = match tokio::time::timeout(BODY_LIMIT, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(Refused::TooLarge),
        Ok(Err(_)) => return Err(Refused::Malformed("the body broke off".to_owned())),
        Err(_) => return Err(Refused::TooSlow),
    };
    let mut unknown = 0;
    let mut json = serde_json::Deserializer::from_slice(&body);
    let value = serde_ignored::deserialize(&mut json, |_| unknown += 1)
        .and_then(|value| json.end().map(|()| value))
        .map_err(|error| Refused::Malformed(format!("the body is no valid request: {error}")))?;
    Ok((value, unknown))
}

/// A request that is not done.
enum Refused {
    Forbidden(Turned, &'static str),
    TooLarge,
    TooSlow,
    Malformed(String),
    /// To be sent again.
    Later(Turned),
}

#[derive(Serialize)]
struct Problem<'t> {
    error: &'t str,
}

impl Refused {
    fn answer(self, counters: &Counters) -> Response {
        let (status, reason, text) = match &self {
            Self::Forbidden(reason, text) => (StatusCode::FORBIDDEN, *reason, (*text).to_owned()),
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, Turned::TooLarge, "the body is too large".to_owned())
            }
            Self::TooSlow => {
                (StatusCode::REQUEST_TIMEOUT, Turned::TooSlow, "the body did not come in time".to_owned())
            }
            Self::Malformed(text) => (StatusCode::BAD_REQUEST, Turned::Malformed, text.clone()),
            Self::Later(Turned::Busy) => {
                (StatusCode::TOO_MANY_REQUESTS, Turned::Busy, "too many reports at once".to_owned())
            }
            Self::Later(reason) => {
                (StatusCode::SERVICE_UNAVAILABLE, *reason, "the collector takes no reports now".to_owned())
            }
        };
        counters.count(reason);
        let mut response = (status, axum::Json(Problem { error: &text })).into_response();
        if matches!(self, Self::Later(_)) {
            let mut random = [0; 1];
            // Without random numbers all wait equally long, which is no harm.
            let _ = SystemRandom::new().fill(&mut random);
            let seconds = RETRY_AFTER_S + u64::from(random[0]) % (RETRY_SPREAD_S + 1);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
