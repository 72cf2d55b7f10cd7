//! Random histories of records on a real database.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::governance::{act, only, who, with_people};
use super::*;
use crate::model::governed::{Act, Governed, TrailFilter};
use crate::model::record::{AiSystem, DismissReason, Wish};
use crate::model::{Role, SystemFilter};
use crate::review::Move;
use crate::store::Governance;

const DAY_MS: i64 = 86_400_000;

/// What happens to one of three records.
#[derive(Debug, Clone)]
enum Event {
    /// Who decides, or else who only reads, tries a move.
    Person(usize, Role, Move),
    /// A sensor sees the first one on this day and so many before it.
    Seen(u32),
    /// Days pass.
    Days(i64),
}

fn any_event() -> impl Strategy<Value = Event> {
    let edits = prop_oneof![
        Just(json!({"purpose": "Drafts", "intended_use": "Letters", "foreseeable_misuse": "Dismissals",
            "decision_impact": "none", "consequential_domain": "none", "org_units": [1],
            "data_categories": ["internal"], "risk_tier": "limited"})),
        Just(json!({"purpose": null})),
        Just(json!({"data_categories": ["unknown"]})),
        Just(json!({"risk_tier": "high"})),
        Just(json!({"sanction": "sanctioned"})),
    ];
    let edit = edits.prop_map(|fields: Value| {
        Move::Edit(fields.as_object().cloned().unwrap_or_default().into_iter().collect())
    });
    let step = prop_oneof![
        3 => Just(Move::Triage),
        3 => Just(Move::StartReview),
        4 => edit,
        3 => Just(Move::Request(Wish::sanction())),
        4 => Just(Move::Approve),
        1 => Just(Move::Prohibit),
        1 => Just(Move::Dismiss { why: DismissReason::NotAi, duplicate_of: None }),
        1 => Just(Move::Reopen),
        1 => Just(Move::Revoke),
        1 => Just(Move::Withdraw),
    ];
    let role = prop_oneof![4 => Just(Role::Analyst), 4 => Just(Role::Reviewer), 1 => Just(Role::Auditor)];
    prop_oneof![
        12 => (0_usize..3, role, step).prop_map(|(at, role, step)| Event::Person(at, role, step)),
        1 => (0_u32..3).prop_map(Event::Seen),
        1 => (1_i64..50).prop_map(Event::Days),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// I-14, I-15 and I-17: the trail replays each record as of any moment, with what people set and what sensors and time did; a move that
    /// is refused changes no record and is told of; and what waits for somebody is what is neither decided nor dismissed.
    #[test]
    fn the_trail_replays_any_history_and_no_refusal_changes_a_record(
        events in prop::collection::vec(any_event(), 1..40),
    ) {
        let (fixture, analyst, reviewer) = with_people();
        let mut ids = vec![only(&fixture)];
        for name in ["Scoring", "Sorting"] {
            let system = AiSystem { name: name.into(), system_owner: Some(analyst), ..AiSystem::default() };
            let made = fixture.store.add_system(system, &who(analyst, Role::Analyst), act(analyst));
            ids.push(made.unwrap().unwrap().body.id);
        }
        let owner = Move::Edit(vec![("system_owner".into(), analyst.into())]);
        fixture.moves(&ids[0], analyst, Role::Analyst, owner).unwrap();
        let held = |id: &str| fixture.store.system(id).unwrap().unwrap().held;
        let refusals = || {
            let filter = TrailFilter { refused: Some(true), kind: Some(AiSystem::KIND.into()), ..TrailFilter::default() };
            fixture.store.trail(&filter, PageRequest::default()).unwrap().total
        };
        let (mut now_ms, mut moments) = (NOW_MS, Vec::new());
        for event in events {
            now_ms += 1_000;
            match event {
                Event::Person(at, role, step) => {
                    let person = if role == Role::Reviewer { reviewer } else { analyst };
                    let before: Vec<_> = ids.iter().map(|id| held(id)).collect();
                    let told = refusals();
                    let act = Act { now_ms, ..act(person) };
                    let came_to = fixture.store.move_system(&ids[at], step, who(person, role), act).unwrap().unwrap();
                    let after: Vec<_> = ids.iter().map(|id| held(id)).collect();
                    match came_to {
                        Ok(made) => {
                            prop_assert_ne!(role, Role::Auditor);
                            prop_assert_eq!((&made, refusals()), (&after[at], told));
                        }
                        Err(_) => prop_assert_eq!((after, refusals()), (before, told + 1)),
                    }
                }
                Event::Seen(back) => {
                    let day = Day::from_unix_ms(now_ms).back(back);
                    let sighting = ActivityRow { day, ..row("acme.chat.web", Channel::Tls, 0, 1) };
                    fixture.send(1, with_activity(1, vec![sighting]), now_ms);
                }
                Event::Days(days) => {
                    now_ms += days * DAY_MS;
                    fixture.store.attend(now_ms).unwrap();
                }
            }
            moments.push((now_ms + 1, ids.iter().map(|id| held(id).body).collect::<Vec<_>>()));
            let waiting = SystemFilter { pending: true, ..SystemFilter::default() };
            let page = PageRequest::default();
            let rows = fixture.store.systems(&waiting, SystemSort::Name, Direction::Ascending, page).unwrap().rows;
            for id in &ids {
                let listed = rows.iter().any(|row| row.id == *id);
                prop_assert_eq!(listed, held(id).body.review.is_pending(), "{}", id);
            }
        }
        for (at_ms, bodies) in moments {
            for body in bodies {
                let replayed = fixture.store.as_of(AiSystem::KIND, &body.id, at_ms).unwrap();
                prop_assert_eq!(replayed, Some(serde_json::to_value(&body).unwrap()));
            }
        }
    }

    /// I-13: in whatever order days are told of, the first one never becomes later and the last one never earlier.
    #[test]
    fn the_first_day_never_rises_and_the_last_one_never_falls(
        days in prop::collection::vec((0_u32..40, 1_u64..5, any::<bool>()), 1..12),
    ) {
        let fixture = fleet();
        let mut seen: Option<(u32, u32)> = None;
        for (back, count, attends) in days {
            fixture.send(1, with_activity(1, vec![row("acme.chat.web", Channel::Tls, back, count)]), NOW_MS);
            if attends {
                fixture.store.attend(NOW_MS).unwrap();
            }
            let (oldest, newest) = seen.map_or((back, back), |(old, new)| (old.max(back), new.min(back)));
            seen = Some((oldest, newest));
            let product = fixture.products().remove(0);
            prop_assert_eq!((product.first_day, product.last_day), (today().back(oldest), today().back(newest)));
            let detail = fixture.store.system("AIS-0001").unwrap().unwrap();
            prop_assert_eq!(detail.held.body.first_seen, Some(today().back(oldest)));
            prop_assert_eq!(detail.seen.days, Some((today().back(oldest), today().back(newest))));
        }
    }
}
