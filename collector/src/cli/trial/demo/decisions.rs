//! What the made-up people of the demonstration decided about what its fleet showed: through the same moves, guards and trail as anybody.

use serde_json::{Value, json};
use umbrascope_api::Day;

use super::chance::Chance;
use super::people::Cast;
use crate::AppState;
use crate::cli::CliError;
use crate::model::governed::{Act, Actor};
use crate::model::policy::Policy;
use crate::model::record::{DismissReason, Enforcement, Limit, Scope, Wish};
use crate::model::{AiSystemRow, Direction, PageRequest, SystemFilter, SystemSort};
use crate::review::{Move, Refused, Who};
use crate::store::StoreError;

/// Name of the policy that the demonstration cites.
const POLICY: &str = "demonstration-1";

/// Uses that a system is put to: purpose, intended use, foreseeable misuse, output.
const USES: [(&str, &str, &str, &str); 6] = [
    (
        "Drafts and shortens texts for letters, notes and presentations",
        "Texts without personal data, read by their author before they are used",
        "Texts about single persons, sent unread",
        "Text",
    ),
    (
        "Suggests and explains source code",
        "Code that is reviewed before it is merged",
        "Secrets and customer data in prompts; code merged unread",
        "Source code",
    ),
    (
        "Answers questions about internal documents",
        "Finding the passage that answers a question",
        "Taking an answer for the document",
        "Text with references",
    ),
    (
        "Transcribes and sums up meetings",
        "Meetings whose participants agreed",
        "Recording without consent; judging people by what they said",
        "Transcript and summary",
    ),
    (
        "Translates documents",
        "Documents for use inside the organisation",
        "Contracts and certified texts without a translator",
        "Text",
    ),
    (
        "Ranks requests of customers by urgency",
        "Order of work for people who read every request",
        "Turning requests away by rank",
        "A rank",
    ),
];

/// Decides about the systems that the fleet showed: how many got that far.
pub(super) fn make(app: &AppState, cast: &Cast, now_ms: i64) -> Result<usize, CliError> {
    let mut play = Play { app, cast, now_ms, chance: Chance::new(42_002) };
    let today = Day::from_unix_ms(now_ms);
    let policy = Policy {
        version: POLICY.to_owned(),
        title: "Use of AI (demonstration)".to_owned(),
        link: None,
        sha256: None,
        approved_by: "nobody: this is a demonstration".to_owned(),
        from: today.back(200),
        until: None,
    };
    app.governance.add_policy(policy, play.act(&cast.reviewer, "demonstration"))?;
    let mut decided = 0;
    for row in play.systems()? {
        decided += usize::from(play.decide(&row)?);
    }
    Ok(decided)
}

/// Changes the scope of a few systems, so that two statements differ.
pub(super) fn reconsider(app: &AppState, cast: &Cast, now_ms: i64) -> Result<(), CliError> {
    let play = Play { app, cast, now_ms, chance: Chance::new(42_003) };
    let in_scope = SystemFilter { scope: Some(Scope::In), ..SystemFilter::default() };
    let page = PageRequest { offset: 0, limit: 4 };
    let found = app.store.systems(&in_scope, SystemSort::Name, Direction::Ascending, page)?;
    for row in found.rows {
        play.step(&row.id, &cast.scope_owner, "To be looked at again with its owner", Move::ScopeOpen)?;
    }
    Ok(())
}

/// How far a system is brought.
#[derive(Clone, Copy, PartialEq)]
enum End {
    New,
    Triaged,
    Dismissed,
    UnderReview,
    Requested,
    Sanctioned,
    Tolerated,
    Prohibited,
}

/// Ends, with how many in a hundred come to each.
const ENDS: [(End, usize); 8] = [
    (End::New, 30),
    (End::Triaged, 12),
    (End::Dismissed, 5),
    (End::UnderReview, 6),
    (End::Requested, 4),
    (End::Sanctioned, 27),
    (End::Tolerated, 8),
    (End::Prohibited, 8),
];

struct Play<'p> {
    app: &'p AppState,
    cast: &'p Cast,
    now_ms: i64,
    chance: Chance,
}

impl Play<'_> {
    fn act(&self, who: &Who, reason: &str) -> Act {
        Act::by(Actor::Person(who.person), self.now_ms).because(reason)
    }

    fn systems(&self) -> Result<Vec<AiSystemRow>, StoreError> {
        let mut rows = Vec::new();
        let mut page = PageRequest { offset: 0, limit: PageRequest::MAX_LIMIT };
        loop {
            let (filter, sort) = (SystemFilter::default(), SystemSort::Assets);
            let found = self.app.store.systems(&filter, sort, Direction::Descending, page)?;
            page.offset += found.rows.len() as u64;
            let last = found.rows.is_empty() || page.offset >= found.total;
            rows.extend(found.rows);
            if last {
                return Ok(rows);
            }
        }
    }

    fn step(&self, id: &str, who: &Who, reason: &str, step: Move) -> Result<(), CliError> {
        let came_to = self.app.governance.move_system(id, step, who.clone(), self.act(who, reason))?;
        match came_to {
            Some(Err(refused)) => Err(unexpected(&refused)),
            _ => Ok(()),
        }
    }

    fn end(&mut self) -> End {
        let mut thrown = self.chance.below(100);
        for (end, share) in ENDS {
            if thrown < share {
                return end;
            }
            thrown -= share;
        }
        End::New
    }

    /// Whether it came to a decision.
    fn decide(&mut self, row: &AiSystemRow) -> Result<bool, CliError> {
        let (analyst, reviewer, scope_owner) =
            (self.cast.analyst.clone(), self.cast.reviewer.clone(), self.cast.scope_owner.clone());
        let end = self.end();
        if end == End::New {
            return Ok(false);
        }
        let id = &row.id;
        self.step(id, &analyst, "", Move::Triage)?;
        match end {
            End::New | End::Triaged => return Ok(false),
            End::Dismissed => {
                let dismiss = Move::Dismiss { why: DismissReason::Test, duplicate_of: None };
                self.step(id, &analyst, "Tried once by a colleague and taken off again", dismiss)?;
                return Ok(true);
            }
            _ => {}
        }
        let fields = self.fields();
        self.step(id, &analyst, "As the owner told it", Move::Edit(fields))?;
        self.step(id, &analyst, "", Move::StartReview)?;
        let today = Day::from_unix_ms(self.now_ms);
        match end {
            End::UnderReview => return Ok(false),
            End::Prohibited => {
                self.step(id, &reviewer, "The supplier trains on what is put in", Move::Prohibit)?;
                let evidence = Some("Rule of the web proxy (demonstration)".to_owned());
                let enforce = Move::Enforce { level: Enforcement::Partial, evidence };
                let deployer = self.cast.deployer.clone();
                self.step(id, &deployer, "", enforce)?;
            }
            End::Tolerated => {
                let last = u32::try_from(20 + self.chance.below(140)).unwrap_or(60);
                let wish = Wish::Tolerate {
                    conditions: "No personal data; no customer data".to_owned(),
                    expires_on: today.forward(last),
                    limit: Limit::default(),
                };
                self.step(id, &analyst, "Until the supplier is assessed", Move::Request(wish))?;
                self.step(id, &reviewer, "Tolerable until then", Move::Approve)?;
            }
            _ => {
                let wish = Wish::sanction();
                self.step(id, &analyst, "Purpose and data are clear", Move::Request(wish))?;
                if end == End::Requested {
                    return Ok(false);
                }
                self.step(id, &reviewer, "Fits the policy", Move::Approve)?;
            }
        }
        match self.chance.below(10) {
            0 => {
                let justification =
                    "Used by a supplier on the organisation's premises, under its own management system";
                let wish = Wish::ScopeOut { justification: justification.to_owned() };
                self.step(id, &analyst, "Not ours to govern", Move::Request(wish))?;
                self.step(id, &scope_owner, "As justified", Move::Approve)?;
            }
            1..=7 => self.step(id, &scope_owner, "", Move::ScopeIn { justification: None })?,
            _ => {}
        }
        Ok(true)
    }

    /// What somebody filled in. Always enough to be decided on, and sometimes no more than that.
    fn fields(&mut self) -> Vec<(String, Value)> {
        let at = self.chance.below(self.cast.units.len());
        let unit = self.cast.units.get(at).copied().unwrap_or_default();
        let owners = self.cast.owners.get(at).cloned().unwrap_or_default();
        let owner = self.chance.one(&owners).copied();
        let (purpose, intended, misuse, outputs) = USES[self.chance.below(USES.len())];
        let data =
            [["internal"], ["confidential"], ["personal"], ["source-code"], ["public"]][self.chance.below(5)];
        let (impact, environment, class, assessed) = (
            ["none", "none", "informs"][self.chance.below(3)],
            ["internal", "internal", "customer-facing"][self.chance.below(3)],
            ["minimal", "transparency-art50"][self.chance.below(2)],
            ["planned", "done", "done"][self.chance.below(3)],
        );
        let mut fields = vec![
            ("purpose", json!(purpose)),
            ("intended_use", json!(intended)),
            ("foreseeable_misuse", json!(misuse)),
            ("outputs", json!(outputs)),
            ("decision_impact", json!(impact)),
            ("consequential_domain", json!("none")),
            ("environment", json!(environment)),
            ("compute.places", json!(["vendor-cloud"])),
            ("human_oversight", json!("approve-before")),
            ("system_owner", json!(owner)),
            ("risk_owner", json!(owner)),
            ("org_units", json!([unit])),
            ("org_roles", json!(["customer-user"])),
            ("ai_act_role", json!("deployer")),
            ("ai_act_class", json!(class)),
            ("data_categories", json!(data)),
            ("risk_tier", json!("limited")),
            ("third_party", json!("yes")),
            ("supplier_assessment.state", json!(assessed)),
            ("affected_groups", json!(["staff"])),
            ("labels", json!(["demonstration"])),
        ];
        if assessed == "done" {
            let made = Day::from_unix_ms(self.now_ms).back(60);
            fields.push(("supplier_assessment.date", json!(made.to_string())));
        }
        if self.chance.percent(60) {
            let due = Day::from_unix_ms(self.now_ms)
                .forward(u32::try_from(30 + self.chance.below(300)).unwrap_or(90));
            fields.push(("next_review_due", json!(due.to_string())));
        }
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn unexpected(refused: &Refused) -> CliError {
    CliError::Failed(format!("the demonstration could not be made up: {refused}"))
}
