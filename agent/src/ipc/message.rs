//! The messages. Every list and text in them is bounded by [`super::MESSAGE_BYTES`].

use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use umbrascope_api::{
    CaptureState, Completeness, Day, PrivacyKey, SnapshotItem, SourceReport, Station, SuspectRow,
};

pub use crate::pipeline::{Counters, Flow};
use crate::scan::Watched;
use crate::state::Software;

/// Identifiers in one message: each at most a few texts of the wire's bound.
pub const MAX_UNMATCHED: usize = 64;
/// Questions, answers or rows in one message: each at most a few texts of the wire's bound, every byte of them escaped.
pub const A_MESSAGE: usize = 24;

/// Warden to dissector.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToDissector {
    /// Comes with the packet socket. Sent before the sandbox closes.
    Capture,
    /// This sensor watches the traffic of other machines: whose address is not among these is one. Sent before
    /// [`Self::Capture`] and whenever the addresses of this machine change.
    Own {
        /// This machine's addresses.
        addresses: Vec<IpAddr>,
        /// Whether the names that other machines give themselves are kept.
        host_names: bool,
    },
    /// Comes with a packet socket for the frames of one interface, and again when an interface of that name came back.
    Gateway {
        /// Name of the interface.
        interface: String,
        /// Its index, to which the socket is to be bound.
        index: u32,
    },
    /// Comes with a capture file to read instead of a socket. Sent before the sandbox closes.
    Replay,
    /// Comes with the socket to the uplink; replaces an earlier one.
    Uplink,
    /// Comes with the file of a catalogue bundle to match with from now on; with a capture file, sent before it.
    Catalogue {
        /// Public keys of those who may have signed it.
        keys: Vec<String>,
    },
    /// The same of the organisation's own rules, which stand over the catalogue.
    OwnRules {
        /// The public key that they are checked with.
        keys: Vec<String>,
    },
    /// The answer to [`FromDissector::Whose`]: the numbers of the questions, and the owners as far as they can be told.
    Owners(Vec<(u64, Owner)>),
    /// Say what is left and end.
    Finish,
}

/// Warden to scanner, over the socket whose other end the uplink gets afterwards.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToScanner {
    /// Comes with the file of the organisation's own rules, before the word to begin.
    OwnRules {
        /// The public key that they are checked with.
        keys: Vec<String>,
    },
    /// Comes with an empty file in memory, for what a later look needs to know; before the word to begin.
    Journal,
    /// Look only at what changed. Comes with the file that an earlier scanner filled; before the word to begin.
    Changed {
        /// What became of the last look is not known: say everything that is read again.
        again: bool,
    },
    /// Scan. Comes with the file of a catalogue bundle where there is one.
    Begin {
        /// Public keys of those who may have signed it.
        keys: Vec<String>,
    },
    /// From the uplink: everything up to [`FromScanner::Done`] is stored.
    Stored,
}

/// Dissector to warden.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromDissector {
    /// The sandbox stands and packets are being read, or why not.
    Ready {
        /// What the sandbox reached, in words.
        sandbox: String,
        /// Why capture is not possible.
        trouble: Option<String>,
    },
    /// Whose connections are these? Each with a number that is repeated in the answer, at most [`A_MESSAGE`]. Asked at once:
    /// a process may live for some milliseconds only.
    Whose(Vec<(u64, Flow)>),
    /// The capture file is read to its end and all of it is stored.
    ReplayDone {
        /// What was wrong with the file.
        trouble: Option<String>,
    },
}

/// Identifies a row of sightings with ascending numbers: a life of the dissector, or the content of a capture file.
/// The uplink stores the last number of each in the commit that stores the sightings, so that one sent again is
/// known for what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StreamId(pub [u8; 16]);

/// A matched name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// UTC day of the packet.
    pub day: Day,
    /// Id of the rule.
    pub rule: String,
    /// `dns`, `tls`, `quic` or `http`.
    pub channel: String,
    /// The name.
    pub name: String,
    /// Whose connection it was.
    pub owner: Owner,
    /// The other machine whose traffic it was; `None`: this machine's.
    pub station: Option<Station>,
}

/// Equal sightings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// How many.
    pub count: u64,
    /// What was seen.
    pub sighting: Sighting,
}

/// Dissector to uplink.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromCapture {
    /// Sightings, equal ones counted.
    Sightings {
        /// The row they belong to.
        stream: StreamId,
        /// The number of the last of them: larger than that of every earlier one. What is sent again is the same.
        number: u64,
        /// From a capture file: nobody's live connection.
        replayed: bool,
        /// What was seen, at most [`A_MESSAGE`].
        rows: Vec<Counted>,
    },
    /// Another name of a machine of which there was a sighting.
    Renamed(Station),
    /// Domains that look like AI and that no rule knows, at most [`umbrascope_api::limits::SUSPECTS`], and how often they were
    /// named since the last message. Sent once: what is lost with a process stays uncounted.
    Suspects(Vec<SuspectRow>),
    /// The counters of this life.
    Counters {
        /// Which life.
        stream: StreamId,
        /// The counters.
        counters: Counters,
    },
}

/// Uplink to dissector.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToCapture {
    /// What is stored.
    Stored(Stored),
    /// Whether names that no rule knows are to be judged by their looks. They are not until this says so.
    Suspects(bool),
}

/// Everything up to this number is stored.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Stored {
    /// The row.
    pub stream: StreamId,
    /// The last number stored.
    pub number: u64,
}

/// Warden to uplink.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToUplink {
    /// The first message: what it needs of the configuration.
    Start {
        /// Folder of state and identity.
        state_dir: PathBuf,
        /// Base address of the collector in place of the enrolled one.
        collector_url: Option<String>,
        /// HTTP proxy.
        proxy: Option<String>,
        /// How long counts that only grew may wait, in seconds.
        counter_interval_s: u64,
        /// Public keys that may sign catalogues, beside those of the program.
        catalogue_keys: Vec<String>,
        /// Whether own rules are taken.
        own_rules: bool,
        /// The configured key of own rules.
        own_rules_key: Option<String>,
        /// Whether suspects are kept if the collector asks for them.
        suspects: bool,
        /// The privacy officer's key that names of accounts may be sealed to; `None`: none ever is.
        privacy_key: Option<PrivacyKey>,
    },
    /// Comes with the socket to a dissector.
    Capture,
    /// Comes with the socket to a scanner.
    Scan,
    /// What can be captured now.
    Coverage {
        /// Whether packets are read.
        state: CaptureState,
        /// Why not, or with what limits.
        note: String,
        /// Interfaces that are up.
        interfaces: Vec<String>,
        /// Interfaces on which the traffic of other machines is watched.
        gateway: Vec<String>,
        /// Sandbox of the dissector.
        sandbox: String,
    },
    /// Everything is collected: deliver it and say [`FromUplink::Delivered`].
    Deliver,
    /// Store and end; the warden waits only a few seconds.
    Finish,
}

/// Uplink to warden.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromUplink {
    /// State is open.
    Ready,
    /// Another catalogue, or other own rules, are stored and to be matched with.
    Catalogue,
    /// What [`ToUplink::Deliver`] asked for is done, or why not.
    Delivered {
        /// What went wrong.
        trouble: Option<String>,
    },
    /// It cannot work and starting it again will not help.
    Broken {
        /// Why, and what to do.
        trouble: String,
    },
}

/// Whose connection it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// User id of the socket.
    pub uid: Option<u32>,
    /// Path of the executable, a home folder written `~`.
    pub executable: Option<String>,
    /// Id of the container.
    pub container: Option<String>,
    /// The system package of the executable, behind the word of its manager: `deb:curl`.
    pub package: Option<String>,
    /// It belongs to no socket of this machine: a virtual machine, a container or another machine has it.
    pub forwarded: bool,
}

/// Scanner to uplink.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromScanner {
    /// Only what changed comes, from sources that answer otherwise than before. The first word, or none.
    Changed,
    /// A source begins.
    Source {
        /// Its name.
        source: String,
        /// Whether all of it was read.
        completeness: Completeness,
    },
    /// One item of the source that began last.
    Item {
        /// What was found; its account is empty still.
        item: Box<SnapshotItem>,
        /// Whose home it was in.
        owner: Option<u32>,
    },
    /// Identifiers of that source that no rule knows, at most [`MAX_UNMATCHED`].
    Unmatched(Vec<Software>),
    /// How one source ended.
    Report(SourceReport),
    /// What is looked at until the next full scan.
    Watched(Watched),
    /// The scan is complete; without it what came is marked partial.
    Done,
}
