//! People, their roles and their sessions.

use std::sync::Arc;

use super::*;
use crate::directory::{self, Known};
use crate::model::governed::TrailFilter;
use crate::model::{
    By, Grant, GrantChange, Grants, LetIn, Looked, PersonDetails, PersonFilter, PersonRecord, PersonRow, Role,
};
use crate::people::PersonRefused;
use crate::sealing::Sealing;
use crate::session::{ByLink, FRESH_MS, IDLE_LIMIT_MS, LINK_LIFETIME_MS, NewSession, Sessions};
use crate::store::people::{People, everybody};
use crate::store::{Governance, Suspects};

pub(super) fn by() -> By {
    By { person: None, name: "a test".to_owned(), reason: String::new(), at_ms: NOW_MS }
}

fn details(name: &str) -> PersonDetails {
    PersonDetails { display_name: name.to_owned(), active: true, ..PersonDetails::default() }
}

fn sessions_of(store: &Arc<SqliteStore>) -> Sessions {
    Sessions::new(Arc::clone(store) as Arc<dyn People>, Sealing::new(&[7; 32]).unwrap()).unwrap()
}

fn by_link(sessions: &Sessions, link: &str, now_ms: i64) -> Option<NewSession> {
    match sessions.sign_in_by_link(link, "", now_ms).unwrap() {
        ByLink::SignedIn(session) => Some(session),
        ByLink::Spent | ByLink::CodeNeeded => None,
    }
}

fn all(role: Role) -> Grant {
    Grant { role, unit: None }
}

fn add(store: &SqliteStore, name: &str, roles: &[Role]) -> PersonRow {
    let mut person = store.add_person(name, &details(name), false, &by()).unwrap().unwrap();
    for role in roles {
        person = store.change_grants(person.id, GrantChange::Grant(all(*role)), &by()).unwrap().unwrap();
    }
    person
}

#[test]
fn people_sign_in_by_password_and_by_a_link_that_works_once() {
    let store = Arc::new(Fixture::new().store);
    let sessions = sessions_of(&store);
    let ada = add(&store, "ada", &[Role::Analyst]);
    assert_eq!(
        store.add_person("Ada ", &details("Ada"), false, &by()).unwrap(),
        Err(PersonRefused::NameTaken("ada".to_owned()))
    );
    assert!(sessions.set_password("ada", "short", &by()).is_err());
    assert!(sessions.set_password("ada", "correct horse battery", &by()).unwrap());
    assert!(sessions.sign_in("ada", "wrong horse battery", "", NOW_MS).unwrap().is_none());
    assert!(sessions.sign_in("nobody", "correct horse battery", "", NOW_MS).unwrap().is_none());
    let session = sessions.sign_in(" Ada ", "correct horse battery", "", NOW_MS).unwrap().unwrap();
    let signed_in = sessions.signed_in(&session.secret, NOW_MS).unwrap().unwrap();
    assert_eq!((signed_in.user.name.as_str(), &signed_in.user.grants), ("ada", &ada.grants));

    let link = sessions.new_link("ada", &by()).unwrap().unwrap();
    assert!(by_link(&sessions, &link, NOW_MS).is_some());
    assert!(by_link(&sessions, &link, NOW_MS).is_none());
    let late = sessions.new_link("ada", &by()).unwrap().unwrap();
    assert!(by_link(&sessions, &late, NOW_MS + LINK_LIFETIME_MS).is_none());

    let idle = NOW_MS + IDLE_LIMIT_MS + 1;
    assert!(sessions.signed_in(&session.secret, idle).unwrap().is_none());
    assert!(sessions.signed_in(&session.secret, NOW_MS).unwrap().is_none(), "over is over");
    let again = sessions.sign_in("ada", "correct horse battery", "", NOW_MS).unwrap().unwrap();
    sessions.set_password("ada", "another horse battery", &by()).unwrap();
    assert!(sessions.signed_in(&again.secret, NOW_MS).unwrap().is_none(), "a new password ends sessions");
}

#[test]
fn a_link_of_somebody_else_is_remembered_and_one_of_the_command_line_or_with_a_code_is_not() {
    let store = Arc::new(Fixture::new().store);
    let sessions = sessions_of(&store);
    let (ada, mona) = (add(&store, "ada", &[Role::Reviewer]), add(&store, "mona", &[Role::Administrator]));
    let of = |maker: Option<i64>, at_ms: i64| By { person: maker, at_ms, ..by() };
    let come = |maker: Option<i64>, code: &str, at_ms: i64| {
        let link = sessions.new_link("ada", &of(maker, at_ms)).unwrap().unwrap();
        let ByLink::SignedIn(session) = sessions.sign_in_by_link(&link, code, at_ms).unwrap() else {
            panic!()
        };
        let signed_in = sessions.signed_in(&session.secret, at_ms).unwrap().unwrap();
        (signed_in.by_link, signed_in.user.let_in)
    };
    let nobody_else = (false, LetIn::default());
    assert_eq!(come(None, "", NOW_MS), nobody_else, "the command line");
    assert_eq!(come(Some(ada.id), "", NOW_MS), nobody_else, "an own link");
    let let_in = LetIn { last_ms: Some(NOW_MS), others: Vec::new() };
    assert_eq!(come(Some(mona.id), "", NOW_MS), (true, let_in.clone()));
    let (maker, _) = store.credentials("mona").unwrap().unwrap();
    assert_eq!(maker.let_in.others, [(ada.id, NOW_MS)]);
    // With a second factor of her own she proves to be there, which takes nothing back of what was before.
    let secret = sessions.totp_to_set_up(ada.id).unwrap().unwrap();
    let code = secret.shown_at(NOW_MS);
    let recovery = sessions.set_up_totp(ada.id, &code, &of(Some(ada.id), NOW_MS)).unwrap().unwrap();
    assert_eq!(come(Some(mona.id), &recovery[0], NOW_MS + 60_000), (false, let_in));
    // After a year nothing of it is kept.
    let year = NOW_MS + 367 * 86_400_000;
    assert_eq!(come(None, &recovery[1], year).1, LetIn::default());
}

#[test]
fn a_change_of_roles_ends_sessions_and_so_does_leaving() {
    let store = Arc::new(Fixture::new().store);
    let sessions = sessions_of(&store);
    let ada = add(&store, "ada", &[Role::Analyst]);
    let begin = || {
        let link = sessions.new_link("ada", &by()).unwrap().unwrap();
        by_link(&sessions, &link, NOW_MS).unwrap().secret
    };
    let secret = begin();
    assert!(sessions.signed_in(&secret, NOW_MS).unwrap().is_some());
    store.change_grants(ada.id, GrantChange::Grant(all(Role::Reviewer)), &by()).unwrap().unwrap();
    assert!(sessions.signed_in(&secret, NOW_MS).unwrap().is_none());
    let (secret, unused) = (begin(), sessions.new_link("ada", &by()).unwrap().unwrap());
    let gone = PersonDetails { active: false, ..ada.details };
    store.change_person(ada.id, &gone, &by()).unwrap().unwrap();
    assert!(sessions.signed_in(&secret, NOW_MS).unwrap().is_none());
    assert!(by_link(&sessions, &unused, NOW_MS).is_none());
    assert!(sessions.new_link("ada", &by()).unwrap().is_none(), "and no link lets them in again");
}

#[test]
fn who_is_only_in_the_directory_cannot_sign_in_and_can_be_found() {
    let store = Arc::new(Fixture::new().store);
    let sessions = sessions_of(&store);
    let email = Some("Otto@Example.com".to_owned());
    let otto = PersonDetails { email, ..details("Otto Ohne") };
    store.add_person("otto", &otto, false, &by()).unwrap().unwrap();
    assert!(sessions.new_link("otto", &by()).unwrap().is_none());
    add(&store, "ada", &[Role::Analyst]);
    let found = |filter: PersonFilter| {
        let page = store.people(&filter, PageRequest::default()).unwrap();
        assert_eq!(page.rows.len() as u64, page.total);
        page.rows.into_iter().map(|person| person.name).collect::<Vec<_>>()
    };
    assert_eq!(found(PersonFilter::default()), ["otto", "ada"], "by the name that people know");
    assert_eq!(
        found(PersonFilter { search: "OHNE example".to_owned(), ..PersonFilter::default() }),
        ["otto"]
    );
    assert_eq!(found(PersonFilter { signs_in: true, ..PersonFilter::default() }), ["ada"]);
}

#[test]
fn the_last_administrator_can_neither_leave_nor_lose_the_role() {
    let store = Fixture::new().store;
    let mona = add(&store, "mona", &[Role::Administrator]);
    let gone = PersonDetails { active: false, ..mona.details.clone() };
    let revoke = GrantChange::Revoke(all(Role::Administrator));
    assert_eq!(store.change_person(mona.id, &gone, &by()).unwrap(), Err(PersonRefused::LastAdministrator));
    assert_eq!(store.change_grants(mona.id, revoke, &by()).unwrap(), Err(PersonRefused::LastAdministrator));
    let max = add(&store, "max", &[Role::Administrator]);
    assert!(store.change_person(mona.id, &gone, &by()).unwrap().is_ok());
    assert_eq!(store.change_grants(max.id, revoke, &by()).unwrap(), Err(PersonRefused::LastAdministrator));
}

#[test]
fn a_role_for_a_unit_counts_below_it() {
    let store = Arc::new(Fixture::new().store);
    let unit = |name: &str, parent| store.add_unit(name, parent, &by()).unwrap().unwrap().id;
    let (europe, africa) = (unit("Europe", None), unit("Africa", None));
    let paris = unit("Paris", Some(europe));
    let desk = unit("Desk", Some(paris));
    let ulla = add(&store, "ulla", &[]);
    let grant = Grant { role: Role::Analyst, unit: Some(europe) };
    let ulla = store.change_grants(ulla.id, GrantChange::Grant(grant), &by()).unwrap().unwrap();
    assert_eq!(ulla.grants, Grants(vec![grant]), "the directory shows what was granted");
    let (user, _) = store.credentials("ulla").unwrap().unwrap();
    assert!(user.grants.hold(Role::Analyst, &[europe, paris, desk]));
    assert!(!user.grants.hold(Role::Analyst, &[africa]) && !user.grants.hold(Role::Analyst, &[]));

    assert!(store.change_unit(europe, "Europe", Some(desk), &by()).unwrap().is_err(), "not below itself");
    assert!(store.change_unit(africa, "Paris", None, &by()).unwrap().is_err(), "one name, one unit");
    assert!(store.add_unit("Nowhere", Some(99), &by()).unwrap().is_err());
    store.change_unit(paris, "Paris", Some(africa), &by()).unwrap().unwrap();
    let (user, _) = store.credentials("ulla").unwrap().unwrap();
    assert!(user.grants.hold(Role::Analyst, &[europe]) && !user.grants.hold(Role::Analyst, &[desk]));
    let nowhere = GrantChange::Grant(Grant { role: Role::Reviewer, unit: Some(99) });
    assert_eq!(store.change_grants(ulla.id, nowhere, &by()).unwrap(), Err(PersonRefused::NoSuchUnit));
}

#[test]
fn nobody_manages_themselves_and_a_key_is_one_persons() {
    let store = Fixture::new().store;
    let (ada, max) = (add(&store, "ada", &[]), add(&store, "max", &[]));
    let under = |person: &PersonRow, manager| PersonDetails { manager, ..person.details.clone() };
    assert!(store.change_person(ada.id, &under(&ada, Some(max.id)), &by()).unwrap().is_ok());
    for manager in [ada.id, max.id] {
        let refused = store.change_person(max.id, &under(&max, Some(manager)), &by()).unwrap();
        assert_eq!(refused, Err(PersonRefused::ManagerLoop), "{manager}");
    }
    let nobody = store.change_person(max.id, &under(&max, Some(99)), &by()).unwrap();
    assert_eq!(nobody, Err(PersonRefused::NoSuchManager));
    let keyed = |name: &str| PersonDetails { external_id: Some("E-1".to_owned()), ..details(name) };
    assert!(store.change_person(ada.id, &keyed("Ada"), &by()).unwrap().is_ok());
    let taken = store.change_person(max.id, &keyed("Max"), &by()).unwrap();
    assert_eq!(taken, Err(PersonRefused::ExternalIdTaken("E-1".to_owned())));
    assert!(store.change_person(ada.id, &keyed("Ada Again"), &by()).unwrap().is_ok(), "it stays hers");
}

#[test]
fn who_read_is_kept_until_retention_deletes_it() {
    let store = Fixture::new().store;
    let ada = add(&store, "ada", &[]);
    store.note_reading(ada.id, Looked::Asset(AssetId(7)), NOW_MS).unwrap();
    store.note_reading(ada.id, Looked::Export, NOW_MS + 2 * 366 * 86_400_000).unwrap();
    let read = store.readings(None, PageRequest::default()).unwrap();
    let newest = &read.rows[0];
    assert_eq!((read.total, newest.what, newest.reader.as_str()), (2, Looked::Export, "ada"));
}

#[test]
fn a_second_factor_is_asked_for_with_the_password_and_each_code_counts_once() {
    let store = Arc::new(Fixture::new().store);
    let sessions = sessions_of(&store);
    let ada = add(&store, "ada", &[Role::Reviewer]);
    sessions.set_password("ada", "correct horse battery", &by()).unwrap();
    let secret = sessions.totp_to_set_up(ada.id).unwrap().unwrap();
    let again = sessions.totp_to_set_up(ada.id).unwrap().unwrap();
    assert_eq!(secret.text(), again.text(), "reading the page anew keeps the secret");
    assert!(
        sessions.sign_in("ada", "correct horse battery", "", NOW_MS).unwrap().is_some(),
        "not set up yet"
    );
    assert!(sessions.set_up_totp(ada.id, "000000", &by()).unwrap().is_none());
    let codes = sessions.set_up_totp(ada.id, &secret.shown_at(NOW_MS), &by()).unwrap().unwrap();
    assert!(sessions.totp_to_set_up(ada.id).unwrap().is_none(), "it is shown no more");
    assert!(!store.totp(ada.id).unwrap().unwrap().sealed.contains(&secret.text().replace(' ', "")));

    let later = NOW_MS + 60_000;
    let try_code = |code: &str, now_ms| {
        sessions.sign_in("ada", "correct horse battery", code, now_ms).unwrap().is_some()
    };
    assert!(!try_code("", later) && !try_code(&secret.shown_at(NOW_MS), NOW_MS), "used to set it up");
    assert!(try_code(&secret.shown_at(later), later) && !try_code(&secret.shown_at(later), later), "once");
    assert!(sessions.sign_in("ada", "wrong horse", &codes[0], later).unwrap().is_none());
    assert!(try_code(&codes[0], later), "a wrong password uses no code up");
    assert!(!try_code(&codes[0], later) && try_code(&codes[9], later));
    assert_eq!(store.recovery_codes_left(ada.id).unwrap(), 8);
    let fresh = sessions.new_recovery_codes(ada.id, &by()).unwrap();
    assert!(!try_code(&codes[1], later) && try_code(&fresh[1], later));

    let link = sessions.new_link("ada", &by()).unwrap().unwrap();
    assert!(matches!(sessions.sign_in_by_link(&link, "1", NOW_MS).unwrap(), ByLink::CodeNeeded));
    assert!(matches!(sessions.sign_in_by_link(&link, &fresh[2], NOW_MS).unwrap(), ByLink::SignedIn(_)));

    let other =
        Sessions::new(Arc::clone(&store) as Arc<dyn People>, Sealing::new(&[8; 32]).unwrap()).unwrap();
    assert!(
        other.sign_in("ada", "correct horse battery", "123456", later).is_err(),
        "another key opens nothing"
    );

    assert!(store.drop_totp(ada.id, &by()).unwrap() && !store.drop_totp(ada.id, &by()).unwrap());
    assert!(try_code("", later));
}

#[test]
fn signing_in_again_counts_for_five_minutes() {
    let store = Arc::new(Fixture::new().store);
    let sessions = sessions_of(&store);
    add(&store, "ada", &[Role::Reviewer]);
    sessions.set_password("ada", "correct horse battery", &by()).unwrap();
    let secret = sessions.sign_in("ada", "correct horse battery", "", NOW_MS).unwrap().unwrap().secret;
    let fresh = |now_ms| sessions.signed_in(&secret, now_ms).unwrap().unwrap().fresh;
    assert!(!fresh(NOW_MS), "to sign in is not to sign in again");
    assert!(!sessions.confirm(&secret, "wrong horse battery", "", NOW_MS).unwrap() && !fresh(NOW_MS));
    assert!(sessions.confirm(&secret, "correct horse battery", "", NOW_MS).unwrap());
    assert!(fresh(NOW_MS) && fresh(NOW_MS + FRESH_MS) && !fresh(NOW_MS + FRESH_MS + 1));
    assert!(!fresh(NOW_MS - 1), "a clock set back makes nothing fresh");
    assert!(!sessions.confirm("no session", "correct horse battery", "", NOW_MS).unwrap());
}

#[test]
fn a_role_can_take_a_second_factor() {
    let store = Arc::new(Fixture::new().store);
    let sessions = sessions_of(&store);
    add(&store, "ada", &[Role::Reviewer]);
    add(&store, "max", &[Role::Analyst]);
    store.set_totp_roles(&[Role::Reviewer], &by()).unwrap();
    assert_eq!(store.totp_roles().unwrap(), [Role::Reviewer]);
    for (name, missing) in [("ada", true), ("max", false)] {
        let link = sessions.new_link(name, &by()).unwrap().unwrap();
        let secret = by_link(&sessions, &link, NOW_MS).unwrap().secret;
        assert_eq!(sessions.signed_in(&secret, NOW_MS).unwrap().unwrap().totp_missing, missing, "{name}");
    }
}

#[test]
fn every_change_of_people_is_in_the_trail_and_no_secret_is() {
    let store = Arc::new(Fixture::new().store);
    let sessions = sessions_of(&store);
    let mona = add(&store, "mona", &[Role::Administrator]);
    let ada = add(&store, "ada", &[]);
    let mona = By { person: Some(mona.id), reason: "she triages now".to_owned(), ..by() };
    let grant = GrantChange::Grant(all(Role::Analyst));
    store.change_grants(ada.id, grant, &mona).unwrap().unwrap();
    let audit = GrantChange::Grant(all(Role::Auditor));
    assert!(store.change_grants(ada.id, audit, &mona).unwrap().is_err());
    let oneself = By { person: Some(ada.id), ..by() };
    assert!(store.change_grants(ada.id, GrantChange::Grant(all(Role::Reviewer)), &oneself).unwrap().is_err());
    let password = "correct horse battery";
    sessions.set_password("ada", password, &mona).unwrap();
    let link = sessions.new_link("ada", &mona).unwrap().unwrap();
    by_link(&sessions, &link, NOW_MS).unwrap();
    let secret = sessions.totp_to_set_up(ada.id).unwrap().unwrap();
    let codes = sessions.set_up_totp(ada.id, &secret.shown_at(NOW_MS), &oneself).unwrap().unwrap();
    store.set_totp_roles(&[Role::Analyst], &mona).unwrap();
    let unit = store.add_unit("Sales", None, &mona).unwrap().unwrap();
    store.change_unit(unit.id, "Sales, EU", None, &mona).unwrap().unwrap();

    let page = PageRequest { offset: 0, limit: 100 };
    let mut trail = store.trail(&TrailFilter::default(), page).unwrap().rows;
    trail.reverse();
    let told: Vec<_> = trail
        .iter()
        .skip(3)
        .map(|row| (row.action.as_str(), row.actor.as_str(), row.role.as_str(), row.outcome.as_str()))
        .collect();
    let (mona, ada_id) = (format!("person:{}", mona.person.unwrap()), format!("person:{}", ada.id));
    assert_eq!(
        told,
        [
            ("person.grant", mona.as_str(), "administrator", "done"),
            ("person.grant", &mona, "administrator", "refused:G-ROLE"),
            ("person.grant", &ada_id, "-", "refused:G-4EYES"),
            ("person.password", &mona, "administrator", "done"),
            ("person.link", &mona, "administrator", "done"),
            ("person.link.used", &ada_id, "-", "done"),
            ("person.second-factor.set-up", &ada_id, "-", "done"),
            ("setting.second-factor", &mona, "administrator", "done"),
            ("unit.add", &mona, "administrator", "done"),
            ("unit.change", &mona, "administrator", "done"),
        ]
    );
    assert_eq!(trail[3].reason.as_deref(), Some("she triages now"));
    let text = serde_json::to_string(&trail).unwrap();
    for hidden in [password, link.as_str(), &codes[0], &secret.text().replace(' ', ""), "argon2id"] {
        assert!(!text.contains(hidden), "{hidden}");
    }
    let replayed = store.as_of("person", &ada.id.to_string(), NOW_MS + 1).unwrap().unwrap();
    let now = store.person(ada.id).unwrap().unwrap();
    assert_eq!(replayed, serde_json::to_value(PersonRecord::from(&now)).unwrap());
}

#[test]
fn tokens_and_the_collection_of_suspects_are_in_the_trail() {
    let fixture = Fixture::new();
    add(&fixture.store, "ada", &[Role::ItDeployer]);
    fixture.token("aa", 1);
    assert!(fixture.store.revoke_token(&TokenId("aa".into()), &by()).unwrap());
    fixture.store.step_suspects(crate::model::Step::Asked, "ada", NOW_MS).unwrap().unwrap();
    let rows = fixture.store.trail(&TrailFilter::default(), PageRequest::default()).unwrap().rows;
    let told: Vec<_> = rows.iter().take(4).map(|row| (row.action.as_str(), row.role.as_str())).collect();
    assert_eq!(
        told,
        [
            ("setting.suspects", "it-deployer"),
            ("token.revoke", "-"),
            ("token.create", "-"),
            ("unit.add", "-")
        ]
    );
}

/// What a file of a reorganisation does; people go by their addresses.
fn imported(store: &SqliteStore, file: &str) -> Result<(), PersonRefused> {
    let people = everybody(store).unwrap();
    let units = store.all_units().unwrap();
    let known = Known { people: &people, units: &units };
    let plan = directory::plan(file.as_bytes(), &known, false).unwrap();
    store.import_directory(&plan, &by()).unwrap().map(drop)
}

#[test]
fn a_file_may_turn_managers_and_reports_around_and_may_not_make_a_loop() {
    let store = Fixture::new().store;
    let manager = |name: &str| {
        let manager = store.person_named(name).unwrap().unwrap().details.manager;
        manager.map(|id| store.person(id).unwrap().unwrap().name)
    };
    let lines = |rows: &[(&str, &str)]| {
        let line = |(name, manager): &(&str, &str)| {
            let manager = if manager.is_empty() { String::new() } else { format!("{manager}@x.org") };
            format!("{name},{name},{name}@x.org,{manager}\n")
        };
        format!("name,login,email,manager\n{}", rows.iter().map(line).collect::<String>())
    };
    imported(&store, &lines(&[("ada", ""), ("max", "ada"), ("nina", "max")])).unwrap();
    assert_eq!((manager("max"), manager("nina")), (Some("ada".to_owned()), Some("max".to_owned())));
    // Whatever the order of the lines: row by row each of these goes round before it is straight again.
    for rows in [
        [("max", ""), ("ada", "max"), ("nina", "ada")],
        [("ada", "nina"), ("nina", ""), ("max", "ada")],
        [("nina", "ada"), ("ada", "max"), ("max", "")],
    ] {
        imported(&store, &lines(&rows)).unwrap();
        for (name, above) in rows {
            assert_eq!(manager(name).as_deref().unwrap_or_default(), above, "{rows:?}");
        }
    }
    let before = ["ada", "max", "nina"].map(manager);
    let refused = imported(&store, &lines(&[("max", "nina"), ("nina", "ada"), ("ada", "max")])).unwrap_err();
    assert_eq!(refused, PersonRefused::Line(2, Box::new(PersonRefused::ManagerLoop)));
    assert_eq!(["ada", "max", "nina"].map(manager), before, "nothing of it was done");
}

#[test]
fn everybody_on_a_list_stands_there_with_their_own_roles() {
    let store = Fixture::new().store;
    let expected: Vec<PersonRow> =
        [("ada", &[Role::Analyst, Role::Reviewer][..]), ("max", &[]), ("nina", &[Role::Auditor])]
            .map(|(name, roles)| add(&store, name, roles))
            .into();
    assert_eq!(store.people(&PersonFilter::default(), PageRequest::default()).unwrap().rows, expected);
}
