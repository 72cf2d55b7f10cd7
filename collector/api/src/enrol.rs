//! Enrolment with a token, and renewal over mutual TLS.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{MachineId, SensorId, SensorInfo};

/// Body of `POST /v1/enrol`, sent without a client certificate.
#[derive(Clone, Serialize, Deserialize)]
pub struct EnrolRequest {
    /// The enrolment token as `token create` printed it. A secret: never logged.
    pub token: String,
    /// Certificate signing request, PEM. Only its key is used; names in it are ignored.
    pub csr_pem: String,
    /// The machine.
    pub machine: MachineId,
    /// The sensor itself.
    pub info: SensorInfo,
}

/// Shows that there is a token, not the token.
impl fmt::Debug for EnrolRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnrolRequest")
            .field("token", &"(hidden)")
            .field("machine", &self.machine)
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

/// Answer of `POST /v1/enrol`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolResponse {
    /// The identity given to this sensor.
    pub sensor: SensorId,
    /// The sensor's certificate, PEM.
    pub certificate_pem: String,
    /// The authority that signs collector and sensors, PEM.
    pub ca_pem: String,
    /// How often the collector would like a report, in seconds.
    pub report_interval_s: u32,
}

/// Body of `POST /v1/renew`, sent over mutual TLS with the old certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewRequest {
    /// Certificate signing request for a new key, PEM.
    pub csr_pem: String,
}

/// Answer of `POST /v1/renew`. The old certificate stays valid until its own end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewResponse {
    /// The new certificate, PEM.
    pub certificate_pem: String,
    /// The authority, PEM.
    pub ca_pem: String,
}
