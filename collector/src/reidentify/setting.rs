//! Whether names are sealed and kept at all, and to which key: a setting that takes two people.

use serde::{Deserialize, Serialize};
use umbrascope_api::{PrivacyKey, Reidentification};

use super::held;
use crate::model::governed::Governed;
use crate::model::{CONFIRM_WITHIN_MS, Role};
use crate::review::{Guard, JUSTIFICATION_CHARS, Refused, Who};

/// Whether sealed names are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Setting {
    /// They are.
    pub on: Option<On>,
    /// Somebody asks for it.
    pub asked: Option<SettingAsked>,
}

/// Sealed names are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct On {
    /// What they are sealed to.
    pub key: PrivacyKey,
    /// Number of the person who asked.
    pub asked_by: i64,
    /// Number of the person who confirmed.
    pub confirmed_by: i64,
    /// When, Unix milliseconds.
    pub since_ms: i64,
    /// Why.
    pub reason: String,
}

/// Somebody asks that sealed names are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingAsked {
    /// What they are to be sealed to.
    pub key: PrivacyKey,
    /// Number of the person.
    pub by: i64,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// Why.
    pub reason: String,
}

impl Governed for Setting {
    const KIND: &'static str = "reidentification-setting";

    fn id(&self) -> String {
        "reidentification".to_owned()
    }
}

impl Setting {
    /// As it is at a time: what nobody confirmed within seven days is asked for no more.
    #[must_use]
    pub fn at(mut self, now_ms: i64) -> Self {
        self.asked = self.asked.filter(|asked| now_ms - asked.at_ms <= CONFIRM_WITHIN_MS);
        self
    }

    /// What sensors are told.
    pub fn told(&self) -> Option<Reidentification> {
        self.on.as_ref().map(|on| Reidentification { since_ms: on.since_ms, key: on.key })
    }
}

/// A step towards the setting, or away from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingStep {
    /// Asks that names are sealed to this key.
    Ask(PrivacyKey),
    /// Switches on what another person asked for.
    Confirm,
    /// Switches it off, or takes the request back. What is kept is deleted.
    Withdraw,
}

impl SettingStep {
    /// What stands in the trail.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Ask(_) => "reidentification-setting.ask",
            Self::Confirm => "reidentification-setting.confirm",
            Self::Withdraw => "reidentification-setting.withdraw",
        }
    }
}

/// Takes a step, or says which guard refuses it; and the role that permitted it.
pub fn change(
    setting: &Setting,
    step: &SettingStep,
    who: &Who,
    reason: &str,
    now_ms: i64,
) -> Result<(Setting, Role), Refused> {
    const ASKERS: [Role; 3] = [Role::ItDeployer, Role::Administrator, Role::PrivacyOfficer];
    let now = setting.clone().at(now_ms);
    match step {
        SettingStep::Ask(key) => {
            let role = held(who, &ASKERS, &[])?;
            if now.on.is_some() || now.asked.is_some() {
                return Err(Refused::new(
                    Guard::State,
                    "it is on already, or somebody asked for it before: to use another key, withdraw it first",
                ));
            }
            let reason = reason.trim();
            if reason.chars().count() < JUSTIFICATION_CHARS {
                return Err(Refused::new(
                    Guard::Justify,
                    format!(
                        "say why names have to be kept at all, in at least {JUSTIFICATION_CHARS} characters"
                    ),
                ));
            }
            let asked = SettingAsked { key: *key, by: who.person, at_ms: now_ms, reason: reason.to_owned() };
            Ok((Setting { asked: Some(asked), on: None }, role))
        }
        SettingStep::Confirm => {
            let role = held(who, &[Role::PrivacyOfficer], &[])?;
            let Some(asked) = now.asked else {
                return Err(Refused::new(
                    Guard::State,
                    "there is no request to confirm: nobody asked, or it is too old",
                ));
            };
            if asked.by == who.person {
                return Err(Refused::new(
                    Guard::FourEyes,
                    "whoever asked cannot confirm: that takes another person",
                ));
            }
            who.second_to(asked.by, asked.at_ms, now_ms)?;
            let on = On {
                key: asked.key,
                asked_by: asked.by,
                confirmed_by: who.person,
                since_ms: now_ms,
                reason: asked.reason,
            };
            Ok((Setting { on: Some(on), asked: None }, role))
        }
        SettingStep::Withdraw => {
            let role = held(who, &ASKERS, &[])?;
            if now == Setting::default() {
                return Err(Refused::new(Guard::State, "there is nothing to withdraw"));
            }
            Ok((Setting::default(), role))
        }
    }
}
