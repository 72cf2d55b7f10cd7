//! What the collector knows and what it hands out: the catalogue bundle in its folder, or the catalogue that it came with.
//!
//! The two are apart. What stands in the folder is handed to agents as it is, for they trust its signer and not us, and can say
//! best what is wrong with it. We work with it ourselves only when it is signed by a key that is trusted here and of this
//! program's layout; else what was known before stays.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::Bytes;
use umbrascope_rules::bundle::{self, Manifest, Mark, PublicKey};
use umbrascope_rules::{Catalogue, Matcher, Overlay, Problem};

use crate::own::{Composition, InForce};

/// A catalogue and its matcher.
#[derive(Debug)]
pub struct Known {
    catalogue: Cow<'static, Catalogue>,
    matcher: Matcher,
    own: Option<Arc<Overlay>>,
}

impl Known {
    /// The catalogue that this program came with.
    pub fn embedded() -> Self {
        Self::from(Catalogue::embedded())
    }

    /// What the products are.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// A catalogue that an organisation's own rules are part of.
    pub fn with_own(catalogue: Catalogue, own: Arc<Overlay>) -> Self {
        Self { own: Some(own), ..Self::from(catalogue) }
    }

    /// Whether the organisation says of a host name that it is not AI.
    pub fn denies(&self, name: &str) -> bool {
        self.own.as_ref().is_some_and(|own| own.denies_name(name)) && self.matcher.name(name).is_none()
    }

    /// What names and identifiers mean.
    pub fn matcher(&self) -> &Matcher {
        &self.matcher
    }
}

impl From<&'static Catalogue> for Known {
    fn from(catalogue: &'static Catalogue) -> Self {
        Self { matcher: Matcher::new(catalogue), catalogue: Cow::Borrowed(catalogue), own: None }
    }
}

impl From<Catalogue> for Known {
    fn from(catalogue: Catalogue) -> Self {
        Self { matcher: Matcher::new(&catalogue), catalogue: Cow::Owned(catalogue), own: None }
    }
}

/// A file that is handed to agents.
#[derive(Debug, Clone)]
pub struct Served {
    /// As it stands in the folder.
    pub bytes: Bytes,
    /// Its SHA-256 in lower-case hexadecimal.
    pub digest: String,
}

/// A bundle that may be worked with.
#[derive(Debug)]
pub struct Good {
    /// What is signed.
    pub manifest: Manifest,
    /// What must not be gone back behind.
    pub mark: Mark,
    /// Its catalogue.
    pub catalogue: Catalogue,
}

/// What stands in the folder.
#[derive(Debug, Default)]
pub struct Found {
    /// The file, within its bound.
    pub served: Option<Served>,
    /// The bundle in it, or why it is not worked with; `None` where there is no file.
    pub good: Option<Result<Good, String>>,
}

/// Reads the bundle of a folder.
pub fn look(path: &Path, keys: &[PublicKey]) -> Found {
    let bytes = match read(path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Found::default(),
        Err(error) => return Found { served: None, good: Some(Err(format!("it cannot be read: {error}"))) },
    };
    let good = open(&bytes, keys).map_err(|error| error.to_string());
    let digest = bundle::sha256(&bytes).to_string();
    Found { served: Some(Served { bytes: bytes.into(), digest }), good: Some(good) }
}

/// Checks a bundle: signature, layout, and that it is not older than the program.
pub fn open(bytes: &[u8], keys: &[PublicKey]) -> Result<Good, bundle::Error> {
    let bundle = bundle::read_usable(bytes, keys)?;
    Ok(Good { catalogue: bundle.catalogue()?, mark: bundle.mark(), manifest: bundle.manifest.clone() })
}

/// Tells two states of the file apart; `None` where there is none.
pub fn identity(path: &Path) -> Option<(u64, u64, i64, i64)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec()))
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(bundle::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > bundle::MAX_BYTES {
        return Err(io::Error::other(format!("it is longer than {} bytes", bundle::MAX_BYTES)));
    }
    Ok(Some(bytes))
}

/// What is known and handed out now; exchanged while requests are served.
#[derive(Debug)]
pub struct Current(RwLock<Now>);

#[derive(Debug)]
struct Now {
    composition: Composition,
    served: Option<Served>,
}

impl Current {
    /// To begin with.
    pub fn new(composition: Composition, served: Option<Served>) -> Self {
        Self(RwLock::new(Now { composition, served }))
    }

    /// What is known.
    pub fn known(&self) -> Arc<Known> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).composition.known)
    }

    /// The catalogue without the organisation's own rules.
    pub fn base(&self) -> Arc<Known> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).composition.base)
    }

    /// The organisation's own rules in force.
    pub fn own(&self) -> Option<Arc<InForce>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).composition.own.clone()
    }

    /// Parts of the own rules that do not hold over the catalogue in use.
    pub fn left_out(&self) -> Arc<[Problem]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).composition.left_out)
    }

    /// What agents are given.
    pub fn served(&self) -> Option<Served> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).served.clone()
    }

    /// Knows another catalogue, or other own rules, from now on.
    pub fn know(&self, composition: Composition) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).composition = composition;
    }

    /// Hands out another file from now on.
    pub fn serve(&self, served: Option<Served>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).served = served;
    }
}
