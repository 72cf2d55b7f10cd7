//! What sources say about a vendor, as JSON.

use serde::Serialize;
use umbrascope_rules::Claim;
use utoipa::ToSchema;

use crate::model;

/// A vendor with every question and what sources answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorFacts {
    /// Id of the catalogue.
    pub id: String,
    /// Name.
    pub name: String,
    /// As the register of companies calls it.
    pub legal_name: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Its site.
    pub site: Option<String>,
    /// Every question; one without a source has an answer that says so.
    pub questions: Vec<VendorQuestion>,
}

/// One question, and its answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorQuestion {
    /// iso42001, iso27001, soc2, training, retention, residency, dpa, gpai-code, terms or trust-centre.
    pub framework: String,
    /// The question in words.
    pub label: String,
    /// One, or one for each plan and product that sources tell apart.
    pub answers: Vec<VendorAnswer>,
}

/// What is known to a question.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorAnswer {
    /// Name of the only product it is about.
    pub product: Option<String>,
    /// The only plan it is about.
    pub plan: Option<String>,
    /// verified, claimed, disputed, denied or unknown. Unknown means that no public evidence was found; it is not a no.
    pub standing: String,
    /// What each source says, the surest first.
    pub claims: Vec<VendorClaim>,
}

/// What one source says.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorClaim {
    /// Id of the catalogue, never reused.
    pub id: String,
    /// yes, no or unknown.
    pub status: String,
    /// What it covers.
    pub scope: Option<String>,
    /// A period, regions, a certifier.
    pub detail: Option<String>,
    /// The page that the answer is about, where the source is another.
    pub link: Option<String>,
    /// Where it was read.
    pub source_url: String,
    /// first_party, press_release, certificate_register, registry or third_party.
    pub source_type: String,
    /// The day that the source gives for what it says.
    #[schema(format = Date)]
    pub source_date: Option<String>,
    /// The day somebody last read the source.
    #[schema(format = Date)]
    pub last_checked: String,
    /// high, medium or low.
    pub confidence: String,
}

impl From<model::VendorFacts> for VendorFacts {
    fn from(facts: model::VendorFacts) -> Self {
        let text = |text: Option<umbrascope_rules::Text>| text.map(String::from);
        Self {
            id: facts.vendor.id.into_owned(),
            name: facts.vendor.name.into_owned(),
            legal_name: text(facts.vendor.legal_name),
            country: text(facts.vendor.country),
            site: text(facts.vendor.site),
            questions: facts.questions.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<model::Question> for VendorQuestion {
    fn from(question: model::Question) -> Self {
        let answer = |answer: model::QuestionAnswer| VendorAnswer {
            product: answer.product,
            plan: answer.plan,
            standing: answer.standing.to_string(),
            claims: answer.claims.into_iter().map(Into::into).collect(),
        };
        Self {
            framework: question.framework.to_string(),
            label: question.framework.label().to_owned(),
            answers: question.answers.into_iter().map(answer).collect(),
        }
    }
}

impl From<Claim> for VendorClaim {
    fn from(claim: Claim) -> Self {
        let text = |text: Option<umbrascope_rules::Text>| text.map(String::from);
        Self {
            id: claim.id.into_owned(),
            status: claim.status.to_string(),
            scope: text(claim.scope),
            detail: text(claim.detail),
            link: text(claim.link),
            source_url: claim.source_url.into_owned(),
            source_type: claim.source_type.to_string(),
            source_date: claim.source_date.map(|day| day.to_string()),
            last_checked: claim.last_checked.to_string(),
            confidence: claim.confidence.to_string(),
        }
    }
}
