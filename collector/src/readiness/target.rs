//! What the organisation wants an indicator to come to (ISO/IEC 42001, 6.2), and whether it does.

use serde::{Deserialize, Serialize};

use super::{INDICATORS, Indicator, Measured};
use crate::model::governed::Governed;

/// Most characters of the reason for a target.
pub const TARGET_REASON_CHARS: usize = 2_000;
/// Largest target that is a number, not a share.
const MOST: u32 = 1_000_000;

/// Which way an indicator is to go, and what a target of it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aim {
    /// A share in percent, that or more.
    ShareAtLeast,
    /// A share in percent, that or less.
    ShareAtMost,
    /// A number, that or less.
    AtMost,
    /// Days, that or fewer.
    DaysAtMost,
    /// A number, that or less, of however many.
    PartAtMost,
}

impl Aim {
    /// Whether a target of it is in percent.
    pub fn is_share(self) -> bool {
        matches!(self, Self::ShareAtLeast | Self::ShareAtMost)
    }

    /// The largest target.
    pub fn most(self) -> u32 {
        if self.is_share() { 100 } else { MOST }
    }

    /// A target in words: `at least 95 %`.
    pub fn words(self, value: u32) -> String {
        match self {
            Self::ShareAtLeast => format!("at least {value} %"),
            Self::ShareAtMost => format!("at most {value} %"),
            Self::DaysAtMost => format!("at most {value} {}", if value == 1 { "day" } else { "days" }),
            Self::AtMost | Self::PartAtMost => format!("at most {value}"),
        }
    }
}

/// What an indicator is to come to. One for each indicator; taken back it stays, without a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Target {
    /// Id of the indicator.
    pub id: String,
    /// Percent or number, as its [`Aim`] says; `None`: none is set any more.
    pub value: Option<u32>,
    /// Number of the person who answers for reaching it.
    pub owner: Option<i64>,
    /// Why that much.
    pub reason: String,
}

impl Governed for Target {
    const KIND: &'static str = "target";

    fn id(&self) -> String {
        self.id.clone()
    }
}

impl Target {
    /// The target as it may be kept, or what is wrong with it.
    pub fn checked(self) -> Result<Self, String> {
        let indicator = named(&self.id).ok_or_else(|| format!("there is no indicator {}", self.id))?;
        if let Some(value) = self.value
            && value > indicator.aim.most()
        {
            let unit = if indicator.aim.is_share() { "a share in percent" } else { "a number" };
            return Err(format!("the target is {unit}, 0 to {}", indicator.aim.most()));
        }
        let reason = self.reason.trim().to_owned();
        if reason.is_empty() || reason.chars().count() > TARGET_REASON_CHARS {
            return Err(format!("say why, in 1 to {TARGET_REASON_CHARS} characters"));
        }
        // What is not set has nobody who answers for it.
        let owner = self.owner.filter(|_| self.value.is_some());
        Ok(Self { owner, reason, ..self })
    }

    /// In words; `None`: none is set.
    pub fn words(&self) -> Option<String> {
        Some(named(&self.id)?.aim.words(self.value?))
    }
}

/// The indicator of this id.
pub fn named(id: &str) -> Option<&'static Indicator> {
    INDICATORS.iter().find(|indicator| indicator.id == id)
}

/// How a figure stands to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nobody set one.
    NoTarget,
    /// There is nothing that could be held against it, which is neither good nor bad.
    NoFigure,
    /// It is reached.
    Met,
    /// It is not.
    Missed,
}

impl Verdict {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoTarget => "no-target",
            Self::NoFigure => "no-figure",
            Self::Met => "met",
            Self::Missed => "missed",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::NoTarget => "no target",
            Self::NoFigure => "no figure",
            Self::Met => "met",
            Self::Missed => "missed",
        }
    }
}

impl Measured {
    /// The figure in words.
    pub fn figure(&self) -> String {
        super::gathered::in_words(self.n, self.of)
    }

    /// How it stands to a target. Exact: no share is rounded on the way.
    pub fn against(&self, target: Option<&Target>) -> Verdict {
        let Some(value) = target.and_then(|target| target.value) else { return Verdict::NoTarget };
        let (n, value) = (u128::from(self.n), u128::from(value));
        let met = match (self.indicator.aim, self.of.map(u128::from)) {
            (Aim::ShareAtLeast | Aim::ShareAtMost, None | Some(0)) => return Verdict::NoFigure,
            // A number of nothing at all: there was nothing to count.
            (Aim::AtMost | Aim::DaysAtMost, Some(0)) => return Verdict::NoFigure,
            (Aim::ShareAtLeast, Some(of)) => n * 100 >= value * of,
            (Aim::ShareAtMost, Some(of)) => n * 100 <= value * of,
            (Aim::AtMost | Aim::DaysAtMost | Aim::PartAtMost, _) => n <= value,
        };
        if met { Verdict::Met } else { Verdict::Missed }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn measured(id: &str, n: u64, of: Option<u64>) -> Measured {
        Measured { indicator: *named(id).unwrap(), n, of, note: String::new() }
    }

    fn target(id: &str, value: u32) -> Target {
        Target { id: id.to_owned(), value: Some(value), reason: "because".to_owned(), owner: Some(7) }
    }

    #[test]
    fn a_share_is_met_exactly_and_what_cannot_be_told_is_neither() {
        let verdict = |id, n, of, value| measured(id, n, of).against(Some(&target(id, value)));
        assert_eq!(verdict("K-04", 19, Some(20), 95), Verdict::Met);
        assert_eq!(verdict("K-04", 189, Some(200), 95), Verdict::Missed, "94.5 % is not 95 %");
        assert_eq!(verdict("K-03", 1, Some(20), 5), Verdict::Met, "less is better");
        assert_eq!(verdict("K-03", 2, Some(20), 5), Verdict::Missed);
        assert_eq!(verdict("K-01", 12, None, 95), Verdict::NoFigure, "of how many is unknown");
        assert_eq!(verdict("K-06", 0, Some(0), 100), Verdict::NoFigure);
        assert_eq!(verdict("K-10", 0, None, 0), Verdict::Met);
        assert_eq!(verdict("K-10", 1, None, 0), Verdict::Missed);
        assert_eq!(verdict("K-05", 0, Some(0), 30), Verdict::NoFigure, "nothing was decided");
        assert_eq!(verdict("K-17", 0, Some(0), 0), Verdict::NoFigure, "they are not collected");
        assert_eq!(verdict("K-18", 0, Some(0), 0), Verdict::Met, "none is open, and none is late");
        assert_eq!(measured("K-04", 1, Some(1)).against(None), Verdict::NoTarget);
        let taken_back = Target { value: None, ..target("K-04", 1) };
        assert_eq!(measured("K-04", 1, Some(1)).against(Some(&taken_back)), Verdict::NoTarget);
    }

    #[test]
    fn a_target_is_of_an_indicator_and_within_what_it_can_be() {
        assert_eq!(target("K-04", 100).checked(), Ok(target("K-04", 100)));
        assert!(target("K-04", 101).checked().unwrap_err().contains("0 to 100"));
        assert!(target("K-10", MOST).checked().is_ok() && target("K-10", MOST + 1).checked().is_err());
        assert!(target("K-99", 1).checked().unwrap_err().contains("K-99"));
        assert!(Target { reason: " ".into(), ..target("K-04", 1) }.checked().is_err());
        let taken_back = Target { value: None, ..target("K-04", 1) }.checked().unwrap();
        assert_eq!((taken_back.owner, taken_back.words()), (None, None));
        assert_eq!(target("K-05", 30).words().as_deref(), Some("at most 30 days"));
        assert_eq!(target("K-04", 95).words().as_deref(), Some("at least 95 %"));
    }

    proptest! {
        /// More of what is wanted never turns a target that is met into one that is missed, nor a weaker target.
        #[test]
        fn better_is_never_worse(
            which in 0..INDICATORS.len(), n in 0_u64..50, better in 0_u64..50, of in prop::option::of(0_u64..100), value in 0_u32..=100,
        ) {
            let indicator = INDICATORS[which];
            let up = indicator.aim == Aim::ShareAtLeast;
            let of = of.map(|of| of.max(n + better));
            let at = |n| measured(indicator.id, n, of).against(Some(&target(indicator.id, value)));
            let (low, high) = (at(n), at(n + better));
            let (worse, best) = if up { (low, high) } else { (high, low) };
            prop_assert!(worse != Verdict::Met || best == Verdict::Met, "{worse:?} {best:?}");
            prop_assert_eq!(low == Verdict::NoFigure, high == Verdict::NoFigure);
            let weaker = if up { value.saturating_sub(1) } else { value + 1 };
            let weaker = measured(indicator.id, n, of).against(Some(&target(indicator.id, weaker)));
            prop_assert!(low != Verdict::Met || weaker == Verdict::Met);
        }
    }
}
