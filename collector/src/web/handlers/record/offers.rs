//! What a reader may do with a record now. The rules themselves are asked, one trial a move: the page knows no rule.

use std::collections::BTreeSet;

use umbrascope_api::Day;

use super::fields::problem;
use crate::model::record::{
    AiSystem, DismissReason, Enforcement, Limit, Observed, ReviewState, Sanction, Scope, Stage, VersionLimit,
    Wish,
};
use crate::model::{Role, SystemDetail};
use crate::review::{Guard, Move, Refused, label};
use crate::web::language::{say, t};
use crate::web::list::Choice;
use crate::web::names::Names;
use crate::web::pages::{Ask, Axis, Offer};

/// The moves that are tried, in the order of the page, each as it would be made with everything said that it needs.
pub(in crate::web::handlers) fn candidates(system: &AiSystem, today: Day) -> Vec<(&'static str, Move)> {
    let some = || "x".repeat(20);
    let mut list = vec![
        ("approve", Move::Approve),
        ("decline", Move::Decline),
        ("withdraw", Move::Withdraw),
        ("triage", Move::Triage),
        ("review", Move::StartReview),
        ("request-sanction", Move::Request(Wish::sanction())),
        (
            "request-tolerance",
            Move::Request(Wish::Tolerate {
                conditions: some(),
                expires_on: today.forward(1),
                limit: Limit::default(),
            }),
        ),
        ("prohibit", Move::Prohibit),
        ("reopen", Move::Reopen),
        ("revoke", Move::Revoke),
        ("dismiss", Move::Dismiss { why: DismissReason::NotAi, duplicate_of: None }),
    ];
    if system.scope != Scope::In {
        list.push(("scope-in", Move::ScopeIn { justification: None }));
        list.push(("request-scope-in", Move::Request(Wish::ScopeIn { justification: None })));
    }
    if system.scope != Scope::Out {
        list.push(("request-scope-out", Move::Request(Wish::ScopeOut { justification: some() })));
    }
    if system.scope != Scope::Undetermined {
        list.push(("scope-open", Move::ScopeOpen));
    }
    list.extend([
        ("enforce", Move::Enforce { level: Enforcement::Advised, evidence: None }),
        ("accept-residual", Move::AcceptResidual { note: some(), expires: today.forward(1) }),
        ("confirm", Move::Confirm { campaign: None, seen: String::new(), comment: None }),
        ("suspend", Move::Suspend),
        ("resume", Move::Resume),
        ("request-retire", Move::Request(Wish::Retire { retired_on: today, disposal_evidence: some() })),
        ("products", Move::Products(system.products.clone())),
        ("comment", Move::Comment(some())),
        ("request-merge", Move::Request(Wish::Merge { into: String::new() })),
    ]);
    if system.products.len() > 1 {
        let first = system.products.first().cloned().into_iter().collect();
        list.push(("request-split", Move::Request(Wish::Split { products: first, name: some() })));
    }
    list
}

fn section(word: &str) -> &'static str {
    match word {
        "approve" | "decline" | "withdraw" => t("The request"),
        "triage" | "review" | "request-sanction" | "request-tolerance" | "prohibit" | "reopen" | "revoke"
        | "dismiss" => t("Review and decision"),
        "scope-in" | "request-scope-in" | "request-scope-out" | "scope-open" => t("Scope"),
        "enforce" => t("Enforcement"),
        "accept-residual" | "confirm" => t("As its owner"),
        "suspend" | "resume" | "request-retire" => t("Life cycle"),
        _ => t("The record itself"),
    }
}

/// What came of the trials, as a page offers it. `own`: the reader made the request that waits. `refused` is the word of a move that was
/// refused a moment ago, with what was typed.
pub(in crate::web::handlers) fn offers<'t>(
    detail: &SystemDetail,
    trials: &[Result<(), Refused>],
    today: Day,
    own: bool,
    names: &Names,
    refused: &str,
    typed: &dyn Fn(&str) -> Vec<&'t str>,
) -> Vec<Offer> {
    let system = &detail.held.body;
    let offer = |((word, _), trial): ((&'static str, Move), &Result<(), Refused>)| {
        let blocked = match trial {
            Ok(()) => None,
            // The dummy of the trial names no target.
            Err(refused) if refused.guard == Guard::Target => None,
            Err(refused) => match refused.guard {
                Guard::Role | Guard::Acl | Guard::State => return None,
                Guard::FourEyes if own => return None,
                _ => Some(problem(&system.reference, refused)),
            },
        };
        let open = word == refused;
        let typed = |name: &str| if open { typed(name) } else { Vec::new() };
        Some(Offer {
            word,
            label: t(label(word)?),
            section: section(word),
            blocked,
            asks: asks(word, detail, names, today, open, &typed),
            open,
        })
    };
    candidates(system, today).into_iter().zip(trials).filter_map(offer).collect()
}

fn asks<'t>(
    word: &str,
    detail: &SystemDetail,
    names: &Names,
    today: Day,
    open: bool,
    typed: &dyn Fn(&str) -> Vec<&'t str>,
) -> Vec<Ask> {
    let ask = |name: &'static str, label: &'static str, kind: &'static str, required: bool, hint: &str| Ask {
        name,
        label,
        kind,
        required,
        value: typed(name).first().copied().unwrap_or_default().to_owned(),
        options: Vec::new(),
        hint: hint.to_owned(),
    };
    let why = || ask("reason", t("Why"), "text", true, "");
    let choice = |name, label, choices: Vec<(&'static str, &'static str)>| Ask {
        options: choices
            .into_iter()
            .map(|(value, label)| Choice {
                value: value.to_owned(),
                label: t(label).to_owned(),
                chosen: typed(name).contains(&value),
            })
            .collect(),
        ..ask(name, label, "choice", true, "")
    };
    let products = |label, all: bool| Ask {
        options: detail
            .products
            .iter()
            .map(|product| Choice {
                value: product.id.clone(),
                label: product.name.clone(),
                chosen: if open { typed("products").contains(&product.id.as_str()) } else { all },
            })
            .collect(),
        ..ask("products", label, "checks", false, "")
    };
    let limit = || Ask {
        options: detail
            .held
            .body
            .org_units
            .iter()
            .map(|unit| Choice {
                value: unit.to_string(),
                label: names.unit(*unit),
                chosen: typed("units").contains(&unit.to_string().as_str()),
            })
            .collect(),
        ..ask("units", t("Only in these units; none: wherever it is used"), "checks", false, "")
    };
    let versions = || {
        ask(
            "versions",
            t("Only in these versions; nothing: whichever there is"),
            "text",
            false,
            &say!(
                "One a line, such as {0}, with one of the two or both. Of several products, its id in front.",
                ">=1.2 <2.0"
            ),
        )
    };
    let hidden = |name, value: &str| Ask { value: value.to_owned(), ..ask(name, name, "hidden", true, "") };
    match word {
        "triage" | "review" | "withdraw" => Vec::new(),
        "confirm" => vec![
            hidden("seen", &detail.held.hash),
            ask(
                "note",
                t("Comment"),
                "text",
                false,
                t("You confirm the version that this page shows, and answer for it."),
            ),
        ],
        "comment" => vec![ask("note", t("Comment"), "text", true, t("It changes nothing else, and stays."))],
        "request-sanction" => {
            vec![
                ask("conditions", t("Conditions"), "text", false, t("Under which it may be used.")),
                limit(),
                versions(),
                why(),
            ]
        }
        "request-tolerance" => vec![
            ask("conditions", t("Conditions"), "text", true, ""),
            ask("expires_on", t("Last day"), "day", true, t("After it, the record is open again by itself.")),
            limit(),
            versions(),
            why(),
        ],
        "request-scope-in" => {
            vec![
                ask(
                    "justification",
                    t("Justification"),
                    "text",
                    false,
                    t("It stands in the statement of scope."),
                ),
                why(),
            ]
        }
        "request-scope-out" => {
            vec![
                ask(
                    "justification",
                    t("Justification"),
                    "text",
                    true,
                    t("At least 20 characters; it stands in the statement of scope."),
                ),
                why(),
            ]
        }
        "request-retire" => vec![
            Ask {
                value: or(typed("retired_on"), &today.to_string()),
                ..ask("retired_on", t("Ended on"), "day", true, "")
            },
            ask(
                "disposal_evidence",
                t("What shows that nothing is left"),
                "text",
                true,
                t("Accounts closed, data deleted, software removed."),
            ),
            why(),
        ],
        "request-merge" => {
            vec![
                ask("into", t("Into the record"), "line", true, t("Its reference, such as AIS-0042.")),
                why(),
            ]
        }
        "request-split" => vec![
            products(t("Products of the new record"), false),
            ask("name", t("Name of the new record"), "line", true, ""),
            why(),
        ],
        "dismiss" => vec![
            choice("why", t("Because it is"), DismissReason::choices()),
            ask(
                "duplicate_of",
                t("Of the record"),
                "line",
                false,
                t("For a duplicate: the reference of the other record."),
            ),
            why(),
        ],
        "scope-in" => vec![ask("justification", t("Justification"), "text", false, "")],
        "enforce" => vec![
            choice("level", t("How far"), Enforcement::choices()),
            ask(
                "evidence",
                t("What shows it"),
                "text",
                false,
                t("A rule of the proxy, a policy of the device management. Needed for partial and full."),
            ),
            ask("reason", t("Why"), "line", false, ""),
        ],
        "accept-residual" => vec![
            ask("note", t("What remains"), "text", true, ""),
            ask("expires_on", t("Last day of the acceptance"), "day", true, ""),
        ],
        "products" => vec![
            products(t("Keep"), true),
            ask("add", t("Add"), "line", false, t("Names or ids of the catalogue, separated by commas.")),
            ask("reason", t("Why"), "line", false, ""),
        ],
        _ => vec![why()],
    }
}

fn or(typed: Vec<&str>, default: &str) -> String {
    typed.first().copied().unwrap_or(default).to_owned()
}

/// What a wish holds besides its word.
pub(in crate::web::handlers) fn wish_details(
    wish: &Wish,
    related: &[(String, String)],
    names: &Names,
) -> Vec<(&'static str, String)> {
    let only = |limit: &Limit| {
        let units = (!limit.units.is_empty()).then(|| (t("Only in"), in_words(&limit.units, names)));
        let versions =
            (!limit.versions.is_empty()).then(|| (t("Only in versions"), versions_in_words(&limit.versions)));
        units.into_iter().chain(versions)
    };
    match wish {
        Wish::Sanction { conditions, limit } => {
            conditions.iter().map(|text| (t("Conditions"), text.clone())).chain(only(limit)).collect()
        }
        Wish::Tolerate { conditions, expires_on, limit } => {
            let told = [(t("Conditions"), conditions.clone()), (t("Until"), expires_on.to_string())];
            told.into_iter().chain(only(limit)).collect()
        }
        Wish::ScopeIn { justification } => {
            justification.iter().map(|text| (t("Justification"), text.clone())).collect()
        }
        Wish::ScopeOut { justification } => vec![(t("Justification"), justification.clone())],
        Wish::Retire { retired_on, disposal_evidence } => {
            vec![(t("Ended on"), retired_on.to_string()), (t("Nothing is left"), disposal_evidence.clone())]
        }
        Wish::Merge { into } => {
            let found = related.iter().find(|(id, _)| id == into);
            vec![(t("Into"), found.map_or_else(|| into.clone(), |(_, reference)| reference.clone()))]
        }
        Wish::Split { products, name } => vec![
            (t("New record"), name.clone()),
            (t("Its products"), products.iter().cloned().collect::<Vec<_>>().join(", ")),
        ],
    }
}

/// Units by their names.
pub(super) fn in_words(units: &BTreeSet<i64>, names: &Names) -> String {
    units.iter().map(|unit| names.unit(*unit)).collect::<Vec<_>>().join(", ")
}

/// Limits by version as they are written.
pub(super) fn versions_in_words(versions: &BTreeSet<VersionLimit>) -> String {
    versions.iter().map(|limit| limit.to_string().trim().to_owned()).collect::<Vec<_>>().join("; ")
}

/// The six axes.
pub(in crate::web::handlers) fn axes(system: &AiSystem, names: &Names, today: Day) -> Vec<Axis> {
    let axis = |label, word, class, note: String| Axis { label, word, class, note };
    let effective = system.effective_sanction(today);
    let decision = match (system.sanction, system.expires_on) {
        (sanction, _) if sanction != effective => t("no longer counts").to_owned(),
        (Sanction::Tolerated, Some(last)) => say!("until {0}", last),
        _ => system
            .decision
            .as_ref()
            .map_or_else(String::new, |decision| say!("by {0}", names.person(decision.by))),
    };
    let review = match (system.review, system.reopened, system.dismissed) {
        (ReviewState::Reopened, Some(why), _) => t(why.label()).to_owned(),
        (ReviewState::Dismissed, _, Some(why)) => t(why.label()).to_owned(),
        _ => String::new(),
    };
    let scope = match (&system.scope_justification, system.scope_decided_by) {
        (Some(text), _) => text.clone(),
        (None, Some(person)) => say!("by {0}", names.person(person)),
        _ => String::new(),
    };
    let stage = match system.retired_on.filter(|_| system.stage == Stage::Retired) {
        Some(day) => say!("since {0}", day),
        None => String::new(),
    };
    vec![
        axis(t("Review"), t(system.review.label()), review_class(system.review), review),
        axis(t("Decision"), t(system.sanction.label()), sanction_class(effective), decision),
        axis(t("Scope"), t(system.scope.label()), scope_class(system.scope), scope),
        axis(t("Stage"), t(system.stage.label()), "", stage),
        axis(
            t("Observed"),
            t(system.observed.label()),
            if system.observed == Observed::Active { "net" } else { "" },
            String::new(),
        ),
        axis(
            t("Enforcement"),
            t(system.enforcement.label()),
            if system.enforcement == Enforcement::Full { "good" } else { "" },
            system.enforcement_evidence.clone().unwrap_or_default(),
        ),
    ]
}

/// Style class of a state of the review.
pub(crate) fn review_class(state: ReviewState) -> &'static str {
    match state {
        ReviewState::New | ReviewState::Triaged | ReviewState::UnderReview => "run",
        ReviewState::Reopened => "warn",
        ReviewState::Decided => "good",
        ReviewState::Dismissed => "",
    }
}

/// Style class of a decision.
pub(crate) fn sanction_class(sanction: Sanction) -> &'static str {
    match sanction {
        Sanction::None => "",
        Sanction::Sanctioned => "good",
        Sanction::Tolerated => "warn",
        Sanction::Prohibited => "bad",
    }
}

/// Style class of a scope.
pub(crate) fn scope_class(scope: Scope) -> &'static str {
    match scope {
        Scope::In => "net",
        Scope::Out | Scope::Undetermined => "",
    }
}

/// What a record waits for, and whether that is anything.
pub(in crate::web::handlers) fn waits(system: &AiSystem, today: Day) -> (String, bool) {
    if system.is_merged() {
        return (
            t("This record went into another one. It stays as it was, with its history.").to_owned(),
            false,
        );
    }
    if let Some(request) = &system.request {
        let who = match request.wish.decider() {
            Role::ScopeOwner => t("a scope owner"),
            _ => t("a reviewer"),
        };
        return (
            say!(
                "Waits for {0} who did not ask for it: somebody asked to {1}.",
                who,
                t(request.wish.label())
            ),
            true,
        );
    }
    let seen_yet_prohibited = system.sanction == Sanction::Prohibited && system.observed == Observed::Active;
    match system.review {
        ReviewState::New => (
            t("Waits for somebody to look at it: sightings proposed it, and nobody has answered for it.")
                .to_owned(),
            true,
        ),
        ReviewState::Triaged => (t("Waits for an owner, and for its review to start.").to_owned(), true),
        ReviewState::UnderReview => (
            t("Waits for a decision: to sanction it, to tolerate it for a time, or to prohibit it.")
                .to_owned(),
            true,
        ),
        ReviewState::Reopened => {
            let why = system.reopened.map_or("", |why| t(why.label())).to_lowercase();
            (say!("Open again ({0}): waits for its review to start anew.", why), true)
        }
        ReviewState::Decided if seen_yet_prohibited => {
            (t("Prohibited, and still seen: waits for somebody to enforce the decision.").to_owned(), true)
        }
        ReviewState::Decided if system.scope == Scope::Undetermined => (
            t("Decided. Waits for a scope owner to say whether the management system covers it.").to_owned(),
            true,
        ),
        ReviewState::Decided => match system.next_review_due {
            Some(due) if due <= today => (say!("Its review is due since {0}.", due), true),
            Some(due) => (say!("Settled until its next review on {0}.", due), false),
            None => (t("Settled. No next review is set.").to_owned(), false),
        },
        ReviewState::Dismissed => {
            (t("Dismissed: there is nothing to decide. It keeps counting what is seen.").to_owned(), false)
        }
    }
}
