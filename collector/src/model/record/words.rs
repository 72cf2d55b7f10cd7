//! The closed word lists of the governed record. Each word has one spelling, the same in JSON, SQL and on the command line, and a
//! label for people. `unknown` counts neither as good nor as bad.

use serde::{Deserialize, Serialize};

/// A list of words: the first is the one a new record has.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $(#[$dmeta:meta])* $dvariant:ident = $dword:literal, $dlabel:literal;
        $($(#[$vmeta:meta])* $variant:ident = $word:literal, $label:literal;)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            #[default]
            $(#[$dmeta])*
            #[serde(rename = $dword)]
            $dvariant,
            $($(#[$vmeta])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Every word, in the order in which people read them.
            pub const ALL: &'static [Self] = &[Self::$dvariant, $(Self::$variant,)*];

            /// The word as it is written.
            pub const fn as_str(self) -> &'static str {
                match self { Self::$dvariant => $dword, $(Self::$variant => $word,)* }
            }

            /// What people read.
            pub const fn label(self) -> &'static str {
                match self { Self::$dvariant => $dlabel, $(Self::$variant => $label,)* }
            }

            /// The one that is written so.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }

            /// Words and labels, for a form.
            pub fn choices() -> Vec<(&'static str, &'static str)> {
                Self::ALL.iter().map(|one| (one.as_str(), one.label())).collect()
            }
        }
    };
}

pub(crate) use words;

words! {
    /// Yes, no, or nobody knows.
    Tri {
        /// Nobody said.
        Unknown = "unknown", "Unknown";
        /// Yes.
        Yes = "yes", "Yes";
        /// No.
        No = "no", "No";
    }
}

words! {
    /// What sort of AI system it is.
    SystemKind {
        /// A service on the network.
        SaasService = "saas-service", "Cloud service";
        /// A program with windows.
        DesktopApp = "desktop-app", "Desktop application";
        /// A program for the command line that acts.
        CliAgent = "cli-agent", "Command-line agent";
        /// Part of an editor.
        IdeExtension = "ide-extension", "Editor extension";
        /// Part of a browser.
        BrowserExtension = "browser-extension", "Browser extension";
        /// A model on a machine of the organisation.
        LocalModel = "local-model", "Local model";
        /// A program that runs models.
        LocalRuntime = "local-runtime", "Local runtime";
        /// A server of tools for models.
        McpServer = "mcp-server", "MCP server";
        /// AI inside something else.
        EmbeddedFeature = "embedded-feature", "Embedded feature";
        /// A library or an interface in software of the organisation.
        ApiIntegration = "api-integration", "API integration";
        /// Built by the organisation.
        InternalSystem = "internal-system", "Internal system";
        /// Acts by itself.
        Agent = "agent", "Agent";
    }
}

words! {
    /// What its output does to a decision about people.
    DecisionImpact {
        /// Nobody said.
        Unknown = "unknown", "Unknown";
        /// Nothing is decided with it.
        None = "none", "None";
        /// A person reads it among other things.
        Informs = "informs", "Informs a decision";
        /// It weighs heavily.
        MateriallyInfluences = "materially-influences", "Materially influences a decision";
        /// It decides.
        Decides = "decides", "Decides";
    }
}

impl DecisionImpact {
    /// Whether its output shapes decisions.
    pub fn is_heavy(self) -> bool {
        matches!(self, Self::MateriallyInfluences | Self::Decides)
    }
}

words! {
    /// What the decision is about, where it has legal or similarly serious effects on people.
    Domain {
        /// Nobody said.
        Unknown = "unknown", "Unknown";
        /// No such field.
        None = "none", "None of these";
        /// Work and those who do it.
        Employment = "employment", "Employment";
        /// Loans.
        Credit = "credit", "Credit";
        /// Homes.
        Housing = "housing", "Housing";
        /// Health.
        Health = "health", "Health";
        /// Schools and training.
        Education = "education", "Education";
        /// Insurance.
        Insurance = "insurance", "Insurance";
        /// Services that people cannot do without.
        EssentialServices = "essential-services", "Essential services";
        /// Law and its enforcement.
        Law = "law", "Law";
    }
}

impl Domain {
    /// Whether it is one that the law looks at.
    pub fn is_consequential(self) -> bool {
        !matches!(self, Self::Unknown | Self::None)
    }
}

words! {
    /// How a person keeps hold of it.
    Oversight {
        /// Nobody said.
        Unknown = "unknown", "Unknown";
        /// Nobody looks.
        None = "none", "None";
        /// Somebody looks afterwards.
        ReviewAfter = "review-after", "Reviewed afterwards";
        /// Somebody has to agree first.
        ApproveBefore = "approve-before", "Approved beforehand";
        /// It does nothing by itself.
        FullControl = "full-control", "Full control by a person";
    }
}

words! {
    /// Where it works.
    Environment {
        /// Nobody said.
        Unknown = "unknown", "Unknown";
        /// Inside the organisation.
        Internal = "internal", "Internal";
        /// Customers meet it.
        CustomerFacing = "customer-facing", "Customer-facing";
        /// Somebody may be hurt.
        SafetyRelated = "safety-related", "Safety-related";
    }
}

words! {
    /// The organisation's part in the life of the system, after ISO/IEC 22989.
    OrgRole {
        /// Provider of a platform.
        ProviderPlatform = "provider-platform", "Provider: platform";
        /// Provider of a product or service.
        ProviderProduct = "provider-product", "Provider: product or service";
        /// Producer: developer.
        Developer = "producer-developer", "Producer: developer";
        /// Producer: designer.
        Designer = "producer-designer", "Producer: designer";
        /// Producer: operator.
        Operator = "producer-operator", "Producer: operator";
        /// Producer: tester and evaluator.
        TesterEvaluator = "producer-tester-evaluator", "Producer: tester or evaluator";
        /// Producer: deployer.
        Deployer = "producer-deployer", "Producer: deployer";
        /// Producer: human factors.
        HumanFactors = "producer-human-factors", "Producer: human factors";
        /// Producer: domain expert.
        DomainExpert = "producer-domain-expert", "Producer: domain expert";
        /// Producer: impact assessor.
        ImpactAssessor = "producer-impact-assessor", "Producer: impact assessor";
        /// Producer: procurer.
        Procurer = "producer-procurer", "Producer: procurer";
        /// Producer: governance.
        Governance = "producer-governance", "Producer: governance";
        /// Customer: user.
        User = "customer-user", "Customer: user";
        /// Partner: system integrator.
        Integrator = "partner-integrator", "Partner: system integrator";
        /// Partner: data provider.
        DataProvider = "partner-data-provider", "Partner: data provider";
        /// Subject.
        Subject = "subject", "Subject";
        /// Authority.
        Authority = "authority", "Authority";
    }
}

words! {
    /// The organisation's part under the EU AI Act.
    AiActRole {
        /// Nobody said.
        Unknown = "unknown", "Unknown";
        /// Provider.
        Provider = "provider", "Provider";
        /// Deployer.
        Deployer = "deployer", "Deployer";
        /// Importer.
        Importer = "importer", "Importer";
        /// Distributor.
        Distributor = "distributor", "Distributor";
        /// Product manufacturer.
        Manufacturer = "product-manufacturer", "Product manufacturer";
        /// None of these.
        None = "none", "None";
    }
}

words! {
    /// How far somebody is with an assessment.
    AssessmentState {
        /// There is none.
        None = "none", "None";
        /// Somebody will.
        Planned = "planned", "Planned";
        /// It is there.
        Done = "done", "Done";
        /// It is too old.
        Expired = "expired", "Expired";
        /// It was looked at, and there need not be one.
        NotNeeded = "not-needed", "Not needed";
    }
}

words! {
    /// What sort of data goes in.
    DataCategory {
        /// Nobody said.
        Unknown = "unknown", "Unknown";
        /// Anybody may read it.
        Public = "public", "Public";
        /// For those inside.
        Internal = "internal", "Internal";
        /// For few.
        Confidential = "confidential", "Confidential";
        /// About people.
        Personal = "personal", "Personal";
        /// About people, of the kinds the law protects most.
        SpecialCategory = "special-category", "Special category";
        /// About children.
        Children = "children", "Children";
        /// Source code.
        SourceCode = "source-code", "Source code";
        /// Passwords and keys.
        Credentials = "credentials", "Credentials";
        /// Of customers.
        Customer = "customer", "Customer";
        /// Of health.
        Health = "health", "Health";
        /// Of money.
        Financial = "financial", "Financial";
    }
}

words! {
    /// Where it computes (ISO/IEC 42001, A.4.5), as a person said.
    ComputePlace {
        /// Nobody said.
        Unknown = "unknown", "Unknown";
        /// Where people work with it.
        OwnDevice = "own-device", "Devices of the organisation";
        /// On servers that the organisation runs.
        OwnServer = "own-server", "Servers of the organisation";
        /// At a provider of clouds, in an account of the organisation.
        OwnCloudAccount = "own-cloud-account", "Cloud account of the organisation";
        /// Wherever who provides it lets it run.
        VendorCloud = "vendor-cloud", "Cloud of the vendor";
    }
}

words! {
    /// How much harm it may do, as a person set it.
    Tier {
        /// Nobody looked.
        Unassessed = "unassessed", "Unassessed";
        /// Little.
        Minimal = "minimal", "Minimal";
        /// Some.
        Limited = "limited", "Limited";
        /// Much.
        High = "high", "High";
        /// More than may be.
        Unacceptable = "unacceptable", "Unacceptable";
    }
}

words! {
    /// Class under the EU AI Act, as a person set it. Nothing is concluded from it but what stands beside it.
    AiActClass {
        /// Nobody decided.
        Undetermined = "undetermined", "Undetermined";
        /// Prohibited practice (Article 5).
        ProhibitedArt5 = "prohibited-art5", "Prohibited practice (Art. 5)";
        /// High risk by a product law (Annex I).
        HighAnnex1 = "high-annex1", "High risk (Annex I)";
        /// High risk by its use (Annex III).
        HighAnnex3 = "high-annex3", "High risk (Annex III)";
        /// Named in Annex III and not high risk, with grounds (Article 6(3)).
        Annex3NotHigh = "annex3-not-high-art6-3", "Annex III, not high risk (Art. 6(3))";
        /// Has to be made known (Article 50).
        TransparencyArt50 = "transparency-art50", "Transparency (Art. 50)";
        /// Built on a general-purpose model.
        GpaiBased = "gpai-based", "Based on a general-purpose model";
        /// A general-purpose model of the organisation's own.
        GpaiProvider = "gpai-provider", "Provider of a general-purpose model";
        /// None of these.
        Minimal = "minimal", "None of these";
        /// No AI system in the Act's words.
        NotAnAiSystem = "not-an-ai-system", "Not an AI system";
    }
}

impl AiActClass {
    /// Whether it is high risk.
    pub fn is_high(self) -> bool {
        matches!(self, Self::HighAnnex1 | Self::HighAnnex3)
    }
}

words! {
    /// How far people are with it.
    ReviewState {
        /// Proposed by sightings; nobody looked.
        New = "new", "New";
        /// Somebody looked.
        Triaged = "triaged", "Triaged";
        /// Somebody answers for it, and it is being decided.
        UnderReview = "under-review", "Under review";
        /// Decided.
        Decided = "decided", "Decided";
        /// Decided once, and open again.
        Reopened = "reopened", "Reopened";
        /// Nothing to decide.
        Dismissed = "dismissed", "Dismissed";
    }
}

impl ReviewState {
    /// Whether it waits for somebody.
    pub fn is_pending(self) -> bool {
        !matches!(self, Self::Decided | Self::Dismissed)
    }
}

words! {
    /// Why it is open again.
    ReopenReason {
        /// A person wants it.
        Manual = "manual", "Asked for";
        /// Retired or dismissed, and seen again.
        Resurfaced = "resurfaced", "Seen again";
        /// What was decided on is no longer what is there.
        MaterialChange = "material-change", "Changed materially";
        /// It is time.
        ReviewDue = "review-due", "Review due";
        /// What was allowed for a time is over.
        Expired = "expired", "Expired";
        /// The decision was taken back.
        DecisionRevoked = "decision-revoked", "Decision revoked";
    }
}

words! {
    /// Why there is nothing to decide.
    DismissReason {
        /// It is no AI.
        NotAi = "not-ai", "Not AI";
        /// Another record is the same.
        DuplicateOf = "duplicate-of", "Duplicate of another record";
        /// Somebody tried something.
        Test = "test", "A test";
        /// Not of this organisation.
        OutOfEstate = "out-of-estate", "Outside the organisation";
    }
}

words! {
    /// What was decided about its use.
    Sanction {
        /// Nothing.
        None = "none", "No decision";
        /// It may be used.
        Sanctioned = "sanctioned", "Sanctioned";
        /// It may be used until a day, under conditions.
        Tolerated = "tolerated", "Tolerated";
        /// It may not be used.
        Prohibited = "prohibited", "Prohibited";
    }
}

words! {
    /// Whether the AI management system covers it.
    Scope {
        /// Nobody decided.
        Undetermined = "undetermined", "Undetermined";
        /// It does.
        In = "in", "In scope";
        /// It does not, and it is written down why.
        Out = "out", "Out of scope";
    }
}

words! {
    /// Where it stands in its life.
    Stage {
        /// It runs. What sensors find is in use.
        Deployed = "deployed", "Deployed";
        /// Somebody thinks of it.
        Idea = "idea", "Idea";
        /// It is being made ready.
        PreDeployment = "pre-deployment", "Before deployment";
        /// Some try it.
        Pilot = "pilot", "Pilot";
        /// It stands still.
        Suspended = "suspended", "Suspended";
        /// It is over.
        Retired = "retired", "Retired";
    }
}

words! {
    /// What sensors show of it.
    Observed {
        /// Nothing, ever.
        Never = "never", "Never seen";
        /// It was seen lately.
        Active = "active", "Active";
        /// Not for some time.
        Quiet = "quiet", "Quiet";
        /// Not for long.
        Gone = "gone", "Gone";
    }
}

words! {
    /// What keeps people from, or to, what was decided. A decision alone enforces nothing.
    Enforcement {
        /// Nobody said.
        Unknown = "unknown", "Unknown";
        /// Nothing.
        None = "none", "None";
        /// People were told.
        Advised = "advised", "Advised";
        /// In part.
        Partial = "partial", "Partial";
        /// Everywhere.
        Full = "full", "Full";
    }
}
