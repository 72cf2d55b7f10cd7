//! What the collector hands out to match with: `GET /v1/catalogue` and `/v1/own-rules`.
//!
//! 200 with the bundle, 304 when it is the one that was named, 404 when the collector has none or is of an older version.

use reqwest::header::{IF_NONE_MATCH, RETRY_AFTER};
use umbrascope_rules::bundle::MAX_BYTES;

use super::{Client, Outcome, describe, read_up_to, wished};

/// What the collector has.
#[derive(Debug, PartialEq, Eq)]
pub enum Fetched {
    /// What was named.
    Same,
    /// Nothing.
    None,
    /// This. Nobody has looked at it yet.
    Bundle(Vec<u8>),
}

impl Client {
    /// Asks for the bundle unless it is the one with this SHA-256.
    pub async fn catalogue(self, known: Option<String>) -> Outcome<Fetched> {
        self.fetch("catalogue", known).await
    }

    /// Asks for the organisation's own rules unless it is the bundle with this SHA-256.
    pub async fn own_rules(self, known: Option<String>) -> Outcome<Fetched> {
        self.fetch("own-rules", known).await
    }

    async fn fetch(self, what: &str, known: Option<String>) -> Outcome<Fetched> {
        let mut request = self.http.get(format!("{}/v1/{what}", self.base));
        if let Some(known) = known {
            request = request.header(IF_NONE_MATCH, format!("\"{known}\""));
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Outcome::Retry { after: None, trouble: describe(&error) },
        };
        let status = response.status();
        let trouble = format!("the collector answered {status} to the question for its {what}");
        match status.as_u16() {
            200 => match read_up_to(response, MAX_BYTES).await {
                Ok(bytes) => Outcome::Done(Fetched::Bundle(bytes)),
                Err(trouble) => Outcome::Retry { after: None, trouble },
            },
            304 => Outcome::Done(Fetched::Same),
            404 => Outcome::Done(Fetched::None),
            401 | 403 => Outcome::Forbidden { trouble },
            _ => Outcome::Retry { after: wished(response.headers().get(RETRY_AFTER)), trouble },
        }
    }
}
