//! A directory as a CSV file: what the exports of identity providers and of personnel systems have in common. Pure: the file and what is
//! known come in, a plan comes out, and nothing of it is done where a line is wrong.
//!
//! Columns are found by their heads, whatever their order; heads that mean nothing here are left aside and named. People are found by the
//! external id where the file has one, else by e-mail, else by the sign-in name.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{PersonDetails, PersonRow, UnitRow};
use crate::people;

/// Largest file, in bytes: some hundred thousand people.
pub const MAX_BYTES: usize = 64 << 20;
/// Most lines with people in them.
pub const MAX_ROWS: usize = 500_000;
/// Most errors that are told; the rest is counted.
const MAX_ERRORS: usize = 50;

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Name,
    FirstName,
    LastName,
    SignIn,
    Email,
    Unit,
    Manager,
    ExternalId,
    Active,
}

/// Heads of columns, in lower case and without anything but letters and digits. Beside plain words: those of Entra ID's user download and
/// bulk files, of Okta's people export, of Google Workspace's and of Workday's worker reports.
const HEADS: [(Column, &[&str]); 9] = [
    (
        Column::Name,
        &[
            "name",
            "displayname",
            "fullname",
            "worker",
            "legalname",
            "preferredname",
            "employee",
            "employeename",
        ],
    ),
    (Column::FirstName, &["firstname", "givenname", "legalfirstname", "firstnamerequired"]),
    (Column::LastName, &["lastname", "surname", "familyname", "legallastname", "lastnamerequired"]),
    (
        Column::SignIn,
        &["login", "signin", "signinname", "username", "userprincipalname", "upn", "samaccountname"],
    ),
    (
        Column::Email,
        &[
            "email",
            "mail",
            "emailaddress",
            "workemail",
            "primaryemail",
            "primaryworkemail",
            "emailwork",
            "emailprimarywork",
            "emailaddressrequired",
        ],
    ),
    (
        Column::Unit,
        &[
            "unit",
            "department",
            "orgunit",
            "organizationalunit",
            "organisationalunit",
            "orgunitpath",
            "orgunitpathrequired",
            "division",
            "supervisoryorganization",
            "costcenter",
            "costcentre",
            "businessunit",
            "team",
        ],
    ),
    (
        Column::Manager,
        &[
            "manager",
            "manageremail",
            "managerid",
            "managerupn",
            "manageruserprincipalname",
            "supervisor",
            "managersemail",
            "manageremployeeid",
            "reportsto",
        ],
    ),
    (
        Column::ExternalId,
        &[
            "externalid",
            "id",
            "objectid",
            "employeeid",
            "employeenumber",
            "workerid",
            "userid",
            "immutableid",
            "personid",
        ],
    ),
    (
        Column::Active,
        &[
            "active",
            "accountenabled",
            "enabled",
            "status",
            "userstatus",
            "activestatus",
            "workerstatus",
            "employeestatus",
            "statusreadonly",
        ],
    ),
];

/// A person of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Line of the file, from 1.
    pub line: u64,
    /// The sign-in name of somebody new.
    pub name: String,
    /// Who it is already; `None`: somebody new.
    pub known: Option<i64>,
    /// What is known afterwards. Unit and manager stand apart.
    pub details: PersonDetails,
    /// Name of the unit; `None`: the file says nothing of units, or none.
    pub unit: Option<String>,
    /// The manager.
    pub manager: Option<Manager>,
}

/// Whom a line names as the manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    /// Somebody who is there already.
    Known(i64),
    /// Somebody who comes with the same file: their line.
    Line(u64),
}

/// What an import would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// People to add.
    pub add: Vec<Wanted>,
    /// People to change.
    pub change: Vec<Wanted>,
    /// People of the file who stay as they are.
    pub same: u64,
    /// People to set aside: number and name. Only of a complete file.
    pub set_aside: Vec<(i64, String)>,
    /// Units to add.
    pub units: BTreeSet<String>,
    /// Heads of columns that mean nothing here.
    pub unread: Vec<String>,
    /// Lines whose manager nobody knows: line and what it says.
    pub managers_unknown: Vec<(u64, String)>,
}

impl Plan {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.change.is_empty() && self.set_aside.is_empty() && self.units.is_empty()
    }
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct LineError {
    /// From 1, the head among them.
    pub line: u64,
    /// What is wrong, and what to do.
    pub what: String,
}

/// Why a file is not imported. Then nothing of it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The file as a whole.
    #[error("{0}")]
    File(String),
    /// Some of its lines.
    #[error("{} of its lines cannot be imported, and nothing was: {}{}", .all, told(.first),
        if *.all > .first.len() as u64 { "; and more" } else { "" })]
    Lines {
        /// The first of them.
        first: Vec<LineError>,
        /// How many.
        all: u64,
    },
}

fn told(errors: &[LineError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What is known before.
pub struct Known<'k> {
    /// Everybody in the directory, those set aside too.
    pub people: &'k [PersonRow],
    /// Every unit.
    pub units: &'k [UnitRow],
}

/// Reads a file and says what importing it would do. `complete`: who is not in the file, came from a directory and is active, is set
/// aside.
pub fn plan(file: &[u8], known: &Known<'_>, complete: bool) -> Result<Plan, ImportError> {
    let (heads, lines) = read(file)?;
    let mut unread = Vec::new();
    let mut columns: BTreeMap<Column, usize> = BTreeMap::new();
    for (at, head) in heads.iter().enumerate() {
        match column(head) {
            // The first of two columns that mean the same counts: exports put the plain one first.
            Some(column) if !columns.contains_key(&column) => {
                columns.insert(column, at);
            }
            _ => unread.push(head.chars().take(60).collect()),
        }
    }
    let has = |column| columns.contains_key(&column);
    let named = has(Column::Name) || (has(Column::FirstName) && has(Column::LastName));
    if !named {
        return Err(ImportError::File(
            "the first line names no column with names: call it name, displayName, or firstName and lastName"
                .to_owned(),
        ));
    }
    if !has(Column::Email) && !has(Column::ExternalId) && !has(Column::SignIn) {
        return Err(ImportError::File(
            "the first line names no column that tells people apart: email, external id or userPrincipalName"
                .to_owned(),
        ));
    }
    let mut reader = Reading {
        columns,
        by_id: known.people.iter().map(|person| (person.id, person)).collect(),
        by_external: index(known.people, |person| person.details.external_id.clone()),
        by_email: index(known.people, |person| person.details.email.clone()),
        by_name: index(known.people, |person| Some(person.name.clone())),
        seen: HashMap::new(),
        names: known.people.iter().map(|person| person.name.clone()).collect(),
        errors: Vec::new(),
        wrong: 0,
    };
    let mut wanted = Vec::new();
    for (line, fields) in &lines {
        if let Some(person) = reader.person(*line, fields) {
            wanted.push(person);
        }
    }
    let managers_unknown = reader.managers(&mut wanted, &lines);
    if reader.wrong > 0 {
        return Err(ImportError::Lines { first: reader.errors, all: reader.wrong });
    }
    straighten(&mut wanted, known);
    Ok(Plan { managers_unknown, ..sorted(wanted, known, complete, unread) })
}

/// What the file says nothing of stays, but for a manager whom the file puts below: who led and is led now has no other one by this file.
fn straighten(wanted: &mut [Wanted], known: &Known<'_>) {
    // Who is new goes by the line, below nought.
    let coming = |line: u64| i64::try_from(line).map_or(i64::MIN, |line| -line);
    let mut managers: HashMap<i64, i64> =
        known.people.iter().filter_map(|person| Some((person.id, person.details.manager?))).collect();
    let number = |person: &Wanted| person.known.unwrap_or(coming(person.line));
    for person in wanted.iter() {
        let manager = match person.manager {
            Some(Manager::Known(manager)) => manager,
            Some(Manager::Line(line)) => coming(line),
            None => continue,
        };
        managers.insert(number(person), manager);
    }
    let looped = people::in_loops(&managers);
    for person in wanted.iter_mut() {
        if person.manager.is_none() && looped.contains(&number(person)) {
            person.details.manager = None;
        }
    }
}

type Lines = Vec<(u64, Vec<String>)>;

fn read(file: &[u8]) -> Result<(Vec<String>, Lines), ImportError> {
    let fail = |what: &str| ImportError::File(what.to_owned());
    if file.len() > MAX_BYTES {
        return Err(fail("the file is larger than 64 MiB: split it"));
    }
    if file.starts_with(&[0xFF, 0xFE]) || file.starts_with(&[0xFE, 0xFF]) {
        return Err(fail("the file is UTF-16: save it as CSV UTF-8"));
    }
    let text = std::str::from_utf8(file).map_err(|error| {
        ImportError::File(format!(
            "byte {} is not UTF-8: save the file as CSV UTF-8",
            error.valid_up_to() + 1
        ))
    })?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    if text.contains('\0') {
        return Err(fail("the file holds NUL characters: it is no CSV file"));
    }
    let first = text.lines().next().unwrap_or_default();
    let count = |delimiter: char| first.matches(delimiter).count();
    let delimiter = [b';', b'\t', b','].into_iter().max_by_key(|delimiter| count(char::from(*delimiter)));
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter.unwrap_or(b','))
        .flexible(true)
        .has_headers(false)
        .from_reader(text.as_bytes());
    let (mut heads, mut lines): (Option<Vec<String>>, Lines) = (None, Vec::new());
    for record in reader.records() {
        let record = record.map_err(|error| ImportError::File(format!("the file is no CSV: {error}")))?;
        let line = record.position().map_or(0, |start| line_of(text, start));
        let fields: Vec<String> = record.iter().map(|field| field.trim().to_owned()).collect();
        if fields.iter().all(String::is_empty) {
            continue;
        }
        match &heads {
            None => heads = Some(fields),
            Some(heads) if fields.len() > heads.len() => {
                let what = format!(
                    "it has {} fields, and the first line names {}: a comma may want quotes around it",
                    fields.len(),
                    heads.len()
                );
                return Err(ImportError::Lines { first: vec![LineError { line, what }], all: 1 });
            }
            Some(_) if lines.len() >= MAX_ROWS => {
                return Err(fail("the file has more than 500000 people: split it"));
            }
            Some(_) => lines.push((line, fields)),
        }
    }
    match heads {
        Some(heads) if !lines.is_empty() => Ok((heads, lines)),
        _ => Err(fail("the file has no line with a person in it")),
    }
}

/// The line on which a record stands. Its position is that of the empty lines before it, which the reader skips.
fn line_of(text: &str, start: &csv::Position) -> u64 {
    let from = usize::try_from(start.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    let empty = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n');
    start.line() + u64::try_from(empty.count()).unwrap_or(0)
}

fn column(head: &str) -> Option<Column> {
    let plain: String =
        head.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    HEADS.iter().find(|(_, heads)| heads.contains(&plain.as_str())).map(|(column, _)| *column)
}

fn index(people: &[PersonRow], key: impl Fn(&PersonRow) -> Option<String>) -> HashMap<String, i64> {
    people.iter().filter_map(|person| Some((key(person)?, person.id))).collect()
}

struct Reading<'k> {
    by_id: HashMap<i64, &'k PersonRow>,
    columns: BTreeMap<Column, usize>,
    by_external: HashMap<String, i64>,
    by_email: HashMap<String, i64>,
    by_name: HashMap<String, i64>,
    /// Keys of the lines before: a file does not name one person twice.
    seen: HashMap<String, u64>,
    names: BTreeSet<String>,
    errors: Vec<LineError>,
    wrong: u64,
}

impl Reading<'_> {
    fn wrong(&mut self, line: u64, what: impl Into<String>) {
        self.wrong += 1;
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(LineError { line, what: what.into() });
        }
    }

    fn said<'f>(&self, fields: &'f [String], column: Column) -> Option<&'f str> {
        fields.get(*self.columns.get(&column)?).map(String::as_str).filter(|said| !said.is_empty())
    }

    fn person(&mut self, line: u64, fields: &[String]) -> Option<Wanted> {
        let said = |column| self.said(fields, column).map(str::to_owned);
        let both = [said(Column::FirstName), said(Column::LastName)]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ");
        let display_name = said(Column::Name).unwrap_or(both);
        let email = said(Column::Email).map(|email| email.to_lowercase());
        let (external_id, sign_in) =
            (said(Column::ExternalId), said(Column::SignIn).map(|name| name.to_lowercase()));
        let unit =
            said(Column::Unit).map(|unit| unit.trim_matches('/').to_owned()).filter(|unit| !unit.is_empty());
        let active = match said(Column::Active).as_deref().map(is_active) {
            None => true,
            Some(Some(active)) => active,
            Some(None) => {
                let what = said(Column::Active).unwrap_or_default().chars().take(40).collect::<String>();
                self.wrong(line, format!("{what:?} says neither active nor inactive: use true or false"));
                return None;
            }
        };
        let details = PersonDetails { display_name, email, unit: None, manager: None, external_id, active };
        let details = match people::checked_details(details) {
            Ok(details) => details,
            Err(refused) => {
                self.wrong(line, refused.to_string());
                return None;
            }
        };
        if unit
            .as_deref()
            .is_some_and(|unit| unit.chars().count() > 100 || unit.chars().any(char::is_control))
        {
            self.wrong(line, "a unit's name has at most 100 characters");
            return None;
        }
        let keys = [
            details.external_id.clone().map(|id| format!("external id {id}")),
            details.email.clone().map(|email| format!("e-mail {email}")),
            sign_in.clone().map(|name| format!("sign-in name {name}")),
        ];
        if keys.iter().all(Option::is_none) {
            self.wrong(
                line,
                "nothing tells this person apart: give an external id, an e-mail address or a sign-in name",
            );
            return None;
        }
        for key in keys.into_iter().flatten() {
            if let Some(before) = self.seen.insert(key.clone(), line) {
                self.wrong(line, format!("{key} stands in line {before} too"));
                return None;
            }
        }
        let found = details.external_id.as_ref().and_then(|id| self.by_external.get(id));
        let found = found.or_else(|| details.email.as_ref().and_then(|email| self.by_email.get(email)));
        let found = found.or_else(|| sign_in.as_ref().and_then(|name| self.by_name.get(name))).copied();
        // What the file says nothing of stays.
        let details = match found.and_then(|id| self.by_id.get(&id)) {
            Some(person) => {
                let before = person.details.clone();
                PersonDetails {
                    email: details.email.or(before.email),
                    external_id: details.external_id.or(before.external_id),
                    active: if self.columns.contains_key(&Column::Active) {
                        details.active
                    } else {
                        before.active
                    },
                    unit: before.unit,
                    manager: before.manager,
                    ..details
                }
            }
            None => details,
        };
        let name = sign_in
            .or_else(|| details.email.clone())
            .or_else(|| details.external_id.clone())
            .unwrap_or_default();
        let name = match (found, people::sign_in_name(&name)) {
            (Some(_), _) => String::new(),
            (None, Ok(name)) if self.names.insert(name.clone()) => name,
            (None, Ok(name)) => {
                self.wrong(line, format!("the sign-in name {name} is somebody else's"));
                return None;
            }
            (None, Err(refused)) => {
                self.wrong(line, refused.to_string());
                return None;
            }
        };
        Some(Wanted { line, name, known: found, details, unit, manager: None })
    }

    /// Finds managers among those known and those who come with the file: by e-mail, external id or sign-in name.
    fn managers(&self, wanted: &mut [Wanted], lines: &Lines) -> Vec<(u64, String)> {
        let (mut coming, mut unknown): (HashMap<String, u64>, Vec<(u64, String)>) =
            (HashMap::new(), Vec::new());
        for person in wanted.iter().filter(|person| person.known.is_none()) {
            let keys =
                [Some(person.name.clone()), person.details.email.clone(), person.details.external_id.clone()];
            coming.extend(keys.into_iter().flatten().map(|key| (key, person.line)));
        }
        let by_line: HashMap<u64, &Vec<String>> =
            lines.iter().map(|(line, fields)| (*line, fields)).collect();
        for person in wanted {
            let Some(said) = by_line.get(&person.line).and_then(|fields| self.said(fields, Column::Manager))
            else {
                continue;
            };
            let plain = said.to_lowercase();
            let known = [&self.by_email, &self.by_name].into_iter().find_map(|index| index.get(&plain));
            let known = known.or_else(|| self.by_external.get(said)).copied().map(Manager::Known);
            let coming = || coming.get(&plain).or_else(|| coming.get(said)).copied().map(Manager::Line);
            person.manager = known.or_else(coming);
            if person.manager.is_none() {
                unknown.push((person.line, said.chars().take(100).collect()));
            }
        }
        unknown
    }
}

/// The words of the exports: `True` and `FALSE`, Okta's and Workday's states.
fn is_active(word: &str) -> Option<bool> {
    match word.to_lowercase().as_str() {
        "true" | "yes" | "y" | "1" | "active" | "enabled" | "provisioned" | "on leave" | "staged"
        | "password expired" | "recovery" | "locked out" => Some(true),
        "false" | "no" | "n" | "0" | "inactive" | "disabled" | "deprovisioned" | "suspended"
        | "terminated" | "deactivated" | "archived" => Some(false),
        _ => None,
    }
}

fn sorted(wanted: Vec<Wanted>, known: &Known<'_>, complete: bool, unread: Vec<String>) -> Plan {
    let mut plan = Plan { unread, ..Plan::default() };
    let units: HashMap<&str, i64> = known.units.iter().map(|unit| (unit.name.as_str(), unit.id)).collect();
    let by_id: HashMap<i64, &PersonRow> = known.people.iter().map(|person| (person.id, person)).collect();
    let named: BTreeSet<i64> = wanted.iter().filter_map(|person| person.known).collect();
    plan.units = wanted
        .iter()
        .filter_map(|person| person.unit.clone())
        .filter(|unit| !units.contains_key(unit.as_str()))
        .collect();
    for mut person in wanted {
        if let Some(unit) = person.unit.as_deref().and_then(|unit| units.get(unit)) {
            person.details.unit = Some(*unit);
        }
        if let Some(Manager::Known(manager)) = person.manager {
            person.details.manager = Some(manager);
        }
        let new_unit = person.unit.as_ref().is_some_and(|unit| plan.units.contains(unit));
        let coming = matches!(person.manager, Some(Manager::Line(_)));
        match person.known.and_then(|id| by_id.get(&id)) {
            None => plan.add.push(person),
            Some(before) if before.details != person.details || new_unit || coming => {
                plan.change.push(person)
            }
            Some(_) => plan.same += 1,
        }
    }
    if complete {
        let missing = known.people.iter().filter(|person| {
            person.details.active && person.details.external_id.is_some() && !named.contains(&person.id)
        });
        plan.set_aside = missing.map(|person| (person.id, person.name.clone())).collect();
    }
    plan
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Grants;

    fn somebody(id: i64, name: &str, details: PersonDetails) -> PersonRow {
        PersonRow {
            id,
            name: name.to_owned(),
            details,
            unit_name: None,
            manager_name: None,
            demonstration: false,
            grants: Grants::default(),
            has_password: false,
            has_totp: false,
            created_at_ms: 0,
            last_sign_in_at_ms: None,
        }
    }

    fn details(name: &str, email: &str, external: &str) -> PersonDetails {
        let said = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        PersonDetails {
            display_name: name.to_owned(),
            email: said(email),
            external_id: said(external),
            active: true,
            ..PersonDetails::default()
        }
    }

    fn planned(file: &str) -> Result<Plan, ImportError> {
        plan(file.as_bytes(), &Known { people: &[], units: &[] }, false)
    }

    #[test]
    fn exports_of_four_systems_are_read_by_their_own_heads() {
        for file in [
            "userPrincipalName,displayName,surname,mail,givenName,id,userType,department,accountEnabled\n\
             ada@example.com,Ada Byron,Byron,ada@example.com,Ada,00u-1,Member,Research,True\n",
            "First name,Last name,Username,Primary email,Employee number,Department,Status\n\
             Ada,Byron,ada@example.com,ada@example.com,00u-1,Research,Active\n",
            "First Name [Required],Last Name [Required],Email Address [Required],Org Unit Path [Required],Employee ID,Status [READ ONLY]\n\
             Ada,Byron,ada@example.com,/Research,00u-1,Active\n",
            "\u{FEFF}Worker ID;Worker;Email - Primary Work;Supervisory Organization;Active Status\r\n\
             00u-1;\"Ada Byron\";ADA@example.com;Research;Yes\r\n",
        ] {
            let plan = planned(file).unwrap();
            let ada = &plan.add[0];
            assert_eq!(
                (ada.name.as_str(), ada.details.display_name.as_str(), ada.unit.as_deref()),
                ("ada@example.com", "Ada Byron", Some("Research")),
                "{file}"
            );
            assert_eq!(ada.details.email.as_deref(), Some("ada@example.com"));
            assert_eq!(ada.details.external_id.as_deref(), Some("00u-1"));
            assert!(ada.details.active && plan.units.contains("Research"));
        }
    }

    #[test]
    fn who_is_known_is_found_and_what_the_file_says_nothing_of_stays() {
        let units = [UnitRow { id: 3, name: "Research".to_owned(), parent: None, assets: 0 }];
        let people = [
            somebody(
                1,
                "ada",
                PersonDetails { unit: Some(3), manager: Some(2), ..details("Ada", "ada@x.org", "E1") },
            ),
            somebody(2, "max", details("Max", "max@x.org", "E2")),
            somebody(3, "otto", details("Otto", "", "")),
            somebody(4, "gone", details("Gone", "", "E4")),
        ];
        let known = Known { people: &people, units: &units };
        let file = "name,email,external id\nAda Byron,ada@x.org,E1\nMax,max@x.org,\n";
        let planned = |complete| plan(file.as_bytes(), &known, complete).unwrap();
        let partial = planned(false);
        assert_eq!((partial.add.len(), partial.same, partial.set_aside.len()), (0, 1, 0));
        let ada = &partial.change[0];
        assert_eq!((ada.known, ada.details.unit, ada.details.manager), (Some(1), Some(3), Some(2)));
        assert_eq!(planned(true).set_aside, [(4, "gone".to_owned())], "Otto came from no directory");
    }

    #[test]
    fn managers_are_found_among_those_known_and_those_who_come() {
        let people = [somebody(1, "boss", details("Boss", "boss@x.org", ""))];
        let file = "name,email,manager\nAda,ada@x.org,BOSS@x.org\nMax,max@x.org,ada@x.org\nEve,eve@x.org,nobody@x.org\n";
        let plan = plan(file.as_bytes(), &Known { people: &people, units: &[] }, false).unwrap();
        let managers: Vec<_> = plan.add.iter().map(|person| person.manager).collect();
        assert_eq!(managers, [Some(Manager::Known(1)), Some(Manager::Line(2)), None]);
        assert_eq!(plan.add[0].details.manager, Some(1));
        assert_eq!(plan.managers_unknown, [(4, "nobody@x.org".to_owned())]);
    }

    #[test]
    fn what_is_wrong_is_told_by_line_and_nothing_is_planned() {
        for (file, says) in [
            ("", "no line with a person"),
            ("name,email\n", "no line with a person"),
            ("email\nada@x.org\n", "no column with names"),
            ("name,colour\nAda,red\n", "no column that tells people apart"),
            ("name,email\nAda,ada@x.org\nMax,not an address\n", "line 3: an e-mail address"),
            ("name,email\n,ada@x.org\n", "line 2: a name has 1 to 200"),
            ("name,email\nAda,ada@x.org\n\nMax,ADA@x.org\n", "line 4: e-mail ada@x.org stands in line 2 too"),
            ("name,email,active\nAda,ada@x.org,perhaps\n", "line 2: \"perhaps\" says neither"),
            ("name,email\nAda,ada@x.org,extra\n", "line 2: it has 3 fields"),
            ("name,email\nAda,\n", "line 2: nothing tells this person apart"),
            ("name,email\nAda\u{0}Byron,ada@x.org\n", "NUL"),
        ] {
            let error = planned(file).unwrap_err().to_string();
            assert!(error.contains(says), "{file:?}: {error}");
        }
        let utf16: Vec<u8> =
            [0xFF, 0xFE].into_iter().chain("name".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let known = Known { people: &[], units: &[] };
        assert!(plan(&utf16, &known, false).unwrap_err().to_string().contains("UTF-16"));
        assert!(plan(b"name,email\nAda,\xE9\n", &known, false).unwrap_err().to_string().contains("byte 16"));
        let many = (0..200).fold("name,email\n".to_owned(), |file, at| file + &format!("N{at},bad\n"));
        match planned(&many).unwrap_err() {
            ImportError::Lines { first, all } => assert_eq!((first.len(), all), (MAX_ERRORS, 200)),
            other => panic!("{other}"),
        }
    }

    proptest! {
        /// Whatever comes in: an answer, and a plan that can be done names nobody twice.
        #[test]
        fn no_file_confuses_the_reader(file in "(name|email|id|manager|unit|[a-c@.,;\"\t\n\u{FEFF}]){0,80}") {
            if let Ok(plan) = planned(&format!("name,email\n{file}")) {
                let names: BTreeSet<&str> = plan.add.iter().map(|person| person.name.as_str()).collect();
                prop_assert_eq!(names.len(), plan.add.len());
            }
        }

        /// What was imported once changes nothing when it comes again, in any order of its lines.
        #[test]
        fn importing_twice_is_importing_once(order in Just(vec![0_usize, 1, 2, 3]).prop_shuffle()) {
            let lines = ["Ada,ada@x.org,E1,Research", "Max,max@x.org,E2,Sales", "Eve,eve@x.org,,Sales", "Bob,,E4,"];
            let file = |order: &[usize]| {
                let lines: Vec<&str> = order.iter().map(|at| lines[*at]).collect();
                format!("name,email,id,unit\n{}\n", lines.join("\n"))
            };
            let first = planned(&file(&[0, 1, 2, 3])).unwrap();
            let units: Vec<UnitRow> = (1..)
                .zip(&first.units)
                .map(|(id, name)| UnitRow { id, name: name.clone(), parent: None, assets: 0 })
                .collect();
            let unit = |name: &Option<String>| units.iter().find(|unit| Some(&unit.name) == name.as_ref()).map(|unit| unit.id);
            let people: Vec<PersonRow> = (1..)
                .zip(&first.add)
                .map(|(id, wanted)| {
                    somebody(id, &wanted.name, PersonDetails { unit: unit(&wanted.unit), ..wanted.details.clone() })
                })
                .collect();
            let known = Known { people: &people, units: &units };
            let again = plan(file(&order).as_bytes(), &known, true).unwrap();
            prop_assert!(again.is_empty() && again.same == 4, "{:?}", again);
        }
    }
}
