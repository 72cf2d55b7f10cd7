//! A statement as people read it: one sheet of sections, from which the page, the HTML and the PDF are written alike.

use std::collections::BTreeMap;

use umbrascope_api::Day;

use super::{
    Approval, Boundary, Change, Content, Diff, Facet, Listed, NO_PERSONAL_SIGNATURE, Statement,
    StatementState,
};
use crate::model::text::visible;

/// Names of what statements hold by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// People.
    pub people: BTreeMap<i64, String>,
}

impl Names {
    /// A person by name, or by number where there is none.
    pub fn person(&self, number: i64) -> String {
        self.people.get(&number).cloned().unwrap_or_else(|| format!("person {number}"))
    }
}

/// A statement as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Its name.
    pub title: String,
    /// How far it is, in a sentence.
    pub standing: String,
    /// Its hash, in hexadecimal: the same in every form. `None`: it is not signed.
    pub hash: Option<String>,
    /// The sections, in order.
    pub sections: Vec<Section>,
}

/// A part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// For links to it.
    pub id: &'static str,
    /// Its heading.
    pub title: String,
    /// What is said before; empty: nothing.
    pub lead: String,
    /// What it holds.
    pub body: Body,
}

/// What a section holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Names and what they are.
    Pairs(Vec<(String, String)>),
    /// Columns, and rows of as many cells.
    Table(Vec<&'static str>, Vec<Vec<String>>),
}

impl Section {
    /// With at most so many rows, and a word on the others; a heading that counts counts all.
    pub fn shortened(mut self, most: usize) -> Self {
        if let Body::Table(_, rows) = &mut self.body
            && rows.len() > most
        {
            rows.truncate(most);
            let told = format!("The first {most} are listed here; a statement lists all of them.");
            self.lead = if self.lead.is_empty() { told } else { format!("{} {told}", self.lead) };
        }
        self
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        match &self.body {
            Body::Table(_, rows) => rows.len(),
            Body::Pairs(_) => 0,
        }
    }

    /// Keeps so many rows, from one of them on.
    pub fn keep(&mut self, from: usize, most: usize) {
        if let Body::Table(_, rows) = &mut self.body {
            *rows = rows.drain(..).skip(from).take(most).collect();
        }
    }

    fn pairs(id: &'static str, title: &str, lead: &str, pairs: Vec<(&str, String)>) -> Self {
        let pairs = pairs.into_iter().map(|(name, text)| (name.to_owned(), visible(&text))).collect();
        Self { id, title: title.to_owned(), lead: lead.to_owned(), body: Body::Pairs(pairs) }
    }

    fn table(
        id: &'static str,
        title: &str,
        lead: &str,
        heads: &[&'static str],
        rows: Vec<Vec<String>>,
    ) -> Self {
        let title = format!("{title} ({})", rows.len());
        let row = |row: Vec<String>| row.iter().map(|cell| visible(cell)).collect();
        let rows = rows.into_iter().map(row).collect();
        Self { id, title, lead: lead.to_owned(), body: Body::Table(heads.to_vec(), rows) }
    }
}

/// The sheet of a statement. A draft has the content that it would have now; `superseded`: a later one is signed.
pub fn sheet(statement: &Statement, now: Option<&Content>, superseded: bool, names: &Names) -> Sheet {
    let nothing = Content::default();
    let content = statement.content.as_ref().or(now).unwrap_or(&nothing);
    let standing = match statement.state {
        StatementState::Draft => "Draft: it is being written, and what it lists may change.".to_owned(),
        StatementState::Proposed => {
            "Proposed: its content is frozen and waits for two signatures.".to_owned()
        }
        StatementState::Signed if superseded => "Signed, and superseded by a later statement.".to_owned(),
        StatementState::Signed => "Signed and in force.".to_owned(),
    };
    let mut sections = vec![head(statement, content, names), boundary(content)];
    sections.push(Section::pairs(
        "coverage",
        "Coverage",
        "What the lists below rest on. What is not known is said to be unknown.",
        content.coverage.lines(),
    ));
    sections.push(included(content, names));
    sections.push(excluded(content, names));
    sections.push(undetermined(content, names));
    let collective = content.collective().map(|one| {
        vec![one.reference.clone(), named(one), one.products.iter().cloned().collect::<Vec<_>>().join(", ")]
    });
    sections.push(Section::table(
        "collective",
        "Collective records",
        "Records that stand for several products.",
        &["Record", "Name", "Products"],
        collective.collect(),
    ));
    let lead = match &content.previous {
        Some(previous) => format!("Against statement {}.", previous.number),
        None => "There is no statement before: everything is new.".to_owned(),
    };
    sections.extend(changes(&content.diff, &lead, names));
    sections.push(Section::table(
        "hashes",
        "Versions of the records",
        "The hash of each record as it is listed here; the audit trail has the same.",
        &["Record", "Version", "Hash"],
        content
            .all()
            .map(|(_, one)| {
                vec![one.reference.clone(), one.record_version.to_string(), one.record_hash.clone()]
            })
            .collect(),
    ));
    sections.push(signatures(statement, names));
    let title = match content.boundary.organisation.as_str() {
        "" => format!("Scope statement {}", statement.number),
        name => format!("Scope statement {} of {}", statement.number, visible(name)),
    };
    Sheet { title, standing, hash: statement.seal.as_ref().map(|seal| seal.hash.clone()), sections }
}

/// What changed, as sections.
pub fn changes(diff: &Diff, lead: &str, names: &Names) -> Vec<Section> {
    let rows = |change: &Change<Facet>| -> Vec<Vec<String>> {
        let told = change.told(&|person| names.person(person));
        told.into_iter()
            .map(|told| {
                vec![
                    change.reference().to_owned(),
                    change.name().to_owned(),
                    told.what.to_owned(),
                    dash(told.before),
                    dash(told.after),
                ]
            })
            .collect()
    };
    let lines = |changes: &BTreeMap<String, Change<String>>| -> Vec<Vec<String>> {
        let text = |text: &Option<String>| dash(text.clone().unwrap_or_default());
        changes
            .iter()
            .map(|(what, change)| vec![what.clone(), text(&change.before), text(&change.after)])
            .collect()
    };
    let mut records: Vec<Vec<String>> = diff.records.values().flat_map(rows).collect();
    records.sort();
    let other = lines(&diff.boundary).into_iter().chain(lines(&diff.coverage)).collect();
    vec![
        Section::table(
            "changes",
            "Changes of records",
            lead,
            &["Record", "Name", "Change", "Before", "After"],
            records,
        ),
        Section::table(
            "other-changes",
            "Changes of the boundary and of coverage",
            "",
            &["What", "Before", "After"],
            other,
        ),
    ]
}

fn head(statement: &Statement, content: &Content, names: &Names) -> Section {
    let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
    let previous = content.previous.as_ref().map_or_else(
        || "none".to_owned(),
        |previous| format!("statement {}, hash {}", previous.number, previous.hash),
    );
    Section::pairs(
        "head",
        "Statement",
        "",
        vec![
            ("Organisation", or(&content.boundary.organisation, "not said yet")),
            ("Number", statement.number.to_string()),
            ("As of", moment(content.as_of_ms)),
            ("Statement before", previous),
            ("Author", person(statement.author, names)),
            ("Proposed by", person(content.proposed_by, names)),
            ("AI policy", or(&content.policy, "none in force")),
            ("Catalogue", or(&content.catalogue, "unknown")),
            ("Method of risk tiers", or(&content.tier_method, "unknown")),
            ("Legal data", content.legal_data.clone().unwrap_or_else(|| "none held".to_owned())),
        ],
    )
}

fn boundary(content: &Content) -> Section {
    let Boundary { units, activities, roles, text, interfaces, .. } = &content.boundary;
    let unit_names = match units.is_empty() {
        true => "all units".to_owned(),
        false => content.units.iter().map(|unit| unit.name.clone()).collect::<Vec<_>>().join(", "),
    };
    let sites = content.sites.iter().map(|site| match site.place.as_str() {
        "" => site.name.clone(),
        place => format!("{} ({place})", site.name),
    });
    let sites = sites.collect::<Vec<_>>().join(", ");
    let roles = roles.iter().map(|role| role.label()).collect::<Vec<_>>().join(", ");
    Section::pairs(
        "boundary",
        "Boundary",
        "",
        vec![
            ("Units", unit_names),
            ("Sites and networks", dash(sites)),
            ("Activities", dash(activities.clone())),
            ("Roles of the organisation", dash(roles)),
            ("Boundary", dash(text.clone())),
            ("Interfaces to other management systems", dash(interfaces.clone())),
        ],
    )
}

fn included(content: &Content, names: &Names) -> Section {
    let row = |one: &Listed| {
        vec![
            one.reference.clone(),
            named(one),
            one.kind.label().to_owned(),
            dash(one.purpose.clone().unwrap_or_default()),
            owner(one, names),
            one.tier.label().to_owned(),
            one.class.label().to_owned(),
            format!("{}; {}", one.looked.label(), one.usage.label()),
        ]
    };
    Section::table(
        "included",
        "In scope",
        "",
        &["Record", "Name", "Kind", "Purpose", "Owner", "Tier", "AI Act class", "Sensors"],
        content.included.iter().map(row).collect(),
    )
}

fn excluded(content: &Content, names: &Names) -> Section {
    let mut rows: Vec<&Listed> = content.excluded.iter().collect();
    // What is used most and left out is what a reader asks about first.
    rows.sort_by(|one, other| other.usage.cmp(&one.usage).then_with(|| one.reference.cmp(&other.reference)));
    let row = |one: &Listed| {
        let by = one.decided_by.map_or_else(|| "unknown".to_owned(), |by| names.person(by));
        vec![
            one.reference.clone(),
            named(one),
            dash(one.purpose.clone().unwrap_or_default()),
            owner(one, names),
            format!("{}; {}", one.tier.label(), one.class.label()),
            dash(one.justification.clone().unwrap_or_default()),
            format!("{by}, {}", one.decided_at_ms.map_or_else(|| "unknown".to_owned(), day)),
            format!("{}; {}", one.usage.label(), one.looked.label()),
        ]
    };
    Section::table(
        "excluded",
        "Out of scope",
        "Those that are used most come first.",
        &["Record", "Name", "Purpose", "Owner", "Tier and class", "Justification", "Decided", "Use"],
        rows.into_iter().map(row).collect(),
    )
}

fn undetermined(content: &Content, names: &Names) -> Section {
    let limit = content.undetermined_limit_days;
    let mut rows: Vec<&Listed> = content.undetermined.iter().collect();
    rows.sort_by(|one, other| {
        other.age_days.cmp(&one.age_days).then_with(|| one.reference.cmp(&other.reference))
    });
    let row = |one: &Listed| {
        let age = one.age_days.map_or_else(
            || "unknown".to_owned(),
            |age| if age > limit { format!("{age} days: overdue") } else { format!("{age} days") },
        );
        vec![
            one.reference.clone(),
            named(one),
            one.kind.label().to_owned(),
            owner(one, names),
            age,
            format!("{}; {}", one.usage.label(), one.looked.label()),
        ]
    };
    Section::table(
        "undetermined",
        "Undetermined",
        &format!("Nobody decided yet whether these are in scope; after {limit} days that is overdue."),
        &["Record", "Name", "Kind", "Owner", "Age", "Use"],
        rows.into_iter().map(row).collect(),
    )
}

fn signatures(statement: &Statement, names: &Names) -> Section {
    let approval = |approval: &Option<Approval>| match approval {
        Some(by) => {
            format!("{}, {}, having signed in again, {}", names.person(by.person), by.role, moment(by.at_ms))
        }
        None => "not yet".to_owned(),
    };
    let mut pairs = vec![
        ("Approved by the scope owner", approval(&statement.approved)),
        ("Countersigned by a reviewer", approval(&statement.countersigned)),
    ];
    match &statement.seal {
        Some(seal) => pairs.extend([
            ("Hash (SHA-256 of the canonical JSON)", seal.hash.clone()),
            ("Log", seal.log.origin.clone()),
            ("Entries of the log at that moment", seal.log.size.to_string()),
            ("Root of the log", seal.log.root.clone()),
            ("Signed note", seal.note.clone()),
        ]),
        None => pairs.push(("Signature of the collector's key", "not yet".to_owned())),
    }
    Section::pairs("signatures", "Signatures", NO_PERSONAL_SIGNATURE, pairs)
}

fn named(one: &Listed) -> String {
    if one.demonstration { format!("{} (demonstration)", one.name) } else { one.name.clone() }
}

fn owner(one: &Listed, names: &Names) -> String {
    one.owner.map_or_else(|| "nobody".to_owned(), |owner| names.person(owner))
}

fn person(number: i64, names: &Names) -> String {
    if number == 0 { "nobody yet".to_owned() } else { names.person(number) }
}

fn dash(text: String) -> String {
    if text.trim().is_empty() { "—".to_owned() } else { text }
}

fn day(at_ms: i64) -> String {
    Day::from_unix_ms(at_ms).to_string()
}

/// Day and minute, UTC.
fn moment(at_ms: i64) -> String {
    let minutes = at_ms.rem_euclid(86_400_000) / 60_000;
    format!("{} {:02}:{:02} UTC", day(at_ms), minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::super::UsageBand;
    use super::*;

    #[test]
    fn a_sheet_leaves_nothing_out() {
        let listed = |reference: &str, usage| Listed {
            reference: reference.into(),
            name: format!("{reference} name"),
            usage,
            ..Listed::default()
        };
        let content = Content {
            included: vec![listed("AIS-0001", UsageBand::None)],
            excluded: vec![listed("AIS-0002", UsageBand::Few), listed("AIS-0003", UsageBand::Many)],
            undetermined: vec![Listed { age_days: Some(91), ..listed("AIS-0004", UsageBand::None) }],
            undetermined_limit_days: 90,
            ..Content::default()
        };
        let statement = Statement { number: 4, content: Some(content), ..Statement::default() };
        let sheet = sheet(&statement, None, false, &Names::default());
        let section = |id| sheet.sections.iter().find(|section| section.id == id).unwrap();
        let Body::Table(heads, rows) = &section("excluded").body else { panic!("no table") };
        assert_eq!(rows.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["AIS-0003", "AIS-0002"]);
        assert!(rows.iter().all(|row| row.len() == heads.len()));
        let Body::Table(_, rows) = &section("undetermined").body else { panic!("no table") };
        assert_eq!(rows[0][4], "91 days: overdue");
        let Body::Pairs(pairs) = &section("coverage").body else { panic!("no pairs") };
        assert!(pairs.contains(&("Expected endpoints".to_owned(), "unknown".to_owned())));
        let Body::Table(_, rows) = &section("hashes").body else { panic!("no table") };
        assert_eq!(rows.len(), 4);
        assert!(section("signatures").lead.contains("no personal signature"));
    }
}
