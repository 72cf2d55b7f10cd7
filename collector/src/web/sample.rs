//! A small fleet in memory, for tests and for looking at the pages: plausible rows, and hostile ones.

use std::sync::{Arc, Mutex};

use umbrascope_api::{
    AccountId, CaptureState, Channel, CoverageReport, Day, SensorId, SourceReport, SourceState,
};
use umbrascope_rules::{Catalogue, Confidence, Level, ProductKind};

use crate::AppState;
use crate::catalogue::{Current, Known};
use crate::clock::Clock;
use crate::datadir::DataDir;
use crate::model::{
    AiSystemRow, AssetDetail, AssetFilter, AssetId, AssetProduct, AssetRow, AssetSort, By, ClockTrust,
    Clocks, CoverageRow, CoverageTotals, DayCount, Direction, EvidenceRow, NewToken, Page, PageRequest,
    ProductAsset, ProductDetail, ProductFilter, ProductRow, ProductSort, SensorRow, SensorState,
    SnapshotEvidence, StationRow, StepRow, SystemFilter, SystemSort, TokenId, TokenRow, TokenState, Totals,
    UnitRow, VendorFacts,
};
use crate::notary::Notary;
use crate::own::compose;
use crate::sealing::Sealing;
use crate::session::Sessions;
use crate::store::people::People;
use crate::store::sqlite::Options;
use crate::store::{
    Answer, Enrolled, Enrolment, Governance, NewCertificate, Reads, Report, SecretHash, SqliteStore, Store,
    StoreError, TrustedKey,
};
use crate::token::EnrolmentPoint;
use evidence::evidence;

mod evidence;
mod own;
pub(crate) mod people;
mod records;

/// 2026-11-21T14:03:22Z.
pub(crate) const NOW_MS: i64 = 1_795_269_802_000;

/// Text that tries everything: markup, formulas, direction changes, invisible characters, length.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\"' onload=x =cmd|'/c calc'!A0 \u{202E}txt.exe\u{2066}\u{200B}\u{0}\u{1B}[31m&amp;{{7*7}}";

/// What the sample holds.
#[derive(Default)]
pub(crate) struct Sample {
    /// No rows at all: the pages of a first day.
    empty: bool,
    /// Governed records stand behind the inventory.
    records: bool,
    /// Every read fails.
    broken: bool,
    /// Keeps the records and the people.
    governed: Option<Arc<SqliteStore>>,
    /// Holds its database.
    folder: Option<tempfile::TempDir>,
    /// Who switched suspects on and off, oldest first.
    pub(super) suspect_steps: Mutex<Vec<StepRow>>,
    /// The dismissal of the hostile suspect was taken back.
    pub(super) restored: Mutex<bool>,
}

/// The state over a sample, with the people of [`people`].
pub(crate) fn state(mut sample: Sample) -> AppState {
    let empty = sample.empty;
    let folder = tempfile::tempdir().unwrap();
    let people = people::people(folder.path());
    sample.folder = Some(folder);
    sample.governed = Some(people.clone());
    if sample.records {
        records::add(&people, &sample);
    }
    state_with(Arc::new(sample), people.clone(), people, empty)
}

/// The state over a real store, which holds nothing but what is put into it.
pub(crate) fn state_of(store: Arc<SqliteStore>) -> AppState {
    state_with(store.clone(), store.clone(), store, true)
}

fn state_with(
    store: Arc<dyn Store>,
    people: Arc<dyn People>,
    governance: Arc<dyn Governance>,
    empty: bool,
) -> AppState {
    AppState {
        sessions: Arc::new(Sessions::new(people.clone(), Sealing::new(&[7; 32]).unwrap()).unwrap()),
        people: people.clone(),
        store,
        governance,
        catalogue: Arc::new(Current::new(compose(Arc::new(Known::embedded()), None), None)),
        own: Arc::new(own::desk(empty)),
        clock: Clock::new(|| NOW_MS),
        demonstration: false,
        https: false,
        notary: notary(),
        stamping: Arc::default(),
        enrolment: Arc::new(EnrolmentPoint {
            url: "https://collector.example:8444".to_owned(),
            ca_sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        }),
    }
}

/// A notary of its own folder, whose trail is empty.
fn notary() -> Arc<Notary> {
    let dir = DataDir::choose(Some(tempfile::tempdir().unwrap().keep().join("data"))).unwrap();
    let options = Options::knowing(Arc::new(Known::embedded()));
    dir.init(options.clone(), NOW_MS).unwrap();
    let store = Arc::new(dir.open(options, NOW_MS).unwrap());
    Arc::new(Notary::new(store, &dir, NOW_MS).unwrap())
}

fn today() -> Day {
    Day::from_unix_ms(NOW_MS)
}

type Line = (
    &'static str,
    &'static str,
    &'static str,
    ProductKind,
    &'static [Channel],
    Confidence,
    Level,
    u64,
    u32,
    u32,
);

const LINES: &[Line] = {
    use Channel::{
        Account, App, Dns, Extension, Manifest, McpConfig, ModelFile, Package, Quic, Runtime, Tls,
    };
    use Confidence::{High, Low, Medium, Suspect};
    use Level::{Configured, Connection, Presence, Resolution, Use};
    use ProductKind::{Agent, Application, Library, McpServer, Model, Service};
    &[
        ("openai.chatgpt", "ChatGPT", "OpenAI", Service, &[Dns, Tls, Quic], High, Use, 12, 61, 0),
        (
            "anthropic.claude-code",
            "Claude Code",
            "Anthropic",
            Agent,
            &[Tls, Package, McpConfig, App, Account],
            High,
            Use,
            6,
            44,
            0,
        ),
        (
            "github.copilot",
            "GitHub Copilot",
            "GitHub",
            ProductKind::Extension,
            &[Dns, Tls, Extension],
            High,
            Use,
            9,
            58,
            0,
        ),
        (
            "anysphere.cursor",
            "Cursor",
            "Anysphere",
            Application,
            &[Tls, App, McpConfig],
            High,
            Connection,
            5,
            40,
            1,
        ),
        (
            "ollama.ollama",
            "Ollama",
            "Ollama",
            ProductKind::Runtime,
            &[Package, ModelFile, Runtime],
            High,
            Use,
            3,
            33,
            0,
        ),
        ("google.gemini", "Gemini", "Google", Service, &[Dns, Quic], High, Connection, 8, 60, 0),
        ("deepseek.chat", "DeepSeek Chat", "DeepSeek", Service, &[Dns, Tls], High, Connection, 2, 6, 2),
        ("mistral.le-chat", "Le Chat", "Mistral AI", Service, &[Dns], High, Resolution, 1, 3, 3),
        (
            "huggingface.hub",
            "Hugging Face Hub",
            "Hugging Face",
            Service,
            &[Dns, Tls, Package],
            High,
            Connection,
            4,
            52,
            0,
        ),
        ("meta.llama-3-1-8b", "Llama 3.1 8B Instruct", "Meta", Model, &[ModelFile], High, Presence, 2, 30, 0),
        (
            "openai.python-sdk",
            "OpenAI Python library",
            "OpenAI",
            Library,
            &[Package, Manifest],
            High,
            Presence,
            4,
            57,
            0,
        ),
        ("langchain.langchain", "LangChain", "LangChain", Library, &[Package], High, Presence, 3, 50, 0),
        (
            "modelcontextprotocol.filesystem",
            "Filesystem MCP server",
            "Model Context Protocol",
            McpServer,
            &[McpConfig],
            High,
            Configured,
            4,
            22,
            0,
        ),
        (
            "microsoft.copilot",
            "Microsoft Copilot",
            "Microsoft",
            Service,
            &[Dns, Tls],
            Medium,
            Connection,
            10,
            61,
            0,
        ),
        ("notion.notion-ai", "Notion AI", "Notion Labs", Service, &[Tls], Low, Connection, 7, 61, 1),
        ("deepl.translator", "DeepL Translator", "DeepL", Service, &[Dns, Tls, App], High, Use, 6, 59, 0),
        (
            "grammarly.grammarly",
            "Grammarly",
            "Superhuman",
            ProductKind::Extension,
            &[Dns, Extension],
            High,
            Connection,
            5,
            48,
            4,
        ),
        (
            "perplexity.perplexity",
            "Perplexity",
            "Perplexity AI",
            Service,
            &[Quic],
            High,
            Connection,
            3,
            17,
            0,
        ),
        ("elevenlabs.tts", "ElevenLabs", "ElevenLabs", Service, &[Dns], High, Resolution, 1, 1, 1),
        ("otter.otter", "Otter", "Otter.ai", Service, &[Tls], High, Connection, 1, 9, 8),
        ("pytorch.torch", "PyTorch", "PyTorch Foundation", Library, &[Package], Medium, Presence, 3, 55, 0),
        (
            "generic.model-file",
            "Model file of unknown origin",
            "",
            Model,
            &[ModelFile],
            Suspect,
            Presence,
            1,
            12,
            0,
        ),
    ]
};

fn product_row(line: &Line) -> ProductRow {
    let (id, name, vendor, kind, channels, confidence, level, assets, first, last) = *line;
    ProductRow {
        id: id.to_owned(),
        name: name.to_owned(),
        vendor: vendor.to_owned(),
        kind: Some(kind),
        channels: channels.to_vec(),
        confidence,
        level,
        assets,
        first_day: today().back(first),
        last_day: today().back(last),
        trend: trend(30, assets, first, last),
        needs_catalogue: false,
        embedded: confidence == Confidence::Low,
    }
}

/// A rule that is newer than the catalogue, with everything hostile in it.
fn hostile_row() -> ProductRow {
    ProductRow {
        id: HOSTILE.to_owned(),
        name: HOSTILE.to_owned(),
        vendor: format!("{HOSTILE}{}", "x".repeat(65_536)),
        kind: None,
        channels: vec![Channel::Dns, Channel::Other(HOSTILE.into())],
        confidence: Confidence::Suspect,
        level: Level::Resolution,
        assets: 1,
        first_day: today().back(2),
        last_day: today(),
        trend: trend(30, 1, 2, 0),
        needs_catalogue: true,
        embedded: false,
    }
}

/// Assets a day that look like a working week, between `first` and `last` days back.
fn trend(days: u32, assets: u64, first: u32, last: u32) -> Vec<u64> {
    (0..days)
        .rev()
        .map(|back| {
            let weekend = matches!((today().number() - back) % 7, 2 | 3);
            let wave = 60 + u64::from((back * 37 + u32::try_from(assets).unwrap_or(0) * 11) % 41);
            match back {
                _ if back > first || back < last => 0,
                _ if weekend => assets / 4,
                _ => (assets * wave).div_ceil(100),
            }
        })
        .collect()
}

fn day_counts(days: u32, assets: u64, first: u32, last: u32) -> Vec<DayCount> {
    let values = trend(days, assets, first, last);
    let day = |at: usize| today().back(days - 1 - u32::try_from(at).unwrap_or(0));
    values
        .into_iter()
        .enumerate()
        .map(|(at, assets)| DayCount { day: day(at), assets, count: assets * 23 })
        .collect()
}

const HOSTS: &[(&str, &str, &str, SensorState)] = &[
    ("dev-01", "Engineering", "Debian GNU/Linux 12", SensorState::Reporting),
    ("dev-02", "Engineering", "Ubuntu 26.04 LTS", SensorState::Reporting),
    ("dev-03", "Engineering", "Fedora Linux 43", SensorState::Reporting),
    ("build-01", "Engineering", "Debian GNU/Linux 12", SensorState::Reporting),
    ("lab-gpu-1", "Research", "Ubuntu 24.04 LTS", SensorState::Reporting),
    ("lab-gpu-2", "Research", "Ubuntu 24.04 LTS", SensorState::Silent),
    ("desk-finance-3", "Finance", "Debian GNU/Linux 13", SensorState::Reporting),
    ("desk-finance-4", "Finance", "Debian GNU/Linux 13", SensorState::Reporting),
    ("laptop-sales-17", "Sales", "Ubuntu 26.04 LTS", SensorState::Reporting),
    ("laptop-sales-21", "Sales", "Ubuntu 26.04 LTS", SensorState::NeverReported),
    ("laptop-legal-2", "Legal", "Debian GNU/Linux 13", SensorState::Reporting),
    ("old-kiosk", "Facilities", "Debian GNU/Linux 11", SensorState::Revoked),
];

const UNITS: [&str; 6] = ["Engineering", "Facilities", "Finance", "Legal", "Research", "Sales"];

fn unit_id(name: &str) -> i64 {
    UNITS.iter().position(|unit| *unit == name).unwrap() as i64 + 1
}

fn asset_row(at: usize) -> AssetRow {
    let (hostname, unit, os, state) = HOSTS[at];
    AssetRow {
        id: AssetId(at as i64 + 1),
        hostname: hostname.to_owned(),
        unit: unit.to_owned(),
        unit_id: unit_id(unit),
        os: os.to_owned(),
        agent_version: if state == SensorState::NeverReported { String::new() } else { "0.1.0".to_owned() },
        products: if state == SensorState::NeverReported { 0 } else { 14 - at as u64 },
        first_day: today().back(61),
        last_report_at_ms: match state {
            SensorState::Reporting => Some(NOW_MS - 20_000 - at as i64 * 47_000),
            SensorState::Silent => Some(NOW_MS - 4 * 86_400_000),
            SensorState::Revoked => Some(NOW_MS - 19 * 86_400_000),
            SensorState::NeverReported => None,
        },
        state,
        station: None,
    }
}

/// A machine without a sensor that the gateway sensor of `build-01` saw.
fn seen_row() -> AssetRow {
    AssetRow {
        id: AssetId(HOSTS.len() as i64 + 1),
        hostname: "annex-printer".to_owned(),
        os: String::new(),
        agent_version: String::new(),
        products: 2,
        first_day: today().back(9),
        station: Some(StationRow {
            mac: Some("3c:52:82:01:02:03".to_owned()),
            address: Some("10.20.0.7".to_owned()),
        }),
        ..asset_row(GATEWAY)
    }
}

/// The host whose sensor watches other machines as well.
const GATEWAY: usize = 3;

fn sensor_row(at: usize) -> SensorRow {
    let asset = asset_row(at);
    let source = |name: &str, state, problems| SourceReport {
        source: name.to_owned(),
        state,
        problems,
        items_seen: 31,
    };
    let busy = u64::try_from(at).unwrap_or(0);
    SensorRow {
        id: SensorId::from_bytes([at as u8 * 17 + 3; 16]),
        kind: "agent".to_owned(),
        asset: asset.id,
        hostname: asset.hostname,
        unit: asset.unit,
        state: asset.state,
        enrolled_at_ms: NOW_MS - 61 * 86_400_000,
        last_report_at_ms: asset.last_report_at_ms,
        certificate_ends_at_ms: NOW_MS + 19 * 86_400_000,
        clone_suspected_at_ms: (at == 5).then_some(NOW_MS - 86_400_000),
        clock_skew_ms: if at == 2 { 400_000 } else { 12 },
        agent_version: asset.agent_version,
        catalogue_version: "2026.11.21".to_owned(),
        rows_refused: u64::from(at == 3),
        unknown_fields: 0,
        coverage: CoverageReport {
            capture: match at {
                1 => CaptureState::NoPrivilege,
                6 => CaptureState::Off,
                _ => CaptureState::Capturing,
            },
            interfaces: vec!["lo".to_owned(), "enp0s31f6".to_owned(), "wlp2s0".to_owned()],
            gateway: if at == GATEWAY { vec!["wlp2s0".to_owned()] } else { Vec::new() },
            accelerators: vec!["NVIDIA GeForce RTX 4090".to_owned(); usize::from(at == 1)],
            packets: 120_334,
            kernel_drops: if at == 3 { 1_204 } else { 0 },
            hellos: 4_100 + busy * 13,
            hellos_without_name: 31 + busy,
            hellos_with_ech: 870,
            hidden_destinations: busy * 3,
            hidden_suspects: u64::from(at == 3),
            encrypted_dns: busy * 7,
            dns_over_tls: busy * 2,
            dns_over_https: busy * 5,
            flows_joined_late: 12,
            unattributed: busy * 3,
            sandbox: "no capability, seccomp, landlock ABI 7".to_owned(),
            sources: vec![
                source("dpkg", SourceState::Read, 0),
                source("pip", SourceState::Read, 0),
                source("vscode-extensions", SourceState::Read, 0),
                source(
                    "chromium-extensions",
                    if at == 0 { SourceState::Refused } else { SourceState::Read },
                    2,
                ),
                source("rpm", SourceState::Absent, 0),
                source("ollama", if at == 4 { SourceState::TimedOut } else { SourceState::Absent }, 1),
            ],
            ..CoverageReport::default()
        },
    }
}

impl Sample {
    /// A collector on its first day.
    pub(crate) fn empty() -> Self {
        Self { empty: true, ..Self::default() }
    }

    /// A collector with a governed record for each row of the inventory, and a policy.
    pub(crate) fn with_records() -> Self {
        Self { records: true, ..Self::default() }
    }

    /// A collector whose store fails.
    pub(crate) fn broken() -> Self {
        Self { broken: true, ..Self::default() }
    }

    fn product_rows(&self) -> Vec<ProductRow> {
        if self.empty { Vec::new() } else { LINES.iter().map(product_row).chain([hostile_row()]).collect() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.empty
    }

    pub(super) fn ok<T>(&self, value: T) -> Result<T, StoreError> {
        if self.broken { Err(StoreError::Stopped) } else { Ok(value) }
    }
}

pub(super) fn page_of<T>(all: Vec<T>, page: PageRequest) -> Page<T> {
    let total = all.len() as u64;
    let rows = all.into_iter().skip(page.offset as usize).take(page.limit as usize).collect();
    Page { rows, total }
}

impl Sample {
    /// Rows that no record stands behind.
    fn made_up_systems(
        &self,
        filter: &SystemFilter,
        page: PageRequest,
    ) -> Result<Page<AiSystemRow>, StoreError> {
        let words = filter.search.to_lowercase();
        let rows = self.product_rows().into_iter().enumerate().filter(|(_, row)| {
            format!("{} {}", row.name, row.vendor).to_lowercase().contains(&words)
                && row.level != Level::Resolution
        });
        let rows = rows.map(|(at, row)| AiSystemRow {
            id: format!("00000000-0000-7000-8000-{at:012}"),
            reference: format!("AIS-{:04}", at + 1),
            name: row.name,
            kind: Default::default(),
            products: vec![row.id],
            vendor: row.vendor,
            product_kind: row.kind,
            review: Default::default(),
            sanction: Default::default(),
            scope: Default::default(),
            stage: Default::default(),
            observed: Default::default(),
            enforcement: Default::default(),
            tier: Default::default(),
            ai_act_class: Default::default(),
            owner: None,
            requested: false,
            channels: row.channels,
            confidence: row.confidence,
            level: row.level,
            assets: row.assets,
            first_day: Some(row.first_day),
            last_day: Some(row.last_day),
            created_at_ms: row.first_day.unix_ms(),
        });
        self.ok(page_of(rows.collect(), page))
    }
}

impl Reads for Sample {
    fn totals(&self, _: Day, _: i64) -> Result<Totals, StoreError> {
        self.ok(if self.empty {
            Totals::default()
        } else {
            Totals {
                products: 23,
                vendors: 18,
                assets: 12,
                systems: 19,
                new_products: 4,
                sensors_reporting: 9,
                sensors: 11,
            }
        })
    }

    fn fleet_days(&self, _: Day, days: u32) -> Result<Vec<DayCount>, StoreError> {
        self.ok(if self.empty { day_counts(days, 0, 0, 0) } else { day_counts(days, 11, 61, 0) })
    }

    fn products(
        &self,
        filter: &ProductFilter,
        sort: ProductSort,
        direction: Direction,
        page: PageRequest,
        _: Day,
    ) -> Result<Page<ProductRow>, StoreError> {
        let words = filter.search.to_lowercase();
        let mut rows = self.product_rows();
        rows.retain(|row| {
            format!("{} {}", row.name, row.vendor).to_lowercase().contains(&words)
                && filter.kind.is_none_or(|kind| row.kind == Some(kind))
                && filter.channel.as_ref().is_none_or(|channel| row.channels.contains(channel))
                && filter.confidence.is_none_or(|confidence| row.confidence >= confidence)
        });
        match sort {
            ProductSort::Name => rows.sort_by_key(|row| row.name.to_lowercase()),
            ProductSort::Vendor => rows.sort_by_key(|row| row.vendor.to_lowercase()),
            ProductSort::Confidence => rows.sort_by_key(|row| row.confidence),
            ProductSort::FirstSeen => rows.sort_by_key(|row| row.first_day),
            ProductSort::LastSeen => rows.sort_by_key(|row| row.last_day),
            ProductSort::Assets => rows.sort_by_key(|row| row.assets),
        }
        if direction == Direction::Descending {
            rows.reverse();
        }
        self.ok(page_of(rows, page))
    }

    fn product(&self, id: &str, _: Day) -> Result<Option<ProductDetail>, StoreError> {
        let row = self.product_rows().into_iter().find(|row| row.id == id);
        self.ok(row.map(|row| ProductDetail {
            description: if row.needs_catalogue {
                String::new()
            } else {
                "Chat assistant on the web and as an app.".to_owned()
            },
            category: if row.needs_catalogue { String::new() } else { "assistant".to_owned() },
            vendor_site: Some("https://openai.com".to_owned()),
            vendor_country: Some("US".to_owned()),
            vendor_facts: Catalogue::embedded()
                .product(&row.id)
                .and_then(|known| VendorFacts::of(Catalogue::embedded(), &known.vendor, Some(&known.id))),
            clocks: Clocks { first: Some(ClockTrust::Doubtful), last: Some(ClockTrust::Trusted) },
            evidence: evidence(&row),
            evidence_left_out: 0,
            assets: (0..HOSTS.len().min(row.assets as usize))
                .map(|at| {
                    let asset = asset_row(at);
                    ProductAsset {
                        asset: asset.id,
                        hostname: asset.hostname,
                        unit: asset.unit,
                        unit_id: asset.unit_id,
                        channels: row.channels.clone(),
                        level: row.level,
                        first_day: row.first_day,
                        last_day: row.last_day,
                        count: 412,
                    }
                })
                .collect(),
            days: day_counts(
                90,
                row.assets,
                today().number() - row.first_day.number(),
                today().number() - row.last_day.number(),
            ),
            row,
        }))
    }

    /// The records are kept by the real store; what sensors show of them is the sample's.
    fn systems(
        &self,
        filter: &SystemFilter,
        sort: SystemSort,
        direction: Direction,
        page: PageRequest,
    ) -> Result<Page<AiSystemRow>, StoreError> {
        let Some(governed) = self.governed.as_ref().filter(|_| self.records) else {
            return self.made_up_systems(filter, page);
        };
        let mut found = governed.systems(filter, sort, direction, page)?;
        for row in &mut found.rows {
            let shows = self.product_rows().into_iter().find(|product| row.products.contains(&product.id));
            if let Some(product) = shows {
                row.vendor = product.vendor;
                row.product_kind = product.kind;
                row.channels = product.channels;
                row.confidence = product.confidence;
                row.level = product.level;
                row.assets = product.assets;
                row.first_day = Some(product.first_day);
                row.last_day = Some(product.last_day);
            }
        }
        self.ok(found)
    }

    fn assets(
        &self,
        filter: &AssetFilter,
        _: AssetSort,
        _: Direction,
        page: PageRequest,
        _: i64,
    ) -> Result<Page<AssetRow>, StoreError> {
        let words = filter.search.to_lowercase();
        let rows = (0..if self.empty { 0 } else { HOSTS.len() }).map(asset_row);
        let rows = rows.chain((!self.empty).then(seen_row));
        let rows = rows.filter(|row| filter.within.as_ref().is_none_or(|units| units.contains(&row.unit_id)));
        let begins = filter.begins.to_lowercase();
        let rows = rows.filter(|row| row.hostname.to_lowercase().starts_with(&begins));
        let rows = rows.filter(|row| format!("{} {}", row.hostname, row.os).to_lowercase().contains(&words));
        self.ok(page_of(rows.collect(), page))
    }

    fn asset(&self, id: AssetId, _: Day, _: i64) -> Result<Option<AssetDetail>, StoreError> {
        if id == seen_row().id && !self.empty {
            // Of another machine the wire shows neither program nor package.
            let bare = |piece: EvidenceRow| EvidenceRow { executable: None, package: None, ..piece };
            let product = |row: ProductRow| AssetProduct {
                activity: evidence(&row).into_iter().filter(|piece| piece.count > 0).map(bare).collect(),
                items: Vec::new(),
                row,
            };
            let products = self.product_rows().into_iter().take(2).map(product).collect();
            let detail = AssetDetail { row: seen_row(), sensors: vec![sensor_row(GATEWAY)], products };
            return self.ok(Some(detail));
        }
        let at = usize::try_from(id.0 - 1).ok().filter(|at| *at < HOSTS.len() && !self.empty);
        self.ok(at.map(|at| {
            let products =
                if HOSTS[at].3 == SensorState::NeverReported { Vec::new() } else { self.product_rows() };
            let products = products.into_iter().take(14).map(|row| {
                let (scans, activity): (Vec<_>, Vec<_>) =
                    evidence(&row).into_iter().partition(|piece| piece.count == 0);
                let items = scans.into_iter().map(|evidence| SnapshotEvidence {
                    source: "pip".to_owned(),
                    account: (evidence.channel == Channel::McpConfig)
                        .then(|| AccountId::from_bytes([0xA7; 16])),
                    evidence,
                });
                AssetProduct { items: items.collect(), row, activity }
            });
            AssetDetail { row: asset_row(at), sensors: vec![sensor_row(at)], products: products.collect() }
        }))
    }

    fn coverage(&self, page: PageRequest, _: i64) -> Result<Page<CoverageRow>, StoreError> {
        let rows = (0..if self.empty { 0 } else { HOSTS.len() }).rev();
        self.ok(page_of(rows.map(|at| CoverageRow { sensor: sensor_row(at) }).collect(), page))
    }

    fn coverage_totals(&self, _: i64) -> Result<CoverageTotals, StoreError> {
        self.ok(CoverageTotals {
            sensors: 11,
            reporting: 9,
            silent: 2,
            capturing: 9,
            clones: 1,
            hellos: 51_230,
            hellos_without_name: 455,
            hellos_with_ech: 9_570,
            hidden_destinations: 198,
            encrypted_dns: 462,
            dns_over_tls: 132,
            dns_over_https: 330,
            kernel_drops: 1_204,
            unattributed: 198,
            sources_unread: 2,
            rows_refused: 1,
        })
    }

    fn units(&self) -> Result<Vec<UnitRow>, StoreError> {
        let names: &[&str] = if self.empty { &[] } else { &UNITS };
        let unit =
            |name: &&str| UnitRow { id: unit_id(name), name: (*name).to_owned(), parent: None, assets: 2 };
        self.ok(names.iter().map(unit).collect())
    }

    fn tokens(&self, _: Option<&[i64]>, _: i64) -> Result<Vec<TokenRow>, StoreError> {
        let token = |label: &str, unit: &str, uses, max_uses, state, age: i64| TokenRow {
            id: TokenId(format!("{:016x}", 0x5ca1_ab1e_u64 * u64::from(max_uses))),
            unit: unit.to_owned(),
            label: label.to_owned(),
            created_by: "ada".to_owned(),
            created_at_ms: NOW_MS - age * 86_400_000,
            expires_at_ms: NOW_MS + (7 - age) * 86_400_000,
            max_uses,
            uses,
            last_used_at_ms: (uses > 0).then_some(NOW_MS - 3 * 3_600_000),
            last_host: (uses > 0).then(|| "laptop-sales-17".to_owned()),
            state,
        };
        self.ok(if self.empty {
            Vec::new()
        } else {
            vec![
                token("Roll-out, sales laptops", "Sales", 2, 40, TokenState::Active, 1),
                token("", "Research", 1, 1, TokenState::Used, 3),
                token("Finance desks", "Finance", 2, 10, TokenState::Expired, 30),
                token(HOSTILE, "Facilities", 1, 5, TokenState::Revoked, 20),
            ]
        })
    }
}

impl Store for Sample {
    fn submit(&self, report: Report, _: Answer) -> Result<(), Box<Report>> {
        Err(Box::new(report))
    }

    fn create_token(
        &self,
        id: &TokenId,
        _: &SecretHash,
        token: &NewToken,
        now_ms: i64,
    ) -> Result<TokenRow, StoreError> {
        self.ok(TokenRow {
            id: id.clone(),
            unit: token.unit.clone(),
            label: token.label.clone(),
            created_by: token.created_by.clone(),
            created_at_ms: now_ms,
            expires_at_ms: token.expires_at_ms,
            max_uses: token.max_uses,
            uses: 0,
            last_used_at_ms: None,
            last_host: None,
            state: TokenState::Active,
        })
    }

    fn revoke_token(&self, _: &TokenId, _: &By) -> Result<bool, StoreError> {
        self.ok(true)
    }

    fn enrol(&self, _: Enrolment) -> Result<Enrolled, StoreError> {
        self.ok(Enrolled::TokenRefused)
    }

    fn renew(&self, _: SensorId, _: NewCertificate) -> Result<bool, StoreError> {
        self.ok(false)
    }

    fn revoke_sensor(&self, _: SensorId, _: &By) -> Result<bool, StoreError> {
        self.ok(false)
    }

    fn trusted_keys(&self, _: i64) -> Result<Vec<TrustedKey>, StoreError> {
        self.ok(Vec::new())
    }

    fn trust_revision(&self) -> Result<i64, StoreError> {
        self.ok(0)
    }
}
