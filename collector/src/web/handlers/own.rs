//! `/catalogue/own`: the organisation's own rules. Everybody reads; who triages publishes.

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use umbrascope_rules::lint::OwnReading;
use umbrascope_rules::{Confidence, IndicatorKind};

mod entries;
mod history;

use entries::entries;
pub(crate) use history::{text, version};

use super::page;
use crate::model::Deed;
use crate::own::{self, Addition, Effect, ProductChoice, PublishError, Removal};
use crate::store::StoreError;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::{say, t};
use crate::web::list::{ListQuery, Pager, page_number, rows_of};
use crate::web::pages::{OwnForm, OwnNewPage, OwnPage, OwnTextPage, ShownLine};
use crate::web::url::Address;
use crate::web::{WebState, blocking};

/// Values that a preview looks at.
const VALUES: u32 = 20_000;

/// What is in force, and what was.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let notice = match query.done.as_str() {
        "published" => Some(t(
            "Published. This collector works with it within seconds, machines with their next report.",
        )),
        _ => None,
    };
    let number = page_number(&query.page)?;
    let (desk, known) = (state.app.own.clone(), state.app.catalogue.known());
    let (newest, entries, versions) = blocking(move || {
        let newest = desk.store.own_newest()?;
        let entries = match &newest {
            Some(newest) => entries(&desk, newest, known.catalogue())?,
            None => Vec::new(),
        };
        Ok::<_, StoreError>((newest, entries, desk.store.own_versions(rows_of(number))?))
    })
    .await?;
    page(&OwnPage {
        frame: reader.frame(Here::OwnRules, notice),
        newest: newest.map(|newest| newest.version),
        key: state.app.own.key().public().id().to_string(),
        left_out: state.app.catalogue.left_out().to_vec(),
        entries,
        pager: Pager::new(
            (number, versions.rows.len(), versions.total),
            "version",
            &Address::new("/catalogue/own"),
            "page",
        ),
        versions: versions.rows,
    })
}

/// What a link to the form fills in: `suffix` is a registrable domain, `from=suspect` says whence.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Prefill {
    what: String,
    suffix: String,
    product: String,
    rule: String,
    from: String,
}

/// The form for one addition.
pub(crate) async fn new_form(
    State(state): State<WebState>,
    reader: Reader,
    Query(prefill): Query<Prefill>,
) -> Result<Response, WebError> {
    reader.must(Deed::Triage, &[])?;
    let cut = |text: &str| text.trim().chars().take(253).collect::<String>();
    let from_suspect = prefill.from == "suspect";
    let suffix = cut(&prefill.suffix).to_lowercase();
    let name = if from_suspect { title(&suffix) } else { String::new() };
    let form = OwnForm {
        what: known_what(&prefill.what),
        kind: "suffix".to_owned(),
        vendor: name.clone(),
        name,
        pattern: suffix,
        product: cut(&prefill.product),
        rule: cut(&prefill.rule),
        product_kind: "service".to_owned(),
        category: "assistant".to_owned(),
        confidence: "medium".to_owned(),
        reason: if from_suspect {
            "Its name looked like AI, and somebody looked at it.".to_owned()
        } else {
            String::new()
        },
        ..OwnForm::default()
    };
    let after = newest_number(&state).await?;
    let frame = reader.frame(Here::OwnRules, None);
    page(&OwnNewPage { frame, form, problems: Vec::new(), from_suspect, after })
}

fn known_what(what: &str) -> String {
    let known = OwnForm::WHATS.into_iter().find(|(known, _)| *known == what);
    known.map_or("rule", |(known, _)| known).to_owned()
}

/// A first guess at a product's name: `good-bot.example` is Good bot.
fn title(domain: &str) -> String {
    let label = domain.split('.').next().unwrap_or_default().replace('-', " ");
    let mut letters = label.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

async fn newest_number(state: &WebState) -> Result<u32, WebError> {
    let desk = state.app.own.clone();
    let newest = blocking(move || desk.store.own_newest()).await?;
    Ok(newest.map_or(0, |newest| newest.version.number))
}

/// An addition as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentAddition {
    csrf: String,
    #[serde(rename = "do")]
    action: String,
    after: String,
    what: String,
    kind: String,
    pattern: String,
    product: String,
    name: String,
    vendor: String,
    product_kind: String,
    category: String,
    rule: String,
    confidence: String,
    reason: String,
    examples: String,
}

/// Adds to what is in force: as a preview, or at once.
pub(crate) async fn add(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentAddition>,
) -> Result<Response, WebError> {
    reader.must(Deed::Triage, &[])?;
    reader.check_form(&sent.csrf)?;
    let after = number(&sent.after)?;
    let publish = sent.action == "publish";
    let trimmed = |text: String| text.trim().to_owned();
    let form = OwnForm {
        what: known_what(&sent.what),
        kind: sent.kind,
        pattern: trimmed(sent.pattern),
        product: trimmed(sent.product),
        name: trimmed(sent.name),
        vendor: trimmed(sent.vendor),
        product_kind: sent.product_kind,
        category: sent.category,
        rule: trimmed(sent.rule),
        confidence: sent.confidence,
        reason: trimmed(sent.reason),
        examples: trimmed(sent.examples),
    };
    let again = |problems| {
        let frame = reader.frame(Here::OwnRules, None);
        page(&OwnNewPage { frame, form: form.clone(), problems, from_suspect: false, after })
    };
    let addition = match checked(&form) {
        Ok(addition) => addition,
        Err(problem) => return again(vec![problem]),
    };
    let (desk, base) = (state.app.own.clone(), state.app.catalogue.base());
    let applied = blocking(move || {
        let before = desk.store.own_newest()?.map_or_else(String::new, |newest| newest.text);
        Ok::<_, StoreError>(addition.apply(&before, base.catalogue()))
    })
    .await?;
    let text = match applied {
        Ok(text) => text,
        Err(error) => return again(vec![error.to_string()]),
    };
    let note = format!("{}: {}", words(&form), form.reason);
    if !publish {
        return text_page(&state, &reader, Draft { title: t("Preview"), text, after, note, refused: None })
            .await;
    }
    match publish_text(&state, &reader, text, note, after).await? {
        Ok(_) => Ok(Redirect::to("/catalogue/own?done=published").into_response()),
        Err(PublishError::Wrong(problems)) => {
            again(problems.iter().map(|problem| format!("{}; {}", problem.message, problem.fix)).collect())
        }
        Err(refused) => again(vec![refused.to_string()]),
    }
}

/// What the form does, for the history.
fn words(form: &OwnForm) -> String {
    match form.what.as_str() {
        "deny" => format!("{} is not AI", form.pattern),
        "name" => format!("{} is called {}", form.product, form.name),
        "confidence" => format!("{} counts as {}", form.rule, form.confidence),
        _ => format!("{} is AI", form.pattern),
    }
}

/// The addition that the form asks for, or what is wrong with it.
fn checked(form: &OwnForm) -> Result<Addition, String> {
    let needed = |text: &str, what: &str| match text.is_empty() {
        true => Err(say!("{0} is missing", what)),
        false => Ok(text.to_owned()),
    };
    let reason = needed(&form.reason, t("The reason"))?;
    let kind = || {
        IndicatorKind::from_key(&form.kind).ok_or(t("Choose what the pattern is compared with").to_owned())
    };
    let confidence = || {
        let confidence = form.confidence.parse().ok().filter(|confidence| *confidence > Confidence::Suspect);
        confidence.ok_or(t("Choose a confidence: high, medium or low").to_owned())
    };
    match form.what.as_str() {
        "deny" => Ok(Addition::Deny {
            kind: kind()?,
            pattern: needed(&form.pattern, t("The name or identifier"))?,
            reason,
        }),
        "name" => Ok(Addition::Name {
            product: needed(&form.product, t("The product"))?,
            name: needed(&form.name, t("The name"))?,
            reason,
        }),
        "confidence" => {
            let rule = needed(&form.rule, t("The rule"))?;
            Ok(Addition::Confidence { rule, confidence: confidence()?, reason })
        }
        _ => {
            let (kind, pattern) = (kind()?, needed(&form.pattern, t("The name or identifier"))?);
            let product = match form.product.is_empty() {
                false => ProductChoice::Known(form.product.clone()),
                true => ProductChoice::New {
                    name: needed(&form.name, t("The product: a name, or the id of a known one,"))?,
                    vendor: form.vendor.clone(),
                    kind: form.product_kind.parse().map_err(|_| t("Choose a kind of product").to_owned())?,
                    category: form.category.parse().map_err(|_| t("Choose a category").to_owned())?,
                },
            };
            let examples = match (form.examples.is_empty(), kind) {
                (false, _) => {
                    form.examples.split([' ', ',']).filter(|one| !one.is_empty()).map(str::to_owned).collect()
                }
                (true, IndicatorKind::Software(software)) => vec![format!("{software}:{pattern}")],
                (true, _) => vec![pattern.trim_start_matches("*.").replace('*', "a")],
            };
            Ok(Addition::Rule { kind, pattern, product, confidence: confidence()?, note: reason, examples })
        }
    }
}

/// What is to be taken out.
#[derive(Debug, Deserialize)]
pub(crate) struct SentRemoval {
    csrf: String,
    #[serde(default)]
    id: String,
}

/// A preview without one of the entries. A rule stays as a retired one.
pub(crate) async fn remove(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentRemoval>,
) -> Result<Response, WebError> {
    reader.must(Deed::Triage, &[])?;
    reader.check_form(&sent.csrf)?;
    let desk = state.app.own.clone();
    let newest = blocking(move || desk.store.own_newest()).await?.ok_or(WebError::NotFound("rule"))?;
    let (text, refused) = match Removal(sent.id.clone()).apply(&newest.text) {
        Ok(text) => (text, None),
        Err(own::EditError::Unknown(_)) => return Err(WebError::NotFound("rule")),
        Err(error) => (newest.text, Some(error.to_string())),
    };
    let note = format!("{} is withdrawn: ", sent.id.chars().take(200).collect::<String>());
    let draft = Draft { title: t("Withdraw"), text, after: newest.version.number, note, refused };
    text_page(&state, &reader, draft).await
}

/// The whole text, to be changed by hand.
pub(crate) async fn edit_form(State(state): State<WebState>, reader: Reader) -> Result<Response, WebError> {
    reader.must(Deed::Triage, &[])?;
    let desk = state.app.own.clone();
    let newest = blocking(move || desk.store.own_newest()).await?;
    let (text, after) = newest.map_or((FIRST.to_owned(), 0), |newest| (newest.text, newest.version.number));
    page(&OwnTextPage {
        frame: reader.frame(Here::OwnRules, None),
        title: t("Edit as text"),
        text,
        after,
        note: String::new(),
        refused: None,
        checked: false,
        errors: Vec::new(),
        warnings: Vec::new(),
        effect: Effect::default(),
        lines: Vec::new(),
    })
}

/// What the editor begins with.
const FIRST: &str = "# What this organisation adds to the catalogue.\n\
    #\n\
    # [[product]]\n\
    # id = \"own.house-chat\"\n\
    # name = \"House chat\"\n\
    # kind = \"service\"\n\
    # category = \"assistant\"\n\
    # description = \"The assistant that IT runs.\"\n\
    #\n\
    # [[rule]]\n\
    # id = \"own.house-chat.web\"\n\
    # product = \"own.house-chat\"\n\
    # confidence = \"high\"\n\
    # note = \"Runs in our own data centre.\"\n\
    # exact = [\"llm.intranet.example\"]\n\
    # examples = [\"llm.intranet.example\"]\n";

/// A text as the editor has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentText {
    csrf: String,
    #[serde(rename = "do")]
    action: String,
    after: String,
    note: String,
    text: String,
}

/// Checks a text, or publishes it.
pub(crate) async fn edit(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentText>,
) -> Result<Response, WebError> {
    reader.must(Deed::Triage, &[])?;
    reader.check_form(&sent.csrf)?;
    let after = number(&sent.after)?;
    // Forms send lines in the manner of the network.
    let text = sent.text.replace("\r\n", "\n");
    let note = sent.note.trim().to_owned();
    let refused = if sent.action == "publish" {
        match publish_text(&state, &reader, text.clone(), note.clone(), after).await? {
            Ok(_) => return Ok(Redirect::to("/catalogue/own?done=published").into_response()),
            Err(refused) => Some(refused.to_string()),
        }
    } else {
        None
    };
    text_page(&state, &reader, Draft { title: t("Preview"), text, after, note, refused }).await
}

fn number(text: &str) -> Result<u32, WebError> {
    text.parse().map_err(|_| WebError::BadRequest)
}

/// Publishes a text as the version after `after`. The number of the version, or why not.
pub(crate) async fn publish_text(
    state: &WebState,
    reader: &Reader,
    text: String,
    note: String,
    after: u32,
) -> Result<Result<u32, PublishError>, WebError> {
    let (desk, base) = (state.app.own.clone(), state.app.catalogue.base());
    let (by, now_ms) = (reader.user.name.clone(), reader.now_ms);
    let note: String = note.chars().take(500).collect();
    let published = blocking(move || {
        Ok::<_, StoreError>(desk.publish(base.catalogue(), &text, &note, &by, after, now_ms))
    })
    .await?;
    match published {
        Err(PublishError::Store(error)) => Err(error.into()),
        Err(error @ (PublishError::DataDir(_) | PublishError::Key(_))) => Err(WebError::Work(error.into())),
        other => Ok(other),
    }
}

/// A text that somebody may publish.
struct Draft {
    title: &'static str,
    text: String,
    after: u32,
    note: String,
    refused: Option<String>,
}

async fn text_page(state: &WebState, reader: &Reader, draft: Draft) -> Result<Response, WebError> {
    let Preview { found, effect, before } = preview(state, reader, draft.text.clone()).await?;
    let lines: Vec<ShownLine> = own::diff(&before, &draft.text).into_iter().map(ShownLine::from).collect();
    page(&OwnTextPage {
        frame: reader.frame(Here::OwnRules, None),
        title: draft.title,
        text: draft.text,
        after: draft.after,
        note: draft.note,
        refused: draft.refused,
        checked: true,
        errors: found.report.errors,
        warnings: found.report.warnings,
        effect,
        lines,
    })
}

/// What a text would come to.
pub(crate) struct Preview {
    /// What the reviewer found.
    pub(crate) found: OwnReading,
    /// What would be different in what the collector holds.
    pub(crate) effect: Effect,
    /// The text in force.
    pub(crate) before: String,
}

/// Reads a text as the next version, and changes nothing.
pub(crate) async fn preview(state: &WebState, reader: &Reader, text: String) -> Result<Preview, WebError> {
    let (desk, current, now_ms) = (state.app.own.clone(), state.app.catalogue.clone(), reader.now_ms);
    blocking(move || {
        let reading = desk.read(current.base().catalogue(), &text, now_ms)?;
        let values = desk.store.known_values(VALUES)?;
        let effect = own::effect(&values, current.known().catalogue(), &reading.found.composed.catalogue);
        let before = reading.before.map_or_else(String::new, |before| before.text);
        Ok::<_, StoreError>(Preview { found: reading.found, effect, before })
    })
    .await
}
