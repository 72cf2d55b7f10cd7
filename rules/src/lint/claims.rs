//! Claims as a reviewer reads them: a source that can bear what it is said to say, read not long ago.

use std::collections::HashMap;

use super::{Report, STALE_DAYS, is_placeholder, problem};
use crate::catalogue::Catalogue;
use crate::claim::Claim;
use crate::date::Date;
use crate::words::{Answer, ClaimSource, Framework};

/// Reads every claim that is not retired. Claims may contradict each other where their sources do.
pub(super) fn check(catalogue: &Catalogue, today: Date, report: &mut Report) {
    let current = || catalogue.claims().iter().filter(|claim| !claim.retired);
    for claim in current() {
        source(catalogue, claim, report);
        dates(claim, today, report);
    }
    repeated(current(), report);
    let mut vendors: Vec<&str> = current().map(|claim| &*claim.vendor).collect();
    vendors.dedup();
    if !vendors.is_empty() {
        report.notes.push(format!(
            "{} claims stand about {} of {} vendors; of the others no public evidence was found",
            current().count(),
            vendors.len(),
            catalogue.vendors().len()
        ));
    }
}

fn source(catalogue: &Catalogue, claim: &Claim, report: &mut Report) {
    let mut error = |message: String, fix: &str| {
        report.errors.push(problem(&claim.origin, claim.origin.line, message, fix));
    };
    if is_placeholder(&claim.source_url) {
        let message = format!("source_url `{}` of `{}` is a placeholder", claim.source_url, claim.id);
        error(message, "name the page where somebody read it");
    }
    if claim.source_type == ClaimSource::CertificateRegister {
        if !claim.framework.has_register() {
            let message =
                format!("`{}`: there is no register of certificates of {}", claim.id, claim.framework);
            error(message, "write the source_type of the page that was read");
        }
        let site = catalogue.vendor(&claim.vendor).and_then(|vendor| vendor.site.as_deref());
        if site.is_some_and(|site| below(claim.source_host(), host(site))) {
            let message = format!("`{}`: a page of the vendor is no register of certificates", claim.id);
            error(message, "write source_type = \"first_party\"");
        }
        if claim.status == Answer::Yes && claim.scope.is_none() {
            let message = format!("`{}` is verified and does not say what the certificate covers", claim.id);
            error(message, "add scope = \"…\" as it stands on the certificate");
        }
    }
    let link = matches!(claim.framework, Framework::Terms | Framework::TrustCentre);
    let own = claim.source_type == ClaimSource::FirstParty;
    if link && claim.status == Answer::Yes && !own && claim.link.is_none() {
        let message = format!("`{}` does not say where the page is", claim.id);
        error(message, "add link = \"https://…\", the vendor's page");
    }
    if claim.framework == Framework::Training
        && claim.status != Answer::Unknown
        && claim.plan.is_none()
        && claim.scope.is_none()
        && claim.product.is_none()
    {
        let message = format!("`{}` does not say of which plan it speaks", claim.id);
        let fix = "add plan = \"…\", or scope = \"…\" where the source speaks of them all";
        report.warnings.push(problem(&claim.origin, claim.origin.line, message, fix));
    }
}

fn dates(claim: &Claim, today: Date, report: &mut Report) {
    let line = claim.origin.line;
    let mut warn = |message: String, fix: &str| {
        report.warnings.push(problem(&claim.origin, line, message, fix));
    };
    let age = today.days().saturating_sub(claim.last_checked.days());
    if age > STALE_DAYS {
        let message = format!("`{}` was last checked {}, {age} days ago", claim.id, claim.last_checked);
        warn(message, "read its source again and set last_checked");
    }
    if claim.last_checked > today {
        let message = format!("`{}` was last checked {}, which is to come", claim.id, claim.last_checked);
        warn(message, "set the day somebody read the source");
    }
    if let Some(day) = claim.source_date.filter(|day| *day > claim.last_checked) {
        let message = format!("the source of `{}` is of {day}, after it was read", claim.id);
        report.errors.push(problem(&claim.origin, line, message, "correct source_date or last_checked"));
    }
}

/// The same answer of the same page twice, or two answers of one page to one question.
fn repeated<'c>(claims: impl Iterator<Item = &'c Claim>, report: &mut Report) {
    let mut seen = HashMap::new();
    for claim in claims {
        let question = (
            &*claim.vendor,
            claim.framework,
            claim.product.as_deref(),
            claim.plan.as_deref(),
            &*claim.source_url,
        );
        let Some(first) = seen.insert(question, claim) else { continue };
        let (what, fix) = if first.status == claim.status {
            ("says again what", "keep one of them")
        } else {
            ("contradicts, with the same page,", "tell the plans or products apart, or keep one of them")
        };
        let (later, earlier) =
            if first.origin.line > claim.origin.line { (first, claim) } else { (claim, first) };
        let message = format!("`{}` {what} `{}` says", later.id, earlier.id);
        report.errors.push(problem(&later.origin, later.origin.line, message, fix));
    }
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    host.strip_prefix("www.").unwrap_or(host)
}

fn below(name: &str, parent: &str) -> bool {
    let rest = name.strip_suffix(parent);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::super::check as check_all;
    use super::*;
    use crate::testing::{HEAD, claim, rule};

    const TODAY: Date = Date::from_days(20_783);

    fn read(claims: &str) -> Report {
        let rule = rule("web", "high", "suffix = [\"vendor.dev\"]\nexamples = [\"vendor.dev\"]");
        let head = HEAD.replace("country", "site = \"https://www.vendor.dev\"\ncountry");
        check_all(&Catalogue::parse(&[("v.toml", &format!("{head}{rule}{claims}"))]).unwrap(), TODAY)
    }

    fn register(lines: &str) -> String {
        claim("a", "iso42001", "yes", lines)
            .replace("first_party", "certificate_register")
            .replace("trust.vendor.dev", "register.certifier.dev")
    }

    #[test]
    fn claims_that_contradict_each_other_pass_and_are_counted() {
        let report = read(&[claim("a", "soc2", "yes", ""), claim("b", "soc2", "no", "")].concat());
        assert_eq!((report.errors.len(), report.warnings.len()), (0, 0), "{report:?}");
        let note = "2 claims stand about 1 of 1 vendors; of the others no public evidence was found";
        assert_eq!(report.notes, [note]);
    }

    #[test]
    fn what_a_source_cannot_bear_is_an_error() {
        let day = "source_date = 2026-11-27\n";
        for (claims, expected) in [
            (register(""), "`claim.v.a` is verified and does not say what the certificate covers"),
            (
                register("scope = \"S\"\n").replace("iso42001", "soc2"),
                "there is no register of certificates of soc2",
            ),
            (
                register("scope = \"S\"\n").replace("register.certifier.dev", "vendor.dev"),
                "a page of the vendor is no register of certificates",
            ),
            (
                claim("a", "terms", "yes", "").replace("first_party", "third_party"),
                "`claim.v.a` does not say where the page is",
            ),
            (claim("a", "soc2", "yes", "").replace("trust.vendor.dev", "example.com"), "is a placeholder"),
            (claim("a", "soc2", "yes", day), "is of 2026-11-27, after it was read"),
            (
                [claim("a", "soc2", "yes", ""), claim("b", "soc2", "yes", "").replace("dev/b", "dev/a")]
                    .concat(),
                "`claim.v.b` says again what `claim.v.a` says",
            ),
            (
                [claim("a", "soc2", "yes", ""), claim("b", "soc2", "no", "").replace("dev/b", "dev/a")]
                    .concat(),
                "`claim.v.b` contradicts, with the same page, `claim.v.a` says",
            ),
        ] {
            let report = read(&claims);
            assert_eq!(report.errors.len(), 1, "{expected}: {report:?}");
            assert!(report.errors[0].message.contains(expected), "{report:?}");
        }
        assert_eq!(read(&register("scope = \"S\"\n")).errors, []);
        let elsewhere = claim("a", "terms", "yes", "link = \"https://vendor.dev/terms\"\n");
        assert_eq!(read(&elsewhere.replace("first_party", "third_party")).errors, []);
    }

    #[test]
    fn old_sources_days_to_come_and_training_without_a_plan_deserve_a_look() {
        let read_on = |day: &str| claim("a", "soc2", "yes", "").replace("2026-11-26", day);
        for (claims, expected) in [
            (read_on("2025-01-01"), "was last checked 2025-01-01, 694 days ago"),
            (read_on("2027-01-01"), "was last checked 2027-01-01, which is to come"),
            (claim("a", "training", "no", ""), "does not say of which plan it speaks"),
        ] {
            let report = read(&claims);
            assert_eq!((report.errors.len(), report.warnings.len()), (0, 1), "{expected}: {report:?}");
            assert!(report.warnings[0].message.contains(expected), "{report:?}");
        }
        assert_eq!(read(&claim("a", "training", "no", "plan = \"Team\"\n")).warnings, []);
    }

    #[test]
    fn a_claim_that_has_vanished_is_told() {
        let parse = |text: String| Catalogue::parse(&[("v.toml", &text)]).unwrap();
        let old = parse(format!("{HEAD}{}", claim("a", "soc2", "yes", "")));
        let problems = super::super::against(&old, &parse(HEAD.to_owned()));
        assert_eq!(problems[0].message, "claim `claim.v.a` has vanished");
        assert_eq!(problems[0].fix, "put it back, with retired = true");
    }
}
