//! What an operator asks: is it alive, is it ready, what was turned away.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use umbrascope_api::Refusal;

use crate::AppState;
use crate::stamper::Standing;

macro_rules! reasons {
    ($($(#[$meta:meta])* $reason:ident = $word:literal,)+) => {
        /// Why something was turned away. Each has a counter.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Turned {
            $($(#[$meta])* $reason,)+
        }

        impl Turned {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$reason,)+];

            /// The word in `/metrics`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$reason => $word,)+ }
            }
        }
    };
}

reasons! {
    /// A connection over the bound of all.
    Connections = "connections",
    /// A connection over the bound of its address.
    Address = "address",
    /// A handshake that failed or took too long: no, a foreign, an expired or a revoked certificate.
    Handshake = "handshake",
    /// A request without a certificate, or with one that was revoked since.
    NotTrusted = "not-trusted",
    /// A batch that names another sensor than its certificate.
    OtherSensor = "other-sensor",
    /// A body over its bound.
    TooLarge = "too-large",
    /// A body that did not come in time.
    TooSlow = "too-slow",
    /// A body that is not what it must be.
    Malformed = "malformed",
    /// A report while the queue of the writer was full.
    Busy = "busy",
    /// A report while the disk was nearly full.
    DiskLow = "disk-low",
    /// A report that could not be committed.
    Failed = "failed",
    /// An enrolment whose token was not accepted.
    Token = "token",
    /// A row with a text that is empty, too long, or holds a NUL.
    RowBadText = "row-bad-text",
    /// A row over the bound of its list.
    RowTooMany = "row-too-many",
    /// A row of an implausible day.
    RowImplausibleDay = "row-implausible-day",
    /// A row whose count is zero or too large.
    RowBadCount = "row-bad-count",
    /// A row over its sensor's quota.
    RowOverQuota = "row-over-quota",
    /// A suspect while suspects are not collected.
    RowNotAsked = "row-not-asked",
}

impl From<Refusal> for Turned {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::BadText | Refusal::Other => Self::RowBadText,
            Refusal::TooMany => Self::RowTooMany,
            Refusal::ImplausibleDay => Self::RowImplausibleDay,
            Refusal::BadCount => Self::RowBadCount,
            Refusal::OverQuota => Self::RowOverQuota,
            Refusal::NotAsked => Self::RowNotAsked,
        }
    }
}

/// Running totals since the start.
#[derive(Debug, Default)]
pub struct Counters {
    turned: [AtomicU64; Turned::ALL.len()],
    /// Reports acknowledged.
    pub reports: AtomicU64,
    /// Rows and snapshots taken.
    pub rows: AtomicU64,
    /// Fields of batches that were not known.
    pub unknown_fields: AtomicU64,
    /// Sensors enrolled.
    pub enrolled: AtomicU64,
    /// Certificates renewed.
    pub renewed: AtomicU64,
    /// Whether reports are refused because the disk is nearly full.
    pub disk_low: AtomicBool,
}

impl Counters {
    /// One more was turned away.
    pub fn count(&self, reason: Turned) {
        if let Some(counter) = self.turned.get(reason as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many were turned away for this reason.
    pub fn turned(&self, reason: Turned) -> u64 {
        self.turned.get(reason as usize).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    /// Prometheus text format 0.0.4.
    fn text(&self, stamping: &Standing) -> String {
        let mut text = String::new();
        let mut counter = |name: &str, help: &str, value: &AtomicU64| {
            let value = value.load(Ordering::Relaxed);
            // Writing to a String does not fail.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}");
        };
        counter("umbrascope_reports_total", "Reports acknowledged.", &self.reports);
        counter("umbrascope_rows_total", "Rows and snapshots taken.", &self.rows);
        counter("umbrascope_unknown_fields_total", "Fields of batches not known here.", &self.unknown_fields);
        counter("umbrascope_enrolled_total", "Sensors enrolled.", &self.enrolled);
        counter("umbrascope_renewed_total", "Certificates renewed.", &self.renewed);
        counter("umbrascope_time_stamps_total", "Checkpoints stamped by an authority.", &stamping.stamped);
        counter("umbrascope_time_stamps_failed_total", "Time stamps not obtained.", &stamping.failed);
        let _ = writeln!(text, "# HELP umbrascope_refused_total What was turned away, by reason.");
        let _ = writeln!(text, "# TYPE umbrascope_refused_total counter");
        for reason in Turned::ALL {
            let (word, value) = (reason.as_str(), self.turned(*reason));
            let _ = writeln!(text, "umbrascope_refused_total{{reason=\"{word}\"}} {value}");
        }
        let low = u8::from(self.disk_low.load(Ordering::Relaxed));
        let _ =
            writeln!(text, "# HELP umbrascope_disk_low Whether reports are refused for lack of disk space.");
        let _ = writeln!(text, "# TYPE umbrascope_disk_low gauge\numbrascope_disk_low {low}");
        text
    }
}

/// `/healthz`, `/readyz` and `/metrics`.
pub fn router(app: AppState, counters: Arc<Counters>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state((app, counters))
}

async fn ready(State((app, counters)): State<(AppState, Arc<Counters>)>) -> impl IntoResponse {
    let answered = tokio::task::spawn_blocking(move || app.store.trust_revision()).await;
    match answered {
        Ok(Ok(_)) if counters.disk_low.load(Ordering::Relaxed) => {
            (StatusCode::OK, "ready to read; reports are refused: the disk is nearly full\n")
        }
        Ok(Ok(_)) => (StatusCode::OK, "ready\n"),
        Ok(Err(_)) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
    }
}

async fn metrics(State((app, counters)): State<(AppState, Arc<Counters>)>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], counters.text(&app.stamping))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_counted_under_its_own_word() {
        let counters = Counters::default();
        counters.count(Turned::RowOverQuota);
        counters.count(Turned::RowOverQuota);
        let stamping = Standing::default();
        stamping.failed.fetch_add(3, Ordering::Relaxed);
        let text = counters.text(&stamping);
        assert!(text.contains("umbrascope_refused_total{reason=\"row-over-quota\"} 2\n"));
        assert!(text.contains("umbrascope_refused_total{reason=\"busy\"} 0\n"));
        assert!(text.contains("umbrascope_time_stamps_failed_total 3\n"), "{text}");
    }
}
