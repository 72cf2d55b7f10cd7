//! The fields that people set: what a form asks, what may be in it, and why it is asked.

use std::collections::BTreeSet;

use serde_json::Value;
use umbrascope_api::Day;

use super::{
    AiActClass, AiActRole, AiSystem, AssessmentState, ComputePlace, DataCategory, DecisionImpact, Domain,
    Environment, OrgRole, Oversight, Stage, SystemKind, Tier, Tri,
};

/// Longest line, in characters.
pub const LINE_CHARS: usize = 300;
/// Longest text, in characters.
pub const TEXT_CHARS: usize = 8_000;
/// Longest link, in characters.
pub const LINK_CHARS: usize = 2_000;
/// Most entries of a list.
pub const LIST_ENTRIES: usize = 100;

/// What a form shows together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldGroup {
    /// What it is.
    Identity,
    /// What it is for.
    Purpose,
    /// Who answers for it.
    Roles,
    /// Who supplies it.
    Supplier,
    /// What goes in.
    Data,
    /// What it runs on.
    Computing,
    /// What it may do to people.
    Risk,
    /// When, and what else.
    Life,
}

impl FieldGroup {
    /// Every group, in the order of the page.
    pub const ALL: [Self; 8] = [
        Self::Identity,
        Self::Purpose,
        Self::Roles,
        Self::Supplier,
        Self::Data,
        Self::Computing,
        Self::Risk,
        Self::Life,
    ];

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Identity => "What it is",
            Self::Purpose => "What it is for",
            Self::Roles => "Who answers for it",
            Self::Supplier => "Supplier",
            Self::Data => "Data",
            Self::Computing => "What it runs on",
            Self::Risk => "Risk and impact",
            Self::Life => "Life cycle",
        }
    }

    /// The word in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Purpose => "purpose",
            Self::Roles => "roles",
            Self::Supplier => "supplier",
            Self::Data => "data",
            Self::Computing => "computing",
            Self::Risk => "risk",
            Self::Life => "life",
        }
    }
}

/// What may be put in.
#[derive(Debug, Clone, Copy)]
pub enum Input {
    /// One line.
    Line,
    /// Several lines.
    Text,
    /// An address on the web: `https://`, or a reference such as `CMDB-12`.
    Link,
    /// A day.
    Day,
    /// One of these words.
    Choice(fn() -> Vec<(&'static str, &'static str)>),
    /// Some of these words.
    Choices(fn() -> Vec<(&'static str, &'static str)>),
    /// A person of the directory.
    Person,
    /// Units.
    Units,
    /// One entry a line.
    Lines,
    /// 64 hexadecimal digits.
    Sha256,
}

/// A field that people set.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name in JSON; a dot leads into an object.
    pub name: &'static str,
    /// What people read.
    pub label: &'static str,
    /// Where it stands.
    pub group: FieldGroup,
    /// What may be in it.
    pub input: Input,
    /// Which demand it answers.
    pub why: &'static str,
}

const fn field(
    name: &'static str,
    label: &'static str,
    group: FieldGroup,
    input: Input,
    why: &'static str,
) -> Field {
    Field { name, label, group, input, why }
}

/// Every field that is set by editing, in the order of the page. States are not: they are moved.
pub const FIELDS: &[Field] = {
    use FieldGroup::{Computing, Data, Identity, Life, Purpose, Risk, Roles, Supplier};
    use Input::{Choice, Choices, Line, Lines, Link, Person, Sha256, Text, Units};
    const DAY: Input = Input::Day;
    &[
        field("name", "Name", Identity, Line, "4.3"),
        field("kind", "Kind", Identity, Choice(SystemKind::choices), "A.4.2"),
        field("part_of", "Part of the record", Identity, Line, "A.4.2"),
        field("embedded_in", "Embedded in", Identity, Line, "A.4.2"),
        field("labels", "Labels", Identity, Lines, "7.5"),
        field("purpose", "Purpose", Purpose, Text, "4.1"),
        field("intended_use", "Intended use", Purpose, Text, "A.9.4"),
        field("foreseeable_misuse", "Foreseeable misuse", Purpose, Text, "A.9.4, 6.1.4"),
        field("outputs", "Outputs", Purpose, Text, "6.1.4"),
        field("affected_groups", "Users and affected groups", Purpose, Lines, "6.1.4, A.5.4"),
        field("vulnerable_groups", "Vulnerable people among them", Purpose, Choice(Tri::choices), "A.5.4"),
        field(
            "decision_impact",
            "What its output does to a decision",
            Purpose,
            Choice(DecisionImpact::choices),
            "6.1.4",
        ),
        field(
            "consequential_domain",
            "What that decision is about",
            Purpose,
            Choice(Domain::choices),
            "6.1.4",
        ),
        field("human_oversight", "Human oversight", Purpose, Choice(Oversight::choices), "A.9.2"),
        field("oversight_note", "Oversight in words", Purpose, Text, "A.9.2"),
        field("environment", "Where it works", Purpose, Choice(Environment::choices), "6.1.2"),
        field("system_owner", "System owner", Roles, Person, "5.3, A.3.2"),
        field("risk_owner", "Risk owner", Roles, Person, "6.1.3"),
        field("org_units", "Units", Roles, Units, "4.3"),
        field("org_roles", "Role of the organisation", Roles, Choices(OrgRole::choices), "4.1"),
        field("ai_act_role", "Role under the EU AI Act", Roles, Choice(AiActRole::choices), "4.2"),
        field("responsibility_split", "Who does what", Roles, Text, "A.10.2"),
        field("competence_link", "Competence needed", Roles, Link, "A.4.6, 7.2"),
        field("third_party", "Provided by a third party", Supplier, Choice(Tri::choices), "A.10.3"),
        field("vendor_name", "Legal name of the supplier", Supplier, Line, "A.10.3"),
        field("vendor_country", "Country of the supplier", Supplier, Line, "A.10.3"),
        field("vendor_contact", "Contact at the supplier", Supplier, Line, "A.10.3"),
        field(
            "supplier_assessment.state",
            "Supplier assessment",
            Supplier,
            Choice(AssessmentState::choices),
            "A.10.3",
        ),
        field("supplier_assessment.date", "Assessed on", Supplier, DAY, "A.10.3"),
        field("supplier_assessment.link", "Supplier assessment, link", Supplier, Link, "A.10.3"),
        field("supplier_assessment.expires", "Assessment counts until", Supplier, DAY, "A.10.3"),
        field("supplier_assessment.assessor", "Assessed by", Supplier, Line, "A.10.3"),
        field("contract_links", "Contracts", Supplier, Lines, "A.10.3"),
        field("dpa_link", "Data processing agreement", Supplier, Link, "A.10.3"),
        field("trains_on_our_data", "Trains on what we put in", Supplier, Choice(Tri::choices), "A.10.3"),
        field("data_residency", "Where the supplier keeps data", Supplier, Line, "A.10.3"),
        field("vendor_retention", "How long the supplier keeps it", Supplier, Line, "A.10.3"),
        field("data_categories", "Categories of data", Data, Choices(DataCategory::choices), "A.4.3, A.7"),
        field("input_data", "Input data", Data, Text, "A.4.3"),
        field("training_data", "Training data", Data, Text, "A.7"),
        field("cross_border", "Leaves the country", Data, Choice(Tri::choices), "A.4.3"),
        field("cross_border_countries", "For these countries", Data, Lines, "A.4.3"),
        field("pii", "About people", Data, Choice(Tri::choices), "A.7"),
        field(
            "dpia.state",
            "Data protection impact assessment",
            Data,
            Choice(AssessmentState::choices),
            "A.5",
        ),
        field("dpia.date", "DPIA of", Data, DAY, "A.5"),
        field("dpia.link", "DPIA, link", Data, Link, "A.5"),
        field("compute.places", "Where it runs", Computing, Choices(ComputePlace::choices), "A.4.5"),
        field("compute.accelerators", "Graphics processors and other accelerators", Computing, Line, "A.4.5"),
        field("compute.note", "Regions, sizes, who runs it", Computing, Text, "A.4.5"),
        field("risk_tier", "Risk tier", Risk, Choice(Tier::choices), "6.1.2"),
        field("risk_tier_reason", "Why this tier", Risk, Text, "6.1.2"),
        field("ai_act_class", "Class under the EU AI Act", Risk, Choice(AiActClass::choices), "4.2"),
        field("ai_act_detail", "Point, condition, grounds", Risk, Text, "4.2"),
        field("aiia.state", "Impact assessment", Risk, Choice(AssessmentState::choices), "6.1.4, 8.4, A.5.3"),
        field("aiia.date", "Impact assessment of", Risk, DAY, "8.4"),
        field("aiia.link", "Impact assessment, link", Risk, Link, "A.5.3"),
        field("aiia.sha256", "Impact assessment, SHA-256", Risk, Sha256, "A.5.3"),
        field("aiia.expires", "Impact assessment counts until", Risk, DAY, "8.4"),
        field("aiia.assessor", "Impact assessed by", Risk, Line, "A.5.3"),
        field("aiia_trigger", "What called for it", Risk, Line, "6.1.4"),
        field(
            "fria.state",
            "Fundamental rights impact assessment",
            Risk,
            Choice(AssessmentState::choices),
            "4.2",
        ),
        field("fria.date", "FRIA of", Risk, DAY, "4.2"),
        field("fria.link", "FRIA, link", Risk, Link, "4.2"),
        field("eu_db_url", "Entry in the EU database", Risk, Link, "4.2"),
        field("risk_register_link", "Entry in the risk register", Risk, Link, "6.1.3"),
        field("other_regimes", "Other regimes", Risk, Lines, "4.2"),
        field("stage", "Stage", Life, Choice(Stage::choices), "A.6"),
        field("deployed_on", "In use since", Life, DAY, "8.4"),
        field("next_review_due", "Next review", Life, DAY, "8.2, 8.4"),
    ]
};

/// Fields that an owner sets when answering a row of a campaign. What rights, reviews and gates hang on is not among them: units, kind,
/// tier, class, assessments, the next review.
pub const OWNER_FIELDS: &[&str] = &[
    "name",
    "embedded_in",
    "labels",
    "purpose",
    "intended_use",
    "foreseeable_misuse",
    "outputs",
    "affected_groups",
    "vulnerable_groups",
    "decision_impact",
    "consequential_domain",
    "human_oversight",
    "oversight_note",
    "environment",
    "system_owner",
    "responsibility_split",
    "competence_link",
    "vendor_contact",
    "contract_links",
    "dpa_link",
    "trains_on_our_data",
    "data_residency",
    "vendor_retention",
    "data_categories",
    "input_data",
    "training_data",
    "cross_border",
    "cross_border_countries",
    "pii",
    "compute.places",
    "compute.accelerators",
    "compute.note",
    "deployed_on",
];

/// Why a field was not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct FieldRefused {
    /// Its name.
    pub field: String,
    /// What is wrong, and what would be right.
    pub problem: String,
}

/// The field of this name.
pub fn named(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.name == name)
}

/// The record with some fields set, each by its name and JSON value. All of it, or nothing and what is wrong with each. Whether a stage may
/// be set so is for the rules of review to say.
pub fn edit(system: &AiSystem, changes: &[(String, Value)]) -> Result<AiSystem, Vec<FieldRefused>> {
    let mut body = serde_json::to_value(system)
        .map_err(|error| vec![FieldRefused { field: "record".to_owned(), problem: error.to_string() }])?;
    let mut refused = Vec::new();
    for (name, value) in changes {
        let Some(field) = named(name) else {
            refused.push(FieldRefused {
                field: name.clone(),
                problem: "is no field that is set by editing".to_owned(),
            });
            continue;
        };
        match field.input.checked(value) {
            Ok(value) => set(&mut body, name, value),
            Err(problem) => refused.push(FieldRefused { field: name.clone(), problem }),
        }
    }
    if body["name"].as_str().is_none_or(|name| name.trim().is_empty()) {
        refused.push(FieldRefused {
            field: "name".to_owned(),
            problem: "is empty: a record needs a name".to_owned(),
        });
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    serde_json::from_value(body)
        .map_err(|error| vec![FieldRefused { field: "record".to_owned(), problem: error.to_string() }])
}

/// What a field holds, as the texts of a form: none, one, or one for each entry.
pub fn shown(system: &AiSystem, field: &Field) -> Vec<String> {
    let body = serde_json::to_value(system).unwrap_or_default();
    let value = field.name.split('.').fold(&body, |value, name| &value[name]);
    let one = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    match value {
        Value::Null => Vec::new(),
        Value::Array(entries) => entries.iter().map(one).collect(),
        other => vec![one(other)],
    }
}

fn set(body: &mut Value, name: &str, value: Value) {
    let at = name.split('.').fold(body, |value, name| &mut value[name]);
    *at = value;
}

impl Input {
    /// The JSON value of what a form sent.
    pub fn of_form(self, sent: &[String]) -> Value {
        let trimmed = || sent.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
        let number = |text: &str| text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from);
        match self {
            Self::Choices(_) => trimmed().map(Value::from).collect::<Vec<_>>().into(),
            Self::Units => trimmed().map(number).collect::<Vec<_>>().into(),
            Self::Lines => trimmed()
                .flat_map(str::lines)
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .map(Value::from)
                .collect::<Vec<_>>()
                .into(),
            Self::Person => trimmed().next().map_or(Value::Null, number),
            _ => trimmed().next().map_or(Value::Null, Value::from),
        }
    }

    /// The value as it is kept, or what is wrong with it.
    pub fn checked(self, value: &Value) -> Result<Value, String> {
        let text = |longest: usize| match value {
            Value::Null => Ok(Value::Null),
            Value::String(text) if text.trim().is_empty() => Ok(Value::Null),
            Value::String(text) if text.chars().count() > longest => {
                Err(format!("is longer than {longest} characters"))
            }
            Value::String(text) if text.contains('\0') => Err("holds a NUL character".to_owned()),
            Value::String(text) => Ok(Value::from(text.trim())),
            _ => Err("is no text".to_owned()),
        };
        match self {
            Self::Line => match text(LINE_CHARS)? {
                Value::String(line) if line.contains(['\n', '\r']) => {
                    Err("has more than one line".to_owned())
                }
                line => Ok(line),
            },
            Self::Text => text(TEXT_CHARS),
            Self::Link => match text(LINK_CHARS)? {
                Value::String(link) if !is_link(&link) => {
                    Err("is neither an address that begins with https:// or http:// nor a reference without blanks".to_owned())
                }
                link => Ok(link),
            },
            Self::Sha256 => match text(LINE_CHARS)? {
                Value::String(hash)
                    if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
                {
                    Err("is no SHA-256: 64 hexadecimal digits".to_owned())
                }
                Value::String(hash) => Ok(Value::from(hash.to_ascii_lowercase())),
                none => Ok(none),
            },
            Self::Day => match text(10)? {
                Value::String(day) => match day.parse::<Day>() {
                    Ok(_) => Ok(Value::from(day)),
                    Err(error) => Err(error.to_string()),
                },
                none => Ok(none),
            },
            Self::Choice(choices) => {
                let word = value.as_str().unwrap_or_default();
                if choices().iter().any(|(known, _)| *known == word) {
                    Ok(Value::from(word))
                } else {
                    let known: Vec<_> = choices().iter().map(|(known, _)| *known).collect();
                    Err(format!("{word:?} is none of {}", known.join(", ")))
                }
            }
            Self::Choices(choices) => {
                let words = entries(value)?;
                match words.iter().find(|word| !choices().iter().any(|(known, _)| known == word)) {
                    Some(word) => Err(format!("{word:?} is no choice here")),
                    None => Ok(words.into_iter().collect::<BTreeSet<_>>().into_iter().collect()),
                }
            }
            Self::Lines => {
                let lines = entries(value)?;
                match lines.iter().find(|line| line.chars().count() > LINE_CHARS) {
                    Some(_) => Err(format!("has a line of more than {LINE_CHARS} characters")),
                    None => Ok(lines.into()),
                }
            }
            Self::Person => match value {
                Value::Null => Ok(Value::Null),
                value if value.as_i64().is_some() => Ok(value.clone()),
                _ => Err("is no person's number".to_owned()),
            },
            Self::Units => match value.as_array() {
                Some(units)
                    if units.len() <= LIST_ENTRIES && units.iter().all(|unit| unit.as_i64().is_some()) =>
                {
                    Ok(units.iter().filter_map(Value::as_i64).collect::<BTreeSet<_>>().into_iter().collect())
                }
                _ => Err("is no list of units' numbers".to_owned()),
            },
        }
    }
}

fn entries(value: &Value) -> Result<Vec<String>, String> {
    let entries = value.as_array().ok_or("is no list")?;
    if entries.len() > LIST_ENTRIES {
        return Err(format!("has more than {LIST_ENTRIES} entries"));
    }
    entries
        .iter()
        .map(|entry| match entry.as_str().map(str::trim) {
            Some(text) if !text.is_empty() && !text.contains('\0') => Ok(text.to_owned()),
            _ => Err("has an entry that is no text".to_owned()),
        })
        .collect()
}

/// Not every link is an address: a contract may be `CTR-2026-118`. What a browser would run is none.
/// Whether a text can stand where a link is asked for: nothing that a browser would run.
pub fn is_link(link: &str) -> bool {
    let web = link.starts_with("https://") || link.starts_with("http://");
    let reference = !link.contains(':') || link.starts_with("urn:");
    !link.contains(char::is_whitespace) && (web || reference)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn some() -> AiSystem {
        AiSystem { name: "Drafting".to_owned(), ..AiSystem::default() }
    }

    fn with(name: &str, value: Value) -> Result<AiSystem, Vec<FieldRefused>> {
        edit(&some(), &[(name.to_owned(), value)])
    }

    #[test]
    fn every_field_leads_to_a_place_in_the_record() {
        // What nobody said of this is left out, so that records of before it was asked stay as they are.
        let told = with("compute.places", json!(["own-device"])).unwrap();
        let body = serde_json::to_value(told).unwrap();
        for field in FIELDS {
            let mut value = &body;
            for name in field.name.split('.') {
                value = value.get(name).unwrap_or_else(|| panic!("{} is in no record", field.name));
            }
        }
    }

    #[test]
    fn what_a_system_runs_on_is_told_and_taken_back_and_leaves_nothing() {
        let before = serde_json::to_value(some()).unwrap();
        assert!(before.get("compute").is_none(), "nobody said anything");
        let told = with("compute.accelerators", json!("2 graphics processors")).unwrap();
        assert_eq!(shown(&told, named("compute.accelerators").unwrap()), ["2 graphics processors"]);
        assert!(!told.compute.says_where() && !told.compute.is_unknown());
        let back = edit(&told, &[("compute.accelerators".to_owned(), json!(""))]).unwrap();
        assert_eq!(serde_json::to_value(back).unwrap(), before);
        let unknown = with("compute.places", json!(["unknown"])).unwrap();
        assert!(!unknown.compute.says_where(), "unknown is said, and says nothing");
        assert!(
            with("compute.places", json!(["own-cloud-account", "own-device"])).unwrap().compute.says_where()
        );
        assert!(with("compute.places", json!(["the moon"])).is_err());
        assert!(with("compute", json!({"note": "x"})).is_err(), "it is set part by part");
    }

    #[test]
    fn a_choice_is_one_of_its_words() {
        assert_eq!(with("risk_tier", json!("high")).unwrap().risk_tier, Tier::High);
        let refused = with("risk_tier", json!("severe")).unwrap_err();
        assert!(refused[0].problem.contains("unassessed, minimal"), "{refused:?}");
    }

    #[test]
    fn a_state_is_not_set_by_editing() {
        for name in ["sanction", "review", "scope", "observed", "id", "decision.by", "nothing"] {
            assert!(with(name, json!("sanctioned")).is_err(), "{name}");
        }
    }

    #[test]
    fn all_is_set_or_nothing() {
        let changes = [
            ("purpose".to_owned(), json!("Drafts letters")),
            ("aiia.date".to_owned(), json!("2026-02-30")),
            ("vendor_contact".to_owned(), json!("x".repeat(301))),
        ];
        let refused = edit(&some(), &changes).unwrap_err();
        assert_eq!(
            refused.iter().map(|one| &one.field[..]).collect::<Vec<_>>(),
            ["aiia.date", "vendor_contact"]
        );
    }

    #[test]
    fn a_link_that_a_browser_would_run_is_refused() {
        assert!(with("aiia.link", json!("javascript:alert(1)")).is_err());
        assert!(with("aiia.link", json!("data:text/html,x")).is_err());
        assert!(with("aiia.link", json!("https://wiki.example/aiia/7")).is_ok());
        assert!(with("aiia.link", json!("DOC-2026-7")).is_ok());
    }

    #[test]
    fn what_a_form_sends_comes_back_as_it_was_kept() {
        let units = Input::Units.of_form(&["3".into(), "1".into(), "3".into()]);
        let system = with("org_units", units).unwrap();
        assert_eq!(shown(&system, named("org_units").unwrap()), ["1", "3"]);
        let lines = Input::Lines.of_form(&["staff\n\n  applicants \n".into()]);
        let system = with("affected_groups", lines).unwrap();
        assert_eq!(system.affected_groups, ["staff", "applicants"]);
        assert_eq!(shown(&some(), named("purpose").unwrap()), Vec::<String>::new());
    }

    #[test]
    fn an_empty_text_is_no_text() {
        assert_eq!(with("purpose", json!("  ")).unwrap().purpose, None);
        assert!(with("name", json!(" ")).is_err());
    }
}
