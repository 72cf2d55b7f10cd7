//! What a pipeline tells beside its matches.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// A flow as the roles speak of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Flow {
    /// UDP, else TCP.
    pub udp: bool,
    /// The client.
    pub client: SocketAddr,
    /// The server.
    pub server: SocketAddr,
}

/// Counters of a dissector since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Packets that passed the kernel filter.
    pub packets: u64,
    /// Packets the kernel dropped.
    pub kernel_drops: u64,
    /// Sightings dropped because the uplink did not keep up.
    pub queue_drops: u64,
    /// ClientHellos seen.
    pub hellos: u64,
    /// ClientHellos without a name.
    pub hellos_without_name: u64,
    /// ClientHellos with Encrypted ClientHello.
    pub hellos_with_ech: u64,
    /// ClientHellos whose name stands for one that Encrypted ClientHello hides.
    pub hidden_destinations: u64,
    /// Those of them to an address that the client was given for one name only, which a rule knows.
    pub hidden_suspects: u64,
    /// Connections to encrypted resolvers, of whatever kind.
    pub encrypted_dns: u64,
    /// Those of them over TLS or QUIC.
    pub dns_over_tls: u64,
    /// Those of them over HTTPS.
    pub dns_over_https: u64,
    /// Suspects not kept because there were too many at once.
    pub suspects_dropped: u64,
    /// Flows given up.
    pub flows_lost: u64,
    /// Flows that were under way when first seen, and whose hello was not.
    pub flows_joined_late: u64,
}
