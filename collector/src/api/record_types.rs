//! The governed record in JSON as it is described to programs. The record itself is answered as it is kept; a test below reads one with
//! every field set into these types and back, so that the description and the answer cannot part. The words of closed lists are put in
//! where the description is made (`describe.rs`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{AdditionalProperties, SchemaType};
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema, Type};

use crate::model::record::{
    AssessmentState, ComputePlace, DismissReason, Enforcement, FIELDS, Field, Input, LINE_CHARS, LINK_CHARS,
    LIST_ENTRIES, Observed, ReopenReason, ReviewState, Sanction, Scope, TEXT_CHARS, Tier,
};

/// A use of AI in the organisation. People and units by number; times in Unix milliseconds.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordBody {
    /// UUID of version 7; never reused.
    id: String,
    /// `AIS-0042`; never reused.
    reference: String,
    /// Seeded to show the product, and no system of anybody.
    demonstration: bool,
    /// Its name.
    name: String,
    /// What sort of system.
    kind: String,
    /// Ids of the catalogue's products that it is used through.
    products: Vec<String>,
    /// Id of the record that it is a part of.
    part_of: Option<String>,
    /// What it is embedded in, in words.
    embedded_in: Option<String>,
    /// Legal name of who provides it, where the catalogue's is not the right one.
    vendor_name: Option<String>,
    /// Country of that, ISO 3166-1 alpha-2.
    vendor_country: Option<String>,
    /// Who to write to there.
    vendor_contact: Option<String>,
    /// What it is used for.
    purpose: Option<String>,
    /// What it puts out.
    outputs: Option<String>,
    /// How it is meant to be used.
    intended_use: Option<String>,
    /// How it might be used otherwise.
    foreseeable_misuse: Option<String>,
    /// Who uses it and whom it touches.
    affected_groups: Vec<String>,
    /// Whether vulnerable people are among them.
    vulnerable_groups: String,
    /// What its output does to a decision.
    decision_impact: String,
    /// What that decision is about.
    consequential_domain: String,
    /// How a person keeps hold of it.
    human_oversight: String,
    /// The same in words.
    oversight_note: Option<String>,
    /// Where it works.
    environment: String,
    /// Parts that the organisation plays, after ISO/IEC 22989.
    org_roles: Vec<String>,
    /// Part under the EU AI Act.
    ai_act_role: String,
    /// Who answers for it.
    system_owner: Option<i64>,
    /// Who answers for its risk.
    risk_owner: Option<i64>,
    /// Units that it belongs to.
    org_units: Vec<i64>,
    /// What the supplier does and what the organisation does.
    responsibility_split: Option<String>,
    /// Whether a third party provides it.
    third_party: String,
    /// How far the assessment of the supplier is.
    supplier_assessment: RecordAssessment,
    /// Contracts.
    contract_links: Vec<String>,
    /// Data processing agreement.
    dpa_link: Option<String>,
    /// Whether the supplier trains on what is put in.
    trains_on_our_data: String,
    /// Where the supplier keeps it.
    data_residency: Option<String>,
    /// For how long.
    vendor_retention: Option<String>,
    /// What sorts of data go in.
    data_categories: Vec<String>,
    /// The same in words.
    input_data: Option<String>,
    /// What it was trained with, where that is known.
    training_data: Option<String>,
    /// Whether data leaves the country.
    cross_border: String,
    /// For which, ISO 3166-1 alpha-2.
    cross_border_countries: Vec<String>,
    /// Whether it is about people.
    pii: String,
    /// Data protection impact assessment.
    dpia: RecordAssessment,
    /// What it computes on; left out: nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    compute: Option<RecordCompute>,
    /// Where it says what people have to know.
    competence_link: Option<String>,
    /// How much harm it may do.
    risk_tier: String,
    /// Why that, where it differs from the suggestion.
    risk_tier_reason: Option<String>,
    /// Version of the method when it was set.
    risk_method: Option<String>,
    /// What was suggested when it was set.
    risk_suggested: Option<String>,
    /// Class under the EU AI Act.
    ai_act_class: String,
    /// Point of Annex III, condition and grounds, or systemic risk: what the class needs besides.
    ai_act_detail: Option<String>,
    /// AI system impact assessment.
    aiia: RecordAssessment,
    /// What called for it.
    aiia_trigger: Option<String>,
    /// Fundamental rights impact assessment.
    fria: RecordAssessment,
    /// Entry in the EU database.
    eu_db_url: Option<String>,
    /// Entry in the organisation's register of risks.
    risk_register_link: Option<String>,
    /// What remains of the risk, and who accepted it until when.
    residual: Option<RecordResidual>,
    /// Other laws that look at it, by name.
    other_regimes: Vec<String>,
    /// How far people are.
    review: String,
    /// Why it is open again.
    reopened: Option<String>,
    /// Why there was nothing to decide.
    dismissed: Option<String>,
    /// Id of the record that this one doubles.
    duplicate_of: Option<String>,
    /// What was decided, as it was recorded.
    sanction: String,
    /// Under which conditions.
    conditions: Option<String>,
    /// The last day of what is tolerated.
    #[schema(format = Date)]
    expires_on: Option<String>,
    /// Units in which alone it may be used; left out: wherever it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    limited_to_units: Vec<i64>,
    /// Versions in which alone it may be used, of the products that are named; left out: whichever there is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    limited_to_versions: Vec<RecordVersions>,
    /// Whether the management system covers it.
    scope: String,
    /// Why not, or why.
    scope_justification: Option<String>,
    /// Who decided on its scope.
    scope_decided_by: Option<i64>,
    /// When.
    scope_decided_at_ms: Option<i64>,
    /// Number of the scope statement that was being drafted then.
    scope_version: Option<u64>,
    /// Where it stands in its life.
    stage: String,
    /// What sensors show.
    observed: String,
    /// What enforces the decision.
    enforcement: String,
    /// What shows that.
    enforcement_evidence: Option<String>,
    /// First day that a sensor saw one of its products.
    #[schema(format = Date)]
    first_seen: Option<String>,
    /// Day from which on it was in use.
    #[schema(format = Date)]
    deployed_on: Option<String>,
    /// Day on which somebody has to look again.
    #[schema(format = Date)]
    next_review_due: Option<String>,
    /// Day on which it ended.
    #[schema(format = Date)]
    retired_on: Option<String>,
    /// What shows that nothing of it is left.
    disposal_evidence: Option<String>,
    /// Confirmations by its owners, oldest first.
    confirmations: Vec<RecordConfirmation>,
    /// What somebody asks for, and somebody else has to decide.
    request: Option<RecordRequest>,
    /// The last decision about its use.
    decision: Option<RecordDecision>,
    /// When that decision was taken back.
    revoked_at_ms: Option<i64>,
    /// What was there when it was decided; a later difference is a material change.
    basis: Option<RecordBasis>,
    /// What people said about it, oldest first; left out: nobody said anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    comments: Vec<RecordComment>,
    /// Words to find it by.
    labels: Vec<String>,
    /// Ids of records that went into this one.
    merged_from: Vec<String>,
    /// Id of the record that this one went into.
    merged_into: Option<String>,
    /// Id of the record that this one was split from.
    split_from: Option<String>,
}

/// What a system computes on, as people say.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordCompute {
    /// Where.
    places: Vec<String>,
    /// Graphics processors and other accelerators, where they are known.
    accelerators: Option<String>,
    /// What else there is to say: regions, sizes, who runs it.
    note: Option<String>,
}

/// An assessment that a person made elsewhere.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordAssessment {
    /// How far it is.
    state: String,
    /// When it was made.
    #[schema(format = Date)]
    date: Option<String>,
    /// Where it is kept.
    link: Option<String>,
    /// SHA-256 of the document, in hexadecimal.
    sha256: Option<String>,
    /// The last day that it counts.
    #[schema(format = Date)]
    expires: Option<String>,
    /// Who made it.
    assessor: Option<String>,
}

/// Risk that remains and that somebody accepted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordResidual {
    /// Who.
    by: i64,
    /// When.
    at_ms: i64,
    /// The last day of it.
    #[schema(format = Date)]
    expires: String,
    /// What remains.
    note: String,
}

/// An owner's answer.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordConfirmation {
    /// Id of the campaign; null: by itself.
    campaign: Option<String>,
    /// Who.
    by: i64,
    /// When.
    at_ms: i64,
    /// Hash of the version that the person saw, in hexadecimal.
    seen: String,
    /// What was said besides.
    comment: Option<String>,
}

/// What somebody asks for. Another person decides.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordRequest {
    /// What.
    wish: RecordWish,
    /// Who asks.
    by: i64,
    /// When.
    at_ms: i64,
    /// Why.
    reason: String,
}

/// Versions of a product: from one on, below another one, or both.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordVersions {
    /// Id of the product.
    product: String,
    /// The first version of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// The first version after them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    below: Option<String>,
}

/// What can be asked for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "what", deny_unknown_fields)]
pub(super) enum RecordWish {
    /// To be sanctioned.
    Sanction {
        /// Under which conditions, if any.
        conditions: Option<String>,
        /// Units in which alone; left out: wherever it is.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        units: Vec<i64>,
        /// Versions in which alone; left out: whichever there is.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        versions: Vec<RecordVersions>,
    },
    /// To be tolerated for a time.
    Tolerate {
        /// Under which conditions.
        conditions: String,
        /// The last day.
        #[schema(format = Date)]
        expires_on: String,
        /// Units in which alone; left out: wherever it is.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        units: Vec<i64>,
        /// Versions in which alone; left out: whichever there is.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        versions: Vec<RecordVersions>,
    },
    /// To be put in scope.
    ScopeIn {
        /// Why.
        justification: Option<String>,
    },
    /// To be left out of scope.
    ScopeOut {
        /// Why.
        justification: String,
    },
    /// To be retired.
    Retire {
        /// Day of its end.
        #[schema(format = Date)]
        retired_on: String,
        /// What shows that nothing is left.
        disposal_evidence: String,
    },
    /// To go into another record.
    Merge {
        /// Id of that record.
        into: String,
    },
    /// To give some of its products to a new record.
    Split {
        /// Ids of the products.
        products: Vec<String>,
        /// Name of the new record.
        name: String,
    },
}

/// A decision about use.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordDecision {
    /// Who decided.
    by: i64,
    /// Who had asked; null: nobody had to.
    requested_by: Option<i64>,
    /// When.
    at_ms: i64,
    /// Why.
    reason: String,
    /// Version of the policy that was in force.
    policy: String,
    /// Share of the expected endpoints that reported then, in percent; null: not known.
    coverage_percent: Option<u32>,
}

/// What was there when it was decided.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordBasis {
    /// Risk flags seen.
    flags: Vec<String>,
    /// Units in which it was seen.
    units: Vec<i64>,
    /// Publishers and signers seen.
    publishers: Vec<String>,
    /// The last day that a sensor had seen it by then.
    #[schema(format = Date)]
    last_day: Option<String>,
}

/// What somebody said about a record.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordComment {
    /// Who.
    by: i64,
    /// When.
    at_ms: i64,
    /// What.
    text: String,
}

/// A value that a field is set to: a text, the number of a person, a list of words or of units, or null for nothing.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub(super) enum FieldValue {
    /// A text, a word, or a day.
    Text(String),
    /// The number of a person.
    Number(i64),
    /// Words, lines, or numbers of units.
    List(Vec<FieldEntry>),
    /// Nothing.
    Nothing,
}

/// An entry of a list that a field is set to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub(super) enum FieldEntry {
    /// A word or a line.
    Text(String),
    /// The number of a unit.
    Number(i64),
}

impl From<FieldValue> for Value {
    fn from(value: FieldValue) -> Self {
        match value {
            FieldValue::Text(text) => text.into(),
            FieldValue::Number(number) => number.into(),
            FieldValue::Nothing => Self::Null,
            FieldValue::List(entries) => entries
                .into_iter()
                .map(|entry| match entry {
                    FieldEntry::Text(text) => Value::from(text),
                    FieldEntry::Number(number) => number.into(),
                })
                .collect(),
        }
    }
}

/// The fields that are set by editing, by name, each with what may be in it.
pub(super) fn editable() -> Schema {
    let object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("Values by name."))
        .additional_properties(Some(AdditionalProperties::FreeForm(false)));
    Schema::Object(
        FIELDS.iter().fold(object, |object, field| object.property(field.name, form_of(field))).build(),
    )
}

/// What may be in a field.
fn form_of(field: &Field) -> Schema {
    let text = |longest: usize| {
        ObjectBuilder::new()
            .schema_type(SchemaType::Array(vec![Type::String, Type::Null]))
            .max_length(Some(longest))
    };
    let one_of = |choices: fn() -> Vec<(&'static str, &'static str)>| {
        let words = choices().into_iter().map(|(word, _)| word);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words))
    };
    let list = |of: ObjectBuilder| {
        ArrayBuilder::new()
            .items(RefOr::T(Schema::Object(of.build())))
            .max_items(Some(LIST_ENTRIES))
            .description(Some(field.label))
            .build()
    };
    let plain = match field.input {
        Input::Line => text(LINE_CHARS),
        Input::Text => text(TEXT_CHARS),
        Input::Link => text(LINK_CHARS),
        // No format: an empty text takes a day away.
        Input::Day => text(10).pattern(Some("^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")),
        Input::Sha256 => text(64).pattern(Some("^([0-9a-fA-F]{64})?$")),
        Input::Choice(choices) => one_of(choices),
        Input::Person => ObjectBuilder::new().schema_type(SchemaType::Array(vec![Type::Integer, Type::Null])),
        Input::Choices(choices) => return Schema::Array(list(one_of(choices))),
        Input::Units => return Schema::Array(list(ObjectBuilder::new().schema_type(Type::Integer))),
        Input::Lines => {
            let line = ObjectBuilder::new().schema_type(Type::String);
            return Schema::Array(list(line.min_length(Some(1)).max_length(Some(LINE_CHARS))));
        }
    };
    Schema::Object(plain.description(Some(field.label)).build())
}

/// The words of closed lists in a record, by type and property.
pub(super) fn words() -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    let of = |choices: Vec<(&'static str, &'static str)>| choices.into_iter().map(|(word, _)| word).collect();
    let set = FIELDS.iter().filter_map(|field| match field.input {
        Input::Choice(choices) | Input::Choices(choices) if !field.name.contains('.') => {
            Some(("RecordBody", field.name, of(choices())))
        }
        _ => None,
    });
    let moved = [
        ("RecordBody", "risk_suggested", of(Tier::choices())),
        ("RecordBody", "review", of(ReviewState::choices())),
        ("RecordBody", "reopened", of(ReopenReason::choices())),
        ("RecordBody", "dismissed", of(DismissReason::choices())),
        ("RecordBody", "sanction", of(Sanction::choices())),
        ("RecordBody", "scope", of(Scope::choices())),
        ("RecordBody", "observed", of(Observed::choices())),
        ("RecordBody", "enforcement", of(Enforcement::choices())),
        ("RecordCompute", "places", of(ComputePlace::choices())),
        ("RecordAssessment", "state", of(AssessmentState::choices())),
    ];
    set.chain(moved).collect()
}

/// What a request sets, as the record takes it.
pub(super) fn values(sent: BTreeMap<String, FieldValue>) -> Vec<(String, Value)> {
    sent.into_iter().map(|(name, value)| (name, value.into())).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;
    use umbrascope_api::Day;

    use super::*;
    use crate::model::record::{
        AiSystem, Assessment, Basis, Comment, Compute, ComputePlace, Confirmation, DataCategory, Decision,
        DismissReason, Limit, OrgRole, ReopenReason, Request, Residual, Tier, VersionLimit, Wish,
    };

    fn text() -> Option<String> {
        Some("x".to_owned())
    }

    fn day() -> Day {
        Day::from_number(20_784).unwrap()
    }

    fn versions() -> BTreeSet<VersionLimit> {
        ["a.b >=1 <2", "a.c >=1", "a.d <2"].map(|text| VersionLimit::parse(text).unwrap()).into()
    }

    fn wishes() -> Vec<Wish> {
        let limit = || Limit { units: [7].into(), versions: versions() };
        vec![
            Wish::sanction(),
            Wish::Sanction { conditions: text(), limit: limit() },
            Wish::Tolerate { conditions: "x".into(), expires_on: day(), limit: Limit::default() },
            Wish::Tolerate { conditions: "x".into(), expires_on: day(), limit: limit() },
            Wish::ScopeIn { justification: None },
            Wish::ScopeOut { justification: "x".into() },
            Wish::Retire { retired_on: day(), disposal_evidence: "x".into() },
            Wish::Merge { into: "x".into() },
            Wish::Split { products: ["a.b".to_owned()].into(), name: "x".into() },
        ]
    }

    /// With every field set; where somebody adds one, the compiler asks for it here.
    fn every_field(wish: Wish) -> AiSystem {
        let assessed = || Assessment {
            date: Some(day()),
            link: text(),
            sha256: text(),
            expires: Some(day()),
            assessor: text(),
            ..Assessment::default()
        };
        let words = || vec!["x".to_owned()];
        let default = AiSystem::default();
        AiSystem {
            id: "x".into(),
            reference: "AIS-0001".into(),
            demonstration: true,
            name: "x".into(),
            kind: default.kind,
            products: ["a.b".to_owned()].into(),
            part_of: text(),
            embedded_in: text(),
            vendor_name: text(),
            vendor_country: text(),
            vendor_contact: text(),
            purpose: text(),
            outputs: text(),
            intended_use: text(),
            foreseeable_misuse: text(),
            affected_groups: words(),
            vulnerable_groups: default.vulnerable_groups,
            decision_impact: default.decision_impact,
            consequential_domain: default.consequential_domain,
            human_oversight: default.human_oversight,
            oversight_note: text(),
            environment: default.environment,
            org_roles: [OrgRole::Deployer].into(),
            ai_act_role: default.ai_act_role,
            system_owner: Some(1),
            risk_owner: Some(1),
            org_units: [1].into(),
            responsibility_split: text(),
            third_party: default.third_party,
            supplier_assessment: assessed(),
            contract_links: words(),
            dpa_link: text(),
            trains_on_our_data: default.trains_on_our_data,
            data_residency: text(),
            vendor_retention: text(),
            data_categories: [DataCategory::Health].into(),
            input_data: text(),
            training_data: text(),
            cross_border: default.cross_border,
            cross_border_countries: words(),
            pii: default.pii,
            dpia: assessed(),
            compute: Compute { places: [ComputePlace::OwnDevice].into(), accelerators: text(), note: text() },
            competence_link: text(),
            risk_tier: default.risk_tier,
            risk_tier_reason: text(),
            risk_method: text(),
            risk_suggested: Some(Tier::High),
            ai_act_class: default.ai_act_class,
            ai_act_detail: text(),
            aiia: assessed(),
            aiia_trigger: text(),
            fria: assessed(),
            eu_db_url: text(),
            risk_register_link: text(),
            residual: Some(Residual { by: 1, at_ms: 1, expires: day(), note: "x".into() }),
            other_regimes: words(),
            review: default.review,
            reopened: Some(ReopenReason::Manual),
            dismissed: Some(DismissReason::Test),
            duplicate_of: text(),
            sanction: default.sanction,
            conditions: text(),
            expires_on: Some(day()),
            limited_to_units: [1].into(),
            limited_to_versions: versions(),
            scope: default.scope,
            scope_justification: text(),
            scope_decided_by: Some(1),
            scope_decided_at_ms: Some(1),
            scope_version: Some(1),
            stage: default.stage,
            observed: default.observed,
            enforcement: default.enforcement,
            enforcement_evidence: text(),
            first_seen: Some(day()),
            deployed_on: Some(day()),
            next_review_due: Some(day()),
            retired_on: Some(day()),
            disposal_evidence: text(),
            confirmations: vec![Confirmation {
                campaign: text(),
                by: 1,
                at_ms: 1,
                seen: "x".into(),
                comment: text(),
            }],
            request: Some(Request { wish, by: 1, at_ms: 1, reason: "x".into() }),
            decision: Some(Decision {
                by: 1,
                requested_by: Some(2),
                at_ms: 1,
                reason: "x".into(),
                policy: "x".into(),
                coverage_percent: Some(90),
            }),
            revoked_at_ms: Some(1),
            basis: Some(Basis {
                flags: ["x".to_owned()].into(),
                units: [1].into(),
                publishers: ["x".to_owned()].into(),
                last_day: Some(day()),
            }),
            comments: vec![Comment { by: 1, at_ms: 1, text: "x".into() }],
            labels: ["x".to_owned()].into(),
            merged_from: words(),
            merged_into: text(),
            split_from: text(),
        }
    }

    #[test]
    fn a_record_is_described_as_it_is_answered_whether_much_is_known_of_it_or_nothing() {
        let records = wishes().into_iter().map(every_field).chain([AiSystem::default()]);
        for record in records {
            let answered = serde_json::to_value(&record).unwrap();
            let read: RecordBody = serde_json::from_value(answered.clone())
                .unwrap_or_else(|error| panic!("{error}: {answered}"));
            assert_eq!(serde_json::to_value(read).unwrap(), answered);
        }
    }

    #[test]
    fn a_field_is_set_to_a_text_a_number_a_list_or_nothing() {
        let sent =
            json!({"purpose": "x", "system_owner": 7, "org_units": [1, 2], "labels": ["a"], "pii": null});
        let read: BTreeMap<String, FieldValue> = serde_json::from_value(sent.clone()).unwrap();
        let back: serde_json::Map<String, Value> = values(read).into_iter().collect();
        assert_eq!(Value::Object(back), sent);
        for wrong in
            [json!({"pii": {}}), json!({"pii": true}), json!({"pii": 1.5}), json!({"labels": [["a"]]})]
        {
            assert!(serde_json::from_value::<BTreeMap<String, FieldValue>>(wrong).is_err());
        }
    }
}
