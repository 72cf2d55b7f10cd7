//! TLS of the agents' listener: whose key is let in, and the certificate we show.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme};
use umbrascope_api::SensorId;

use crate::pki::{self, Authority, ServerIdentity};
use crate::store::TrustedKey;

/// The sensors' keys that are let in. Asked at the handshake and again for each request: a kept
/// connection outlives a revocation otherwise.
#[derive(Debug, Default)]
pub struct Trust(RwLock<Keys>);

#[derive(Debug, Default)]
struct Keys {
    let_in: HashMap<[u8; 32], (SensorId, i64)>,
    /// Let in since the last [`Trust::prepare`]: the list under way may lack them.
    since: Vec<TrustedKey>,
}

impl Trust {
    /// To be called before the list for [`Trust::replace`] is read.
    pub fn prepare(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).since.clear();
    }

    /// Lets in these keys, those that came while the list was read, and no others, at once.
    pub fn replace(&self, listed: Vec<TrustedKey>) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let all = listed.iter().chain(&keys.since).map(|key| (key.key_hash, (key.sensor, key.ends_at_ms)));
        keys.let_in = all.collect();
    }

    /// Lets in one more.
    pub fn add(&self, key: TrustedKey) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.let_in.insert(key.key_hash, (key.sensor, key.ends_at_ms));
        keys.since.push(key);
    }

    /// Whether this key is this sensor's and still let in.
    pub fn allows(&self, peer: &Peer, now_ms: i64) -> bool {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = keys.let_in.get(&peer.key_hash);
        found.is_some_and(|(sensor, ends_at_ms)| *sensor == peer.sensor && *ends_at_ms > now_ms)
    }
}

/// Who is at the other end of a connection, as its certificate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The sensor.
    pub sensor: SensorId,
    /// SHA-256 of its key.
    pub key_hash: [u8; 32],
}

impl Peer {
    /// The peer of a certificate that the handshake has checked.
    pub fn of(certificate: &[u8]) -> Option<Self> {
        Some(Self { sensor: pki::sensor_of(certificate)?, key_hash: pki::key_hash(certificate).ok()? })
    }
}

/// Checks a client certificate against the authority, then against [`Trust`]. Enrolment comes
/// without one.
#[derive(Debug)]
struct Verifier {
    chain: Arc<dyn ClientCertVerifier>,
    trust: Arc<Trust>,
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verified = self.chain.verify_client_cert(end_entity, intermediates, now)?;
        let now_ms = i64::try_from(now.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000);
        match Peer::of(end_entity) {
            Some(peer) if self.trust.allows(&peer, now_ms) => Ok(verified),
            _ => Err(rustls::Error::InvalidCertificate(rustls::CertificateError::Revoked)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Our certificate, exchanged while connections go on.
#[derive(Debug)]
pub struct ServerCertificate(RwLock<Arc<CertifiedKey>>);

impl ServerCertificate {
    /// Shows this identity.
    pub fn new(identity: ServerIdentity) -> Result<Self, TlsError> {
        Ok(Self(RwLock::new(certified(identity)?)))
    }

    /// Shows this identity from the next handshake on.
    pub fn replace(&self, identity: ServerIdentity) -> Result<(), TlsError> {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = certified(identity)?;
        Ok(())
    }
}

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn certified(identity: ServerIdentity) -> Result<Arc<CertifiedKey>, TlsError> {
    Ok(Arc::new(CertifiedKey::from_der(identity.chain, identity.key, &provider())?))
}

fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

/// TLS 1.2 and 1.3 for agents, certificates of `authority` only, HTTP/2 preferred.
pub fn agents_config(
    authority: &Authority,
    trust: Arc<Trust>,
    certificate: Arc<ServerCertificate>,
) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate().clone())?;
    let chain = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()
        .map_err(|error| TlsError::Verifier(error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(Verifier { chain, trust }))
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // A resumed session would skip the certificate check; a handshake costs 0.4 ms.
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// TLS for people, with the certificate that the configuration names.
pub fn people_config(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let unreadable = |path: &Path| TlsError::File(path.display().to_string());
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|_| unreadable(certificate))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|_| unreadable(key))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// What went wrong with the set-up of TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// rustls refused.
    #[error("TLS could not be set up: {0}")]
    Rustls(#[from] rustls::Error),
    /// The check of client certificates could not be built.
    #[error("the check of client certificates could not be set up: {0}")]
    Verifier(String),
    /// A PEM file cannot be read.
    #[error("{0} is no readable PEM file of the kind that the configuration says")]
    File(String),
}
