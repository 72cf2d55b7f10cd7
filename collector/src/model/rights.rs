//! Who may do what: one deed a row, one role a column. Everything that a person asks for is held against this table, on the server.

use serde::Serialize;

use super::{Grants, Role};

/// How far somebody may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Not at all.
    No,
    /// Look at it.
    Read,
    /// Ask for it; somebody else decides.
    Propose,
    /// Do it.
    Write,
}

/// What people do here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Enrol, deploy and configure agents: tokens and sensors.
    Enrol,
    /// Change what agents gather. One person asks, another approves.
    ChangeCollection,
    /// Read the inventory without what is about people, the settings of privacy, the notice, the schema of reports.
    ReadInventory,
    /// Triage, edit fields, dismiss; the organisation's own rules.
    Triage,
    /// Ask for a sanction or a toleration.
    RequestDecision,
    /// Approve a sanction or a toleration, or prohibit.
    Decide,
    /// Propose what is in scope or out of it, and start campaigns.
    ProposeScope,
    /// Decide the scope; draft and sign its versions.
    DecideScope,
    /// Countersign a version of the scope.
    CountersignScope,
    /// Answer a row of a campaign: who owns the row.
    AnswerCampaign,
    /// Read the whole audit trail.
    ReadAudit,
    /// Read what of the trail is one's own doing.
    ReadOwnAudit,
    /// Read what of the trail is about collection and re-identification.
    ReadCollectionAudit,
    /// Take an evidence pack away. It changes no record.
    ExportEvidence,
    /// Read what is known about a person. Each time it is asked for.
    ReadPersons,
    /// Learn whose a pseudonym is. It takes two people.
    Reidentify,
    /// People, units, roles and keys.
    ManagePeople,
    /// How long records are kept. One person asks, another approves.
    SetRetention,
    /// Machines by name, and the sensors on them: who deploys and who triages needs them. Reading one is recorded.
    ReadMachines,
    /// What was found on one machine: who triages needs it. Reading it is recorded.
    ReadFindings,
}

impl Deed {
    /// Every deed, in the order of the table.
    pub const ALL: [Self; 20] = [
        Self::Enrol,
        Self::ChangeCollection,
        Self::ReadInventory,
        Self::Triage,
        Self::RequestDecision,
        Self::Decide,
        Self::ProposeScope,
        Self::DecideScope,
        Self::CountersignScope,
        Self::AnswerCampaign,
        Self::ReadAudit,
        Self::ReadOwnAudit,
        Self::ReadCollectionAudit,
        Self::ExportEvidence,
        Self::ReadPersons,
        Self::Reidentify,
        Self::ManagePeople,
        Self::SetRetention,
        Self::ReadMachines,
        Self::ReadFindings,
    ];

    /// In words, after "to".
    pub fn words(self) -> &'static str {
        match self {
            Self::Enrol => "enrol and configure agents",
            Self::ChangeCollection => "change what agents gather",
            Self::ReadInventory => "read the inventory",
            Self::Triage => "triage and edit records",
            Self::RequestDecision => "ask for a decision",
            Self::Decide => "decide what is sanctioned",
            Self::ProposeScope => "propose a scope or start a campaign",
            Self::DecideScope => "decide the scope",
            Self::CountersignScope => "countersign the scope",
            Self::AnswerCampaign => "answer a campaign",
            Self::ReadAudit => "read the audit trail",
            Self::ReadOwnAudit => "read one's own part of the audit trail",
            Self::ReadCollectionAudit => "read the trail of collection",
            Self::ExportEvidence => "take evidence away",
            Self::ReadPersons => "read what is about a person",
            Self::Reidentify => "learn whose a pseudonym is",
            Self::ManagePeople => "manage people, roles and keys",
            Self::SetRetention => "set how long records are kept",
            Self::ReadMachines => "read about single machines",
            Self::ReadFindings => "read what was found on a single machine",
        }
    }

    /// The roles that may go so far, in words.
    pub fn roles(self, access: Access) -> String {
        let able: Vec<&str> =
            Role::ALL.into_iter().filter(|role| may(*role, self) >= access).map(Role::as_str).collect();
        able.join(" or ")
    }
}

/// How far a role goes.
pub fn may(role: Role, deed: Deed) -> Access {
    use Access::{No, Propose, Read, Write};
    use Role::{
        Administrator, Analyst, Auditor, ItDeployer, PrivacyOfficer, Reviewer, ScopeOwner, WorksCouncil,
    };
    match (deed, role) {
        (Deed::Enrol, ItDeployer) => Write,
        (Deed::Enrol, Administrator) => Read,
        (Deed::ChangeCollection, PrivacyOfficer) => Write,
        (Deed::ChangeCollection, ItDeployer | Administrator) => Propose,
        (Deed::ChangeCollection, Auditor | WorksCouncil) | (Deed::ReadInventory, _) => Read,
        (Deed::Triage | Deed::RequestDecision, Analyst | Reviewer) => Write,
        (Deed::Decide, Reviewer) => Write,
        (Deed::ProposeScope, Analyst | Reviewer | ScopeOwner) => Write,
        (Deed::DecideScope, ScopeOwner) | (Deed::CountersignScope, Reviewer) => Write,
        (Deed::DecideScope, Reviewer | Auditor) | (Deed::CountersignScope, ScopeOwner | Auditor) => Read,
        (Deed::AnswerCampaign, role) if role.writes() => Write,
        (Deed::ReadAudit, Reviewer | ScopeOwner | Auditor | PrivacyOfficer | Administrator) => Read,
        (Deed::ReadOwnAudit, Analyst | Reviewer | ScopeOwner | Auditor | PrivacyOfficer | Administrator) => {
            Read
        }
        (
            Deed::ReadCollectionAudit,
            Reviewer | ScopeOwner | Auditor | PrivacyOfficer | WorksCouncil | Administrator,
        ) => Read,
        (Deed::ExportEvidence, Analyst | Reviewer | ScopeOwner | Auditor) => Read,
        (Deed::ReadPersons, PrivacyOfficer) => Propose,
        (Deed::Reidentify, PrivacyOfficer) => Write,
        (Deed::Reidentify, Analyst | Reviewer) => Propose,
        (Deed::Reidentify | Deed::ManagePeople | Deed::SetRetention, WorksCouncil) => Read,
        (Deed::ManagePeople, Administrator) => Write,
        (Deed::SetRetention, PrivacyOfficer) => Write,
        (Deed::SetRetention, Administrator) => Propose,
        (Deed::ReadMachines, ItDeployer | Analyst | Reviewer | Administrator) => Read,
        (Deed::ReadFindings, Analyst | Reviewer) => Read,
        _ => No,
    }
}

/// Why somebody was refused: their roles do not go so far, or count elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}: to {} takes the role {}{}", self.guard(), self.deed.words(), self.deed.roles(self.access),
    if self.elsewhere { " for this unit, or for the whole organisation" } else { "" })]
pub struct Refused {
    /// What was to be done.
    pub deed: Deed,
    /// How far.
    pub access: Access,
    /// Whether a role that would do is held, for other units.
    pub elsewhere: bool,
}

impl Refused {
    /// The name of the guard that refused.
    pub fn guard(&self) -> &'static str {
        if self.elsewhere { "G-ACL" } else { "G-ROLE" }
    }
}

impl Grants {
    /// How far these roles go, for something that belongs to these units. Who holds no role at all may still answer for what is
    /// their own.
    pub fn access(&self, deed: Deed, units: &[i64]) -> Access {
        if deed == Deed::AnswerCampaign && self.0.is_empty() {
            return Access::Write;
        }
        let held = Role::ALL.into_iter().filter(|role| self.hold(*role, units));
        held.map(|role| may(role, deed)).max().unwrap_or(Access::No)
    }

    /// How far these roles go anywhere, be it in one unit.
    pub fn access_somewhere(&self, deed: Deed) -> Access {
        if deed == Deed::AnswerCampaign && self.0.is_empty() {
            return Access::Write;
        }
        self.0.iter().map(|grant| may(grant.role, deed)).max().unwrap_or(Access::No)
    }

    /// Refuses what goes too far.
    pub fn check(&self, deed: Deed, access: Access, units: &[i64]) -> Result<(), Refused> {
        if self.access(deed, units) >= access {
            return Ok(());
        }
        Err(Refused { deed, access, elsewhere: self.access_somewhere(deed) >= access })
    }

    /// Refuses what goes too far everywhere. What is then shown is cut to [`Grants::within`].
    pub fn check_somewhere(&self, deed: Deed, access: Access) -> Result<(), Refused> {
        if self.access_somewhere(deed) >= access {
            return Ok(());
        }
        Err(Refused { deed, access, elsewhere: false })
    }

    /// The units that somebody sees who looks in order to do this; `None`: all.
    pub fn within(&self, deed: Deed) -> Option<Vec<i64>> {
        let able = || self.0.iter().filter(|grant| may(grant.role, deed) > Access::No);
        if able().any(|grant| grant.unit.is_none()) {
            return None;
        }
        let mut units: Vec<i64> = able().filter_map(|grant| grant.unit).collect();
        units.sort_unstable();
        units.dedup();
        Some(units)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Grant;

    /// The whole table: columns as in [`Role::ALL`]; `-` nothing, `r` read, `p` propose, `W` write.
    const TABLE: [(Deed, &str); 20] = [
        (Deed::Enrol, "W------r"),
        (Deed::ChangeCollection, "p---rWrp"),
        (Deed::ReadInventory, "rrrrrrrr"),
        (Deed::Triage, "-WW-----"),
        (Deed::RequestDecision, "-WW-----"),
        (Deed::Decide, "--W-----"),
        (Deed::ProposeScope, "-WWW----"),
        (Deed::DecideScope, "--rWr---"),
        (Deed::CountersignScope, "--Wrr---"),
        (Deed::AnswerCampaign, "WWWW-W-W"),
        (Deed::ReadAudit, "--rrrr-r"),
        (Deed::ReadOwnAudit, "-rrrrr-r"),
        (Deed::ReadCollectionAudit, "--rrrrrr"),
        (Deed::ExportEvidence, "-rrrr---"),
        (Deed::ReadPersons, "-----p--"),
        (Deed::Reidentify, "-pp--Wr-"),
        (Deed::ManagePeople, "------rW"),
        (Deed::SetRetention, "-----Wrp"),
        (Deed::ReadMachines, "rrr----r"),
        (Deed::ReadFindings, "-rr-----"),
    ];

    #[test]
    fn the_table_is_what_it_says() {
        assert_eq!(TABLE.map(|(deed, _)| deed), Deed::ALL);
        for (deed, row) in TABLE {
            let written: String = Role::ALL
                .into_iter()
                .map(|role| match may(role, deed) {
                    Access::No => '-',
                    Access::Read => 'r',
                    Access::Propose => 'p',
                    Access::Write => 'W',
                })
                .collect();
            assert_eq!(written, row, "{deed:?}");
        }
    }

    #[test]
    fn who_only_reads_only_reads_and_an_administrator_holds_no_permission_of_the_business() {
        for deed in Deed::ALL {
            for role in Role::ALL.into_iter().filter(|role| !role.writes()) {
                assert!(may(role, deed) <= Access::Read, "{role:?} {deed:?}");
            }
        }
        for deed in [
            Deed::Triage,
            Deed::RequestDecision,
            Deed::Decide,
            Deed::ProposeScope,
            Deed::DecideScope,
            Deed::CountersignScope,
            Deed::Reidentify,
        ] {
            assert_eq!(may(Role::Administrator, deed), Access::No, "{deed:?}");
        }
    }

    #[test]
    fn a_refusal_names_the_guard_and_what_is_missing() {
        let held = Grants(vec![Grant { role: Role::Reviewer, unit: Some(3) }]);
        assert_eq!(held.check(Deed::Decide, Access::Write, &[3]), Ok(()));
        assert_eq!(
            held.check(Deed::Decide, Access::Write, &[4]).unwrap_err().to_string(),
            "G-ACL: to decide what is sanctioned takes the role reviewer for this unit, or for the whole organisation"
        );
        assert_eq!(
            held.check(Deed::Enrol, Access::Read, &[3]).unwrap_err().to_string(),
            "G-ROLE: to enrol and configure agents takes the role it-deployer or administrator"
        );
    }

    #[test]
    fn what_is_seen_is_cut_to_the_units_of_the_roles_that_see_it() {
        let unit = |role, unit| Grant { role, unit: Some(unit) };
        let held = Grants(vec![unit(Role::Analyst, 4), unit(Role::ItDeployer, 3)]);
        assert_eq!(held.within(Deed::ReadMachines), Some(vec![3, 4]));
        assert_eq!(held.within(Deed::ReadFindings), Some(vec![4]));
        assert_eq!(held.within(Deed::ManagePeople), Some(vec![]));
        let all = Grants(vec![unit(Role::Analyst, 4), Grant { role: Role::Auditor, unit: None }]);
        assert_eq!((all.within(Deed::ReadInventory), all.within(Deed::ReadFindings)), (None, Some(vec![4])));
    }

    #[test]
    fn an_owner_without_a_role_answers_for_what_is_theirs_and_an_auditor_does_not() {
        assert_eq!(Grants::default().access(Deed::AnswerCampaign, &[]), Access::Write);
        assert_eq!(Grants::default().access(Deed::ReadInventory, &[]), Access::No);
        let auditor = Grants(vec![Grant { role: Role::Auditor, unit: None }]);
        assert_eq!(auditor.access(Deed::AnswerCampaign, &[]), Access::No);
    }
}
