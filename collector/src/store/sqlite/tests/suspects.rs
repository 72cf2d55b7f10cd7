//! Suspects: nothing is taken before two people want it, and then a domain and a count.

use umbrascope_api::{Refusal, SuspectRow, limits};

use super::*;
use crate::model::{Dismissal, Step, StepRefused, SuspectSetting};
use crate::store::Suspects;

fn suspect(domain: &str, back: u32, count: u64) -> SuspectRow {
    SuspectRow { day: today().back(back), domain: domain.to_owned(), count }
}

fn with_suspects(number: u8, epoch: u8, suspects: Vec<SuspectRow>) -> Batch {
    Batch { suspects, ..batch(number, epoch, NOW_MS) }
}

fn switch_on(fixture: &Fixture) {
    fixture.store.step_suspects(Step::Asked, "ada", NOW_MS).unwrap().unwrap();
    fixture.store.step_suspects(Step::Confirmed, "vera", NOW_MS).unwrap().unwrap();
}

/// Domain, count, sensors.
fn queue(fixture: &Fixture, dismissed: bool) -> Vec<(String, u64, u64)> {
    let page = fixture.store.suspects(dismissed, PageRequest::default()).unwrap();
    assert_eq!(page.total, page.rows.len() as u64);
    page.rows.into_iter().map(|row| (row.domain, row.count, row.sources)).collect()
}

#[test]
fn nothing_is_taken_before_two_people_want_it_nor_after_one_does_not() {
    let fixture = fleet();
    let send = || fixture.send(1, with_suspects(1, 1, vec![suspect("some-chatbot.com", 0, 3)]), NOW_MS);
    let not_taken = |ack: Ack| {
        assert_eq!(ack.suspects_since_ms, None);
        assert_eq!(ack.refused.iter().map(|row| row.reason).collect::<Vec<_>>(), [Refusal::NotAsked]);
        assert_eq!(fixture.dump(&["suspect", "suspect_count"]).values().flatten().count(), 0);
    };
    not_taken(send());
    fixture.store.step_suspects(Step::Asked, "ada", NOW_MS).unwrap().unwrap();
    let alone = fixture.store.step_suspects(Step::Confirmed, "ada", NOW_MS).unwrap();
    assert_eq!(alone, Err(StepRefused::SamePerson));
    not_taken(send());
    fixture.store.step_suspects(Step::Confirmed, "vera", NOW_MS).unwrap().unwrap();
    let ack = send();
    assert_eq!((ack.suspects_since_ms, ack.refused.len()), (Some(NOW_MS), 0));
    assert_eq!(queue(&fixture, false), [("some-chatbot.com".to_owned(), 3, 1)]);
    fixture.store.step_suspects(Step::Withdrawn, "vera", NOW_MS).unwrap().unwrap();
    let ack = fixture.send(1, with_suspects(1, 1, vec![suspect("some-chatbot.com", 0, 9)]), NOW_MS);
    assert_eq!((ack.suspects_since_ms, ack.refused[0].reason), (None, Refusal::NotAsked));
    assert_eq!(queue(&fixture, false), [("some-chatbot.com".to_owned(), 3, 1)]);
    let steps: Vec<_> =
        fixture.store.suspect_steps(9).unwrap().into_iter().map(|row| (row.step, row.person)).collect();
    let by = |step, person: &str| (step, person.to_owned());
    assert_eq!(steps, [by(Step::Withdrawn, "vera"), by(Step::Confirmed, "vera"), by(Step::Asked, "ada")]);
    assert_eq!(fixture.store.suspect_setting(NOW_MS).unwrap(), SuspectSetting::Off);
}

#[test]
fn counts_are_merged_by_the_larger_and_sum_over_days_and_sensors() {
    let fixture = fleet();
    switch_on(&fixture);
    let send = |number, epoch, back, count| {
        fixture.send(number, with_suspects(number, epoch, vec![suspect("quorbel.ai", back, count)]), NOW_MS)
    };
    for (number, epoch, back, count) in
        [(1, 1, 0, 5), (1, 1, 0, 3), (1, 1, 0, 5), (1, 1, 2, 1), (2, 1, 0, 7), (1, 2, 0, 1)]
    {
        assert_eq!(send(number, epoch, back, count).refused, []);
    }
    assert_eq!(queue(&fixture, false), [("quorbel.ai".to_owned(), 14, 3)]);
    let row = &fixture.store.suspects(false, PageRequest::default()).unwrap().rows[0];
    assert_eq!((row.first_day, row.last_day), (today().back(2), today()));
    assert_eq!(
        fixture.dump(&["activity", "ai_system"]).values().flatten().count(),
        0,
        "no sighting and no candidate"
    );
}

#[test]
fn a_dismissal_sticks_and_no_more_is_taken_of_the_domain() {
    let fixture = fleet();
    switch_on(&fixture);
    let send = |count| fixture.send(1, with_suspects(1, 1, vec![suspect("quorbel.ai", 0, count)]), NOW_MS);
    send(2);
    let dismissal = Dismissal { reason: "a hotel".into(), person: "ada".into(), at_ms: NOW_MS };
    assert!(!fixture.store.dismiss_suspect("other.ai", &dismissal).unwrap());
    assert!(fixture.store.dismiss_suspect("quorbel.ai", &dismissal).unwrap());
    let other = Dismissal { reason: "no".into(), ..dismissal.clone() };
    assert!(fixture.store.dismiss_suspect("quorbel.ai", &other).unwrap());
    assert_eq!(send(9).refused, []);
    assert_eq!(queue(&fixture, false), []);
    let dismissed = fixture.store.suspects(true, PageRequest::default()).unwrap().rows;
    assert_eq!((dismissed[0].count, dismissed[0].dismissal.clone()), (2, Some(dismissal)));
    assert!(fixture.store.restore_suspect("quorbel.ai", &people::by()).unwrap());
    assert!(!fixture.store.restore_suspect("quorbel.ai", &people::by()).unwrap());
    send(9);
    assert_eq!(queue(&fixture, false), [("quorbel.ai".to_owned(), 9, 1)]);
}

#[test]
fn a_sensor_that_makes_names_up_fills_its_own_day_and_old_ones_go() {
    let fixture = fleet();
    switch_on(&fixture);
    for round in 0..3 {
        let rows = (0..limits::SUSPECTS).map(|at| suspect(&format!("gpt-{round}-{at}.com"), 0, 1)).collect();
        let refused = fixture.send(1, with_suspects(1, 1, rows), NOW_MS).refused;
        assert!(refused.iter().all(|row| row.reason == Refusal::OverQuota));
        assert_eq!(refused.len(), if round == 0 { 0 } else { limits::SUSPECTS });
    }
    assert_eq!(fixture.send(2, with_suspects(2, 1, vec![suspect("b-ai.net", 0, 1)]), NOW_MS).refused, []);
    let later_ms = NOW_MS + 91 * 86_400_000;
    let new = SuspectRow { day: Day::from_unix_ms(later_ms), ..suspect("c-ai.net", 0, 1) };
    fixture.send(2, with_suspects(2, 1, vec![new]), later_ms);
    assert_eq!(queue(&fixture, false), [("c-ai.net".to_owned(), 1, 1)]);
    assert_eq!(fixture.dump(&["suspect_count"])["suspect_count"].len(), 1);
}

#[test]
fn who_reads_the_part_about_collection_reads_of_this_setting_and_of_no_other() {
    use crate::model::governed::{Act, Actor, TrailFilter, TrailReach};
    use crate::model::policy::Limits;
    use crate::store::{Governance, Queues as _};

    let fixture = fleet();
    switch_on(&fixture);
    let limits = Limits { bulk_records: 7, ..Limits::default() };
    let act = |person| Act::by(Actor::Person(person), NOW_MS);
    fixture.store.set_limits(limits.clone(), act(5)).unwrap();
    fixture.store.set_limits(Limits { bulk_records: 8, ..limits }, act(55)).unwrap();
    let read = |collection, own| {
        let reach = TrailReach::Part { collection, own };
        let filter = TrailFilter { reach, ..TrailFilter::default() };
        let page = fixture.store.trail(&filter, PageRequest { offset: 0, limit: 100 }).unwrap();
        assert_eq!(page.total, page.rows.len() as u64);
        for row in &page.rows {
            assert!(fixture.store.trail_entry(row.seq, reach).unwrap().is_some(), "{row:?}");
        }
        page.rows.into_iter().map(|row| (row.kind, row.id)).collect::<Vec<_>>()
    };
    let suspects = ("setting".to_owned(), "suspects".to_owned());
    let limits = ("setting".to_owned(), "limits".to_owned());
    assert_eq!(read(true, None), [suspects.clone(), suspects.clone()]);
    assert_eq!(read(false, Some(5)), std::slice::from_ref(&limits), "not what the person 55 did");
    assert_eq!(read(true, Some(5)), [limits, suspects.clone(), suspects]);
    assert_eq!(read(false, None), []);
    let whole = TrailFilter::default();
    let newest = fixture.store.trail(&whole, PageRequest::default()).unwrap().rows[0].seq;
    let part = TrailReach::Part { collection: true, own: None };
    assert!(fixture.store.trail_entry(newest, part).unwrap().is_none(), "a change of limits");
    assert!(fixture.store.trail_entry(newest, TrailReach::Whole).unwrap().is_some());
}
