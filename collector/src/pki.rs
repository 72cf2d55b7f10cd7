//! The private authority: it signs the sensors' certificates and our own. P-256 throughout.

use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::OffsetDateTime;
use umbrascope_api::SensorId;

/// How long the authority itself is valid, in milliseconds: ten years.
const CA_LIFETIME_MS: i64 = 3_650 * 86_400_000;
/// How long our own certificate is valid, in milliseconds. A new one is made at every start and at
/// half of this.
pub const SERVER_LIFETIME_MS: i64 = 60 * 86_400_000;
/// How far a certificate's begin lies before its issue, in milliseconds: clocks differ.
const BACKDATED_MS: i64 = 3_600_000;
/// What a sensor's name in its certificate begins with.
const SENSOR_URI: &str = "umbrascope:sensor:";

/// Signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
    certificate: CertificateDer<'static>,
}

/// A sensor's certificate, just signed.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub key_hash: [u8; 32],
    /// Unix time in milliseconds.
    pub ends_at_ms: i64,
}

/// Our own certificate with its authority, and its key.
pub struct ServerIdentity {
    /// Leaf, then authority.
    pub chain: Vec<CertificateDer<'static>>,
    /// Key of the leaf. It never leaves the memory.
    pub key: PrivateKeyDer<'static>,
}

impl Authority {
    /// A new authority: certificate and key, both PEM.
    pub fn create(now_ms: i64) -> Result<(String, String), PkiError> {
        let key = KeyPair::generate()?;
        let mut params = params(now_ms, CA_LIFETIME_MS, "Umbrascope private authority")?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
    }

    /// An authority from its files.
    pub fn load(certificate_pem: &str, key_pem: &str) -> Result<Self, PkiError> {
        let certificate =
            CertificateDer::from_pem_slice(certificate_pem.as_bytes()).map_err(|_| PkiError::Unreadable)?;
        let key = KeyPair::from_pem(key_pem)?;
        if key_hash(&certificate)? != sha256(&key.subject_public_key_info()) {
            return Err(PkiError::Mismatch);
        }
        Ok(Self {
            issuer: Issuer::from_ca_cert_der(&certificate, key)?,
            certificate_pem: certificate_pem.to_owned(),
            certificate,
        })
    }

    /// The authority's certificate, PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The authority's certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// SHA-256 of the authority's certificate in lower-case hexadecimal: what a token carries.
    pub fn fingerprint(&self) -> String {
        data_encoding::HEXLOWER.encode(&sha256(&self.certificate))
    }

    /// Signs a sensor's key. Every name in the request is ignored: the identity is ours to give.
    pub fn sign_sensor(
        &self,
        csr_pem: &str,
        sensor: SensorId,
        now_ms: i64,
        lifetime_ms: i64,
    ) -> Result<Issued, PkiError> {
        let request = CertificateSigningRequestParams::from_pem(csr_pem).map_err(PkiError::Request)?;
        let algorithm = request.public_key.algorithm();
        if ![&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519]
            .contains(&algorithm)
        {
            return Err(PkiError::KeyKind);
        }
        let mut params = params(now_ms, lifetime_ms, &format!("sensor {sensor}"))?;
        let uri = format!("{SENSOR_URI}{sensor}");
        params.subject_alt_names = vec![SanType::URI(uri.as_str().try_into()?)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&request.public_key, &self.issuer)?;
        Ok(Issued {
            key_hash: key_hash(certificate.der())?,
            certificate_pem: certificate.pem(),
            ends_at_ms: now_ms.saturating_add(lifetime_ms),
        })
    }

    /// Makes a key and a certificate for the names and addresses that agents reach us by.
    pub fn server_identity(&self, names: &[String], now_ms: i64) -> Result<ServerIdentity, PkiError> {
        let key = KeyPair::generate()?;
        let mut params = params(now_ms, SERVER_LIFETIME_MS, "Umbrascope collector")?;
        params.subject_alt_names = names
            .iter()
            .map(|name| {
                Ok(match name.parse::<IpAddr>() {
                    Ok(address) => SanType::IpAddress(address),
                    Err(_) => SanType::DnsName(name.as_str().try_into()?),
                })
            })
            .collect::<Result<_, PkiError>>()?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let leaf = params.signed_by(&key, &self.issuer)?;
        Ok(ServerIdentity {
            chain: vec![leaf.der().clone(), self.certificate.clone()],
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        })
    }
}

fn params(now_ms: i64, lifetime_ms: i64, name: &str) -> Result<CertificateParams, PkiError> {
    let at = |unix_ms: i64| {
        OffsetDateTime::from_unix_timestamp(unix_ms.div_euclid(1_000)).map_err(|_| PkiError::Clock)
    };
    let mut params = CertificateParams::default();
    params.not_before = at(now_ms - BACKDATED_MS)?;
    params.not_after = at(now_ms.saturating_add(lifetime_ms))?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    let mut serial = [0; 16];
    SystemRandom::new().fill(&mut serial).map_err(|_| PkiError::Random)?;
    serial[0] &= 0x7f; // RFC 5280 4.1.2.2: a serial number is positive
    params.serial_number = Some(serial.to_vec().into());
    Ok(params)
}

/// SHA-256 of a certificate's SubjectPublicKeyInfo.
pub fn key_hash(certificate: &[u8]) -> Result<[u8; 32], PkiError> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).map_err(|_| PkiError::Unreadable)?;
    Ok(sha256(parsed.public_key().raw))
}

/// The sensor that a certificate names.
pub fn sensor_of(certificate: &[u8]) -> Option<SensorId> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let names = parsed.subject_alternative_name().ok()??;
    names.value.general_names.iter().find_map(|name| match name {
        x509_parser::extensions::GeneralName::URI(uri) => uri.strip_prefix(SENSOR_URI)?.parse().ok(),
        _ => None,
    })
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// What went wrong with a key or a certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PkiError {
    /// The request cannot be read, or its signature is wrong.
    #[error("the certificate signing request cannot be used: {0}")]
    Request(rcgen::Error),
    /// The key is of a kind we do not certify.
    #[error("a sensor's key must be P-256, P-384 or Ed25519")]
    KeyKind,
    /// The authority's files do not belong together.
    #[error("ca.pem and ca-key.pem do not belong together: restore both from the same backup")]
    Mismatch,
    /// A certificate cannot be read.
    #[error("a certificate cannot be read")]
    Unreadable,
    /// The clock shows a time that no certificate can carry.
    #[error("this machine's clock shows a time that no certificate can carry: set it")]
    Clock,
    /// The system gave no random numbers.
    #[error("the system gave no random numbers")]
    Random,
    /// Making a certificate failed.
    #[error("a certificate could not be made: {0}")]
    Make(#[from] rcgen::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_795_000_000_000;

    fn authority() -> Authority {
        let (certificate, key) = Authority::create(NOW_MS).unwrap();
        Authority::load(&certificate, &key).unwrap()
    }

    #[test]
    fn names_in_a_request_are_ignored() {
        let mut request = CertificateParams::new(vec!["collector.example.org".to_owned()]).unwrap();
        request.distinguished_name.push(DnType::CommonName, "sensor of somebody else");
        let key = KeyPair::generate().unwrap();
        let csr = request.serialize_request(&key).unwrap().pem().unwrap();
        let sensor = SensorId::from_bytes([7; 16]);
        let issued = authority().sign_sensor(&csr, sensor, NOW_MS, 86_400_000).unwrap();
        let der = CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes()).unwrap();
        assert_eq!(sensor_of(&der), Some(sensor));
        let (_, parsed) = x509_parser::parse_x509_certificate(&der).unwrap();
        assert!(!format!("{:?}", parsed.subject_alternative_name()).contains("collector.example.org"));
        assert!(!parsed.subject().to_string().contains("somebody else"));
        assert!(!parsed.is_ca());
        assert_eq!(issued.key_hash, sha256(&key.subject_public_key_info()));
    }

    #[test]
    fn a_request_with_a_broken_signature_is_refused() {
        let key = KeyPair::generate().unwrap();
        let csr = CertificateParams::default().serialize_request(&key).unwrap();
        let mut der = csr.der().to_vec();
        let last = der.len() - 1;
        der[last] ^= 1;
        let body = data_encoding::BASE64.encode(&der);
        let pem = format!("-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----\n");
        assert!(authority().sign_sensor(&pem, SensorId::from_bytes([1; 16]), NOW_MS, 1_000).is_err());
    }

    #[test]
    fn an_authority_with_another_ones_key_is_refused() {
        let (certificate, _) = Authority::create(NOW_MS).unwrap();
        let (_, key) = Authority::create(NOW_MS).unwrap();
        assert!(matches!(Authority::load(&certificate, &key), Err(PkiError::Mismatch)));
    }
}
