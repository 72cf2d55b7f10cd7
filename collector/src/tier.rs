//! Which risk tier is suggested: rules of a versioned file over what people said of a system. Deterministic; every input shows, so that it
//! can be recomputed by hand. After governance reference (j).
//!
//! What is unknown fires no rule, and replacing it by anything never lowers the floor. Neither how many people use a system, nor whether
//! it is approved, nor how it was detected is an input.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::record::{
    AiActClass, AiSystem, DataCategory, DecisionImpact, Domain, Environment, Tier, named,
};

/// The method that is part of the program.
const BUILT_IN: &str = include_str!("../data/tier-method.toml");

/// Rules that suggest a tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// Its version, which every suggestion cites.
    pub version: String,
    /// Fields that have to be known before `minimal` is suggested.
    known: Vec<Input>,
    /// The rules.
    #[serde(rename = "rule")]
    rules: Vec<Rule>,
}

/// A rule: where every condition holds, the tier is not below the floor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    id: String,
    floor: Tier,
    /// In words, after "because".
    says: String,
    all: Vec<Condition>,
}

/// A condition on one field. It does not hold where the field is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    field: Input,
    /// One of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    is: Vec<String>,
    /// Known, and none of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    not: Vec<String>,
}

/// A field that a suggestion may rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// What its output does to a decision.
    DecisionImpact,
    /// What that decision is about.
    ConsequentialDomain,
    /// Where it works.
    Environment,
    /// What sorts of data go in.
    DataCategories,
    /// Class under the EU AI Act.
    AiActClass,
}

impl Input {
    /// Every one of them, in the order of the record.
    pub const ALL: [Self; 5] = [
        Self::DecisionImpact,
        Self::ConsequentialDomain,
        Self::Environment,
        Self::DataCategories,
        Self::AiActClass,
    ];

    /// The name of the field in the record.
    pub fn field(self) -> &'static str {
        match self {
            Self::DecisionImpact => "decision_impact",
            Self::ConsequentialDomain => "consequential_domain",
            Self::Environment => "environment",
            Self::DataCategories => "data_categories",
            Self::AiActClass => "ai_act_class",
        }
    }

    /// What people call the field.
    pub fn label(self) -> &'static str {
        named(self.field()).map_or(self.field(), |field| field.label)
    }

    /// Words of the field, as people read them.
    pub fn said(self, words: &[&str]) -> Vec<&'static str> {
        let known = self.choices().into_iter();
        known.filter(|(word, _)| words.contains(word)).map(|(_, label)| label).collect()
    }

    /// The words that the field can have.
    fn words(self) -> Vec<&'static str> {
        self.choices().into_iter().map(|(word, _)| word).collect()
    }

    fn choices(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::DecisionImpact => DecisionImpact::choices(),
            Self::ConsequentialDomain => Domain::choices(),
            Self::Environment => Environment::choices(),
            Self::DataCategories => DataCategory::choices(),
            Self::AiActClass => AiActClass::choices(),
        }
    }

    /// What is known of it: words, and whether that is all of it.
    fn read(self, system: &AiSystem) -> (Vec<&'static str>, bool) {
        let one = |word: &'static str, unknown: bool| (if unknown { vec![] } else { vec![word] }, !unknown);
        match self {
            Self::DecisionImpact => {
                one(system.decision_impact.as_str(), system.decision_impact == DecisionImpact::Unknown)
            }
            Self::ConsequentialDomain => {
                one(system.consequential_domain.as_str(), system.consequential_domain == Domain::Unknown)
            }
            Self::Environment => one(system.environment.as_str(), system.environment == Environment::Unknown),
            Self::AiActClass => {
                one(system.ai_act_class.as_str(), system.ai_act_class == AiActClass::Undetermined)
            }
            Self::DataCategories => {
                let known = system.data_categories.iter().filter(|one| **one != DataCategory::Unknown);
                let known: Vec<_> = known.map(|one| one.as_str()).collect();
                let whole = !known.is_empty() && !system.data_categories.contains(&DataCategory::Unknown);
                (known, whole)
            }
        }
    }
}

/// What a method suggests for one system, and from what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// The tier; at least it, where something is unknown.
    pub tier: Tier,
    /// Rules that fired: id, floor, and why.
    pub fired: Vec<(String, Tier, String)>,
    /// What each field held.
    pub inputs: Vec<(Input, Vec<&'static str>)>,
    /// Fields that nobody filled in, or not wholly.
    pub unknown: Vec<Input>,
    /// Version of the method.
    pub method: String,
}

impl Suggestion {
    /// In words: `at least limited; 2 inputs unknown: environment, data_categories`.
    pub fn words(&self) -> String {
        let tier = self.tier.label().to_lowercase();
        let unknown: Vec<_> = self.unknown.iter().map(|input| input.field().replace('_', " ")).collect();
        match (self.tier, unknown.len()) {
            (Tier::Unassessed, _) => format!("no tier yet; unknown: {}", unknown.join(", ")),
            (_, 0) => tier,
            (_, 1) => format!("at least {tier}; 1 input unknown: {}", unknown.join(", ")),
            (_, number) => format!("at least {tier}; {number} inputs unknown: {}", unknown.join(", ")),
        }
    }
}

/// The tier that a person set, beside what is suggested now: neither changes the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The tier that a person set; [`Tier::Unassessed`]: nobody did.
    pub set: Tier,
    /// What was suggested when it was set; `None`: that is not known.
    pub suggested_then: Option<Tier>,
    /// Version of the method that suggested it then.
    pub method_then: Option<String>,
    /// What is suggested now, with the rules that fired, their inputs and what is unknown.
    pub now: Suggestion,
    /// Whether somebody has to assess it anew: a tier was set, and what is suggested is no longer what was suggested then. Where that
    /// is not known, whether more is suggested now than was set.
    pub differs: bool,
}

/// Why a file is no method.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MethodError {
    /// Not TOML, or not with the fields of a method.
    #[error("it has not the form of a method: {0}")]
    Form(#[from] toml::de::Error),
    /// A word that a field cannot have.
    #[error("rule {rule}: {word:?} is no word of {field}")]
    Word {
        /// The rule.
        rule: String,
        /// The field.
        field: &'static str,
        /// The word.
        word: String,
    },
    /// A rule that fires for everything, or for what is unknown.
    #[error("rule {rule}: a condition needs words under `is` or under `not`, and a rule needs a condition")]
    Empty {
        /// The rule.
        rule: String,
    },
}

impl Method {
    /// The method that is part of the program.
    pub fn built_in() -> Arc<Self> {
        static METHOD: std::sync::OnceLock<Arc<Method>> = std::sync::OnceLock::new();
        // The tests read it too: what is built in can be read.
        Arc::clone(METHOD.get_or_init(|| {
            Arc::new(Self::parse(BUILT_IN).unwrap_or_else(|_| Self {
                version: "none".to_owned(),
                known: Input::ALL.to_vec(),
                rules: Vec::new(),
            }))
        }))
    }

    /// Reads a method from its file.
    pub fn parse(text: &str) -> Result<Self, MethodError> {
        let method: Self = toml::from_str(text)?;
        for rule in &method.rules {
            if rule.all.is_empty() || rule.all.iter().any(|one| one.is.is_empty() == one.not.is_empty()) {
                return Err(MethodError::Empty { rule: rule.id.clone() });
            }
            for condition in &rule.all {
                let known = condition.field.words();
                let words = condition.is.iter().chain(&condition.not);
                if let Some(word) = words.into_iter().find(|word| !known.contains(&word.as_str())) {
                    return Err(MethodError::Word {
                        rule: rule.id.clone(),
                        field: condition.field.field(),
                        word: word.clone(),
                    });
                }
            }
        }
        Ok(method)
    }

    /// What it suggests.
    pub fn suggest(&self, system: &AiSystem) -> Suggestion {
        let holds = |condition: &Condition| {
            let (words, _) = condition.field.read(system);
            let named = |list: &[String]| words.iter().any(|word| list.iter().any(|one| one == word));
            if condition.is.is_empty() {
                !words.is_empty() && words.iter().any(|word| !condition.not.iter().any(|one| one == word))
            } else {
                named(&condition.is)
            }
        };
        let fired: Vec<_> = self
            .rules
            .iter()
            .filter(|rule| rule.all.iter().all(holds))
            .map(|rule| (rule.id.clone(), rule.floor, rule.says.clone()))
            .collect();
        let unknown: Vec<_> = self.known.iter().copied().filter(|input| !input.read(system).1).collect();
        let all_known = if unknown.is_empty() { Tier::Minimal } else { Tier::Unassessed };
        let tier = fired.iter().map(|(_, floor, _)| *floor).max().unwrap_or(Tier::Unassessed).max(all_known);
        Suggestion {
            tier,
            fired,
            inputs: Input::ALL.into_iter().map(|input| (input, input.read(system).0)).collect(),
            unknown,
            method: self.version.clone(),
        }
    }

    /// The record's tier beside what is suggested of it now.
    pub fn compare(&self, system: &AiSystem) -> Comparison {
        let now = self.suggest(system);
        let moved = system.risk_suggested.map_or(now.tier > system.risk_tier, |then| then != now.tier);
        Comparison {
            set: system.risk_tier,
            suggested_then: system.risk_suggested,
            method_then: system.risk_method.clone(),
            differs: system.risk_tier != Tier::Unassessed && moved,
            now,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn method() -> Method {
        Method::parse(BUILT_IN).unwrap()
    }

    fn suggested(change: impl FnOnce(&mut AiSystem)) -> Suggestion {
        let mut system = AiSystem::default();
        change(&mut system);
        method().suggest(&system)
    }

    #[test]
    fn the_table_of_the_reference() {
        use DecisionImpact::{Decides, Informs, MateriallyInfluences, None};
        let tier = |change: fn(&mut AiSystem)| suggested(change).tier;
        assert_eq!(tier(|s| s.ai_act_class = AiActClass::ProhibitedArt5), Tier::Unacceptable);
        assert_eq!(tier(|s| s.ai_act_class = AiActClass::HighAnnex3), Tier::High);
        assert_eq!(
            tier(|s| (s.decision_impact, s.consequential_domain) = (Decides, Domain::Credit)),
            Tier::High
        );
        assert_eq!(tier(|s| s.decision_impact = MateriallyInfluences), Tier::Unassessed, "domain unknown");
        assert_eq!(tier(|s| s.environment = Environment::SafetyRelated), Tier::High);
        let children = BTreeSet::from([DataCategory::Children]);
        let mut system =
            AiSystem { data_categories: children, decision_impact: Informs, ..AiSystem::default() };
        assert_eq!(method().suggest(&system).tier, Tier::High);
        system.decision_impact = None;
        assert_eq!(method().suggest(&system).tier, Tier::Limited);
        system.data_categories = [DataCategory::Public].into();
        system.consequential_domain = Domain::None;
        system.environment = Environment::Internal;
        assert_eq!(method().suggest(&system).tier, Tier::Unassessed, "the class is undetermined");
        system.ai_act_class = AiActClass::Minimal;
        assert_eq!(method().suggest(&system).words(), "minimal");
    }

    #[test]
    fn a_suggestion_says_what_is_unknown() {
        let suggestion = suggested(|system| {
            system.decision_impact = DecisionImpact::Informs;
            system.consequential_domain = Domain::None;
            system.ai_act_class = AiActClass::Minimal;
        });
        assert_eq!(suggestion.words(), "at least limited; 2 inputs unknown: environment, data categories");
        assert_eq!(suggestion.fired[0].0, "T7a");
    }

    #[test]
    fn a_tier_that_was_set_is_to_be_assessed_anew_when_the_suggestion_moves_either_way() {
        let set = AiSystem {
            risk_tier: Tier::High,
            risk_suggested: Some(Tier::Limited),
            risk_method: Some("umbrascope-1".to_owned()),
            data_categories: [DataCategory::Personal].into(),
            ..AiSystem::default()
        };
        let method = method();
        let same = method.compare(&set);
        assert!(!same.differs, "a person may set another tier than is suggested");
        assert_eq!(
            (same.set, same.suggested_then, same.now.tier),
            (Tier::High, Some(Tier::Limited), Tier::Limited)
        );
        let less = AiSystem { data_categories: [DataCategory::Public].into(), ..set.clone() };
        let more = AiSystem { environment: Environment::SafetyRelated, ..set.clone() };
        assert!(method.compare(&less).differs);
        let told = method.compare(&more);
        assert!(told.differs);
        assert_eq!(told.now.fired.iter().map(|(id, ..)| &id[..]).collect::<Vec<_>>(), ["T4", "T6"]);
        assert_eq!(told.set, Tier::High, "the tier of the person stays");
        assert!(
            !method.compare(&AiSystem { risk_tier: Tier::Unassessed, ..more.clone() }).differs,
            "nobody set one"
        );
        // Nobody kept what was suggested: more than was set is told, less is not.
        let unkept = |tier| AiSystem { risk_tier: tier, risk_suggested: None, ..set.clone() };
        assert!(method.compare(&unkept(Tier::Minimal)).differs);
        assert!(!method.compare(&unkept(Tier::High)).differs);
    }

    /// I-16, over every combination of words, with data categories one by one and in the pairs that rules speak of.
    #[test]
    fn knowing_more_never_lowers_the_floor() {
        let method = method();
        let one = |category: &DataCategory| BTreeSet::from([*category]);
        let mut data: Vec<BTreeSet<DataCategory>> = DataCategory::ALL.iter().map(one).collect();
        data.push(BTreeSet::new());
        data.push([DataCategory::Unknown, DataCategory::Health].into());
        data.push([DataCategory::Public, DataCategory::Credentials].into());
        let mut combinations = 0;
        for impact in DecisionImpact::ALL {
            for domain in Domain::ALL {
                for environment in Environment::ALL {
                    for class in AiActClass::ALL {
                        for categories in &data {
                            let whole = AiSystem {
                                decision_impact: *impact,
                                consequential_domain: *domain,
                                environment: *environment,
                                ai_act_class: *class,
                                data_categories: categories.clone(),
                                ..AiSystem::default()
                            };
                            let known = method.suggest(&whole).tier;
                            let less = [
                                AiSystem { decision_impact: DecisionImpact::Unknown, ..whole.clone() },
                                AiSystem { consequential_domain: Domain::Unknown, ..whole.clone() },
                                AiSystem { environment: Environment::Unknown, ..whole.clone() },
                                AiSystem { ai_act_class: AiActClass::Undetermined, ..whole.clone() },
                                AiSystem { data_categories: BTreeSet::new(), ..whole.clone() },
                                AiSystem { data_categories: one(&DataCategory::Unknown), ..whole.clone() },
                            ];
                            for less in less {
                                assert!(method.suggest(&less).tier <= known, "{whole:?}");
                                combinations += 1;
                            }
                        }
                    }
                }
            }
        }
        assert!(combinations > 100_000, "{combinations}");
    }

    #[test]
    fn a_method_with_a_word_that_nobody_can_say_is_refused() {
        let wrong = BUILT_IN.replace("safety-related", "dangerous");
        assert!(matches!(Method::parse(&wrong), Err(MethodError::Word { word, .. }) if word == "dangerous"));
        let empty = BUILT_IN.replace("is = [\"safety-related\"]", "is = []");
        assert!(matches!(Method::parse(&empty), Err(MethodError::Empty { .. })));
        assert!(matches!(Method::parse("version = 1"), Err(MethodError::Form(_))));
    }
}
