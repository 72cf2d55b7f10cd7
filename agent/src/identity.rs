//! Who this sensor is: its key, its certificate, its collector and the authority of both.
//!
//! One file, `identity.json`, mode 0600, replaced whole: written beside, synced, renamed, the folder synced. After a crash
//! at any point either the old identity stands or the new one, never a key without its certificate. The old certificate
//! stays valid to its own end, so neither locks the sensor out.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, fchown};
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use serde::{Deserialize, Serialize};
use umbrascope_api::SensorId;
use x509_parser::pem::Pem;

use crate::os::own_file::replace;

const FILE: &str = "identity.json";

/// The identity of an enrolled sensor.
#[derive(Clone, Serialize, Deserialize)]
pub struct Identity {
    /// Base address of the collector.
    pub collector: String,
    /// The id that the collector gave.
    pub sensor: SensorId,
    /// How often the collector would like a report, in seconds.
    pub report_interval_s: u32,
    /// Private key, PKCS #8 PEM. A secret.
    pub key_pem: String,
    /// Certificate of the key, PEM.
    pub certificate_pem: String,
    /// The authority, PEM. Nothing else is trusted.
    pub ca_pem: String,
}

/// Shows no key.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("collector", &self.collector)
            .field("sensor", &self.sensor)
            .finish_non_exhaustive()
    }
}

/// Why there is no identity to work with.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file cannot be read.
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] io::Error),
    /// The file cannot be written.
    #[error("cannot write {0}: the folder must be writable for this user")]
    Write(PathBuf, #[source] io::Error),
    /// The file is not an identity.
    #[error("{0} holds no identity; remove it and enrol again")]
    Content(PathBuf, #[source] serde_json::Error),
    /// A certificate cannot be read.
    #[error("the certificate cannot be read")]
    Certificate,
    /// No key could be made.
    #[error("cannot make a key")]
    Key(#[source] rcgen::Error),
}

impl Identity {
    /// Reads the identity; `None` when this sensor is not enrolled.
    pub fn load(folder: &Path) -> Result<Option<Self>, IdentityError> {
        let path = folder.join(FILE);
        match fs::read(&path) {
            Ok(text) => {
                serde_json::from_slice(&text).map(Some).map_err(|error| IdentityError::Content(path, error))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(IdentityError::Read(path, error)),
        }
    }

    /// When the identity was last written; `None` when there is none.
    pub fn written(folder: &Path) -> Option<std::time::SystemTime> {
        fs::metadata(folder.join(FILE)).and_then(|metadata| metadata.modified()).ok()
    }

    /// Replaces the identity, durably.
    pub fn store(&self, folder: &Path) -> Result<(), IdentityError> {
        let path = folder.join(FILE);
        let write = || -> io::Result<()> {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            let text = serde_json::to_vec_pretty(self)?;
            replace(folder, FILE, &text, |file| {
                if rustix::process::geteuid().is_root() {
                    // What root enrols, the service has to read and to renew.
                    let owner = fs::metadata(folder)?;
                    fchown(file, Some(owner.uid()), Some(owner.gid()))?;
                    file.sync_all()?;
                }
                Ok(())
            })
        };
        write().map_err(|error| IdentityError::Write(path, error))
    }

    /// When the certificate begins and ends to be valid, Unix time in seconds.
    pub fn validity(&self) -> Result<(i64, i64), IdentityError> {
        let pem = first_pem(&self.certificate_pem)?;
        let certificate = pem.parse_x509().map_err(|_| IdentityError::Certificate)?;
        let validity = certificate.validity();
        Ok((validity.not_before.timestamp(), validity.not_after.timestamp()))
    }

    /// When to renew: at half of the validity, later by up to a tenth of it. `chance` is between 0 and 1.
    pub fn renew_at(&self, chance: f64) -> Result<i64, IdentityError> {
        let (from, to) = self.validity()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "seconds of some weeks"
        )]
        let share = ((to - from) as f64 * (0.5 + 0.1 * chance.clamp(0.0, 1.0))) as i64;
        Ok(from + share)
    }
}

/// A new P-256 key and a request for a certificate of it. The collector ignores every name in it.
pub struct NewKey {
    /// Private key, PKCS #8 PEM.
    pub key_pem: String,
    /// Request, PEM.
    pub csr_pem: String,
}

impl NewKey {
    /// Makes a key and its request.
    pub fn generate() -> Result<Self, IdentityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(IdentityError::Key)?;
        let csr = CertificateParams::default().serialize_request(&key).map_err(IdentityError::Key)?;
        Ok(Self { key_pem: key.serialize_pem(), csr_pem: csr.pem().map_err(IdentityError::Key)? })
    }
}

/// DER of the first PEM block of a text.
pub fn first_der(pem: &str) -> Result<Vec<u8>, IdentityError> {
    Ok(first_pem(pem)?.contents)
}

fn first_pem(text: &str) -> Result<Pem, IdentityError> {
    match Pem::iter_from_buffer(text.as_bytes()).next() {
        Some(Ok(pem)) => Ok(pem),
        _ => Err(IdentityError::Certificate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::default();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026, 1, 31);
        let certificate = params.self_signed(&key).unwrap().pem();
        Identity {
            collector: "https://c.example:8443".into(),
            sensor: SensorId::from_bytes([3; 16]),
            report_interval_s: 300,
            key_pem: key.serialize_pem(),
            certificate_pem: certificate.clone(),
            ca_pem: certificate,
        }
    }

    #[test]
    fn an_identity_reads_back_and_is_for_its_user_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        assert!(Identity::load(folder.path()).unwrap().is_none());
        identity().store(folder.path()).unwrap();
        let read = Identity::load(folder.path()).unwrap().unwrap();
        assert_eq!(read.sensor, identity().sensor);
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_written_beside_follows_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, b"kept").unwrap();
        std::os::unix::fs::symlink(&elsewhere, folder.path().join("identity.json.new")).unwrap();
        identity().store(folder.path()).unwrap();
        assert_eq!(fs::read(&elsewhere).unwrap(), b"kept");
        assert!(Identity::load(folder.path()).unwrap().is_some());
    }

    #[test]
    fn what_root_writes_belongs_to_the_owner_of_the_folder() {
        if !crate::require::require("root", rustix::process::geteuid().is_root()) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(folder.path(), Some(4711), Some(4712)).unwrap();
        identity().store(folder.path()).unwrap();
        let is = fs::metadata(folder.path().join(FILE)).unwrap();
        assert_eq!((is.uid(), is.gid()), (4711, 4712));
    }

    #[test]
    fn a_crash_while_writing_beside_leaves_the_old_identity() {
        let folder = tempfile::tempdir().unwrap();
        identity().store(folder.path()).unwrap();
        fs::write(folder.path().join("identity.json.new"), b"{\"collector\": \"htt").unwrap();
        assert!(Identity::load(folder.path()).unwrap().is_some());
        identity().store(folder.path()).unwrap();
    }

    #[test]
    fn renewal_comes_between_half_and_six_tenths_of_the_life() {
        let day = 86_400;
        let start = identity().validity().unwrap().0;
        assert_eq!(identity().renew_at(0.0).unwrap(), start + 15 * day);
        assert_eq!(identity().renew_at(1.0).unwrap(), start + 18 * day);
    }

    #[test]
    fn a_key_is_never_shown() {
        let shown = format!("{:?}", identity());
        assert!(!shown.contains("PRIVATE") && !shown.contains("key_pem"), "{shown}");
    }

    #[test]
    fn each_key_is_a_new_one() {
        let (one, other) = (NewKey::generate().unwrap(), NewKey::generate().unwrap());
        assert_ne!(one.key_pem, other.key_pem);
        assert!(one.csr_pem.contains("CERTIFICATE REQUEST"));
    }
}
