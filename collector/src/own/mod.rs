//! An organisation's own rules: read, published, signed, and put over the catalogue.
//!
//! Every version is a row of the database, never changed. The newest one stands beside the catalogue in the collector's folder
//! too, as a bundle signed by the collector's own key (`own-rules.bundle`): that is what agents are given, and what
//! the collector itself works with. The row is written first; killed in between, the next start writes the file.

mod desk;
mod diff;
mod edit;
mod effect;
mod key;

use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;

use umbrascope_rules::bundle::{self, Kind};
use umbrascope_rules::{Overlay, Problem};

use crate::catalogue::{Known, Served};
use crate::datadir::DataDir;

pub use desk::{Desk, PublishError, Reading};
pub use diff::{DiffLine, diff};
pub use edit::{Addition, EditError, ProductChoice, Removal};
pub use effect::{Effect, Shift, effect};
pub use key::{KeyError, OwnKey};

/// What own rules are called in messages and in their bundle.
pub const FILE: &str = "own-rules.toml";

/// The own rules in force.
#[derive(Debug)]
pub struct InForce {
    /// Which version.
    pub number: u32,
    /// What stands in them.
    pub overlay: Arc<Overlay>,
    /// The bundle that agents are given.
    pub served: Served,
}

/// The own rules in the folder; `None` where there are none, or none that this collector signed, which is said.
pub fn look(dir: &DataDir) -> Option<InForce> {
    let read = File::open(dir.own_rules()).and_then(|file| {
        let mut bytes = Vec::new();
        // A byte more than the bound, so that what is longer is refused as that.
        file.take(bundle::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    let bytes = match read {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::error!(%error, "the own rules cannot be read; they are not in force");
            return None;
        }
    };
    let key = match dir.own_key() {
        Ok(key) => key,
        Err(error) => {
            tracing::error!(%error, "the own rules cannot be checked; they are not in force");
            return None;
        }
    };
    let read = || -> Result<InForce, bundle::Error> {
        let found = bundle::read(&bytes, std::slice::from_ref(key.public()), Kind::Overlay)?;
        let text = found.part(FILE).ok_or(bundle::Error::NoCatalogue)??;
        // They were whole when they were signed; a newer word is left out as agents leave it out.
        let (overlay, _) = Overlay::parse(FILE, &String::from_utf8_lossy(&text));
        let digest = bundle::sha256(&bytes).to_string();
        let served = Served { bytes: bytes.clone().into(), digest };
        Ok(InForce { number: found.manifest.number, overlay: Arc::new(overlay), served })
    };
    read().map_err(|error| tracing::error!("the own rules in the folder are not in force: {error}")).ok()
}

/// A catalogue with own rules over it.
#[derive(Debug, Clone)]
pub struct Composition {
    /// The catalogue alone.
    pub base: Arc<Known>,
    /// Both.
    pub known: Arc<Known>,
    /// The own rules.
    pub own: Option<Arc<InForce>>,
    /// Parts of them that do not hold over this catalogue.
    pub left_out: Arc<[Problem]>,
}

/// Puts own rules over a catalogue.
pub fn compose(base: Arc<Known>, own: Option<InForce>) -> Composition {
    let Some(own) = own else {
        return Composition { known: Arc::clone(&base), base, own: None, left_out: Arc::default() };
    };
    let composed = base.catalogue().with_overlay(&own.overlay, own.number);
    if !composed.left_out.is_empty() {
        tracing::warn!(
            parts = composed.left_out.len(),
            "some of the own rules do not hold over this catalogue and are left out"
        );
    }
    let known = Known::with_own(composed.catalogue, Arc::clone(&own.overlay));
    Composition { base, known: Arc::new(known), own: Some(Arc::new(own)), left_out: composed.left_out.into() }
}
