//! A record's page: what it shows, every move by every role, and what is kept of what was typed.

use serde_json::{Value, json};

use super::*;
use crate::model::Grants;
use crate::model::governed::{Act, Actor};
use crate::model::record::{AiSystem, ReviewState, Sanction, Scope, Stage};
use crate::review::{Move, Who};

const ROLES: [&str; 9] = ["ada", "vera", "dora", "anna", "rita", "sven", "paul", "wim", "mona"];

impl Visitor {
    fn record(&self, reference: &str) -> AiSystem {
        self.held(reference).0
    }

    fn held(&self, reference: &str) -> (AiSystem, u64) {
        let held = self.state.governance.system(reference).unwrap().unwrap().held;
        (held.body, held.version)
    }

    pub(super) fn person(&self, name: &str) -> i64 {
        self.state.people.person_named(name).unwrap().unwrap().id
    }

    /// Somebody else at the same collector, at another machine: attempts to sign in are counted by it.
    pub(super) async fn another(&self, name: &str) -> Self {
        let mut other = Self::to(self.state.clone());
        other.sign_in(name).await;
        other
    }

    /// Makes a move as the page's form does.
    pub(super) async fn moves(&mut self, reference: &str, word: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.get("/notice").await.csrf();
        let version = self.held(reference).1.to_string();
        let sent = [&[("csrf", csrf.as_str()), ("version", version.as_str())], fields].concat();
        self.post(&format!("/inventory/{reference}/moves/{word}"), &sent).await
    }

    async fn edits(&mut self, reference: &str, group: &str, fields: &[(&str, &str)]) -> Answer {
        let path = format!("/inventory/{reference}/edit/{group}");
        let page = self.get(&path).await;
        let csrf = if page.status == StatusCode::OK { page.csrf() } else { self.get("/notice").await.csrf() };
        let version = self.held(reference).1.to_string();
        // What stands in the form is sent along, as a browser does.
        let mut sent: Vec<(String, String)> = filled(&page.text);
        sent.retain(|(name, _)| {
            name != "csrf" && name != "version" && fields.iter().all(|(set, _)| set != name)
        });
        sent.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        sent.extend([("csrf".to_owned(), csrf), ("version".to_owned(), version)]);
        let sent: Vec<(&str, &str)> =
            sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(&path, &sent).await
    }
}

/// What a browser would send of the form of the page's content, as it stands.
pub(super) fn filled(page: &str) -> Vec<(String, String)> {
    let Some(form) = page.split("class=\"stack-form\"").nth(1).and_then(|rest| rest.split("</form>").next())
    else {
        return Vec::new();
    };
    let plain = |text: &str| {
        ["&#38;|&", "&#60;|<", "&#62;|>", "&#34;|\"", "&#39;|'"]
            .iter()
            .filter_map(|pair| pair.split_once('|'))
            .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    let value = |tag: &str, name: &str| {
        let after = tag.split(&format!(" {name}=\"")).nth(1)?;
        Some(plain(after.split('"').next()?))
    };
    let mut fields = Vec::new();
    for tag in form.split("<input").skip(1).filter_map(|tag| tag.split('>').next()) {
        let boxed = tag.contains("type=\"checkbox\"") || tag.contains("type=\"radio\"");
        if let Some(name) = value(tag, "name").filter(|_| !boxed || tag.contains(" checked")) {
            fields.push((name, value(tag, "value").unwrap_or_default()));
        }
    }
    for select in form.split("<select").skip(1) {
        let options = select.split("</select>").next().unwrap();
        let chosen =
            options.split("<option").find(|option| option.split('>').next().unwrap().contains(" selected"));
        fields.push((
            value(select, "name").unwrap(),
            chosen.and_then(|tag| value(tag, "value")).unwrap_or_default(),
        ));
    }
    for area in form.split("<textarea").skip(1) {
        let text = area.split_once('>').unwrap().1.split("</textarea>").next().unwrap();
        fields.push((value(area, "name").unwrap(), plain(text)));
    }
    fields
}

/// Brings a record to where it can be decided, as anna.
pub(super) async fn prepare(anna: &mut Visitor, reference: &str) {
    assert_eq!(anna.moves(reference, "triage", &[]).await.status, StatusCode::SEE_OTHER);
    for (group, fields) in [
        (
            "purpose",
            &[
                ("purpose", "Drafts letters"),
                ("intended_use", "Letters to customers"),
                ("foreseeable_misuse", "Letters about people"),
                ("decision_impact", "none"),
                ("consequential_domain", "none"),
            ][..],
        ),
        (
            "roles",
            &[
                ("system_owner", "anna"),
                ("org_units", "1"),
                ("risk_owner", "Otto"),
                ("org_roles", "producer-deployer"),
            ],
        ),
        ("data", &[("data_categories", "internal")]),
        ("risk", &[("risk_tier", "limited")]),
        ("supplier", &[("supplier_assessment.state", "done")]),
    ] {
        let answer = anna.edits(reference, group, fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{group}: {}", answer.text);
    }
    assert_eq!(anna.moves(reference, "review", &[]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_use_is_looked_at_described_asked_for_and_approved_by_two_people() {
    let mut visitor = Visitor::signed_in(Sample::with_records(), "anna").await;
    let page = visitor.get("/inventory/AIS-0001").await;
    for words in [
        "Waits for somebody to look at it",
        "What is missing",
        "Foreseeable misuse",
        "Mark as looked at",
        "unknown",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    prepare(&mut visitor, "AIS-0001").await;
    let asked = visitor.moves("AIS-0001", "request-sanction", &[("reason", "The team needs it")]).await;
    assert_eq!(asked.location(), "/inventory/AIS-0001?done=request-sanction");
    let page = visitor.get(asked.location()).await.text;
    assert!(
        page.contains("Another person has to decide") && page.contains("Nobody decides on an own request"),
        "{page}"
    );
    assert!(!page.contains("/moves/approve\""), "who asked is shown no such form");
    let own = visitor.moves("AIS-0001", "approve", &[("reason", "mine")]).await;
    assert_eq!(own.status, StatusCode::FORBIDDEN);

    visitor.sign_in("rita").await;
    let page = visitor.get("/inventory/AIS-0001").await.text;
    assert!(page.contains("The team needs it") && page.contains("/moves/approve\""), "{page}");
    let unsaid = visitor.moves("AIS-0001", "approve", &[("reason", " ")]).await;
    assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unsaid.text.contains("G-REASON"), "{}", unsaid.text);
    let done = visitor.moves("AIS-0001", "approve", &[("reason", "It fits the policy")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let record = visitor.record("AIS-0001");
    assert_eq!((record.review, record.sanction), (ReviewState::Decided, Sanction::Sanctioned));
    let page = visitor.get("/inventory/AIS-0001").await.text;
    for words in [
        "It fits the policy",
        "2026-1",
        "refused G-REASON",
        "Under review</bdi> → <bdi>Decided",
        "by <bdi>anna",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    visitor.sign_in("anna").await;
    assert!(
        !visitor.get("/inventory/AIS-0001").await.text.contains("refused G-"),
        "refusals are for who reads the trail"
    );
}

#[tokio::test]
async fn every_move_by_every_role_is_refused_on_the_server_where_the_role_does_not_go_so_far() {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    prepare(&mut anna, "AIS-0002").await;
    let fields = [
        ("reason", "because"),
        ("conditions", "no personal data"),
        ("expires_on", "2026-12-24"),
        ("justification", "nobody in these units uses it"),
        ("retired_on", "2026-11-20"),
        ("disposal_evidence", "accounts closed"),
        ("into", "AIS-0003"),
        ("name", "Another"),
        ("why", "test"),
        ("level", "advised"),
        ("note", "some"),
    ];
    // Who is let through by role, be it that another guard then refuses.
    let may = |word: &str, name: &str| match word {
        "triage" | "review" | "dismiss" | "products" | "request-sanction" | "request-tolerance"
        | "request-merge" | "request-split" => ["ada", "anna", "rita"].contains(&name),
        "request-scope-in" | "request-scope-out" | "comment" => {
            ["ada", "anna", "rita", "sven"].contains(&name)
        }
        // Its owner may ask for that too, and anna is.
        "request-retire" => ["ada", "anna", "rita"].contains(&name),
        "prohibit" | "revoke" | "reopen" | "suspend" | "resume" => ["ada", "rita"].contains(&name),
        "scope-in" | "scope-open" => ["ada", "sven"].contains(&name),
        "enforce" => ["ada", "dora"].contains(&name),
        "confirm" => name == "anna",
        _ => false,
    };
    let tried: Vec<&str> = crate::review::STEPS
        .iter()
        .map(|(word, _)| *word)
        .filter(|word| !["approve", "decline", "withdraw", "accept-residual"].contains(word))
        .collect();
    for name in ROLES {
        let mut visitor = anna.another(name).await;
        for word in &tried {
            let before = visitor.held("AIS-0002");
            if may(word, name) {
                continue;
            }
            let answer = visitor.moves("AIS-0002", word, &fields).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name} {word}: {}", answer.text);
            assert!(answer.text.contains("G-ROLE"), "{name} {word}");
            assert_eq!(visitor.held("AIS-0002"), before, "{name} {word}");
        }
        for word in ["approve", "decline"] {
            let answer = visitor.moves("AIS-0002", word, &fields).await;
            assert_eq!(answer.status, StatusCode::CONFLICT, "{name} {word}: nothing is asked for");
        }
        let residual = visitor.moves("AIS-0002", "accept-residual", &fields).await;
        assert_eq!(residual.status, StatusCode::FORBIDDEN, "{name}: only the risk owner");
        let edit = visitor.edits("AIS-0002", "purpose", &[("purpose", "Something else")]).await;
        let edits = ["ada", "anna", "rita"].contains(&name);
        let expected = if edits { StatusCode::SEE_OTHER } else { StatusCode::FORBIDDEN };
        assert_eq!(edit.status, expected, "{name}: {}", edit.text);
        if edits {
            visitor.edits("AIS-0002", "purpose", &[("purpose", "Drafts letters")]).await;
        }
    }
}

#[tokio::test]
async fn what_is_asked_for_is_decided_by_the_role_it_takes_and_never_by_who_asked() {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    prepare(&mut anna, "AIS-0001").await;
    for (word, decider, fields) in [
        ("request-scope-in", "sven", &[("justification", "In use every day"), ("reason", "r")][..]),
        ("request-scope-out", "sven", &[("justification", "nobody in these units uses it"), ("reason", "r")]),
        (
            "request-tolerance",
            "rita",
            &[("conditions", "no personal data"), ("expires_on", "2026-12-24"), ("reason", "r")],
        ),
        (
            "request-retire",
            "rita",
            &[("retired_on", "2026-11-20"), ("disposal_evidence", "accounts closed"), ("reason", "r")],
        ),
        ("request-merge", "rita", &[("into", "AIS-0003"), ("reason", "r")]),
    ] {
        let mut visitor = anna.another("anna").await;
        let asked = visitor.moves("AIS-0001", word, fields).await;
        assert_eq!(asked.status, StatusCode::SEE_OTHER, "{word}: {}", asked.text);
        for name in ROLES.into_iter().filter(|name| *name != decider && *name != "ada") {
            let mut visitor = anna.another(name).await;
            let refused = visitor.moves("AIS-0001", "approve", &[("reason", "yes")]).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{word} {name}: {}", refused.text);
        }
        let mut visitor = anna.another(decider).await;
        let done = visitor.moves("AIS-0001", "approve", &[("reason", "yes")]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{word}: {}", done.text);
    }
    let mut visitor = anna;
    let record = visitor.record("AIS-0001");
    assert_eq!(
        (record.scope, record.stage, record.sanction),
        (Scope::Out, Stage::Retired, Sanction::Tolerated)
    );
    assert_eq!(record.merged_into, Some(visitor.record("AIS-0003").id));
    let page = visitor.get("/inventory/AIS-0001").await.text;
    assert!(page.contains("Merged into <a") && page.contains("went into another one"), "{page}");
}

#[tokio::test]
async fn what_was_typed_is_kept_and_what_is_missing_is_linked() {
    let mut visitor = Visitor::signed_in(Sample::with_records(), "anna").await;
    let refused = visitor
        .moves(
            "AIS-0001",
            "request-tolerance",
            &[("conditions", "No <b>names</b>"), ("expires_on", "soon"), ("reason", "Because & so")],
        )
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("G-FIELDS") && refused.text.contains("choose a day"), "{}", refused.text);
    // The record is new: the move's form is not offered, and nothing was changed.
    assert_eq!(visitor.record("AIS-0001").review, ReviewState::New);
    prepare(&mut visitor, "AIS-0001").await;
    let refused = visitor
        .moves(
            "AIS-0001",
            "request-tolerance",
            &[("conditions", "No <b>names</b>"), ("expires_on", "2029-01-01"), ("reason", "Because & so")],
        )
        .await;
    let page = &refused.text;
    assert!(page.contains("G-EXPIRY") && page.contains("at most 180 days"), "{page}");
    for kept in
        ["No &#60;b&#62;names&#60;/b&#62;</textarea>", "value=\"2029-01-01\"", "Because &#38; so</textarea>"]
    {
        assert!(page.contains(kept), "{kept}: {page}");
    }
    assert!(page.contains("id=\"move-request-tolerance\"") && page.contains("class=\"move\" open"), "{page}");

    let page = visitor.get("/inventory/AIS-0003").await.text;
    assert!(page.contains("/inventory/AIS-0003/edit/purpose#f-foreseeable_misuse"), "{page}");
    visitor.moves("AIS-0003", "triage", &[]).await;
    let refused = visitor.moves("AIS-0003", "review", &[]).await;
    assert!(
        refused.text.contains("name the system owner first")
            && refused.text.contains("/edit/roles#f-system_owner")
    );
}

#[tokio::test]
async fn a_form_that_was_overtaken_says_so_and_keeps_what_was_typed() {
    let mut visitor = Visitor::signed_in(Sample::with_records(), "anna").await;
    let page = visitor.get("/inventory/AIS-0001/edit/purpose").await;
    let mut late = filled(&page.text);
    late.retain(|(name, _)| name != "purpose");
    late.push(("purpose".to_owned(), "What I typed".to_owned()));
    visitor.edits("AIS-0001", "purpose", &[("purpose", "What the other typed")]).await;
    let late: Vec<(&str, &str)> = late.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let refused = visitor.post("/inventory/AIS-0001/edit/purpose", &late).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    for words in ["G-VERSION", "What I typed</textarea>", "Meanwhile set to: <bdi>What the other typed"] {
        assert!(refused.text.contains(words), "{words}: {}", refused.text);
    }
    assert_eq!(visitor.record("AIS-0001").purpose.as_deref(), Some("What the other typed"));
    let version = (visitor.held("AIS-0001").1 - 1).to_string();
    let csrf = visitor.get("/notice").await.csrf();
    let refused =
        visitor.post("/inventory/AIS-0001/moves/triage", &[("csrf", &csrf), ("version", &version)]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn an_owner_is_found_by_part_of_a_name_and_asked_for_where_several_fit() {
    let mut visitor = Visitor::signed_in(Sample::with_records(), "anna").await;
    let several = visitor.edits("AIS-0001", "roles", &[("system_owner", "a")]).await;
    assert_eq!(several.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(several.text.contains("Who is meant?") && several.text.contains("ada (ada)"), "{}", several.text);
    let number = visitor.person("paul").to_string();
    let picked =
        visitor.edits("AIS-0001", "roles", &[("system_owner", "a"), ("system_owner.pick", &number)]).await;
    assert_eq!(picked.status, StatusCode::SEE_OTHER, "{}", picked.text);
    assert_eq!(visitor.record("AIS-0001").system_owner, Some(visitor.person("paul")));
    let nobody = visitor.edits("AIS-0001", "roles", &[("system_owner", "zz")]).await;
    assert!(
        nobody.text.contains("nobody in the directory") && nobody.text.contains("value=\"zz\""),
        "{}",
        nobody.text
    );
    let only = visitor.edits("AIS-0001", "roles", &[("system_owner", "ott")]).await;
    assert_eq!(only.status, StatusCode::SEE_OTHER);
    assert_eq!(visitor.record("AIS-0001").system_owner, Some(visitor.person("otto")));
    let same = visitor.edits("AIS-0001", "roles", &[]).await;
    assert_eq!(same.location(), "/inventory/AIS-0001?done=same");
}

#[tokio::test]
async fn a_record_is_made_by_hand_by_who_triages_in_its_units() {
    let mut visitor = Visitor::signed_in(Sample::with_records(), "ulla").await;
    let csrf = visitor.get("/inventory/new").await.csrf();
    let elsewhere = visitor
        .post("/inventory/new", &[("csrf", &csrf), ("name", "Scoring"), ("kind", "internal-system")])
        .await;
    assert_eq!(elsewhere.status, StatusCode::FORBIDDEN);
    assert!(
        elsewhere.text.contains("G-ACL") && elsewhere.text.contains("value=\"Scoring\""),
        "{}",
        elsewhere.text
    );
    let sent = [("csrf", csrf.as_str()), ("name", HOSTILE), ("kind", "internal-system"), ("org_units", "1")];
    let hostile = visitor.post("/inventory/new", &sent).await;
    assert_eq!(hostile.status, StatusCode::UNPROCESSABLE_ENTITY, "a name holds no NUL");
    assert!(!hostile.written().contains("<script"), "{}", hostile.text);
    let name = HOSTILE.replace('\0', "");
    let sent =
        [("csrf", csrf.as_str()), ("name", name.as_str()), ("kind", "internal-system"), ("org_units", "1")];
    let made = visitor.post("/inventory/new", &sent).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text);
    let page = visitor.get(made.location()).await;
    assert!(!page.written().contains("<script") && !page.text.contains('\u{202E}'), "{}", page.text);
    assert!(page.text.contains("Made.") && page.text.contains("no sensor can see this use"), "{}", page.text);
    for name in ["vera", "dora", "sven", "mona"] {
        visitor.sign_in(name).await;
        assert_eq!(visitor.get("/inventory/new").await.status, StatusCode::FORBIDDEN);
        let csrf = visitor.get("/notice").await.csrf();
        let refused = visitor.post("/inventory/new", &[("csrf", &csrf), ("name", "x")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name}");
    }
}

#[tokio::test]
async fn products_are_added_by_name_and_split_off() {
    let mut visitor = Visitor::signed_in(Sample::with_records(), "anna").await;
    let unknown = visitor
        .moves("AIS-0001", "products", &[("products", "openai.chatgpt"), ("add", "No such thing")])
        .await;
    assert!(
        unknown.text.contains("knows no product") && unknown.text.contains("value=\"No such thing\""),
        "{}",
        unknown.text
    );
    let added = visitor
        .moves("AIS-0001", "products", &[("products", "openai.chatgpt"), ("add", "claude code")])
        .await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.text);
    assert_eq!(visitor.record("AIS-0001").products.len(), 2);
    let split = [("products", "anthropic.claude-code"), ("name", "Coding"), ("reason", "another use")];
    assert_eq!(visitor.moves("AIS-0001", "request-split", &split).await.status, StatusCode::SEE_OTHER);
    visitor.sign_in("rita").await;
    assert_eq!(
        visitor.moves("AIS-0001", "approve", &[("reason", "yes")]).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(visitor.record("AIS-0001").products, ["openai.chatgpt".to_owned()].into());
    assert!(visitor.get("/inventory?q=Coding").await.text.contains("Coding"));
}

#[tokio::test]
async fn a_past_day_is_told_as_of_that_day_and_not_as_of_today() {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    prepare(&mut anna, "AIS-0001").await;
    let fields = [("conditions", "no personal data"), ("expires_on", "2026-12-24"), ("reason", "r")];
    anna.moves("AIS-0001", "request-tolerance", &fields).await;
    let mut rita = anna.another("rita").await;
    rita.moves("AIS-0001", "approve", &[("reason", "yes")]).await;
    let (_, version) = anna.held("AIS-0001");
    let hash = anna.state.governance.system("AIS-0001").unwrap().unwrap().held.hash;
    // Forty days later the toleration is over; on the days before it was not.
    const LATER_MS: i64 = sample::NOW_MS + 40 * 86_400_000;
    let clock = crate::clock::Clock::new(|| LATER_MS);
    let mut later = Visitor::to(AppState { clock, ..anna.state.clone() });
    let by = crate::model::By { at_ms: LATER_MS, ..sample::people::nobody() };
    let link = format!("/sign-in/link/{}", later.state.sessions.new_link("anna", &by).unwrap().unwrap());
    let csrf = later.get(&link).await.csrf();
    later.post(&link, &[("csrf", &csrf)]).await;
    let now = later.get("/inventory/AIS-0001").await.text;
    assert!(now.contains("no longer counts") && now.contains(&hash), "{now}");
    let then = later.get("/inventory/AIS-0001?on=2026-12-01").await.text;
    assert!(then.contains("until 2026-12-24") && !then.contains("no longer counts"), "{then}");
    assert!(!then.contains(&hash) && !then.contains(&format!("Version {version},")), "{then}");
    assert!(then.contains("What sensors had shown") && !then.contains("Seen in"), "{then}");
}

#[tokio::test]
async fn a_record_is_shown_as_of_a_day() {
    let mut visitor = Visitor::signed_in(Sample::with_records(), "anna").await;
    visitor.edits("AIS-0001", "purpose", &[("purpose", "Of today")]).await;
    let before = visitor.get("/inventory/AIS-0001?on=2026-11-20").await;
    assert!(before.text.contains("As it was at the end of 2026-11-20"), "{}", before.text);
    assert!(!before.text.contains("Of today") && !before.text.contains("/moves/"), "{}", before.text);
    assert!(visitor.get("/inventory/AIS-0001?on=2026-11-21").await.text.contains("Of today"));
    assert_eq!(visitor.get("/inventory/AIS-0001?on=2020-01-01").await.status, StatusCode::NOT_FOUND);
    assert_eq!(visitor.get("/inventory/AIS-0001?on=x").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(visitor.get("/inventory/AIS-9999").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_suggested_tier_shows_with_its_rules_and_inputs_and_asks_to_be_assessed_anew() {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    prepare(&mut anna, "AIS-0001").await;
    let page = anna.get("/inventory/AIS-0001").await.text;
    for words in
        ["by the rules", "what its output does to a decision", "<code>umbrascope-1</code>", "unknown"]
    {
        assert!(page.to_lowercase().contains(words), "{words}: {page}");
    }
    assert!(!page.contains("to be assessed anew"), "{page}");
    let health = anna.edits("AIS-0001", "data", &[("data_categories", "health")]).await;
    assert_eq!(health.status, StatusCode::SEE_OTHER, "{}", health.text);
    let form = anna.get("/inventory/AIS-0001/edit/risk").await.text;
    for page in [anna.get("/inventory/AIS-0001").await.text, form] {
        assert!(
            page.contains("<code>T") && page.contains("Health"),
            "the rule that fired, and its input: {page}"
        );
        assert!(page.contains("was suggested."), "{page}");
    }
    assert!(anna.get("/inventory/AIS-0001").await.text.contains("to be assessed anew"));
    let other = anna.get("/inventory/AIS-0001/edit/data").await.text;
    assert!(!other.contains("What is suggested"), "{other}");
}

#[tokio::test]
async fn what_hangs_on_a_record_stands_on_its_page() {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    prepare(&mut anna, "AIS-0001").await;
    let page = anna.get("/inventory/AIS-0001").await;
    assert!(page.text.contains("No document is attached") && page.text.contains("No task stands for it"));
    let csrf = page.csrf();
    let hangs = [
        ("csrf", csrf.as_str()),
        ("back", "/inventory/AIS-0001"),
        ("link_kind", "system"),
        ("link_id", "AIS-0001"),
        ("title", "Impact assessment of letters"),
    ];
    let document = [&hangs[..], &[("kind", "url"), ("location", "https://dms.example/17")]].concat();
    assert_eq!(anna.post("/documents", &document).await.location(), "/inventory/AIS-0001");
    let task = [&hangs[..4], &[("title", "Train the writers"), ("purpose", "other")]].concat();
    assert_eq!(anna.post("/tasks", &task).await.status, StatusCode::SEE_OTHER);
    let page = anna.get("/inventory/AIS-0001").await.text;
    assert!(
        page.contains("Impact assessment of letters") && page.contains("https://dms.example/17"),
        "{page}"
    );
    assert!(page.contains("Train the writers") && page.contains("/findings/FND-"), "{page}");
    assert!(!anna.get("/inventory/AIS-0002").await.text.contains("Impact assessment of letters"));

    let otto = anna.person("otto");
    let accepted = Move::AcceptResidual {
        note: "Letters may still offend".to_owned(),
        expires: "2027-06-30".parse().unwrap(),
    };
    let (who, act) = (
        Who { person: otto, grants: Grants::default(), ..Who::default() },
        Act::by(Actor::Person(otto), sample::NOW_MS),
    );
    anna.state.governance.move_system("AIS-0001", accepted, who, act).unwrap().unwrap().unwrap();
    let page = anna.get("/inventory/AIS-0001").await.text;
    for words in ["The risk that remains", "Letters may still offend", "2027-06-30"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let mut vera = anna.another("vera").await;
    let page = vera.get("/inventory/AIS-0001").await.text;
    assert!(
        page.contains("Train the writers") && !page.contains("Attach a document"),
        "who reads is offered no form"
    );
    let past = vera.get("/inventory/AIS-0001?on=2026-11-20").await.text;
    assert!(!past.contains("Train the writers"), "of a past day nothing is shown: {past}");
}

#[tokio::test]
async fn what_a_system_runs_on_is_said_on_its_page_and_in_json() {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    let form = anna.get("/inventory/AIS-0001/edit/computing").await.text;
    assert!(form.contains("Cloud account of the organisation"), "{form}");
    let said = [
        ("compute.places", "own-server"),
        ("compute.accelerators", "2 of them"),
        ("compute.note", "<b>Frankfurt</b>"),
    ];
    let saved = anna.edits("AIS-0001", "computing", &said).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    let page = anna.get("/inventory/AIS-0001").await.text;
    for text in ["Servers of the organisation", "2 of them", "&#60;b&#62;Frankfurt&#60;/b&#62;"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let before = anna.get("/inventory/AIS-0001?on=2026-11-20").await.text;
    assert!(!before.contains("Servers of the organisation"), "of a day before it: {before}");
    anna.browser = false;
    let whole: Value = serde_json::from_str(&anna.get("/api/v1/systems/AIS-0001").await.text).unwrap();
    let compute = json!({"places": ["own-server"], "accelerators": "2 of them", "note": "<b>Frankfurt</b>"});
    assert_eq!(whole["record"]["compute"], compute);
    assert_eq!(whole["set_by"]["compute"]["by"], format!("person:{}", anna.person("anna")));
    let wrong = json!({"fields": {"compute.places": ["moon"]}, "version": whole["version"]});
    let (status, problem) = anna.sent(Method::PATCH, "/api/v1/systems/AIS-0001", &wrong).await;
    assert_eq!((status, &problem["missing"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(["compute.places"])));
}

#[tokio::test]
async fn a_decision_is_asked_for_in_some_units_and_shows_where_it_does_not_count() {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    prepare(&mut anna, "AIS-0001").await;
    let page = anna.get("/inventory/AIS-0001").await.text;
    assert!(page.contains("type=\"checkbox\" name=\"units\" value=\"1\""), "{page}");
    let other = anna.moves("AIS-0001", "request-sanction", &[("reason", "r"), ("units", "2")]).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(other.text.contains("G-FIELDS") && other.text.contains("units that the record belongs to"));
    let asked = anna.moves("AIS-0001", "request-sanction", &[("reason", "r"), ("units", "1")]).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.text);
    let waits = anna.get("/inventory/AIS-0001").await.text;
    assert!(waits.contains("Only in"), "{waits}");
    let mut rita = anna.another("rita").await;
    let approved = rita.moves("AIS-0001", "approve", &[("reason", "r")]).await;
    assert_eq!(approved.status, StatusCode::SEE_OTHER, "{}", approved.text);
    let page = rita.get("/inventory/AIS-0001").await.text;
    assert!(page.contains("<dt>Only in</dt>") && page.contains("Counts only in"), "{page}");
    rita.browser = false;
    let whole: Value = serde_json::from_str(&rita.get("/api/v1/systems/AIS-0001").await.text).unwrap();
    assert_eq!(whole["record"]["limited_to_units"], json!([1]));
    let seen: Vec<i64> = serde_json::from_value(whole["seen"]["units"].clone()).unwrap();
    let outside: Vec<i64> = seen.into_iter().filter(|unit| *unit != 1).collect();
    assert_eq!(whole["seen"]["outside_limit"], json!(outside));
    assert_eq!(page.contains("where this decision does not count"), !outside.is_empty());
    let body = json!({"move": "reopen", "reason": "r", "version": whole["version"]});
    let (_, whole) = rita.sent(Method::POST, "/api/v1/systems/AIS-0001/moves", &body).await;
    let body = json!({"move": "review", "version": whole["version"]});
    let (_, whole) = rita.sent(Method::POST, "/api/v1/systems/AIS-0001/moves", &body).await;
    for (units, status) in [(json!([99]), StatusCode::UNPROCESSABLE_ENTITY), (json!([1]), StatusCode::OK)] {
        let body =
            json!({"move": "request-sanction", "reason": "r", "units": units, "version": whole["version"]});
        let (answered, whole) = rita.sent(Method::POST, "/api/v1/systems/AIS-0001/moves", &body).await;
        assert_eq!(answered, status, "{whole}");
        assert_eq!(whole["missing"] == json!(["limited_to_units"]), status != StatusCode::OK);
    }
}

#[tokio::test]
async fn a_decision_can_be_limited_to_versions() {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    prepare(&mut anna, "AIS-0001").await;
    let odd = [("reason", "r"), ("versions", "the newest")];
    let refused = anna.moves("AIS-0001", "request-sanction", &odd).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("write a limit by version as") && refused.text.contains(">the newest<"),
        "{}",
        refused.text
    );
    let said = [("reason", "r"), ("versions", ">=1.2 <2.0")];
    assert_eq!(anna.moves("AIS-0001", "request-sanction", &said).await.status, StatusCode::SEE_OTHER);
    assert!(anna.get("/inventory/AIS-0001").await.text.contains("Only in versions"));
    let mut rita = anna.another("rita").await;
    assert_eq!(rita.moves("AIS-0001", "approve", &[("reason", "r")]).await.status, StatusCode::SEE_OTHER);
    let page = rita.get("/inventory/AIS-0001").await.text;
    assert!(page.contains("<dt>Only in versions</dt>") && page.contains("Counts only in versions"), "{page}");
    rita.browser = false;
    let whole: Value = serde_json::from_str(&rita.get("/api/v1/systems/AIS-0001").await.text).unwrap();
    let limit = &whole["record"]["limited_to_versions"][0];
    assert_eq!((&limit["from"], &limit["below"]), (&json!("1.2"), &json!("2.0")), "{whole}");
    assert_eq!(limit["product"], whole["record"]["products"][0]);
    assert!(whole["seen"]["outside_versions"].is_array());
    let body = json!({"move": "reopen", "reason": "r", "version": whole["version"]});
    let (_, whole) = rita.sent(Method::POST, "/api/v1/systems/AIS-0001/moves", &body).await;
    let body = json!({"move": "review", "version": whole["version"]});
    let (_, whole) = rita.sent(Method::POST, "/api/v1/systems/AIS-0001/moves", &body).await;
    for (limit, status) in [("no.such-product >=1", StatusCode::UNPROCESSABLE_ENTITY), ("<3", StatusCode::OK)]
    {
        let body = json!({"move": "request-tolerance", "conditions": "c", "expires_on": "2026-12-24", "reason": "r",
            "versions": [limit], "version": whole["version"]});
        let (answered, whole) = rita.sent(Method::POST, "/api/v1/systems/AIS-0001/moves", &body).await;
        assert_eq!(answered, status, "{whole}");
        assert_eq!(whole["missing"] == json!(["limited_to_versions"]), status != StatusCode::OK);
    }
}

#[tokio::test]
async fn an_impact_assessment_that_came_after_use_is_shown_as_retroactive() {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    let says = "Retroactive: it was in use before.";
    anna.edits("AIS-0001", "risk", &[("aiia.state", "done"), ("aiia.date", "2026-11-02")]).await;
    for (since, retroactive) in [("2026-11-02", false), ("2026-11-01", true)] {
        let saved = anna.edits("AIS-0001", "life", &[("deployed_on", since)]).await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
        assert_eq!(anna.get("/inventory/AIS-0001").await.text.contains(says), retroactive, "{since}");
        let whole = anna.get("/api/v1/systems/AIS-0001").await.text;
        let whole: Value = serde_json::from_str(&whole).unwrap();
        assert_eq!(whole["impact_assessed_after_use"], json!(retroactive));
    }
}
