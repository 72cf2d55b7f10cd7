//! `rules show`: all that is known under one id.

use std::io::{self, Write};

use clap::ValueEnum;
use umbrascope_rules::{Answer, Catalogue, Claim, Framework, Product, Rule, Stand, Standing, Vendor, stands};

use super::{json_line, rules_of};

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ShowFormat {
    /// For people.
    Text,
    /// One object.
    Json,
}

/// What an id stands for.
pub(super) enum Subject<'a> {
    Rule(&'a Rule),
    Product { product: &'a Product, vendor: Option<&'a Vendor>, rules: Vec<&'a Rule>, claims: Vec<&'a Claim> },
    Claim(&'a Claim),
    Vendor { vendor: &'a Vendor, products: Vec<&'a Product>, claims: Vec<&'a Claim> },
}

impl<'a> Subject<'a> {
    pub(super) fn find(catalogue: &'a Catalogue, id: &str) -> Option<Subject<'a>> {
        if let Some(rule) = catalogue.rule(id) {
            return Some(Subject::Rule(rule));
        }
        if let Some(product) = catalogue.product(id) {
            let vendor = catalogue.vendor(&product.vendor);
            let about = |claim: &&Claim| claim.product.as_deref().is_none_or(|id| id == product.id);
            let claims = catalogue.claims_of(&product.vendor).filter(about).collect();
            return Some(Subject::Product { product, vendor, rules: rules_of(catalogue, product), claims });
        }
        if let Some(claim) = catalogue.claims().iter().find(|claim| claim.id == id) {
            return Some(Subject::Claim(claim));
        }
        let vendor = catalogue.vendor(id)?;
        let products = catalogue.products().iter().filter(|product| product.vendor == vendor.id).collect();
        Some(Subject::Vendor { vendor, products, claims: catalogue.claims_of(&vendor.id).collect() })
    }

    pub(super) fn print(&self, out: &mut dyn Write, format: ShowFormat) -> io::Result<()> {
        match (self, format) {
            (Subject::Rule(rule), ShowFormat::Json) => json_line(out, rule),
            (Subject::Claim(claim), ShowFormat::Json) => json_line(out, claim),
            (Subject::Product { product, vendor, rules, claims }, ShowFormat::Json) => json_line(
                out,
                &serde_json::json!({ "product": product, "vendor": vendor, "rules": rules, "claims": claims }),
            ),
            (Subject::Vendor { vendor, products, claims }, ShowFormat::Json) => json_line(
                out,
                &serde_json::json!({ "vendor": vendor, "products": products, "claims": claims }),
            ),
            (Subject::Rule(rule), ShowFormat::Text) => show_rule(out, rule),
            (Subject::Claim(claim), ShowFormat::Text) => {
                writeln!(out, "vendor       {}\nquestion     {}", claim.vendor, claim.framework.label())?;
                show_claim(out, claim)
            }
            (Subject::Product { product, vendor, rules, claims }, ShowFormat::Text) => {
                let vendor = vendor.map_or("-", |vendor| &*vendor.name);
                writeln!(
                    out,
                    "product      {}\nname         {}\nvendor       {vendor}",
                    product.id, product.name
                )?;
                writeln!(out, "kind         {}\ncategory     {}", product.kind, product.category)?;
                writeln!(out, "description  {}", product.description)?;
                rules.iter().try_for_each(|rule| {
                    writeln!(out)?;
                    show_rule(out, rule)
                })?;
                show_claims(out, claims)
            }
            (Subject::Vendor { vendor, products, claims }, ShowFormat::Text) => {
                writeln!(out, "vendor       {}\nname         {}", vendor.id, vendor.name)?;
                optional(out, "legal name", vendor.legal_name.as_deref())?;
                optional(out, "country", vendor.country.as_deref())?;
                optional(out, "site", vendor.site.as_deref())?;
                optional(
                    out,
                    "aliases",
                    (!vendor.aliases.is_empty()).then(|| vendor.aliases.join(", ")).as_deref(),
                )?;
                products
                    .iter()
                    .try_for_each(|product| writeln!(out, "product      {}  {}", product.id, product.name))?;
                show_claims(out, claims)
            }
        }
    }
}

/// Each question with its word, and below it what every source says; a question without an answer too.
fn show_claims(out: &mut dyn Write, claims: &[&Claim]) -> io::Result<()> {
    writeln!(out, "\nWhat sources say of the vendor")?;
    for stand in stands(claims.iter().copied()) {
        write!(out, "\n{}", stand.framework.label())?;
        for of in [stand.product, stand.plan].into_iter().flatten() {
            write!(out, ", {of}")?;
        }
        writeln!(out, ": {}", words(&stand))?;
        stand.claims.iter().try_for_each(|claim| show_claim(out, claim))?;
    }
    Ok(())
}

fn words(stand: &Stand<'_>) -> &'static str {
    let link = matches!(stand.framework, Framework::Terms | Framework::TrustCentre);
    match stand.standing {
        Standing::Verified => "yes, verified in a register of certificates",
        Standing::Claimed if link => "yes",
        Standing::Claimed => "yes, as claimed",
        Standing::Disputed => "disputed, sources contradict each other",
        Standing::Denied => "no",
        Standing::Unknown => "no public evidence found",
    }
}

fn show_claim(out: &mut dyn Write, claim: &Claim) -> io::Result<()> {
    let answer = match claim.status {
        Answer::Yes => "yes",
        Answer::No => "no",
        Answer::Unknown => "gives no answer",
    };
    let kind = claim.source_type;
    writeln!(out, "  {answer}  {} ({kind}, read {})", claim.source_url, claim.last_checked)?;
    let retired = claim.retired.then_some("it no longer holds");
    let link = claim.link.as_ref().map(|link| format!("page {link}"));
    let of = claim.source_date.map(|day| format!("of {day}"));
    let scope = claim.scope.as_ref().map(|scope| format!("covers: {scope}"));
    let texts = [scope.as_deref(), claim.detail.as_deref(), link.as_deref(), of.as_deref(), retired];
    let sure = format!("confidence {}, id {}", claim.confidence, claim.id);
    texts.into_iter().flatten().chain([&*sure]).try_for_each(|text| writeln!(out, "       {text}"))
}

fn optional(out: &mut dyn Write, label: &str, value: Option<&str>) -> io::Result<()> {
    value.map_or(Ok(()), |value| writeln!(out, "{label:11}  {value}"))
}

fn show_rule(out: &mut dyn Write, rule: &Rule) -> io::Result<()> {
    writeln!(out, "rule         {}", rule.id)?;
    if rule.deny {
        writeln!(out, "deny         what it matches is not AI")?;
    } else {
        writeln!(out, "product      {}", rule.product)?;
        writeln!(out, "confidence   {} that it is AI, {} whose it is", rule.confidence, rule.attribution)?;
    }
    optional(out, "level", rule.level.map(|level| level.as_str()))?;
    optional(out, "serves", rule.serves.map(|serves| serves.as_str()))?;
    optional(out, "retired", rule.retired.then_some("matches nothing any more"))?;
    optional(out, "stands for", rule.fallback.map(|fallback| fallback.as_str()))?;
    for indicator in &rule.indicators {
        writeln!(out, "{:11}  {}", indicator.kind, indicator.pattern)?;
    }
    if !rule.source_url.is_empty() {
        let read = match rule.last_checked {
            Some(day) => format!("{}, read {day}", rule.source_type),
            None => "not yet checked against its source".to_owned(),
        };
        writeln!(out, "source       {} ({read})", rule.source_url)?;
    }
    optional(out, "source", rule.second_source_url.as_deref())?;
    optional(
        out,
        "unconfirmed",
        rule.is_unconfirmed().then_some("two sources have to name an extension's id"),
    )?;
    optional(out, "note", rule.note.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_a_product_and_a_vendor_are_shown_by_id() {
        let rule = &*Catalogue::embedded().rules()[0].id;
        for (id, expected) in [(rule, rule), ("openai.chatgpt", "ChatGPT"), ("openai", "OpenAI")] {
            for format in [ShowFormat::Text, ShowFormat::Json] {
                let mut out = Vec::new();
                Subject::find(Catalogue::embedded(), id).unwrap().print(&mut out, format).unwrap();
                assert!(String::from_utf8(out).unwrap().contains(expected), "{id}");
            }
        }
        assert!(Subject::find(Catalogue::embedded(), "nobody.nothing").is_none());
    }

    #[test]
    fn what_nobody_has_read_in_its_source_is_told_in_words() {
        let known = |rule: &&Rule| !rule.deny && rule.last_checked.is_none();
        let rule = Catalogue::embedded().rules().iter().find(known).unwrap();
        let mut out = Vec::new();
        show_rule(&mut out, rule).unwrap();
        assert!(String::from_utf8(out).unwrap().contains("(not yet checked against its source)\n"));
    }

    #[test]
    fn what_sources_say_is_shown_with_the_questions_that_none_answers() {
        let text = "[vendor]\nid = \"v\"\nname = \"V\"\n[[claim]]\nid = \"claim.v.a\"\nframework = \"training\"\n\
                    status = \"no\"\nplan = \"Team\"\ndetail = \"Unless a customer agrees.\"\nsource_url = \"https://v.dev/p\"\n\
                    source_type = \"first_party\"\nlast_checked = 2026-11-26\nconfidence = \"high\"\n";
        let catalogue = Catalogue::parse(&[("v.toml", text)]).unwrap();
        let shown = |id| {
            let mut out = Vec::new();
            Subject::find(&catalogue, id).unwrap().print(&mut out, ShowFormat::Text).unwrap();
            String::from_utf8(out).unwrap()
        };
        let vendor = shown("v");
        assert!(vendor.contains(
            "\nTrains on customer input, Team: no\n  no  https://v.dev/p (first_party, read 2026-11-26)\n"
        ));
        assert!(vendor.contains("\n       Unless a customer agrees.\n"), "{vendor}");
        assert!(vendor.contains("\nSOC 2 report: no public evidence found\n"), "{vendor}");
        assert!(shown("claim.v.a").contains("question     Trains on customer input\n"));
    }
}
