//! Scope statements and a campaign of the demonstration: two statements, between which something changed, and owners of whom some
//! answered.

use std::collections::BTreeSet;

use umbrascope_api::Day;

use super::fleet;
use super::people::Cast;
use crate::AppState;
use crate::cli::CliError;
use crate::model::PageRequest;
use crate::model::campaign::{Answer, CampaignMode, CampaignPlan, CampaignQuery, Schedule, SentAnswer};
use crate::model::governed::{Act, Actor};
use crate::model::record::{OrgRole, Scope};
use crate::review::{Refused, Who};
use crate::scope::{Boundary, Step};
use crate::store::scope::{EndpointImport, Stepping};

/// The organisation that is made up.
const ORGANISATION: &str = "Demonstration organisation";

/// Writes, proposes and signs a statement of the scope as it stands.
pub(super) fn sign(app: &AppState, cast: &Cast, now_ms: i64, text: &str) -> Result<(), CliError> {
    let act = |who: &Who| Act::by(Actor::Person(who.person), now_ms).because("demonstration");
    let governance = &app.governance;
    let begun = governance.begin_statement(ORGANISATION, cast.scope_owner.clone(), act(&cast.scope_owner))?;
    let number = begun.map_err(|refused| unexpected(&refused))?.body.number;
    let boundary = Boundary {
        organisation: ORGANISATION.to_owned(),
        units: cast.units.iter().copied().collect(),
        sites: BTreeSet::new(),
        activities: "Engineering, sales and service of made-up products".to_owned(),
        roles: BTreeSet::from([OrgRole::User, OrgRole::Deployer]),
        text: text.to_owned(),
        interfaces: "Information security management; data protection".to_owned(),
    };
    let steps = [
        (Step::Write(Box::new(boundary)), &cast.scope_owner),
        (Step::Propose, &cast.scope_owner),
        (Step::Approve, &cast.scope_owner),
        (Step::Countersign, &cast.reviewer),
    ];
    for (step, who) in steps {
        // Nobody signs in for the demonstration: its people are made up, and so is that they were asked again.
        let by = Stepping { who: who.clone(), fresh: true, keys: app.notary.keys(), act: act(who) };
        if let Some(Err(refused)) = governance.step_statement(number, step, by)? {
            return Err(unexpected(&refused));
        }
    }
    Ok(())
}

/// Takes in the list of the machines that there should be, so that statements say of how many they tell.
pub(super) fn endpoints(app: &AppState, cast: &Cast, now_ms: i64) -> Result<(), CliError> {
    let import = EndpointImport {
        source: "Demonstration: list of devices".to_owned(),
        as_of: Some(Day::from_unix_ms(now_ms).back(5)),
        file_sha256: "none: made up".to_owned(),
        list: fleet::expected(),
    };
    let act = Act::by(Actor::Person(cast.deployer.person), now_ms).because("demonstration");
    app.governance.import_endpoints(import, act)?;
    Ok(())
}

/// Starts a campaign over what is in scope, and lets two of three owners answer. How many rows were confirmed.
pub(super) fn campaign(app: &AppState, cast: &Cast, now_ms: i64) -> Result<usize, CliError> {
    let today = Day::from_unix_ms(now_ms);
    let plan = CampaignPlan {
        title: "Yearly confirmation (demonstration)".to_owned(),
        query: CampaignQuery { scope: Some(Scope::In), ..CampaignQuery::default() },
        mode: CampaignMode::default(),
        schedule: Schedule {
            remind: today.forward(7),
            due: today.forward(14),
            escalate: today.forward(17),
            report: today.forward(24),
        },
        previewed: None,
    };
    let act = |person: i64| Act::by(Actor::Person(person), now_ms).because("demonstration");
    let started =
        app.governance.start_campaign(plan, cast.scope_owner.clone(), act(cast.scope_owner.person))?;
    started.map_err(|refused| unexpected(&refused))?;
    let mut confirmed = 0;
    for owner in cast.owners.iter().flat_map(|of_unit| of_unit.iter().take(2)) {
        let page = PageRequest { offset: 0, limit: 20 };
        let open = app.governance.serve_rows(*owner, page, now_ms, false)?;
        let answers: Vec<_> = open
            .rows
            .into_iter()
            .map(|row| SentAnswer {
                row: row.held.body.id.clone(),
                seen: row.system.held.hash,
                answer: Answer::Confirm,
                comment: String::new(),
            })
            .collect();
        confirmed += answers.len();
        let who = Who { person: *owner, grants: Default::default(), ..Who::default() };
        app.governance.answer_rows(answers, who, act(*owner))?;
    }
    Ok(confirmed)
}

fn unexpected(refused: &Refused) -> CliError {
    CliError::Failed(format!("the demonstration could not be made up: {refused}"))
}
