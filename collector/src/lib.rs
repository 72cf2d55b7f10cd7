//! The collector: takes what agents report, folds it into an inventory of AI systems and shows it
//! to people.
//!
//! [`ingest`] receives, [`inventory`] says what the rows mean, [`store`] keeps them; `web` and
//! `api` show them. Nothing here captures packets or reads a machine: that is the agent's part.
#![forbid(unsafe_code)]

use std::sync::Arc;

pub mod anonymity;
pub mod api;
pub mod api_token;
pub mod audit;
pub mod campaign;
pub mod catalogue;
pub mod cli;
pub mod clock;
pub mod config;
pub mod datadir;
pub mod directory;
pub mod emergency;
pub mod erasure;
pub mod export;
pub mod failpoint;
pub mod findings;
pub mod ingest;
pub mod inventory;
pub mod legal;
pub mod management;
pub mod model;
pub mod net;
pub mod notary;
pub mod notify;
pub mod ops;
pub mod own;
pub mod people;
pub mod pki;
pub mod privacy;
pub mod readiness;
pub mod reidentify;
pub mod retention;
pub mod review;
pub mod scope;
pub mod sealing;
pub mod serve;
pub mod session;
pub mod stamper;
pub mod store;
pub mod tier;
pub mod tls;
pub mod token;
pub mod totp;
pub mod web;

use catalogue::Current;
use clock::Clock;
use session::Sessions;
use store::people::People;
use store::{Governance, Store};
use token::EnrolmentPoint;

/// What every page and every JSON handler is given.
#[derive(Clone)]
pub struct AppState {
    /// The records. Blocking: call it from [`tokio::task::spawn_blocking`].
    pub store: Arc<dyn Store>,
    /// The records that people answer for. Blocking, like the rest.
    pub governance: Arc<dyn Governance>,
    /// People, their roles and who is signed in. Blocking, like the records.
    pub people: Arc<dyn People>,
    /// Who is signed in.
    pub sessions: Arc<Sessions>,
    /// What the products are, and what agents are given.
    pub catalogue: Arc<Current>,
    /// Whether the records are made up, to show the product.
    pub demonstration: bool,
    /// What time it is.
    pub clock: Clock,
    /// Whether people reach us over TLS, so that cookies can be `Secure` and `__Host-`.
    pub https: bool,
    /// Where the organisation's own rules are published.
    pub own: Arc<own::Desk>,
    /// Who signs the audit trail. Blocking, like the records.
    pub notary: Arc<notary::Notary>,
    /// What came of time stamps.
    pub stamping: Arc<stamper::Standing>,
    /// Where agents enrol.
    pub enrolment: Arc<EnrolmentPoint>,
}
