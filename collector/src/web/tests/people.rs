//! People, their roles, and the second factor, at the pages.

use super::*;
use crate::model::Role;

fn number(of: &Visitor, name: &str) -> i64 {
    of.state.people.person_named(name).unwrap().unwrap().id
}

#[tokio::test]
async fn an_administrator_adds_a_person_gives_a_role_and_hands_a_link_over() {
    let mut mona = Visitor::signed_in(Sample::default(), "mona").await;
    let csrf = mona.get("/people/new").await.csrf();
    let form = |name: &'static str, email: &'static str| {
        [("name", name), ("display_name", "Nina Neu"), ("email", email), ("unit", "1"), ("manager", "otto")]
    };
    let fields = [form("Nina", "not an address").as_slice(), &[("csrf", csrf.as_str())]].concat();
    let page = mona.post("/people", &fields).await;
    assert!(
        page.text.contains("an e-mail address has one @") && page.text.contains("Nina Neu"),
        "{}",
        page.text
    );
    let fields = [form("Nina", "nina@example.com").as_slice(), &[("csrf", csrf.as_str())]].concat();
    let added = mona.post("/people", &fields).await;
    let nina = number(&mona, "nina");
    assert_eq!(added.location(), format!("/people/{nina}?done=added"));
    let place = format!("/people/{nina}");
    let stale = mona.post(&format!("{place}/link"), &[("csrf", &csrf)]).await;
    assert_eq!(stale.location(), format!("/confirm?next=%2Fpeople%2F{nina}"));
    let password = [("csrf", csrf.as_str()), ("password", "twelve or more"), ("again", "twelve or more")];
    mona.post("/password", &password).await;
    let csrf = mona.get(&place).await.csrf();
    let again = [("csrf", csrf.as_str()), ("password", "twelve or more"), ("next", place.as_str())];
    assert_eq!(mona.post("/confirm", &again).await.location(), place);
    let refused = mona.post(&format!("{place}/link"), &[("csrf", &csrf)]).await;
    assert!(refused.text.contains("does not sign in"), "{}", refused.text);
    let grant = [("csrf", csrf.as_str()), ("role", "analyst"), ("unit", "1"), ("reason", "new here")];
    assert_eq!(
        mona.post(&format!("{place}/grant"), &grant).await.location(),
        format!("{place}?done=granted")
    );
    let page = mona.get(&place).await.text;
    assert!(page.contains("analyst in Engineering") && page.contains("nina@example.com"), "{page}");
    let audit = [("csrf", csrf.as_str()), ("role", "auditor"), ("unit", "")];
    let refused = mona.post(&format!("{place}/grant"), &audit).await;
    assert!(refused.text.contains("auditor reads only and is not held beside analyst"), "{}", refused.text);
    let made = mona.post(&format!("{place}/link"), &[("csrf", &csrf)]).await.text;
    let link = made.split("/sign-in/link/").nth(1).unwrap().split('<').next().unwrap();
    let mut nina = Visitor::to(mona.state.clone());
    let link = format!("/sign-in/link/{link}");
    let csrf = nina.get(&link).await.csrf();
    assert_eq!(nina.post(&link, &[("csrf", &csrf)]).await.location(), "/password");
    assert!(nina.get("/account").await.text.contains("analyst in Engineering"));
}

#[tokio::test]
async fn nobody_gives_themselves_a_role_and_the_last_administrator_stays() {
    let mut mona = Visitor::signed_in(Sample::default(), "mona").await;
    let (me, ada) = (number(&mona, "mona"), number(&mona, "ada"));
    let csrf = mona.get("/people").await.csrf();
    let grant = [("csrf", csrf.as_str()), ("role", "reviewer"), ("unit", "")];
    let refused = mona.post(&format!("/people/{me}/grant"), &grant).await;
    assert!(refused.text.contains("nobody can grant a role to themselves"), "{}", refused.text);
    let role = [("csrf", csrf.as_str()), ("role", "administrator"), ("unit", "")];
    let taken = mona.post(&format!("/people/{ada}/revoke"), &role).await;
    assert_eq!(taken.location(), format!("/people/{ada}?done=revoked"));
    let refused = mona.post(&format!("/people/{me}/revoke"), &role).await;
    assert!(refused.text.contains("last active administrator"), "{}", refused.text);
    let refused = mona.post(&format!("/people/{me}/active"), &[("csrf", &csrf), ("active", "no")]).await;
    assert!(refused.text.contains("last active administrator"), "{}", refused.text);
    assert_eq!(mona.get("/people").await.status, StatusCode::OK, "still signed in");
}

#[tokio::test]
async fn a_works_council_reads_who_holds_what_and_changes_nothing() {
    let mut wim = Visitor::signed_in(Sample::default(), "wim").await;
    let page = wim.get("/people/1").await;
    assert!(page.status == StatusCode::OK && !page.text.contains("/people/1/grant"), "{}", page.text);
    let csrf = page.csrf();
    let sent = [("csrf", csrf.as_str()), ("role", "analyst"), ("unit", ""), ("active", "no"), ("name", "x")];
    for path in [
        "/people",
        "/people/1",
        "/people/1/grant",
        "/people/1/revoke",
        "/people/1/active",
        "/people/1/link",
        "/people/1/second-factor/remove",
        "/people/second-factor-roles",
        "/units",
        "/units/1",
    ] {
        assert_eq!(wim.post(path, &sent).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn units_are_added_and_moved_below_others() {
    let mut mona = Visitor::signed_in(Sample::default(), "mona").await;
    let csrf = mona.get("/units").await.csrf();
    let add = [("csrf", csrf.as_str()), ("name", "Sales, Asia"), ("parent", "6")];
    assert_eq!(mona.post("/units", &add).await.location(), "/units?done=added");
    let page = mona.get("/units").await.text;
    assert!(page.contains("Sales, Asia") && page.contains("<bdi>Sales</bdi> /"), "{page}");
    let twice = mona.post("/units", &add).await.text;
    assert!(twice.contains("a unit of that name already"), "{twice}");
    let below_itself = [("csrf", csrf.as_str()), ("name", "Sales"), ("parent", "7")];
    assert!(mona.post("/units/6", &below_itself).await.text.contains("cannot stand below itself"));
}

#[tokio::test]
async fn a_second_factor_is_set_up_asked_for_and_demanded() {
    let mut rita = Visitor::signed_in(Sample::default(), "rita").await;
    let store = rita.state.people.clone();
    store.set_totp_roles(&[Role::Reviewer], &sample::people::nobody()).unwrap();
    for path in ["/products", "/catalogue/own/edit"] {
        assert_eq!(rita.get(path).await.location(), "/account/second-factor", "{path}");
    }
    assert_eq!(rita.get("/api/v1/products").await.status, StatusCode::FORBIDDEN);
    let page = rita.get("/account/second-factor").await;
    assert!(page.text.contains("otpauth://totp/Umbrascope:rita"), "{}", page.text);
    let csrf = page.csrf();
    let wrong = rita.post("/account/second-factor", &[("csrf", &csrf), ("code", "000000")]).await;
    assert!(wrong.text.contains("not the code of now"), "{}", wrong.text);
    let sessions = rita.state.sessions.clone();
    let secret = sessions.totp_to_set_up(number(&rita, "rita")).unwrap().unwrap();
    let code = secret.shown_at(sample::NOW_MS);
    let set_up = rita.post("/account/second-factor", &[("csrf", &csrf), ("code", &code)]).await.text;
    assert!(set_up.contains("The second factor is set up"), "{set_up}");
    let recovery =
        set_up.split("<pre class=\"copy\">").nth(1).unwrap().split('\n').next().unwrap().to_owned();
    assert_eq!(rita.get("/products").await.status, StatusCode::OK, "nothing is in the way any more");

    let link = rita.link("rita");
    let mut again = Visitor::to(rita.state.clone());
    let csrf = again.get(&link).await.csrf();
    let asked = again.post(&link, &[("csrf", &csrf)]).await.text;
    assert!(asked.contains("takes a code as well"), "{asked}");
    assert_eq!(again.post(&link, &[("csrf", &csrf), ("code", &recovery)]).await.location(), "/password");
}

#[tokio::test]
async fn what_is_signed_takes_somebody_who_signed_in_again() {
    let mut rita = Visitor::signed_in(Sample::default(), "rita").await;
    let csrf = rita.get("/account").await.csrf();
    let stale = rita.post("/account/recovery-codes", &[("csrf", &csrf)]).await;
    assert_eq!(stale.location(), "/confirm?next=%2Faccount");
    assert!(rita.get("/confirm?next=/account").await.text.contains("have no password yet"));
    let password = [("csrf", csrf.as_str()), ("password", "twelve or more"), ("again", "twelve or more")];
    rita.post("/password", &password).await;
    let csrf = rita.get("/confirm?next=/account").await.csrf();
    let wrong = [("csrf", csrf.as_str()), ("password", "twelve or less"), ("next", "/account")];
    assert!(rita.post("/confirm", &wrong).await.text.contains("does not fit"));
    let right = [("csrf", csrf.as_str()), ("password", "twelve or more"), ("next", "//evil.example")];
    assert_eq!(rita.post("/confirm", &right).await.location(), "/", "and nowhere else");
    let fresh = rita.post("/account/recovery-codes", &[("csrf", &csrf)]).await;
    assert_eq!(fresh.location(), "/account/second-factor", "fresh, and there is no second factor yet");
}

#[tokio::test]
async fn a_directory_is_shown_first_and_then_imported_whole_or_not_at_all() {
    let mut mona = Visitor::signed_in(Sample::default(), "mona").await;
    let csrf = mona.get("/people/import").await.csrf();
    let file = "name;mail;department;manager\nNina Neu;nina@x.org;Lab;otto\nUwe;uwe@x.org;Lab;nina@x.org\n";
    let form = |text: &'static str, action: &'static str| [("text", text), ("do", action)];
    let csrf = [("csrf", csrf.as_str())];
    let shown = mona.post("/people/import", &[form(file, "preview").as_slice(), &csrf].concat()).await.text;
    assert!(
        shown.contains("add <bdi>Nina Neu</bdi>") && shown.contains("add the unit <bdi>Lab</bdi>"),
        "{shown}"
    );
    assert!(mona.state.people.person_named("nina@x.org").unwrap().is_none());
    let done = mona.post("/people/import", &[form(file, "import").as_slice(), &csrf].concat()).await;
    assert_eq!(done.location(), "/people?done=imported");
    let uwe = mona.state.people.person_named("uwe@x.org").unwrap().unwrap();
    assert_eq!((uwe.unit_name.as_deref(), uwe.manager_name.as_deref()), (Some("Lab"), Some("Nina Neu")));

    let circle = "name,email,manager\nOne,one@x.org,two@x.org\nTwo,two@x.org,one@x.org\n";
    let refused =
        mona.post("/people/import", &[form(circle, "import").as_slice(), &csrf].concat()).await.text;
    assert!(refused.contains("Nothing was imported: line 2: nobody can be their own manager"), "{refused}");
    assert!(mona.state.people.person_named("one@x.org").unwrap().is_none(), "nothing half imported");
    let wrong =
        mona.post("/people/import", &[form("name,email\nA,b\n", "import").as_slice(), &csrf].concat()).await;
    assert!(wrong.text.contains("line 2: an e-mail address"), "{}", wrong.text);
}
