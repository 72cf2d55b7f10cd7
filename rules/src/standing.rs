//! What follows from what sources say: the word for each question, with the claims that it rests on.

use crate::claim::Claim;
use crate::words::{Answer, ClaimSource, Framework, Standing};

/// What is known to one question about one part of a vendor's offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stand<'c> {
    /// The question.
    pub framework: Framework,
    /// The only product it is about.
    pub product: Option<&'c str>,
    /// The only plan it is about.
    pub plan: Option<&'c str>,
    /// The word.
    pub standing: Standing,
    /// What it rests on: the surest first, then the strongest source, then the latest; none where no source was found.
    pub claims: Vec<&'c Claim>,
}

/// The word for every question, in the order of the questions. A question that is answered by plan or by product has a
/// stand for each of them, since what holds for one plan does not contradict what holds for another; a question
/// that nobody answers has one of its own that says so.
pub fn stands<'c>(claims: impl IntoIterator<Item = &'c Claim>) -> Vec<Stand<'c>> {
    let mut claims: Vec<&Claim> = claims.into_iter().filter(|claim| !claim.retired).collect();
    // Within a group by id at last, so that the order never depends on the order of files.
    claims.sort_by(|a, b| {
        let group = group(a).cmp(&group(b));
        let confidence = b.confidence.cmp(&a.confidence);
        let source = (a.source_type, b.last_checked).cmp(&(b.source_type, a.last_checked));
        group.then(confidence).then(source).then_with(|| a.id.cmp(&b.id))
    });
    let mut groups = claims.chunk_by(|a, b| group(a) == group(b)).peekable();
    let mut stands = Vec::with_capacity(Framework::ALL.len());
    for &framework in Framework::ALL {
        let before = stands.len();
        while let Some(claims) = groups.next_if(|claims| claims[0].framework == framework) {
            stands.push(Stand {
                framework,
                product: claims[0].product.as_deref(),
                plan: claims[0].plan.as_deref(),
                standing: standing(claims),
                claims: claims.to_vec(),
            });
        }
        if stands.len() == before {
            let standing = Standing::Unknown;
            stands.push(Stand { framework, product: None, plan: None, standing, claims: Vec::new() });
        }
    }
    stands
}

fn group(claim: &Claim) -> (Framework, Option<&str>, Option<&str>) {
    (claim.framework, claim.product.as_deref(), claim.plan.as_deref())
}

fn standing(claims: &[&Claim]) -> Standing {
    let says = |answer| claims.iter().any(|claim| claim.status == answer);
    let registered =
        |claim: &&Claim| claim.status == Answer::Yes && claim.source_type == ClaimSource::CertificateRegister;
    // What a register shows outweighs what others have not found.
    match (says(Answer::Yes), says(Answer::No)) {
        (true, _) if claims.iter().any(registered) => Standing::Verified,
        (true, true) => Standing::Disputed,
        (true, false) => Standing::Claimed,
        (false, true) => Standing::Denied,
        (false, false) => Standing::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::testing::{HEAD, claim};

    fn catalogue(claims: &[String]) -> Catalogue {
        Catalogue::parse(&[("v.toml", &format!("{HEAD}{}", claims.concat()))]).unwrap()
    }

    fn word(claims: &[String]) -> Standing {
        let catalogue = catalogue(claims);
        let stands = stands(catalogue.claims_of("v"));
        stands.iter().find(|stand| stand.framework == Framework::Iso42001).unwrap().standing
    }

    #[test]
    fn the_word_follows_from_what_all_sources_say() {
        let says = |slug: &str, answer: &str| claim(slug, "iso42001", answer, "");
        let register = says("r", "yes").replace("first_party", "certificate_register");
        for (claims, expected) in [
            (vec![], Standing::Unknown),
            (vec![says("a", "unknown")], Standing::Unknown),
            (vec![says("a", "yes"), says("b", "unknown")], Standing::Claimed),
            (vec![says("a", "no"), says("b", "unknown")], Standing::Denied),
            (vec![says("a", "yes"), says("b", "no")], Standing::Disputed),
            (vec![says("a", "no"), register.clone()], Standing::Verified),
            (vec![register.replace("\"yes\"", "\"no\"")], Standing::Denied),
        ] {
            assert_eq!(word(&claims), expected, "{claims:?}");
        }
    }

    #[test]
    fn plans_and_products_do_not_contradict_each_other() {
        let catalogue = catalogue(&[
            claim("free", "training", "yes", "plan = \"Free\"\n"),
            claim("team", "training", "no", "plan = \"Team\"\n"),
            claim("p", "training", "no", "product = \"v.p\"\n"),
        ]);
        let stands = stands(catalogue.claims_of("v"));
        let training: Vec<_> = stands
            .iter()
            .filter(|stand| stand.framework == Framework::Training)
            .map(|stand| (stand.product, stand.plan, stand.standing))
            .collect();
        assert_eq!(
            training,
            [
                (None, Some("Free"), Standing::Claimed),
                (None, Some("Team"), Standing::Denied),
                (Some("v.p"), None, Standing::Denied)
            ]
        );
    }

    #[test]
    fn every_question_is_there_in_order_and_the_surest_source_first() {
        let low = claim("a", "dpa", "yes", "").replace("\"high\"", "\"low\"");
        let other = claim("b", "dpa", "no", "").replace("first_party", "third_party");
        let catalogue = catalogue(&[low, other, claim("c", "dpa", "no", "")]);
        let stands = stands(catalogue.claims_of("v"));
        let order: Vec<_> = stands.iter().map(|stand| stand.framework).collect();
        assert_eq!(order, Framework::ALL);
        let dpa = stands.iter().find(|stand| stand.framework == Framework::Dpa).unwrap();
        assert_eq!(
            dpa.claims.iter().map(|claim| &*claim.id).collect::<Vec<_>>(),
            ["claim.v.c", "claim.v.b", "claim.v.a"]
        );
        assert!(stands.iter().filter(|stand| stand.claims.is_empty()).count() == Framework::ALL.len() - 1);
    }
}
