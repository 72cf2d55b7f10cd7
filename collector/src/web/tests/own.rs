//! Own rules at their pages: who may publish, what is refused, what a suspect becomes.

use axum::http::StatusCode;

use super::{Sample, Visitor};

impl Visitor {
    /// The newest version, read where programs read it.
    async fn newest(&mut self) -> serde_json::Value {
        let answer = self.get("/api/v1/own-rules").await;
        serde_json::from_str::<serde_json::Value>(&answer.text).unwrap()["newest"].clone()
    }
}

#[tokio::test]
async fn what_is_in_force_says_who_when_and_why() {
    let mut vera = Visitor::signed_in(Sample::default(), "vera").await;
    let page = vera.get("/catalogue/own").await.text;
    for words in [
        "Version 2</strong> is in force",
        "House chat",
        "llm.intranet.example",
        "Runs in our own data centre.",
        "bing.com and below",
        "is called ChatGPT (contract 4711) here",
        "/catalogue/own/versions/1",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let version = vera.get("/catalogue/own/versions/2").await.text;
    assert!(version.contains("class=\"new\">+ [[deny]]") && version.contains("version 1</a>"), "{version}");
    let file = vera.get("/catalogue/own/text?version=1").await;
    assert_eq!(file.headers["content-disposition"], "attachment; filename=\"own-rules-1.toml\"");
    assert!(file.text.starts_with("[[product]]") && !file.text.contains("[[deny]]"));
    let newest = vera.newest().await;
    assert_eq!((&newest["number"], &newest["published_by"]), (&2.into(), &"ada".into()));
    let since = |id: &str| {
        let rules = newest["rules"].as_array().unwrap();
        rules.iter().find(|rule| rule["id"] == id).unwrap()["since"].clone()
    };
    assert_eq!(since("own.house-chat.llm-intranet-example"), 1);
    assert_eq!(since("deny.own-bing-com"), 2);
    assert_eq!(vera.get("/catalogue/own/versions/9").await.status, StatusCode::NOT_FOUND);
    assert_eq!(vera.get("/api/v1/own-rules/versions/x").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_only_reads_cannot_publish() {
    let mut vera = Visitor::signed_in(Sample::default(), "vera").await;
    let page = vera.get("/catalogue/own").await;
    assert!(!page.text.contains("Add a rule") && !page.text.contains("Withdraw"));
    let csrf = page.csrf();
    for path in ["/catalogue/own/new", "/catalogue/own/edit"] {
        assert_eq!(vera.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    for path in ["/catalogue/own/new", "/catalogue/own/edit", "/catalogue/own/remove"] {
        let sent = vera.post(path, &[("csrf", &csrf), ("do", "publish"), ("after", "2"), ("id", "x")]).await;
        assert_eq!(sent.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(vera.newest().await["number"], 2);
}

#[tokio::test]
async fn a_form_without_the_sessions_token_changes_nothing() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    for path in ["/catalogue/own/new", "/catalogue/own/edit", "/catalogue/own/remove"] {
        let sent = ada.post(path, &[("csrf", "guess"), ("do", "publish"), ("after", "2"), ("id", "x")]).await;
        assert_eq!(sent.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(ada.newest().await["number"], 2);
}

/// The fields of a form as the page fills them in.
fn fields(page: &str) -> Vec<(String, String)> {
    let value = |tag: &str, name: &str| {
        let after = tag.split(&format!(" {name}=\"")).nth(1)?;
        Some(after.split('"').next()?.to_owned())
    };
    let form = page.split("action=\"/catalogue/own/new\"").nth(1).unwrap().split("</form>").next().unwrap();
    let mut fields: Vec<_> = form
        .split("<input")
        .skip(1)
        .map(|tag| tag.split('>').next().unwrap())
        .filter_map(|tag| Some((value(tag, "name")?, value(tag, "value").unwrap_or_default())))
        .collect();
    for select in form.split("<select").skip(1) {
        let name = value(select, "name").unwrap();
        let chosen =
            select.split("<option").find(|option| option.split('>').next().unwrap().contains(" selected"));
        let chosen = chosen.unwrap_or_else(|| panic!("nothing is chosen for {name}"));
        let chosen = value(chosen, "value")
            .unwrap_or_else(|| chosen.split('>').nth(1).unwrap().split('<').next().unwrap().to_owned());
        fields.push((name, chosen));
    }
    fields
}

#[tokio::test]
async fn a_suspect_becomes_a_rule_in_two_clicks() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    // The first opens the form, filled in; the second sends it as it is.
    let queue = ada.get("/suspects").await.text;
    let first = queue.split("href=\"/catalogue/own/new?suffix=").nth(1).expect("a link beside each suspect");
    assert!(first.split('"').next().unwrap().ends_with("&amp;from=suspect"), "{first}");
    let form = ada.get("/catalogue/own/new?suffix=good-bot.ai&from=suspect").await;
    let mut sent = fields(&form.text);
    sent.push(("do".to_owned(), "publish".to_owned()));
    let sent: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = ada.post("/catalogue/own/new", &sent).await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/catalogue/own?done=published"),
        "{}",
        answer.text
    );
    let newest = ada.newest().await;
    assert_eq!((&newest["number"], &newest["published_by"]), (&3.into(), &"ada".into()));
    let text = newest["text"].as_str().unwrap();
    assert!(
        text.contains("id = \"own-good-bot.good-bot.good-bot-ai\"")
            && text.contains("suffix = [\"good-bot.ai\"]"),
        "{text}"
    );
    assert!(ada.get("/catalogue/own?done=published").await.text.contains("Published."));
    // Sent again, it does not follow version 2 any more.
    let again = ada.post("/catalogue/own/new", &sent).await;
    assert!(again.text.contains("nothing was published"), "{}", again.text);
    assert_eq!(ada.newest().await["number"], 3);
}

#[tokio::test]
async fn a_preview_tells_what_would_change_before_anything_does() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    let csrf = ada.get("/catalogue/own/new?what=deny").await.csrf();
    let mut deny = vec![
        ("csrf", csrf.as_str()),
        ("what", "deny"),
        ("kind", "suffix"),
        ("pattern", "chatgpt.com"),
        ("reason", "We do not count it."),
        ("after", "2"),
        ("do", "preview"),
    ];
    let page = ada.post("/catalogue/own/new", &deny).await.text;
    for words in ["chatgpt.com", "no longer counted", "class=\"new\">+ id = &#34;deny.own-chatgpt-com&#34;"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(ada.newest().await["number"], 2);
    // What is wrong is told with what to do, and kept in the form.
    deny[3] = ("pattern", "not a name");
    deny[6] = ("do", "publish");
    let page = ada.post("/catalogue/own/new", &deny).await.text;
    assert!(page.contains("is not a host name") && page.contains("value=\"not a name\""), "{page}");
    assert_eq!(ada.newest().await["number"], 2);
}

#[tokio::test]
async fn a_text_with_mistakes_is_refused_by_line_and_a_right_one_is_published() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    let page = ada.get("/catalogue/own/edit").await;
    let csrf = page.csrf();
    let text = ada.newest().await["text"].as_str().unwrap().to_owned();
    let send = async |ada: &mut Visitor, text: &str, note: &str, after: &str| {
        let fields =
            [("csrf", csrf.as_str()), ("do", "publish"), ("after", after), ("note", note), ("text", text)];
        ada.post("/catalogue/own/edit", &fields).await
    };
    let wrong = text.replace("suffix = [\"bing.com\"]", "sufix = [\"bing.com\"]");
    let answer = send(&mut ada, &wrong, "why", "2").await;
    assert!(
        answer.text.contains("did you mean `suffix`?") && answer.text.contains("Line 1"),
        "{}",
        answer.text
    );
    let unsaid = send(&mut ada, &format!("# more\n{text}"), " ", "2").await;
    assert!(unsaid.text.contains("say why"), "{}", unsaid.text);
    let late = send(&mut ada, &format!("# more\n{text}"), "why", "1").await;
    assert!(late.text.contains("came in between"), "{}", late.text);
    // A browser sends lines in the manner of the network.
    let crlf = format!("# more\n{text}").replace('\n', "\r\n");
    let answer = send(&mut ada, &crlf, "A comment", "2").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(ada.newest().await["text"].as_str().unwrap(), format!("# more\n{text}"));
}

#[tokio::test]
async fn what_is_withdrawn_is_previewed_and_keeps_its_id() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    let csrf = ada.get("/catalogue/own").await.csrf();
    let rule = "own.house-chat.llm-intranet-example";
    let page = ada.post("/catalogue/own/remove", &[("csrf", &csrf), ("id", rule)]).await.text;
    assert!(page.contains("+ retired = true") && page.contains("is withdrawn"), "{page}");
    let gone = ada.post("/catalogue/own/remove", &[("csrf", &csrf), ("id", "own.no.such")]).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert_eq!(ada.newest().await["number"], 2);
}

#[tokio::test]
async fn before_the_first_version_the_page_says_what_to_do() {
    let mut ada = Visitor::signed_in(Sample::empty(), "ada").await;
    let page = ada.get("/catalogue/own").await.text;
    assert!(page.contains("No own rules yet") && page.contains("Nothing was published yet"), "{page}");
    assert_eq!(ada.get("/catalogue/own/text").await.status, StatusCode::NOT_FOUND);
    assert!(ada.newest().await.is_null());
}
