//! Real agents' traffic against a running collector: mutual TLS on loopback.

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use umbrascope_api::{
    Ack, ActivityRow, Batch, Channel, CoverageReport, Day, EnrolRequest, EnrolResponse, Epoch, Evidence,
    MachineId, Refusal, RenewRequest, RenewResponse, SensorId, SensorInfo,
};

use umbrascope_rules::Catalogue;

use super::*;
use crate::model::governed::Act;
use crate::model::{Direction, NewToken, PageRequest, ProductFilter, ProductSort};
use crate::ops::Turned;
use crate::token;

struct World {
    running: Running,
    dir: DataDir,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = DataDir::choose(Some(folder.path().join("data"))).unwrap();
        dir.init(Options::new(Catalogue::embedded()), Clock::system().now_ms()).unwrap();
        let mut config = Config::default();
        config.people.listen.set_port(0);
        config.agents.listen.set_port(0);
        config.min_free_bytes = Some(0);
        let running = start(&dir, &config, Clock::system()).await.unwrap();
        Self { running, dir, _folder: folder }
    }

    fn token(&self, max_uses: u32) -> String {
        let now_ms = Clock::system().now_ms();
        let new = NewToken {
            unit: "Berlin".into(),
            label: String::new(),
            max_uses,
            expires_at_ms: now_ms + 60_000,
            created_by: "test".into(),
        };
        let app = &self.running.app;
        token::create(app.store.as_ref(), &new, &app.enrolment.ca_sha256, now_ms).unwrap().1
    }

    async fn connect(&self, identity: Option<&Identity>) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.dir.authority().unwrap().certificate().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match identity {
            Some(identity) => builder
                .with_client_auth_cert(vec![identity.certificate.clone()], identity.key.clone_key())
                .unwrap(),
            None => builder.with_no_client_auth(),
        };
        let stream = TcpStream::connect(self.running.agents).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    async fn post(
        &self,
        identity: Option<&Identity>,
        path: &str,
        body: &[u8],
    ) -> std::io::Result<(u16, Vec<u8>)> {
        exchange(&mut self.connect(identity).await?, path, body).await
    }

    async fn enrol(&self, token: &str, machine: u8) -> (u16, Option<Identity>) {
        let key = KeyPair::generate().unwrap();
        let csr_pem = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
        let request = EnrolRequest {
            token: token.to_owned(),
            csr_pem,
            machine: MachineId::from_bytes([machine; 16]),
            info: SensorInfo { hostname: format!("host-{machine}"), ..SensorInfo::default() },
        };
        let body = serde_json::to_vec(&request).unwrap();
        let (status, answer) = self.post(None, "/v1/enrol", &body).await.unwrap();
        let identity = (status == 200).then(|| {
            let answer: EnrolResponse = serde_json::from_slice(&answer).unwrap();
            Identity::new(answer.sensor, &answer.certificate_pem, &key)
        });
        (status, identity)
    }

    async fn enrolled(&self, machine: u8) -> Identity {
        self.enrol(&self.token(1), machine).await.1.unwrap()
    }
}

struct Identity {
    sensor: SensorId,
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    fn new(sensor: SensorId, certificate_pem: &str, key: &KeyPair) -> Self {
        Self {
            sensor,
            certificate: CertificateDer::from_pem_slice(certificate_pem.as_bytes()).unwrap(),
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        }
    }
}

/// One HTTP/1.1 request and its answer on a kept connection.
async fn exchange(
    stream: &mut TlsStream<TcpStream>,
    path: &str,
    body: &[u8],
) -> std::io::Result<(u16, Vec<u8>)> {
    let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    answer(stream).await
}

async fn answer(stream: &mut TlsStream<TcpStream>) -> std::io::Result<(u16, Vec<u8>)> {
    let mut read = Vec::new();
    let end = loop {
        if let Some(at) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        let mut some = [0; 4_096];
        match stream.read(&mut some).await? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            length => read.extend_from_slice(&some[..length]),
        }
    };
    let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().trim().parse().unwrap();
    let mut body = read.split_off(end);
    while body.len() < length {
        let mut some = [0; 4_096];
        let length = stream.read(&mut some).await?;
        body.extend_from_slice(&some[..length]);
    }
    Ok((status, body))
}

fn batch(sensor: SensorId) -> Batch {
    Batch {
        protocol: umbrascope_api::PROTOCOL_VERSION,
        sensor,
        epoch: Epoch::from_bytes([1; 8]),
        sent_at_ms: Clock::system().now_ms(),
        machine: MachineId::from_bytes([1; 16]),
        boot: Epoch::from_bytes([1; 8]),
        info: SensorInfo { hostname: "host-1".into(), ..SensorInfo::default() },
        activity: vec![ActivityRow {
            day: Clock::system().today(),
            rule: "a.rule.of.tomorrow".into(),
            channel: Channel::Tls,
            subject: None,
            account: Some(umbrascope_api::AccountId::from_bytes([0xab; 16])),
            evidence: Evidence { value: "chat.example".into(), ..Evidence::default() },
            count: 3,
        }],
        stations: Vec::new(),
        snapshots: Vec::new(),
        suspects: vec![],
        sealed_accounts: vec![],
        coverage: CoverageReport::default(),
    }
}

fn json(batch: &Batch) -> Vec<u8> {
    serde_json::to_vec(batch).unwrap()
}

fn products(world: &World) -> u64 {
    let (filter, page) = (ProductFilter::default(), PageRequest::default());
    let store = &world.running.app.store;
    store
        .products(&filter, ProductSort::Name, Direction::Ascending, page, Clock::system().today())
        .unwrap()
        .total
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sensor_enrols_reports_renews_and_reports_again() {
    let world = World::new().await;
    let token = world.token(1);
    let first = world.enrol(&token, 1).await.1.unwrap();
    assert_eq!(world.enrol(&token, 2).await.0, 403, "the token was for one machine");

    let (status, answer) =
        world.post(Some(&first), "/v1/batches", &json(&batch(first.sensor))).await.unwrap();
    assert_eq!(status, 200);
    let ack: Ack = serde_json::from_slice(&answer).unwrap();
    assert_eq!((ack.activity_taken, ack.refused.len(), ack.next_report_after_s), (1, 0, 300));
    assert_eq!(products(&world), 1);

    let key = KeyPair::generate().unwrap();
    let csr_pem = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    let body = serde_json::to_vec(&RenewRequest { csr_pem }).unwrap();
    let (status, answer) = world.post(Some(&first), "/v1/renew", &body).await.unwrap();
    assert_eq!(status, 200);
    let renewed: RenewResponse = serde_json::from_slice(&answer).unwrap();
    let second = Identity::new(first.sensor, &renewed.certificate_pem, &key);
    for identity in [&first, &second] {
        let sent = world.post(Some(identity), "/v1/batches", &json(&batch(first.sensor))).await.unwrap();
        assert_eq!(sent.0, 200, "the old key stays valid to its end");
    }
    assert_eq!(
        world.post(Some(&first), "/v1/renew", &body).await.unwrap().0,
        403,
        "a new certificate needs a new key"
    );
    world.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_sensor_is_cut_off_also_on_a_live_connection_and_by_another_process() {
    let world = World::new().await;
    let identity = world.enrolled(1).await;
    let mut live = world.connect(Some(&identity)).await.unwrap();
    assert_eq!(exchange(&mut live, "/v1/batches", &json(&batch(identity.sensor))).await.unwrap().0, 200);
    // Another process: a store of its own on the same database.
    let other = world.dir.open(Options::new(Catalogue::embedded()), Clock::system().now_ms()).unwrap();
    let (name, reason) = ("a test".to_owned(), String::new());
    let by = crate::model::By { person: None, name, reason, at_ms: Clock::system().now_ms() };
    assert!(other.revoke_sensor(identity.sensor, &by).unwrap());
    let cut_off = async {
        while exchange(&mut live, "/v1/batches", &json(&batch(identity.sensor))).await.unwrap().0 != 403 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), cut_off).await.expect("revocation acts within five seconds");
    let mut rest = Vec::new();
    // The connection is closed: nothing more is answered on it.
    let _ = live.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
    assert!(world.post(Some(&identity), "/v1/batches", b"{}").await.is_err(), "the handshake fails");
    world.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_under_another_sensors_name_is_refused() {
    let world = World::new().await;
    let (one, other) = (world.enrolled(1).await, world.enrolled(2).await);
    let sent = world.post(Some(&one), "/v1/batches", &json(&batch(other.sensor))).await.unwrap();
    assert_eq!(sent.0, 403);
    assert_eq!(world.running.counters.turned(Turned::OtherSensor), 1);
    assert_eq!(products(&world), 0);
    world.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_foreign_expired_or_missing_certificate_gets_in() {
    let world = World::new().await;
    let identity = world.enrolled(1).await;
    let body = json(&batch(identity.sensor));
    assert_eq!(world.post(None, "/v1/batches", &body).await.unwrap().0, 403);

    let now_ms = Clock::system().now_ms();
    let key = KeyPair::generate().unwrap();
    let csr = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    let (ca, ca_key) = Authority::create(now_ms).unwrap();
    let foreign = Authority::load(&ca, &ca_key).unwrap();
    let of = |authority: &Authority, issued_at_ms| {
        let issued = authority.sign_sensor(&csr, identity.sensor, issued_at_ms, 60_000).unwrap();
        Identity::new(identity.sensor, &issued.certificate_pem, &key)
    };
    let ours = world.dir.authority().unwrap();
    for (wrong, why) in [
        (of(&foreign, now_ms), "another authority's"),
        (of(&ours, now_ms - 86_400_000), "expired"),
        (of(&ours, now_ms), "of our authority, but never recorded"),
    ] {
        assert!(world.post(Some(&wrong), "/v1/batches", &body).await.is_err(), "{why}");
    }
    assert_eq!(world.running.counters.turned(Turned::Handshake), 3);
    world.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_50_megabytes_is_refused_before_it_is_read() {
    let world = World::new().await;
    let identity = world.enrolled(1).await;
    let mut announced = world.connect(Some(&identity)).await.unwrap();
    announced
        .write_all(b"POST /v1/batches HTTP/1.1\r\nhost: localhost\r\ncontent-length: 52428800\r\n\r\n{")
        .await
        .unwrap();
    assert_eq!(answer(&mut announced).await.unwrap().0, 413);

    // Without a length: chunks until the collector has had enough.
    let mut chunked = world.connect(Some(&identity)).await.unwrap();
    chunked
        .write_all(b"POST /v1/batches HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n")
        .await
        .unwrap();
    let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
    let mut sent = 0;
    for _ in 0..800 {
        if chunked.write_all(&chunk).await.is_err() {
            break;
        }
        sent += 0x10000;
    }
    // The answer, or the connection is gone already: both say that it was not read to its end.
    if let Ok((status, _)) = answer(&mut chunked).await {
        assert_eq!(status, 413);
    }
    assert!(sent < 50 * 1024 * 1024, "the collector read all of it");
    assert_eq!(world.running.counters.turned(Turned::TooLarge), 2);
    world.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_fields_are_counted_and_not_stored_and_bad_rows_are_named() {
    let world = World::new().await;
    let identity = world.enrolled(1).await;
    let mut good = batch(identity.sensor);
    good.activity.push(ActivityRow { day: Day::from_number(0).unwrap(), ..good.activity[0].clone() });
    let mut value = serde_json::to_value(&good).unwrap();
    value["mood"] = "canary-in-the-batch".into();
    value["activity"][0]["url"] = "https://canary-in-the-row/".into();
    let body = serde_json::to_vec(&value).unwrap();
    let (status, answer) = world.post(Some(&identity), "/v1/batches", &body).await.unwrap();
    assert_eq!(status, 200);
    let ack: Ack = serde_json::from_slice(&answer).unwrap();
    assert_eq!((ack.unknown_fields, ack.activity_taken), (2, 1));
    assert_eq!((ack.refused[0].index, ack.refused[0].reason), (1, Refusal::ImplausibleDay));
    world.running.stop().await;
    let stored = std::fs::read(world.dir.database()).unwrap();
    let holds = |text: &[u8]| stored.windows(text.len()).any(|window| window == text);
    assert!(!holds(b"canary"));
    assert!(holds(b"chat.example"));
    assert!(!holds(b"abababababababab"), "a pseudonym is keyed once more before it is stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_batch_is_told_so() {
    let world = World::new().await;
    let identity = world.enrolled(1).await;
    let whole = json(&batch(identity.sensor));
    for body in [b"".as_slice(), b"{", b"[]", &whole[..whole.len() - 1], &[whole.as_slice(), b"x"].concat()] {
        assert_eq!(world.post(Some(&identity), "/v1/batches", body).await.unwrap().0, 400);
    }
    assert_eq!(world.post(Some(&identity), "/v1/batches", &whole).await.unwrap().0, 200);
    assert_eq!(world.post(None, "/v1/enrol", b"{}").await.unwrap().0, 400);
    world.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nearly_full_disk_refuses_reports_and_still_answers_people() {
    let folder = tempfile::tempdir().unwrap();
    let dir = DataDir::choose(Some(folder.path().join("data"))).unwrap();
    dir.init(Options::new(Catalogue::embedded()), Clock::system().now_ms()).unwrap();
    let mut config = Config::default();
    config.people.listen.set_port(0);
    config.agents.listen.set_port(0);
    config.min_free_bytes = Some(u64::MAX);
    let running = start(&dir, &config, Clock::system()).await.unwrap();
    let world = World { running, dir, _folder: folder };
    let identity = world.enrolled(1).await;
    while !world.running.counters.disk_low.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let sent = world.post(Some(&identity), "/v1/batches", &json(&batch(identity.sensor))).await.unwrap();
    assert_eq!(sent.0, 503);
    let mut people = TcpStream::connect(world.running.people).await.unwrap();
    people.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    people.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("the disk is nearly full"), "{answer}");
    world.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_was_off_keeps_the_month_when_it_starts_and_signs_it() {
    let World { running, dir, _folder } = World::new().await;
    let act = Act::job("test", Clock::system().now_ms());
    running.app.notary.exported("json", act).unwrap();
    running.stop().await;
    let mut config = Config::default();
    config.people.listen.set_port(0);
    config.agents.listen.set_port(0);
    config.min_free_bytes = Some(0);
    let today = Clock::system().today();
    let next = (1..32).map(|days| today.forward(days)).find(|day| day.ymd().1 != today.ymd().1).unwrap();
    let later_ms = next.unix_ms() + 1_000;
    for start_again in [false, true] {
        let running = start(&dir, &config, Clock::new(move || later_ms)).await.unwrap();
        let signed = || {
            let kept = running.app.governance.monthly_snapshots().unwrap();
            let note = running.app.governance.newest_checkpoint().unwrap().unwrap();
            let size = crate::audit::Checkpoint::of(&note).unwrap().size;
            (kept.len(), kept.iter().all(|held| held.seq < size))
        };
        for _ in 0..600 {
            if signed() == (1, true) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if start_again {
            // The first work of a start is done by when the second start's is.
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        assert_eq!(signed(), (1, true), "one of the month, under a signed checkpoint");
        running.stop().await;
    }
}
