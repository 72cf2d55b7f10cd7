//! What sources say about a vendor, for a person who has to judge it.

use serde::Serialize;
use umbrascope_rules::{Catalogue, Claim, Framework, Standing, Vendor, stands};

/// A vendor with every question and what sources answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VendorFacts {
    /// The vendor.
    #[serde(flatten)]
    pub vendor: Vendor,
    /// Every question, in their order.
    pub questions: Vec<Question>,
}

/// One question, and its answers: one where it is not split by plan or product.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Question {
    /// The question.
    pub framework: Framework,
    /// Its answers, one at least.
    pub answers: Vec<QuestionAnswer>,
}

/// What is known to a question about a plan, a product or all of a vendor's offer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuestionAnswer {
    /// Name of the only product it is about.
    pub product: Option<String>,
    /// The only plan it is about.
    pub plan: Option<String>,
    /// The word that follows from all sources.
    pub standing: Standing,
    /// What each source says, the surest first; none where nobody was found to say anything.
    pub claims: Vec<Claim>,
}

impl VendorFacts {
    /// Of a vendor of the catalogue; with `product`, without what is said of its other products only.
    pub fn of(catalogue: &Catalogue, vendor: &str, product: Option<&str>) -> Option<Self> {
        let found = catalogue.vendor(vendor)?;
        let concerns = |claim: &&Claim| match (claim.product.as_deref(), product) {
            (Some(only), Some(product)) => only == product,
            _ => true,
        };
        let mut questions: Vec<Question> = Vec::with_capacity(Framework::ALL.len());
        for stand in stands(catalogue.claims_of(vendor).filter(concerns)) {
            let name = |id: &str| {
                catalogue.product(id).map_or_else(|| id.to_owned(), |product| product.name.to_string())
            };
            let answer = QuestionAnswer {
                product: stand.product.map(name),
                plan: stand.plan.map(str::to_owned),
                standing: stand.standing,
                claims: stand.claims.into_iter().cloned().collect(),
            };
            match questions.last_mut() {
                Some(question) if question.framework == stand.framework => question.answers.push(answer),
                _ => questions.push(Question { framework: stand.framework, answers: vec![answer] }),
            }
        }
        Some(Self { vendor: found.clone(), questions })
    }

    /// How many of the questions some source answers.
    pub fn answered(&self) -> usize {
        let known =
            |question: &&Question| question.answers.iter().any(|answer| answer.standing != Standing::Unknown);
        self.questions.iter().filter(known).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        let claim = |slug: &str, lines: &str| {
            format!(
                "[[claim]]\nid = \"claim.v.{slug}\"\nsource_url = \"https://v.dev/{slug}\"\nsource_type = \"first_party\"\n\
                 last_checked = 2026-11-26\nconfidence = \"high\"\n{lines}\n"
            )
        };
        let product = |slug: &str| {
            format!(
                "[[product]]\nid = \"v.{slug}\"\nname = \"{slug}\"\nkind = \"service\"\ncategory = \"coding\"\n\
                 description = \"A.\"\n"
            )
        };
        let text = [
            "[vendor]\nid = \"v\"\nname = \"V\"\n".to_owned(),
            product("p"),
            product("q"),
            claim("yes", "framework = \"soc2\"\nstatus = \"yes\""),
            claim("no", "framework = \"soc2\"\nstatus = \"no\""),
            claim("q", "framework = \"dpa\"\nstatus = \"yes\"\nproduct = \"v.q\""),
            claim("free", "framework = \"training\"\nstatus = \"yes\"\nplan = \"Free\""),
            claim("team", "framework = \"training\"\nstatus = \"no\"\nplan = \"Team\""),
        ];
        Catalogue::parse(&[("v.toml", &text.concat())]).unwrap()
    }

    fn answers(facts: &VendorFacts, framework: Framework) -> Vec<(Option<&str>, Standing, usize)> {
        let question = facts.questions.iter().find(|question| question.framework == framework).unwrap();
        let answer = |answer: &'_ QuestionAnswer| (answer.standing, answer.claims.len());
        question
            .answers
            .iter()
            .map(|found| {
                let (standing, claims) = answer(found);
                (found.plan.as_deref().or(found.product.as_deref()), standing, claims)
            })
            .collect()
    }

    #[test]
    fn every_question_stands_once_with_its_answers_by_plan() {
        let facts = VendorFacts::of(&catalogue(), "v", None).unwrap();
        assert_eq!(facts.questions.len(), Framework::ALL.len());
        assert_eq!(answers(&facts, Framework::Soc2), [(None, Standing::Disputed, 2)]);
        assert_eq!(
            answers(&facts, Framework::Training),
            [(Some("Free"), Standing::Claimed, 1), (Some("Team"), Standing::Denied, 1)]
        );
        assert_eq!(answers(&facts, Framework::Iso42001), [(None, Standing::Unknown, 0)]);
        assert_eq!(facts.answered(), 3);
    }

    #[test]
    fn what_is_said_of_another_product_is_not_said_of_this_one() {
        let of = |product| VendorFacts::of(&catalogue(), "v", Some(product)).unwrap();
        assert_eq!(answers(&of("v.q"), Framework::Dpa), [(Some("q"), Standing::Claimed, 1)]);
        assert_eq!(answers(&of("v.p"), Framework::Dpa), [(None, Standing::Unknown, 0)]);
        assert_eq!(VendorFacts::of(&catalogue(), "w", None), None);
    }
}
