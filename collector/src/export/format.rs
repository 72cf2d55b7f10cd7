//! The formats there are: their words, files, and what each is for.

use std::str::FromStr;

/// A format that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// AI systems or products as rows of comma-separated values.
    Csv,
    /// Products with evidence, AI systems, assets and coverage.
    Json,
    /// One thing a line, for what reads as it comes.
    JsonLines,
    /// A bill of materials, CycloneDX 1.6.
    CycloneDx16,
    /// The same, CycloneDX 1.7.
    CycloneDx17,
    /// A bill of materials, SPDX 3.0.1 with its profile for AI.
    Spdx,
    /// Events for a SIEM, OCSF 1.8.
    Ocsf,
    /// Components and what is kept of them for each clause, OSCAL.
    Oscal,
    /// Tables that CISO Assistant imports.
    CisoAssistant,
}

/// What stands about a format on the command line and on a page.
struct Told {
    word: &'static str,
    label: &'static str,
    purpose: &'static str,
    extension: &'static str,
    content_type: &'static str,
    parts: &'static [&'static str],
}

impl Format {
    /// Every format, in the order in which people read them.
    pub const ALL: [Self; 9] = [
        Self::Csv,
        Self::Json,
        Self::JsonLines,
        Self::CycloneDx16,
        Self::CycloneDx17,
        Self::Spdx,
        Self::Ocsf,
        Self::Oscal,
        Self::CisoAssistant,
    ];

    /// Its word on the command line and in an address.
    pub fn as_str(self) -> &'static str {
        self.told().word
    }

    /// What people call it.
    pub fn label(self) -> &'static str {
        self.told().label
    }

    /// What it is for, in a sentence.
    pub fn purpose(self) -> &'static str {
        self.told().purpose
    }

    /// Ending of a file's name.
    pub fn extension(self) -> &'static str {
        self.told().extension
    }

    /// Media type.
    pub fn content_type(self) -> &'static str {
        self.told().content_type
    }

    /// Its parts, the one that is written where none is asked for first; empty: it has none.
    pub fn parts(self) -> &'static [&'static str] {
        self.told().parts
    }

    /// The part asked for, or why there is none.
    pub fn part(self, asked: Option<&str>) -> Result<&'static str, UnknownPart> {
        match asked {
            None | Some("") => Ok(self.parts().first().copied().unwrap_or_default()),
            Some(asked) => {
                self.parts().iter().copied().find(|part| *part == asked).ok_or_else(|| UnknownPart {
                    format: self.as_str(),
                    asked: asked.chars().take(40).collect(),
                    parts: match self.parts() {
                        [] => "it has no parts".to_owned(),
                        parts => format!("choose {}", parts.join(" or ")),
                    },
                })
            }
        }
    }

    fn told(self) -> Told {
        let json = "application/json";
        let csv = "text/csv; charset=utf-8; header=present";
        match self {
            Self::Csv => Told {
                word: "csv",
                label: "CSV",
                purpose: "For a spreadsheet: one row a product, or one row an AI system.",
                extension: "csv",
                content_type: csv,
                parts: &["products", "systems"],
            },
            Self::Json => Told {
                word: "json",
                label: "JSON",
                purpose: "For programs: everything, each record whole, with evidence and coverage.",
                extension: "json",
                content_type: json,
                parts: &[],
            },
            Self::JsonLines => Told {
                word: "jsonl",
                label: "JSON Lines",
                purpose: "For a log pipeline: one AI system, product or decision a line, each line valid by itself.",
                extension: "jsonl",
                content_type: "application/x-ndjson",
                parts: &[],
            },
            Self::CycloneDx16 => Told {
                word: "cyclonedx-1.6",
                label: "CycloneDX 1.6",
                purpose: "A bill of materials of services, applications and models, for tools of software supply chains.",
                extension: "cdx.json",
                content_type: "application/vnd.cyclonedx+json; version=1.6",
                parts: &[],
            },
            Self::CycloneDx17 => Told {
                word: "cyclonedx-1.7",
                label: "CycloneDX 1.7",
                purpose: "The same for tools that read the newer version.",
                extension: "cdx.json",
                content_type: "application/vnd.cyclonedx+json; version=1.7",
                parts: &[],
            },
            Self::Spdx => Told {
                word: "spdx-3.0.1",
                label: "SPDX 3.0.1",
                purpose: "A bill of materials with the classes of SPDX's profile for AI, as JSON-LD.",
                extension: "spdx.json",
                content_type: "application/spdx+json",
                parts: &[],
            },
            Self::Ocsf => Told {
                word: "ocsf-1.8",
                label: "OCSF 1.8",
                purpose: "Events for a SIEM: what is there, and what was decided about it.",
                extension: "ocsf.jsonl",
                content_type: "application/x-ndjson",
                parts: &[],
            },
            Self::Oscal => Told {
                word: "oscal",
                label: "OSCAL",
                purpose: "A component definition against the clauses of ISO/IEC 42001, for tools of compliance.",
                extension: "oscal.json",
                content_type: json,
                parts: &["component-definition", "catalog"],
            },
            Self::CisoAssistant => Told {
                word: "ciso-assistant",
                label: "CISO Assistant",
                purpose: "Tables that CISO Assistant imports: assets, findings, or evidence.",
                extension: "csv",
                content_type: csv,
                parts: &["assets", "findings", "evidence"],
            },
        }
    }
}

/// A word that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{asked:?} is no export format: choose {}", Format::ALL.map(Format::as_str).join(", "))]
pub struct UnknownFormat {
    asked: String,
}

/// A word that names no part of a format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{asked:?} is no part of the format {format}: {parts}")]
pub struct UnknownPart {
    format: &'static str,
    asked: String,
    parts: String,
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, UnknownFormat> {
        let known = Self::ALL.into_iter().find(|format| format.as_str() == word);
        known.ok_or_else(|| UnknownFormat { asked: word.chars().take(40).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_leads_back_to_its_format() {
        let words: Vec<&str> =
            Format::ALL.map(Format::as_str).into_iter().chain([crate::export::EVIDENCE_PACK]).collect();
        assert_eq!(words, crate::export::FORMATS);
        for format in Format::ALL {
            assert_eq!(format.as_str().parse(), Ok(format));
            assert!(!format.purpose().is_empty() && !format.extension().starts_with('.'));
        }
        assert!("pdf".parse::<Format>().unwrap_err().to_string().contains("cyclonedx-1.6"));
    }

    #[test]
    fn a_part_is_one_of_its_formats() {
        assert_eq!(Format::CisoAssistant.part(None).unwrap(), "assets");
        assert_eq!(Format::CisoAssistant.part(Some("findings")).unwrap(), "findings");
        assert_eq!(Format::Json.part(None).unwrap(), "");
        assert!(Format::Json.part(Some("assets")).unwrap_err().to_string().contains("no parts"));
        assert!(Format::Csv.part(Some("assets")).unwrap_err().to_string().contains("products or systems"));
    }
}
