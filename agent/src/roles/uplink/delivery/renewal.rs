//! The sensor's identity: found, used, and renewed in time.

use std::time::{Duration, Instant};

use umbrascope_api::{RenewRequest, RenewResponse};

use super::{Delivery, Finished, IDENTITY_EVERY};
use crate::clock::wall_clock_ms;
use crate::failpoint;
use crate::identity::{Identity, NewKey};
use crate::roles::uplink::chance;
use crate::sender::{Client, Outcome, Schedule};

/// Shortest and longest wait after a renewal that failed.
const RENEWAL_RETRY_LEAST: Duration = Duration::from_secs(5);
const RENEWAL_RETRY_MOST: Duration = Duration::from_secs(3600);
/// A certificate whose half-life is over when it arrives (a wrong clock) must not lead to a loop.
const RENEWAL_APART: Duration = Duration::from_secs(20);

impl Delivery {
    pub(super) fn look_for_identity(&mut self, now: Instant) {
        if self.identity_looked_at.is_some_and(|at| now < at + IDENTITY_EVERY) {
            return;
        }
        let first = self.identity_looked_at.replace(now).is_none();
        let written = Identity::written(&self.folder);
        if written.is_none() && first {
            tracing::warn!(
                "this sensor is not enrolled: what it sees stays here until `umbrascope-agent enrol` is done"
            );
        }
        if written.is_none() || written == self.identity_written {
            return;
        }
        self.identity_written = written;
        match Identity::load(&self.folder) {
            Ok(Some(identity)) => self.use_identity(identity, now),
            Ok(None) => {}
            Err(error) => self.trouble(&error.to_string()),
        }
    }

    pub(super) fn use_identity(&mut self, identity: Identity, now: Instant) {
        match Client::new(&identity, &self.collector) {
            Ok(client) => {
                self.renew_at_s = identity.renew_at(chance()).unwrap_or(i64::MAX);
                if self.forbidden || self.identity.is_none() {
                    let interval = Duration::from_secs(identity.report_interval_s.into());
                    self.schedule = Schedule::new(now, interval);
                }
                self.forbidden = false;
                self.identity = Some((identity, client));
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                self.trouble(&format!("{error}: {cause}"));
            }
        }
    }

    pub(super) fn start_renewal(&mut self, client: Client, now: Instant) {
        self.renew_not_before = now + RENEWAL_APART;
        match NewKey::generate() {
            Ok(NewKey { key_pem, csr_pem }) => {
                self.in_flight = Some(Box::pin(async move {
                    let outcome = client.renew(RenewRequest { csr_pem }).await;
                    Finished::Renewal { key_pem, outcome }
                }));
            }
            Err(error) => self.trouble(&error.to_string()),
        }
    }

    pub(super) fn renewed(&mut self, key_pem: String, outcome: Outcome<RenewResponse>, now: Instant) {
        let Some((identity, _)) = &self.identity else { return };
        let trouble = match outcome {
            Outcome::Done(answer) => {
                failpoint::hit("agent-renew-after-response");
                let new = Identity {
                    key_pem,
                    certificate_pem: answer.certificate_pem,
                    ca_pem: answer.ca_pem,
                    ..identity.clone()
                };
                // Nothing is replaced by what cannot be used.
                match Client::new(&new, &self.collector)
                    .map_err(|error| error.to_string())
                    .and_then(|_| new.store(&self.folder).map_err(|error| error.to_string()))
                {
                    Ok(()) => {
                        failpoint::hit("agent-renew-after-write");
                        self.identity_written = Identity::written(&self.folder);
                        tracing::info!("the certificate is renewed");
                        return self.use_identity(new, now);
                    }
                    Err(error) => error,
                }
            }
            Outcome::Retry { trouble, .. }
            | Outcome::Refused { trouble }
            | Outcome::Forbidden { trouble } => trouble,
        };
        let left = identity.validity().map_or(0, |(_, end)| end - wall_clock_ms() / 1000);
        let tenth = Duration::from_secs(u64::try_from(left / 10).unwrap_or(0));
        let wait = tenth.clamp(RENEWAL_RETRY_LEAST, RENEWAL_RETRY_MOST);
        self.renew_not_before = now + wait.mul_f64(0.5 + 0.5 * chance());
        self.trouble(&format!("the certificate could not be renewed: {trouble}"));
    }
}
