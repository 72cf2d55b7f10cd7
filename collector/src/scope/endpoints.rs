//! Lists of the endpoints that there should be, as directories and device managements export them: CSV in their own words.
//!
//! A list is read whole or not at all; what is wrong is told by line. Who uses a machine is never read, whatever the list says of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use umbrascope_api::Day;

use crate::model::governed::Governed;

/// Largest list that is read, in bytes.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Most endpoints of one list.
pub const MAX_ENDPOINTS: usize = 500_000;
/// Most faults that are told; the rest is counted.
pub const MAX_FAULTS: usize = 20;
/// Most characters of a cell that is kept: longer than any host name (RFC 1035: 253).
const CELL_CHARS: usize = 255;
/// Most characters of a source's name.
const SOURCE_CHARS: usize = 100;

/// Endpoints that people name one by one are of this source.
pub const BY_HAND: &str = "by hand";

/// A machine that there should be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Endpoint {
    /// Its host name as the list has it; empty: not said.
    pub hostname: String,
    /// Serial number or another id of the machine; empty: not said.
    pub machine: String,
    /// Name of its unit; empty: not said.
    pub unit: String,
    /// Its platform ([`platform`]); empty: not said.
    pub platform: String,
    /// The list's own source, where it has a column for it; empty: that of the whole list.
    pub source: String,
}

/// A machine that somebody named by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NamedEndpoint {
    /// Number of it.
    pub number: i64,
    /// The machine.
    #[serde(flatten)]
    pub endpoint: Endpoint,
}

impl Governed for NamedEndpoint {
    const KIND: &'static str = "endpoint";

    fn id(&self) -> String {
        self.number.to_string()
    }
}

/// A list that was taken in. The endpoints themselves are no part of the record, but their number and the hash of the file are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointList {
    /// Where it comes from: `Intune`. A list replaces the one of the same source.
    pub source: String,
    /// Day of the list; `None`: not said.
    pub as_of: Option<Day>,
    /// SHA-256 of the file, in hexadecimal.
    pub file_sha256: String,
    /// Endpoints in it.
    pub endpoints: u64,
    /// Lines that named one a second time.
    pub repeated: u64,
    /// Endpoints for whose platform there is no agent.
    pub unsupported: u64,
    /// When it was taken in, Unix milliseconds.
    pub imported_at_ms: i64,
    /// It is no longer counted.
    pub withdrawn: bool,
}

impl Governed for EndpointList {
    const KIND: &'static str = "endpoint-list";

    fn id(&self) -> String {
        self.source.clone()
    }
}

/// A list that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadList {
    /// Endpoints in it, each once.
    pub endpoints: Vec<Endpoint>,
    /// Lines that named one a second time.
    pub repeated: u64,
    /// What is read from which column.
    pub columns: Vec<(&'static str, String)>,
}

/// What is wrong with a list. Nothing of it is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.words())]
pub struct BadList {
    /// Line and fault, at most [`MAX_FAULTS`]; line 0: the whole file.
    pub faults: Vec<(u64, String)>,
    /// Faults beyond those.
    pub more: u64,
}

impl BadList {
    fn whole(fault: impl Into<String>) -> Self {
        Self { faults: vec![(0, fault.into())], more: 0 }
    }

    fn words(&self) -> String {
        let one = |(line, fault): &(u64, String)| match line {
            0 => fault.clone(),
            line => format!("line {line}: {fault}"),
        };
        let mut words = self.faults.iter().map(one).collect::<Vec<_>>().join("\n");
        if self.more > 0 {
            words.push_str(&format!("\nand {} more", self.more));
        }
        words
    }
}

/// Names that columns have, folded: of Intune ("Device name", "Serial number", "OS"), Jamf Pro ("Computer Name", "Serial Number",
/// "Operating System"), Configuration Manager ("Name", "Netbios Name", "SMBIOS GUID") and Entra ID ("displayName", "deviceId",
/// "operatingSystem"), and plain ones. The first that is there counts.
const COLUMNS: [(&str, &[&str]); 5] = [
    (
        "hostname",
        &[
            "hostname",
            "host",
            "fqdn",
            "dnshostname",
            "devicename",
            "computername",
            "netbiosname",
            "netbiosname0",
            "machinename",
            "assetname",
            "displayname",
            "name",
        ],
    ),
    (
        "machine",
        &[
            "machineid",
            "machine",
            "serialnumber",
            "serial",
            "smbiosguid",
            "udid",
            "hardwareuuid",
            "uuid",
            "azureaddeviceid",
            "entradeviceid",
            "deviceid",
        ],
    ),
    ("unit", &["unit", "orgunit", "organizationalunit", "department", "businessunit", "ou"]),
    (
        "platform",
        &[
            "platform",
            "os",
            "operatingsystem",
            "osname",
            "operatingsystemnameandversion",
            "operatingsystemname",
        ],
    ),
    ("source", &["source"]),
];

/// Reads a list: UTF-8 with or without a mark, UTF-16 with one; parted by commas, semicolons or tabs.
pub fn read(bytes: &[u8]) -> Result<ReadList, BadList> {
    if bytes.len() > MAX_BYTES {
        return Err(BadList::whole(format!("the list is larger than {} MiB", MAX_BYTES / 1024 / 1024)));
    }
    let text = decoded(bytes)?;
    // Excel's own word for the separator, which is no line of the list.
    let (text, skipped) = match text.split_once('\n') {
        Some((first, rest)) if first.trim_end().to_ascii_lowercase().starts_with("sep=") => (rest, 1),
        _ => (text.as_str(), 0),
    };
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter(text)).flexible(true).from_reader(text.as_bytes());
    let head = reader.headers().map_err(|error| BadList::whole(unreadable(&error)))?.clone();
    let mut columns = BTreeMap::new();
    let mut named = Vec::new();
    for (field, aliases) in COLUMNS {
        let at = aliases.iter().find_map(|alias| head.iter().position(|name| folded(name) == *alias));
        if let Some(at) = at {
            columns.insert(field, at);
            named.push((field, head.get(at).unwrap_or_default().trim().to_owned()));
        }
    }
    if !columns.contains_key("hostname") && !columns.contains_key("machine") {
        return Err(BadList::whole(
            "no column names the machines: the first line has to hold `hostname` or `machine_id`, or what Intune, Jamf, \
             Configuration Manager or Entra ID call them (Device name, Computer Name, Name, displayName, Serial number)",
        ));
    }

    let mut list = ReadList { columns: named, ..ReadList::default() };
    let mut known = std::collections::HashSet::new();
    let (mut faults, mut more) = (Vec::new(), 0);
    for record in reader.records() {
        let taken = match &record {
            Ok(record) => endpoint(record, &columns, head.len()),
            Err(error) => Err(unreadable(error)),
        };
        let line = match &record {
            Ok(record) => record.position().map_or(0, csv::Position::line),
            Err(error) => error.position().map_or(0, csv::Position::line),
        };
        match taken {
            Ok(None) => {}
            Ok(Some(endpoint)) => {
                let key = (
                    endpoint.hostname.to_lowercase(),
                    endpoint.machine.to_lowercase(),
                    endpoint.source.clone(),
                );
                if known.insert(key) {
                    list.endpoints.push(endpoint);
                } else {
                    list.repeated += 1;
                }
            }
            Err(fault) if faults.len() < MAX_FAULTS => faults.push((line + skipped, fault)),
            Err(_) => more += 1,
        }
        if list.endpoints.len() > MAX_ENDPOINTS {
            return Err(BadList::whole(format!("the list names more than {MAX_ENDPOINTS} endpoints")));
        }
    }
    if !faults.is_empty() {
        return Err(BadList { faults, more });
    }
    if list.endpoints.is_empty() {
        return Err(BadList::whole("the list names no endpoint"));
    }
    Ok(list)
}

/// The endpoint of a line; `None`: an empty line.
fn endpoint(
    record: &csv::StringRecord,
    columns: &BTreeMap<&str, usize>,
    width: usize,
) -> Result<Option<Endpoint>, String> {
    if record.iter().all(|cell| cell.trim().is_empty()) {
        return Ok(None);
    }
    if record.len() > width {
        return Err(format!("it has {} cells, and the first line names {width}", record.len()));
    }
    let cell = |field: &str| -> Result<String, String> {
        let text = columns.get(field).and_then(|at| record.get(*at)).unwrap_or_default().trim();
        if text.chars().count() > CELL_CHARS {
            return Err(format!("its {field} is longer than {CELL_CHARS} characters"));
        }
        if text.chars().any(char::is_control) {
            return Err(format!("its {field} holds a control character"));
        }
        Ok(text.to_owned())
    };
    let endpoint = Endpoint {
        hostname: cell("hostname")?,
        machine: cell("machine")?,
        unit: cell("unit")?,
        platform: platform(&cell("platform")?),
        source: source_name(&cell("source")?)?,
    };
    checked(endpoint).map(Some)
}

/// The endpoint, when it is named at all and can be kept.
pub fn checked(endpoint: Endpoint) -> Result<Endpoint, String> {
    let cells = [&endpoint.hostname, &endpoint.machine, &endpoint.unit];
    if cells.iter().any(|cell| cell.chars().count() > CELL_CHARS || cell.chars().any(char::is_control)) {
        return Err(format!("a field has at most {CELL_CHARS} characters, none of them a control character"));
    }
    if endpoint.hostname.is_empty() && endpoint.machine.is_empty() {
        return Err("it has neither a host name nor an id of the machine".to_owned());
    }
    Ok(endpoint)
}

/// A source's name, when it can be one.
pub fn source_name(name: &str) -> Result<String, String> {
    let name = name.trim();
    if name.chars().count() > SOURCE_CHARS || name.chars().any(|c| c.is_control() || c == '/') {
        return Err(format!("the name of a source has at most {SOURCE_CHARS} characters and no slash"));
    }
    if name.to_lowercase() == BY_HAND {
        return Err(format!("`{BY_HAND}` is no name of a list"));
    }
    Ok(name.to_owned())
}

/// A platform in one word: `windows`, `macos`, `linux`, what the list says where that is another one, or nothing where it says nothing.
pub fn platform(said: &str) -> String {
    let said = said.trim().to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let word = if said.is_empty() || matches!(said.as_str(), "unknown" | "n/a" | "-") {
        ""
    } else if has(&["windows phone", "windowsphone", "windows mobile", "windows ce", "holographic"]) {
        "windows-mobile"
    } else if has(&["ipados", "ipad"]) {
        "ipados"
    } else if said.starts_with("ios") || has(&["iphone"]) {
        "ios"
    } else if has(&["android"]) {
        "android"
    } else if has(&["chrome"]) {
        "chromeos"
    } else if has(&["tvos", "visionos", "watchos"]) {
        "apple-other"
    } else if has(&["windows"]) {
        "windows"
    } else if has(&["mac"]) || said.starts_with("os x") {
        "macos"
    } else if has(&[
        "linux", "ubuntu", "debian", "red hat", "rhel", "fedora", "suse", "centos", "rocky", "alma",
    ]) {
        "linux"
    } else {
        return said.chars().filter(|c| !c.is_control()).take(40).collect();
    };
    word.to_owned()
}

/// Whether there is an agent for a platform. Where the list does not say, there may be.
pub fn is_supported(platform: &str) -> bool {
    matches!(platform, "" | "windows" | "macos" | "linux")
}

fn decoded(bytes: &[u8]) -> Result<String, BadList> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let text: Result<String, _> = char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect();
        text.ok().filter(|_| rest.is_empty())
    };
    let text = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => std::str::from_utf8(rest).ok().map(str::to_owned),
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        plain => std::str::from_utf8(plain).ok().map(str::to_owned),
    };
    let text = text.ok_or_else(|| {
        let good = std::str::from_utf8(bytes).err().map_or(0, |error| error.valid_up_to());
        let line = bytes[..good].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        let fault = "it is neither UTF-8 nor UTF-16 with its mark: save the list as UTF-8".to_owned();
        BadList { faults: vec![(line, fault)], more: 0 }
    })?;
    if text.contains('\0') {
        return Err(BadList::whole(
            "the list holds zero bytes: it is UTF-16 without its mark, or no text. Save it as UTF-8",
        ));
    }
    Ok(text)
}

/// What parts the cells: of comma, semicolon and tab the one that stands most often in the first line, outside of quotes.
fn delimiter(text: &str) -> u8 {
    let (mut quoted, mut counts) = (false, [0_usize; 3]);
    for c in text.lines().next().unwrap_or_default().chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => counts[0] += 1,
            ';' if !quoted => counts[1] += 1,
            '\t' if !quoted => counts[2] += 1,
            _ => {}
        }
    }
    let [commas, semicolons, tabs] = counts;
    if semicolons > commas && semicolons >= tabs {
        b';'
    } else if tabs > commas {
        b'\t'
    } else {
        b','
    }
}

/// A column's name without case, spaces and marks.
fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn unreadable(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        _ => "it cannot be read as CSV".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hosts(list: &ReadList) -> Vec<&str> {
        list.endpoints.iter().map(|endpoint| endpoint.hostname.as_str()).collect()
    }

    #[test]
    fn exports_of_known_managements_are_read_in_their_own_words() {
        let intune = "\"Device ID\",\"Device name\",\"Serial number\",\"Primary user UPN\",\"OS\"\r\n\
                      \"1f\",\"RAJ-PC\",\"5CG1234XYZ\",\"raj@example.com\",\"Windows\"\r\n\"2f\",\"Tab\",\"R52\",\"\",\"iOS/iPadOS\"\r\n";
        let list = read(intune.as_bytes()).unwrap();
        assert_eq!(hosts(&list), ["RAJ-PC", "Tab"]);
        assert_eq!(list.endpoints[0].machine, "5CG1234XYZ");
        let platforms: Vec<&str> = list.endpoints.iter().map(|endpoint| endpoint.platform.as_str()).collect();
        assert_eq!(platforms, ["windows", "ipados"]);
        assert!(!format!("{list:?}").contains("raj@example.com"), "who uses a machine is not read");

        let jamf = "Computer Name,Serial Number,Operating System,Department\nmac-1,C02ABC,macOS,Sales\n";
        let list = read(jamf.as_bytes()).unwrap();
        let one = &list.endpoints[0];
        assert_eq!(
            (one.machine.as_str(), one.platform.as_str(), one.unit.as_str()),
            ("C02ABC", "macos", "Sales")
        );

        let sccm = "Name;Operating System Name and Version\nPC1;Microsoft Windows NT Workstation 10.0\n";
        assert_eq!(read(sccm.as_bytes()).unwrap().endpoints[0].platform, "windows");
        let entra = "displayName,accountEnabled,operatingSystem,deviceId\nsrv-1,True,Linux,aa-bb\n";
        let one = &read(entra.as_bytes()).unwrap().endpoints[0];
        assert_eq!(
            (one.hostname.as_str(), one.platform.as_str(), one.machine.as_str()),
            ("srv-1", "linux", "aa-bb")
        );
    }

    #[test]
    fn marks_wide_characters_separators_and_repetitions_are_taken() {
        let text = "sep=;\r\nhostname;unit\r\nb\u{fc}ro-1;\"a;b\"\r\n\r\nb\u{fc}ro-1;\"a;b\"\r\n";
        let list = read(text.as_bytes()).unwrap();
        assert_eq!((hosts(&list), list.repeated), (vec!["b\u{fc}ro-1"], 1));
        assert_eq!(list.endpoints[0].unit, "a;b");
        let with_mark = [b"\xEF\xBB\xBF".as_slice(), b"hostname\nh1\n"].concat();
        assert_eq!(hosts(&read(&with_mark).unwrap()), ["h1"]);
        let units = |order: fn(u16) -> [u8; 2], mark: [u8; 2]| {
            let wide: Vec<u8> = "hostname\tunit\nh1\tx\n".encode_utf16().flat_map(order).collect();
            [mark.as_slice(), &wide].concat()
        };
        assert_eq!(hosts(&read(&units(u16::to_le_bytes, [0xFF, 0xFE])).unwrap()), ["h1"]);
        assert_eq!(hosts(&read(&units(u16::to_be_bytes, [0xFE, 0xFF])).unwrap()), ["h1"]);
    }

    #[test]
    fn what_is_wrong_is_told_by_line_and_nothing_is_taken() {
        let text = "hostname,serial\nok,1\n,\n , x\nb\u{1}d,2\nok2,3,4\nlast,5\n";
        let bad = read(text.as_bytes()).unwrap_err();
        let lines: Vec<u64> = bad.faults.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [5, 6], "{bad}");
        assert!(
            bad.to_string().starts_with("line 5: its hostname holds a control character\nline 6: "),
            "{bad}"
        );
        for (bytes, words) in [
            (b"".as_slice(), "no column names the machines"),
            (b"owner,city\na,b\n", "no column names the machines"),
            (b"hostname\n", "names no endpoint"),
            (b"hostname\nok\nb\xFCro\n", "line 3: it is neither UTF-8"),
            (b"h\0o\0s\0t\0", "zero bytes"),
            (b"\xFF\xFEh", "neither UTF-8 nor UTF-16"),
        ] {
            let bad = read(bytes).unwrap_err().to_string();
            assert!(bad.contains(words), "{bad}");
        }
        let many = format!("hostname\n{}", "\u{1}\n".repeat(50));
        let bad = read(many.as_bytes()).unwrap_err();
        assert_eq!((bad.faults.len(), bad.more), (MAX_FAULTS, 30));
    }

    #[test]
    fn platforms_have_one_word_each() {
        for (said, word, supported) in [
            ("Windows 11 Enterprise", "windows", true),
            ("Mac OS X", "macos", true),
            ("Ubuntu 24.04", "linux", true),
            ("", "", true),
            ("Android Enterprise", "android", false),
            ("WindowsPhone", "windows-mobile", false),
            ("ChromeOS", "chromeos", false),
            ("AIX", "aix", false),
        ] {
            assert_eq!(platform(said), word);
            assert_eq!(is_supported(word), supported, "{said}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_what_is_taken_is_bounded(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(list) = read(&bytes) {
                prop_assert!(list.endpoints.iter().all(|one| one.hostname.chars().count() <= CELL_CHARS));
            }
        }
    }
}
