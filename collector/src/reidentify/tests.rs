use super::*;
use crate::model::{Grant, Grants};

const NOW_MS: i64 = 1_795_269_802_000;
const WHY: &str = "A customer's data was pasted into it on that day";

fn who(person: i64, role: Role, unit: Option<i64>) -> Who {
    Who { person, grants: Grants(vec![Grant { role, unit }]), ..Who::default() }
}

fn analyst() -> Who {
    who(1, Role::Analyst, Some(3))
}

fn officer(person: i64) -> Who {
    who(person, Role::PrivacyOfficer, None)
}

fn on() -> Setting {
    let key = umbrascope_api::PrivacyKey::from_bytes([9; 32]);
    let asked =
        change(&Setting::default(), &SettingStep::Ask(key), &who(7, Role::Administrator, None), WHY, NOW_MS);
    change(&asked.unwrap().0, &SettingStep::Confirm, &officer(8), "", NOW_MS).unwrap().0
}

fn asked() -> Asked {
    Asked {
        asset: 4,
        account: "aa".to_owned(),
        product: "openai.chatgpt".to_owned(),
        ticket: "INC-7".to_owned(),
        hours: 24,
    }
}

fn request() -> Request {
    let subject = Some(Subject { unit: 3, account: 11 });
    ask(&on(), &asked(), subject, &analyst(), WHY, NOW_MS).unwrap().0
}

fn guard<T: std::fmt::Debug>(came: Result<T, Refused>) -> Guard {
    came.unwrap_err().guard
}

#[test]
fn the_setting_takes_two_people_a_reason_and_the_privacy_officer_and_one_switches_it_off() {
    let (start, key) = (Setting::default(), umbrascope_api::PrivacyKey::from_bytes([9; 32]));
    let (admin, paula) = (who(7, Role::Administrator, None), officer(8));
    let ask = SettingStep::Ask(key);
    assert_eq!(guard(change(&start, &ask, &analyst(), WHY, NOW_MS)), Guard::Role);
    assert_eq!(guard(change(&start, &ask, &admin, "because", NOW_MS)), Guard::Justify);
    let asked = change(&start, &ask, &admin, WHY, NOW_MS).unwrap().0;
    assert_eq!(asked.told(), None, "asking changes nothing");
    assert_eq!(guard(change(&asked, &ask, &paula, WHY, NOW_MS)), Guard::State);
    assert_eq!(guard(change(&asked, &SettingStep::Confirm, &admin, "", NOW_MS)), Guard::Role);
    let own = change(&start, &ask, &paula, WHY, NOW_MS).unwrap().0;
    assert_eq!(guard(change(&own, &SettingStep::Confirm, &paula, "", NOW_MS)), Guard::FourEyes);
    let late = NOW_MS + crate::model::CONFIRM_WITHIN_MS + 1;
    assert_eq!(guard(change(&asked, &SettingStep::Confirm, &paula, "", late)), Guard::State);
    assert!(change(&asked, &ask, &paula, WHY, late).is_ok(), "what lapsed can be asked for anew");
    let (on, _) = change(&asked, &SettingStep::Confirm, &paula, "", NOW_MS + 5).unwrap();
    assert_eq!(on.told().map(|told| (told.since_ms, told.key)), Some((NOW_MS + 5, key)));
    assert_eq!(guard(change(&on, &ask, &admin, WHY, NOW_MS)), Guard::State);
    for one in [admin, paula, who(9, Role::ItDeployer, None)] {
        assert_eq!(change(&on, &SettingStep::Withdraw, &one, "", NOW_MS).unwrap().0, Setting::default());
    }
    assert_eq!(guard(change(&start, &SettingStep::Withdraw, &officer(8), "", NOW_MS)), Guard::State);
}

#[test]
fn a_request_takes_a_subject_a_reason_a_ticket_and_a_time_box_in_the_units_of_who_asks() {
    let subject = Some(Subject { unit: 3, account: 11 });
    let tried = |asked: &Asked, subject, who: &Who, why| ask(&on(), asked, subject, who, why, NOW_MS);
    assert!(tried(&asked(), subject, &analyst(), WHY).is_ok());
    assert!(tried(&asked(), subject, &who(2, Role::Reviewer, None), WHY).is_ok());
    for (role, expected) in [
        (Role::Administrator, Guard::Role),
        (Role::PrivacyOfficer, Guard::Role),
        (Role::WorksCouncil, Guard::Role),
        (Role::Auditor, Guard::Role),
        (Role::ScopeOwner, Guard::Role),
    ] {
        assert_eq!(guard(tried(&asked(), subject, &who(2, role, None), WHY)), expected, "{role:?}");
    }
    assert_eq!(guard(tried(&asked(), subject, &who(1, Role::Analyst, Some(4)), WHY)), Guard::Acl);
    assert_eq!(guard(tried(&asked(), None, &who(1, Role::Analyst, None), WHY)), Guard::Target);
    assert_eq!(guard(tried(&asked(), subject, &analyst(), "curious")), Guard::Justify);
    for wrong in [
        Asked { ticket: " ".to_owned(), ..asked() },
        Asked { hours: 0, ..asked() },
        Asked { hours: MOST_HOURS + 1, ..asked() },
    ] {
        assert_eq!(guard(tried(&wrong, subject, &analyst(), WHY)), Guard::Fields, "{wrong:?}");
    }
    let off = ask(&Setting::default(), &asked(), subject, &analyst(), WHY, NOW_MS);
    assert_eq!(guard(off), Guard::State, "switched off");
}

#[test]
fn a_name_is_taken_after_two_other_people_approved_and_not_by_who_asked() {
    let request = request();
    assert_eq!(guard(take(&request, Step::Take, &officer(2), NOW_MS)), Guard::FourEyes, "nobody approved");
    assert_eq!(guard(take(&request, Step::Approve, &who(2, Role::Reviewer, None), NOW_MS)), Guard::Role);
    let both = Who {
        person: 1,
        grants: Grants(vec![
            Grant { role: Role::Analyst, unit: None },
            Grant { role: Role::PrivacyOfficer, unit: None },
        ]),
        ..Who::default()
    };
    assert_eq!(guard(take(&request, Step::Approve, &both, NOW_MS)), Guard::FourEyes, "an own request");
    let (half, role) = take(&request, Step::Approve, &officer(2), NOW_MS).unwrap();
    assert_eq!((half.state(NOW_MS), role), (State::HalfApproved, Some(Role::PrivacyOfficer)));
    assert_eq!(guard(take(&half, Step::Approve, &officer(2), NOW_MS)), Guard::FourEyes, "twice the same");
    assert_eq!(guard(take(&half, Step::Take, &officer(2), NOW_MS)), Guard::FourEyes, "one is not two");
    let (open, _) = take(&half, Step::Approve, &officer(3), NOW_MS + 5).unwrap();
    assert_eq!(open.until_ms, Some(NOW_MS + 5 + 24 * HOUR_MS), "the time runs from the second approval");
    assert_eq!(guard(take(&open, Step::Take, &both, NOW_MS + 6)), Guard::FourEyes, "who asked");
    assert_eq!(guard(take(&open, Step::Take, &analyst(), NOW_MS + 6)), Guard::Role);
    let (taken, _) = take(&open, Step::Take, &officer(2), NOW_MS + 6).unwrap();
    assert_eq!(taken.taken, [Mark { by: 2, at_ms: NOW_MS + 6 }]);
    assert_eq!(taken.people().collect::<Vec<_>>(), [1, 2, 3, 2]);
}

#[test]
fn time_ends_a_request_and_so_do_people() {
    let request = request();
    let late = NOW_MS + WAITS_MS + 1;
    assert_eq!(request.state(late), State::Lapsed);
    assert_eq!(guard(take(&request, Step::Approve, &officer(2), late)), Guard::State);
    let half = take(&request, Step::Approve, &officer(2), NOW_MS).unwrap().0;
    let open = take(&half, Step::Approve, &officer(3), NOW_MS).unwrap().0;
    let end = open.until_ms.unwrap();
    assert!(take(&open, Step::Take, &officer(2), end - 1).is_ok());
    assert_eq!(guard(take(&open, Step::Take, &officer(2), end)), Guard::Expiry, "its time is over");
    for (before, step, by) in [
        (&request, Step::Withdraw, analyst()),
        (&half, Step::Decline, officer(3)),
        (&open, Step::Close, analyst()),
        (&open, Step::Close, officer(4)),
    ] {
        let ended = take(before, step, &by, NOW_MS).unwrap().0;
        assert!(matches!(ended.state(NOW_MS), State::Ended(_)), "{step:?}");
        for next in Step::ALL {
            let person = if next == Step::Withdraw { analyst() } else { officer(5) };
            assert_eq!(guard(take(&ended, next, &person, NOW_MS)), Guard::State, "{step:?} {next:?}");
        }
    }
    assert_eq!(guard(take(&request, Step::Withdraw, &officer(2), NOW_MS)), Guard::Role, "not theirs");
    assert_eq!(guard(take(&request, Step::Close, &officer(2), NOW_MS)), Guard::State);
    for step in Step::ALL {
        assert_eq!(Step::parse(step.as_str()), Some(step));
    }
}

#[test]
fn what_is_told_of_it_is_of_the_part_of_the_trail_that_the_works_council_reads() {
    use crate::model::governed::COLLECTION;
    for kind in [Request::KIND, Setting::KIND, crate::retention::Retention::KIND] {
        assert!(COLLECTION.contains(&(kind, None)), "{kind}");
    }
}
