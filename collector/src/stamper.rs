//! Has an authority of the operator's choice stamp checkpoints of the audit trail (RFC 3161): once a day while the trail grows, and whenever a
//! scope statement was signed. Off unless its address is configured. Nothing waits for it: what fails is counted, told, and tried again.
//!
//! What leaves is the hash of a signed checkpoint and a random number, and nothing else.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{ACCEPT, CONTENT_TYPE, HOST};
use axum::http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use ring::rand::{SecureRandom, SystemRandom};
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::audit::stamp::{self, StampError};
use crate::audit::{Checkpoint, NoteError, sha256};
use crate::clock::Clock;
use crate::model::text::chain;
use crate::notary::{Notary, NotaryError};
use crate::store::StoreError;
use crate::store::proof::{Proof, Stamped};

/// How often it is looked whether something is to be stamped.
const POLL: Duration = Duration::from_secs(10);
/// How long a stamp is new enough.
const DAY_MS: i64 = 86_400_000;
/// How long the authority may take, from the connection to the last byte.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Largest answer: a token with its certificates.
const MAX_ANSWER_BYTES: usize = 64 << 10;
/// Pause after a failure; it doubles with each one that follows, up to the longest.
const FIRST_PAUSE_MS: i64 = 60_000;
const LONGEST_PAUSE_MS: i64 = 3_600_000;

/// Where an authority is asked: an address of `http` or `https`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority(Uri);

/// Why an address is none of an authority.
#[derive(Debug, thiserror::Error)]
#[error("it must begin with http:// or https:// and name a host, without user or password")]
pub struct NoAuthority;

impl std::str::FromStr for Authority {
    type Err = NoAuthority;

    fn from_str(text: &str) -> Result<Self, NoAuthority> {
        let uri: Uri = text.parse().map_err(|_| NoAuthority)?;
        let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        let known = matches!(uri.scheme_str(), Some("http" | "https"));
        if plain && known { Ok(Self(uri)) } else { Err(NoAuthority) }
    }
}

impl Authority {
    /// Its host, for people.
    pub fn host(&self) -> &str {
        self.0.host().unwrap_or_default()
    }

    fn is_tls(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }
}

/// What came of it since the start, for pages and `/metrics`.
#[derive(Debug, Default)]
pub struct Standing {
    /// The authority's host; `None`: none is configured.
    pub host: Option<String>,
    /// Checkpoints stamped.
    pub stamped: AtomicU64,
    /// Attempts that failed.
    pub failed: AtomicU64,
    last: Mutex<Option<(i64, String)>>,
}

impl Standing {
    /// Of an authority, or of none.
    pub fn of(authority: Option<&Authority>) -> Self {
        Self { host: authority.map(|one| one.host().to_owned()), ..Self::default() }
    }

    /// When the last attempt failed, Unix milliseconds, and why; `None`: it did not.
    pub fn last_failure(&self) -> Option<(i64, String)> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, failure: Option<(i64, String)>) {
        let counter = if failure.is_some() { &self.failed } else { &self.stamped };
        counter.fetch_add(1, Ordering::Relaxed);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

/// Why nothing was stamped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StamperError {
    /// The checkpoint could not be signed.
    #[error(transparent)]
    Notary(#[from] NotaryError),
    /// The checkpoint could not be read.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No certificates to trust, or no random numbers.
    #[error("{0}")]
    System(&'static str),
    /// It cannot be reached.
    #[error("the authority cannot be reached")]
    Reach(#[source] io::Error),
    /// Its host is no name that a certificate could be of.
    #[error("the authority's host is no name")]
    Name(#[from] InvalidDnsNameError),
    /// HTTP went wrong.
    #[error("the authority does not speak HTTP as it should")]
    Http(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It took too long.
    #[error("the authority did not answer within {} seconds", ANSWER_WITHIN.as_secs())]
    Late,
    /// It says no.
    #[error("the authority answers with status {0}")]
    Status(StatusCode),
    /// The answer is no time stamp.
    #[error("the authority's answer is no time stamp")]
    Answer(#[from] StampError),
    /// The answer is of something else.
    #[error("the authority's answer is of another request")]
    Other,
}

/// The one who asks for stamps.
pub struct Stamper {
    authority: Authority,
    tls: Option<TlsConnector>,
    store: Arc<dyn Proof>,
    notary: Arc<Notary>,
    standing: Arc<Standing>,
}

impl Stamper {
    /// Of an authority. Certificates of one over TLS are those that the system trusts, read once.
    pub fn new(
        authority: Authority,
        store: Arc<dyn Proof>,
        notary: Arc<Notary>,
        standing: Arc<Standing>,
    ) -> Result<Self, StamperError> {
        let tls = authority.is_tls().then(connector).transpose()?;
        Ok(Self { authority, tls, store, notary, standing })
    }

    /// Stamps what is due, for ever.
    pub async fn run(self, clock: Clock) {
        let (mut pause_ms, mut not_before_ms) = (FIRST_PAUSE_MS, i64::MIN);
        loop {
            let now_ms = clock.now_ms();
            if now_ms >= not_before_ms {
                match self.attend(now_ms).await {
                    Ok(false) => {}
                    Ok(true) => {
                        self.standing.note(None);
                        pause_ms = FIRST_PAUSE_MS;
                    }
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, "no time stamp");
                        self.standing.note(Some((now_ms, chain(error))));
                        not_before_ms = now_ms.saturating_add(pause_ms);
                        pause_ms = (2 * pause_ms).min(LONGEST_PAUSE_MS);
                    }
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Stamps the newest checkpoint where that is due. Whether it did.
    async fn attend(&self, now_ms: i64) -> Result<bool, StamperError> {
        let (store, notary) = (Arc::clone(&self.store), Arc::clone(&self.notary));
        let due = run(move || {
            let note = is_due(store.stamped()?, now_ms).then(|| notary.checkpoint(now_ms)).transpose()?;
            note.map(|note| Ok((Checkpoint::of(&note)?.size, note))).transpose()
        });
        let Some((size, note)) = due.await? else { return Ok(false) };
        let imprint = sha256(&[note.to_string().as_bytes()]);
        let mut nonce = [0; 8];
        let random = SystemRandom::new().fill(&mut nonce);
        random.map_err(|_| StamperError::System("the system gave no random numbers"))?;
        let nonce = u64::from_be_bytes(nonce);
        let exchange = self.exchange(stamp::request(&imprint, nonce));
        let answer =
            tokio::time::timeout(ANSWER_WITHIN, exchange).await.map_err(|_| StamperError::Late)??;
        let stamp = stamp::read(&answer)?;
        if stamp.imprint != imprint || !stamp.answers(nonce) {
            return Err(StamperError::Other);
        }
        let store = Arc::clone(&self.store);
        run(move || Ok(store.keep_stamp(size, answer)?)).await?;
        Ok(true)
    }

    async fn exchange(&self, request: Vec<u8>) -> Result<Vec<u8>, StamperError> {
        let uri = &self.authority.0;
        let host = self.authority.host().trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 });
        let stream = TcpStream::connect((host, port)).await.map_err(StamperError::Reach)?;
        match &self.tls {
            None => post(stream, uri, request).await,
            Some(tls) => {
                let name = ServerName::try_from(host.to_owned())?;
                post(tls.connect(name, stream).await.map_err(StamperError::Reach)?, uri, request).await
            }
        }
    }
}

/// Whether the newest checkpoint is to be stamped: the trail grew, and a statement was signed since the last stamp or a day went by.
fn is_due(stamped: Stamped, now_ms: i64) -> bool {
    let Some((size, at_ms)) = stamped.newest else { return stamped.entries > 0 };
    let signed = stamped.statement.is_some_and(|seq| seq >= size);
    stamped.entries > size && (signed || now_ms.abs_diff(at_ms) >= DAY_MS.unsigned_abs())
}

/// Sends one request, with no more than the protocol wants (RFC 3161, 3.4), and reads its answer up to the bound.
async fn post(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    uri: &Uri,
    request: Vec<u8>,
) -> Result<Vec<u8>, StamperError> {
    let http = |error: hyper::Error| StamperError::Http(error.into());
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(http)?;
    // Ends with this function, however it ends.
    let mut driving = JoinSet::new();
    driving.spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::post(path)
        .header(HOST, uri.authority().map_or("", |authority| authority.as_str()))
        .header(CONTENT_TYPE, "application/timestamp-query")
        .header(ACCEPT, "application/timestamp-reply")
        .body(Full::new(Bytes::from(request)))
        .map_err(|error| StamperError::Http(error.into()))?;
    let response = sender.send_request(request).await.map_err(http)?;
    if response.status() != StatusCode::OK {
        return Err(StamperError::Status(response.status()));
    }
    let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await;
    Ok(body.map_err(StamperError::Http)?.to_bytes().to_vec())
}

fn connector() -> Result<TlsConnector, StamperError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(StamperError::System("the system has no certificates that it trusts"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| StamperError::System("TLS cannot be set up"))?;
    Ok(TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
}

/// Runs what blocks.
async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StamperError> + Send + 'static,
) -> Result<T, StamperError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| StamperError::System("the work was given up"))?
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use umbrascope_rules::Catalogue;

    use super::*;
    use crate::datadir::DataDir;
    use crate::model::governed::Act;
    use crate::store::sqlite::Options;

    const NOW_MS: i64 = 1_795_000_000_000;

    #[test]
    fn a_stamp_is_due_once_a_day_while_the_trail_grows_and_at_once_when_a_statement_is_signed() {
        let of = |entries, newest, statement| Stamped { entries, newest, statement };
        assert!(!is_due(of(0, None, None), NOW_MS));
        assert!(is_due(of(1, None, None), NOW_MS));
        let stamped = Some((5, NOW_MS));
        assert!(!is_due(of(6, stamped, None), NOW_MS + DAY_MS - 1));
        assert!(is_due(of(6, stamped, None), NOW_MS + DAY_MS));
        assert!(!is_due(of(5, stamped, None), NOW_MS + 9 * DAY_MS), "nothing new");
        assert!(!is_due(of(6, stamped, Some(4)), NOW_MS), "it is under the stamp");
        assert!(is_due(of(6, stamped, Some(5)), NOW_MS));
        // A clock that was set back does not put stamps off for ever.
        assert!(is_due(of(6, stamped, None), NOW_MS - DAY_MS));
    }

    #[test]
    fn an_authority_is_an_address_of_http_without_a_password() {
        for good in ["http://tsa.example/tsr", "https://tsa.example", "http://[::1]:3161/"] {
            good.parse::<Authority>().unwrap();
        }
        for bad in ["", "tsa.example", "ftp://tsa.example/", "/tsr", "https://user:word@tsa.example/"] {
            assert!(bad.parse::<Authority>().is_err(), "{bad}");
        }
    }

    /// A stamper of a trail with one entry, whose authority gives the same bytes to everybody.
    async fn answered(answer: Vec<u8>) -> (tempfile::TempDir, Stamper) {
        let folder = tempfile::tempdir().unwrap();
        let dir = DataDir::choose(Some(folder.path().join("data"))).unwrap();
        dir.init(Options::new(Catalogue::embedded()), NOW_MS).unwrap();
        let store = Arc::new(dir.open(Options::new(Catalogue::embedded()), NOW_MS).unwrap());
        let notary = Arc::new(Notary::new(Arc::clone(&store) as Arc<dyn Proof>, &dir, NOW_MS).unwrap());
        notary.exported("json", Act::job("test", NOW_MS)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = format!("http://{}/tsr", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut asked = [0; 4096];
                    let _ = stream.read(&mut asked).await;
                    let _ = stream.write_all(&answer).await;
                });
            }
        });
        let standing = Arc::new(Standing::of(Some(&authority)));
        (folder, Stamper::new(authority, store, notary, standing).unwrap())
    }

    fn http(status: &str, body: &[u8]) -> Vec<u8> {
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    }

    #[tokio::test]
    async fn what_an_authority_should_not_say_is_an_error_and_nothing_is_kept() {
        let long = http("200 OK", &vec![0x30; MAX_ANSWER_BYTES + 1]);
        let cases = [
            (http("503 Service Unavailable", b""), "status 503"),
            (http("200 OK", b"<html>"), "no time stamp"),
            (http("200 OK", &[0x30, 5, 0x30, 3, 2, 1, 2]), "no time stamp"),
            (long, "HTTP"),
            (b"SSH-2.0-OpenSSH\r\n".to_vec(), "HTTP"),
        ];
        for (answer, says) in cases {
            let (_folder, stamper) = answered(answer).await;
            let error = stamper.attend(NOW_MS).await.unwrap_err();
            assert!(error.to_string().contains(says), "{error}: {says}");
            assert_eq!(stamper.store.stamped().unwrap().newest, None);
        }
    }

    #[tokio::test]
    async fn nobody_at_the_address_is_counted_and_told() {
        let (_folder, mut stamper) = answered(Vec::new()).await;
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        stamper.authority = format!("http://{free}/").parse().unwrap();
        let standing = Arc::clone(&stamper.standing);
        let run = tokio::spawn(stamper.run(Clock::new(|| NOW_MS)));
        for _ in 0..200 {
            if standing.failed.load(Ordering::Relaxed) > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        run.abort();
        let (at_ms, why) = standing.last_failure().unwrap();
        assert!(at_ms == NOW_MS && why.contains("cannot be reached"), "{why}");
        assert_eq!(standing.stamped.load(Ordering::Relaxed), 0);
    }
}
