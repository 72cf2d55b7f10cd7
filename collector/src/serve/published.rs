//! The catalogue bundle in the folder, taken up while the collector runs.

use std::sync::Arc;
use std::time::Duration;

use umbrascope_rules::bundle::PublicKey;

use crate::catalogue::{self, Current, Found, Known, Served};
use crate::clock::Clock;
use crate::config::Config;
use crate::datadir::DataDir;
use crate::own::{self, Composition};
use crate::store::SqliteStore;

/// How often another bundle is looked for.
const POLL: Duration = Duration::from_secs(1);

/// Where the bundle is, and who may have signed it.
pub(super) struct Published {
    dir: DataDir,
    keys: Arc<[PublicKey]>,
    /// The state of the files that were looked at last: the catalogue, and the organisation's own rules.
    seen: [Option<(u64, u64, i64, i64)>; 2],
}

impl Published {
    pub(super) fn new(dir: &DataDir, config: &Config) -> Self {
        let keys = PublicKey::trusted(&config.catalogue_keys).into();
        // Before the files are read: one that is replaced meanwhile is looked at again.
        Self { seen: identities(dir), dir: dir.clone(), keys }
    }

    /// What to begin with.
    pub(super) fn begin(&self) -> (Composition, Option<Served>) {
        let Found { served, good } = catalogue::look(&self.dir.catalogue(), &self.keys);
        let known = match good {
            Some(Ok(good)) => Known::from(good.catalogue),
            Some(Err(why)) => {
                tracing::error!("the published catalogue is not used here: {why}");
                Known::embedded()
            }
            None => Known::embedded(),
        };
        (own::compose(Arc::new(known), own::look(&self.dir)), served)
    }

    /// Takes up what is published, also by another process, within [`POLL`].
    pub(super) async fn watch(mut self, store: Arc<SqliteStore>, current: Arc<Current>, clock: Clock) {
        loop {
            tokio::time::sleep(POLL).await;
            let now = identities(&self.dir);
            if now == self.seen {
                continue;
            }
            self.seen = now;
            let (dir, keys) = (self.dir.clone(), Arc::clone(&self.keys));
            let (store, current, now_ms) = (Arc::clone(&store), Arc::clone(&current), clock.now_ms());
            let taken = tokio::task::spawn_blocking(move || take_up(&dir, &keys, &store, &current, now_ms));
            if taken.await.is_err() {
                tracing::error!("the published catalogue could not be looked at");
            }
        }
    }
}

fn identities(dir: &DataDir) -> [Option<(u64, u64, i64, i64)>; 2] {
    [dir.catalogue(), dir.own_rules()].map(|path| catalogue::identity(&path))
}

/// Agents are given it at once; we work with it when it is good, and else go on with what we know.
fn take_up(dir: &DataDir, keys: &[PublicKey], store: &SqliteStore, current: &Current, now_ms: i64) {
    let Found { served, good } = catalogue::look(&dir.catalogue(), keys);
    current.serve(served);
    let base = current.base();
    let base = match good {
        Some(Ok(good)) if good.catalogue.version() != base.catalogue().version() => {
            Arc::new(Known::from(good.catalogue))
        }
        Some(Err(why)) => {
            tracing::error!("the published catalogue is not used here: {why}");
            base
        }
        Some(Ok(_)) | None => base,
    };
    let new = own::compose(base, own::look(dir));
    if new.known.catalogue().version() == current.known().catalogue().version() {
        return;
    }
    match store.know(Arc::clone(&new.known), now_ms) {
        Ok(()) => {
            tracing::info!(version = new.known.catalogue().version(), "another catalogue is in use");
            current.know(new);
        }
        Err(error) => tracing::error!(
            error = &error as &dyn std::error::Error,
            "the published catalogue could not be taken up; a restart tries again"
        ),
    }
}
