//! What a source says about a vendor: a certificate, whether it trains on input, how long it keeps it, …
//!
//! A claim is one answer of one source, and carries the source. Claims on one question stand side by side, and contradict
//! each other where sources do; what follows from them is told by [`stands`](crate::stands). Nobody states a fact here
//! from memory: what no source says is not written, and is shown as "no public evidence found".

use serde::Serialize;

use crate::catalogue::{Origin, Text, Vendor};
use crate::date::Date;
use crate::parse::{check_id, owned, url};
use crate::table::Table;
use crate::words::{Answer, ClaimSource, Confidence, Framework};

/// Longest plan, in characters: it is the name of a thing that is sold.
const MAX_PLAN: usize = 60;
/// Longest scope or detail, in characters: a sentence, not a copy of the page.
const MAX_SENTENCE: usize = 300;

/// One answer of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// `claim.<vendor id>.<slug>`, never reused or renamed.
    pub id: Text,
    /// Id of the vendor it is about.
    pub vendor: Text,
    /// The question.
    pub framework: Framework,
    /// What the source answers.
    pub status: Answer,
    /// The only product it holds for; all of the vendor where there is none.
    pub product: Option<Text>,
    /// The only plan it holds for, by the vendor's name for it; all of them where there is none.
    pub plan: Option<Text>,
    /// What it covers, as the source draws the line: systems, sites, chapters.
    pub scope: Option<Text>,
    /// What else belongs to the answer: a period, regions, a certifier.
    pub detail: Option<Text>,
    /// The page that the answer is about, where the source is another: the terms, the trust centre, the agreement.
    pub link: Option<Text>,
    /// Where somebody read it.
    pub source_url: Text,
    /// What sort of source that is.
    pub source_type: ClaimSource,
    /// The day that the source gives for what it says.
    pub source_date: Option<Date>,
    /// The day somebody last read the source.
    pub last_checked: Date,
    /// How sure it is that the source is right and is understood.
    pub confidence: Confidence,
    /// No longer holds; the id stays.
    pub retired: bool,
    /// Where it is written.
    #[serde(skip)]
    pub origin: Origin,
}

impl Claim {
    /// Host of the source, as people know it.
    pub fn source_host(&self) -> &str {
        host(&self.source_url)
    }

    /// Host of the page that the answer is about.
    pub fn link_host(&self) -> Option<&str> {
        self.link.as_deref().map(host)
    }
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.strip_prefix("www.").unwrap_or(host)
}

/// Reads a `[[claim]]` of a vendor's file.
pub(crate) fn read_claim(table: &mut Table<'_, '_>, vendor: Option<&Vendor>) -> Option<Claim> {
    let id = table.required("id");
    let framework = table.required_word("framework");
    let status = table.required_word("status");
    let product = table.text("product");
    let plan = sentence(table, "plan", MAX_PLAN);
    let scope = sentence(table, "scope", MAX_SENTENCE);
    let detail = sentence(table, "detail", MAX_SENTENCE);
    let link = table.text("link");
    let link = url(table, link);
    let source_url = table.required("source_url");
    let source_url = url(table, source_url);
    let source_type = table.required_word("source_type");
    let source_date = table.date("source_date");
    let last_checked = table.required_date("last_checked");
    let confidence = table.required_word::<Confidence>("confidence");
    let retired = table.flag("retired");
    let Some(vendor) = vendor else {
        table.report("a claim stands in a file without a vendor", "add [vendor] at the top");
        return None;
    };
    if confidence == Some(Confidence::Suspect) {
        table.report("a claim is `suspect`, which is for names only", "write low, medium or high");
    }
    if let Some((product, at)) = product {
        check_id(table, "product", product, at, &vendor.id);
    }
    let (id, at) = id?;
    check_id(table, "claim", id, at, &format!("claim.{}", vendor.id));
    Some(Claim {
        id: owned(id),
        vendor: vendor.id.clone(),
        framework: framework?,
        status: status?,
        product: product.map(|(text, _)| owned(text)),
        plan,
        scope,
        detail,
        link,
        source_url: source_url?,
        source_type: source_type?,
        source_date,
        last_checked: last_checked?,
        confidence: confidence?,
        retired,
        origin: table.origin(),
    })
}

/// A text on one line, of bounded length.
fn sentence(table: &mut Table<'_, '_>, key: &'static str, longest: usize) -> Option<Text> {
    let (text, at) = table.text(key)?;
    if text.chars().any(char::is_control) {
        table.source.report(at, format!("`{key}` is more than a line of text"), "write it on one line");
    }
    let length = text.chars().count();
    if length > longest {
        let fix = format!("say it in {longest} at most, in your own words");
        table.source.report(at, format!("`{key}` has {length} characters"), fix);
    }
    Some(owned(text))
}

#[cfg(test)]
mod tests {
    use crate::catalogue::Catalogue;
    use crate::testing::{HEAD, claim};
    use crate::words::{Answer, Confidence, Framework};

    fn problems(lines: &str) -> Vec<String> {
        match Catalogue::parse(&[("v.toml", &format!("{HEAD}{lines}"))]) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn a_claim_reads_what_is_written_and_belongs_to_the_vendor_of_its_file() {
        let lines = "product = \"v.p\"\nplan = \"Team\"\nscope = \"P.\"\nsource_date = 2026-10-01\n";
        let text = format!("{HEAD}{}", claim("a", "soc2", "yes", lines));
        let catalogue = Catalogue::parse(&[("v.toml", &text)]).unwrap();
        let found: Vec<_> = catalogue.claims_of("v").collect();
        assert_eq!(found.len(), 1);
        let read = found[0];
        assert_eq!((read.framework, read.status, &*read.vendor), (Framework::Soc2, Answer::Yes, "v"));
        assert_eq!((read.product.as_deref(), read.plan.as_deref()), (Some("v.p"), Some("Team")));
        assert_eq!((read.confidence, read.source_host()), (Confidence::High, "trust.vendor.dev"));
        assert_eq!(read.source_date.unwrap().to_string(), "2026-10-01");
        assert_eq!(catalogue.claims_of("w").count(), 0);
    }

    #[test]
    fn what_is_retired_keeps_its_id_and_is_not_told() {
        let text = format!("{HEAD}{}", claim("a", "soc2", "yes", "retired = true\n"));
        let catalogue = Catalogue::parse(&[("v.toml", &text)]).unwrap();
        assert_eq!((catalogue.claims().len(), catalogue.claims_of("v").count()), (1, 0));
    }

    #[test]
    fn each_kind_of_mistake_is_found() {
        let good = claim("a", "soc2", "yes", "product = \"v.p\"\nplan = \"Team\"\n");
        assert_eq!(problems(&good), Vec::<String>::new());
        let long = format!("plan = \"{}\"", "x".repeat(61));
        for (from, to, expected) in [
            ("status = \"yes\"", "status = true", "`status` is a boolean where a string is expected"),
            ("status = \"yes\"", "status = \"claimed\"", "status: `claimed` is none of yes, no, unknown"),
            ("status = \"yes\"", "", "claim has no `status`"),
            ("framework = \"soc2\"", "framework = \"soc3\"", "`soc3` is none of iso42001"),
            ("source_url", "url", "claim has no `source_url`"),
            ("https://trust", "trust", "is not a web address"),
            ("\"first_party\"", "\"knowledge\"", "source_type: `knowledge` is none of certificate_register"),
            ("last_checked = 2026-11-26\n", "", "claim has no `last_checked`"),
            ("confidence = \"high\"", "confidence = \"suspect\"", "a claim is `suspect`"),
            ("claim.v.a", "v.claim.a", "claim id `v.claim.a` does not go with `claim.v`"),
            ("claim.v.a", "claim.w.a", "does not go with `claim.v`"),
            ("product = \"v.p\"", "product = \"w.p\"", "product id `w.p` does not go with `v`"),
            ("product = \"v.p\"", "product = \"v.q\"", "of product `v.q`, which is not there"),
            ("plan = \"Team\"", &long, "`plan` has 61 characters; say it in 60 at most"),
            ("plan = \"Team\"", "plan = \"a\\nb\"", "`plan` is more than a line of text"),
            ("plan = \"Team\"", "link = \"trust.v.dev\"", "`trust.v.dev` is not a web address"),
            ("plan = \"Team\"", "plam = \"Team\"", "claim has no key `plam`; did you mean `plan`?"),
            ("[[claim]]", "[claim]", "`claim` is a table where a list of tables is expected"),
        ] {
            assert!(good.contains(from), "{from}");
            let found = problems(&good.replacen(from, to, 1));
            assert!(found.iter().any(|line| line.contains(expected)), "{to}: {found:?}");
        }
        assert!(problems(&format!("{good}{good}"))[0].contains("claim id `claim.v.a` is taken by v.toml:"));
        let alone = Catalogue::parse(&[("x.toml", &good)]).unwrap_err();
        assert!(alone[0].message.contains("without a vendor"), "{alone:?}");
    }
}
