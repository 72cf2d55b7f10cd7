//! Enrolment: a token against an identity.
//!
//! The token is `umb1-<id>-<secret>-<SHA-256 of the authority's certificate, 64 hex digits>`. Before this sensor is
//! enrolled it knows nobody, so the last part (or `--ca-sha256`) is what it trusts: the collector must show a chain that ends in
//! the very certificate with that fingerprint, for the name it was called by, before the token is sent to it.

use std::sync::Arc;

use data_encoding::HEXLOWER_PERMISSIVE;
use ring::digest::{SHA256, digest};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use umbrascope_api::{EnrolRequest, EnrolResponse, MachineId, SensorInfo};

use crate::identity::{Identity, IdentityError, NewKey, first_der};
use crate::sender::{describe, http_client, read_bounded};

/// SHA-256 of a certificate's DER.
pub type Fingerprint = [u8; 32];

/// Why enrolment failed.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// Neither the token nor a flag says whom to trust.
    #[error("the token names no authority; give its fingerprint with --ca-sha256")]
    NoFingerprint,
    /// The fingerprint is not one.
    #[error("a fingerprint has 64 hexadecimal digits")]
    BadFingerprint,
    /// The collector's address.
    #[error("the collector's address must begin with https://")]
    NotHttps,
    /// A key or certificate.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// TLS could not be set up.
    #[error("cannot set up TLS")]
    Tls(#[source] Error),
    /// The connection.
    #[error("{0}; check the address, and that the token is of this collector")]
    Connection(String),
    /// The collector said no.
    #[error("the collector answered {status}{}", hint(*status))]
    Refused {
        /// HTTP status.
        status: u16,
    },
    /// The answer is not what it should be.
    #[error("the collector's answer cannot be used: {0}")]
    Answer(String),
}

fn hint(status: u16) -> &'static str {
    match status {
        401 | 403 => {
            ": the token is unknown, used up, revoked or expired; make a new one with `token create`"
        }
        429 | 503 => ": it is busy; try again in a minute",
        404 => ": this is not the agents' listener of a collector",
        _ => "",
    }
}

/// The fingerprint to trust: the flag's, else the token's last part.
pub fn fingerprint(token: &str, flag: Option<&str>) -> Result<Fingerprint, EnrolError> {
    let hex = match flag {
        Some(hex) => hex.replace(':', ""),
        None => {
            let last =
                token.strip_prefix("umb1-").and_then(|rest| rest.rsplit_once('-')).map(|(_, last)| last);
            last.filter(|last| last.len() == 64).ok_or(EnrolError::NoFingerprint)?.to_owned()
        }
    };
    let bytes = HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).map_err(|_| EnrolError::BadFingerprint)?;
    bytes.try_into().map_err(|_| EnrolError::BadFingerprint)
}

/// Makes a key, has it certified, and returns the identity; the caller stores it.
pub async fn enrol(
    collector: &str,
    token: &str,
    trusted: Fingerprint,
    machine: MachineId,
    info: SensorInfo,
    proxy: Option<&str>,
) -> Result<Identity, EnrolError> {
    if !collector.starts_with("https://") {
        return Err(EnrolError::NotHttps);
    }
    let collector = collector.trim_end_matches('/').to_owned();
    let key = NewKey::generate()?;
    let request = EnrolRequest { token: token.to_owned(), csr_pem: key.csr_pem, machine, info };
    let body = serde_json::to_vec(&request).map_err(|error| EnrolError::Answer(error.to_string()))?;
    let http = http_client(pinned_config(trusted).map_err(EnrolError::Tls)?, proxy)
        .map_err(|error| EnrolError::Connection(describe(&error)))?;
    let response = http
        .post(format!("{collector}/v1/enrol"))
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .map_err(|error| EnrolError::Connection(describe(&error)))?;
    let status = response.status().as_u16();
    if status != 200 {
        return Err(EnrolError::Refused { status });
    }
    let answer = read_bounded(response).await.map_err(EnrolError::Answer)?;
    let answer: EnrolResponse =
        serde_json::from_slice(&answer).map_err(|error| EnrolError::Answer(error.to_string()))?;
    if digest(&SHA256, &first_der(&answer.ca_pem)?).as_ref() != trusted {
        return Err(EnrolError::Answer("its authority is not the one of the token".to_owned()));
    }
    Ok(Identity {
        collector,
        sensor: answer.sensor,
        report_interval_s: answer.report_interval_s,
        key_pem: key.key_pem,
        certificate_pem: answer.certificate_pem,
        ca_pem: answer.ca_pem,
    })
}

fn pinned_config(trusted: Fingerprint) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(PinnedAuthority { trusted, provider: Arc::clone(&provider) });
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// Trusts the one authority whose certificate has this fingerprint, and then checks as usual.
#[derive(Debug)]
struct PinnedAuthority {
    trusted: Fingerprint,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinnedAuthority {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let authority = intermediates
            .iter()
            .find(|certificate| digest(&SHA256, certificate).as_ref() == self.trusted)
            .ok_or_else(|| Error::General("the collector is not of the token's authority".to_owned()))?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider))
            .build()
            .map_err(|error| Error::General(error.to_string()))?;
        usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

    struct Authority {
        certificate: rcgen::Certificate,
        issuer: Issuer<'static, KeyPair>,
    }

    fn authority() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Authority { certificate, issuer: Issuer::new(params, key) }
    }

    impl Authority {
        fn server(&self, name: &str) -> CertificateDer<'static> {
            let params = CertificateParams::new([name.to_owned()]).unwrap();
            params.signed_by(&KeyPair::generate().unwrap(), &self.issuer).unwrap().der().clone()
        }

        fn fingerprint(&self) -> Fingerprint {
            digest(&SHA256, self.certificate.der()).as_ref().try_into().unwrap()
        }
    }

    fn verify(
        trusted: Fingerprint,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &str,
    ) -> bool {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let name = ServerName::try_from(name.to_owned()).unwrap();
        PinnedAuthority { trusted, provider }
            .verify_server_cert(leaf, chain, &name, &[], UnixTime::now())
            .is_ok()
    }

    #[test]
    fn only_a_chain_to_the_pinned_authority_for_the_right_name_is_trusted() {
        let (ours, theirs) = (authority(), authority());
        let chain = [ours.certificate.der().clone()];
        assert!(verify(ours.fingerprint(), &ours.server("c.example"), &chain, "c.example"));
        assert!(verify(ours.fingerprint(), &ours.server("127.0.0.1"), &chain, "127.0.0.1"));
        assert!(!verify(ours.fingerprint(), &ours.server("c.example"), &chain, "other.example"));
        assert!(!verify(ours.fingerprint(), &ours.server("c.example"), &[], "c.example"));
        assert!(!verify(theirs.fingerprint(), &ours.server("c.example"), &chain, "c.example"));
        // The pinned authority is shown but did not sign the server.
        assert!(!verify(ours.fingerprint(), &theirs.server("c.example"), &chain, "c.example"));
    }

    #[test]
    fn the_fingerprint_comes_with_the_token_unless_a_flag_says_otherwise() {
        let hex = "ab".repeat(32);
        let token = format!("umb1-t1-s3cr3t-{hex}");
        assert_eq!(fingerprint(&token, None).unwrap(), [0xab; 32]);
        let flag = "CD:".repeat(31) + "CD";
        assert_eq!(fingerprint(&token, Some(&flag)).unwrap(), [0xcd; 32]);
        assert!(matches!(fingerprint("umb1-t1-s3cr3t", None), Err(EnrolError::NoFingerprint)));
        assert!(matches!(fingerprint(&token, Some("abc")), Err(EnrolError::BadFingerprint)));
    }
}
