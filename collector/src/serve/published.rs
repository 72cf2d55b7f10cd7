//! The catalogue bundle in the folder, taken up while the collector runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use umbrascope_rules::bundle::PublicKey;

use crate::catalogue::{self, Current, Found, Known, Served};
use crate::clock::Clock;
use crate::config::Config;
use crate::datadir::DataDir;
use crate::store::SqliteStore;

/// How often another bundle is looked for.
const POLL: Duration = Duration::from_secs(1);

/// Where the bundle is, and who may have signed it.
pub(super) struct Published {
    path: PathBuf,
    keys: Arc<[PublicKey]>,
    /// The state of the file that was looked at last.
    seen: Option<(u64, u64, i64, i64)>,
}

impl Published {
    pub(super) fn new(dir: &DataDir, config: &Config) -> Self {
        let path = dir.catalogue();
        let keys = catalogue::trusted(&config.catalogue_keys).into();
        // Before the file is read: one that is replaced meanwhile is looked at again.
        Self { seen: catalogue::identity(&path), path, keys }
    }

    /// What to begin with.
    pub(super) fn begin(&self) -> (Arc<Known>, Option<Served>) {
        let Found { served, good } = catalogue::look(&self.path, &self.keys);
        let known = match good {
            Some(Ok(good)) => Known::from(good.catalogue),
            Some(Err(why)) => {
                tracing::error!("the published catalogue is not used here: {why}");
                Known::embedded()
            }
            None => Known::embedded(),
        };
        (Arc::new(known), served)
    }

    /// Takes up what is published, also by another process, within [`POLL`].
    pub(super) async fn watch(mut self, store: Arc<SqliteStore>, current: Arc<Current>, clock: Clock) {
        loop {
            tokio::time::sleep(POLL).await;
            let now = catalogue::identity(&self.path);
            if now == self.seen {
                continue;
            }
            self.seen = now;
            let (path, keys) = (self.path.clone(), Arc::clone(&self.keys));
            let (store, current, now_ms) = (Arc::clone(&store), Arc::clone(&current), clock.now_ms());
            let taken = tokio::task::spawn_blocking(move || take_up(&path, &keys, &store, &current, now_ms));
            if taken.await.is_err() {
                tracing::error!("the published catalogue could not be looked at");
            }
        }
    }
}

/// Agents are given it at once; we work with it when it is good, and else go on with what we know.
fn take_up(path: &std::path::Path, keys: &[PublicKey], store: &SqliteStore, current: &Current, now_ms: i64) {
    let Found { served, good } = catalogue::look(path, keys);
    current.serve(served);
    match good {
        Some(Ok(good)) if good.catalogue.version() == current.known().catalogue().version() => {}
        Some(Ok(good)) => {
            let known = Arc::new(Known::from(good.catalogue));
            match store.know(Arc::clone(&known), now_ms) {
                Ok(()) => {
                    tracing::info!(version = known.catalogue().version(), "another catalogue is published");
                    current.know(known);
                }
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the published catalogue could not be taken up; a restart tries again"
                ),
            }
        }
        Some(Err(why)) => tracing::error!("the published catalogue is not used here: {why}"),
        None => {
            tracing::warn!("the published catalogue is gone; what it said stays known until the next start")
        }
    }
}
