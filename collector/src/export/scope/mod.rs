//! A signed scope statement as a file: HTML and PDF for people, JSON for programs. All three carry the same hash, and the PDF has the JSON
//! in it.

use askama::Template;

use crate::scope::{Body, Sheet, Statement};

mod pdf;

pub use pdf::PdfError;

/// A form of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeFormat {
    /// One file that needs no other, and prints well.
    Html,
    /// Pages.
    Pdf,
    /// The signed document, which `scope::verify` takes.
    Json,
}

impl ScopeFormat {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::Html, Self::Pdf, Self::Json];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Html => "scope-html",
            Self::Pdf => "scope-pdf",
            Self::Json => "scope-json",
        }
    }

    /// Ending of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Pdf => "pdf",
            Self::Json => "json",
        }
    }

    /// Media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Pdf => "application/pdf",
            Self::Json => "application/json",
        }
    }
}

/// Why a statement was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeExportError {
    /// As HTML.
    #[error("the statement could not be written as HTML")]
    Html(#[from] askama::Error),
    /// As PDF.
    #[error("the statement could not be written as PDF")]
    Pdf(#[from] PdfError),
    /// As JSON.
    #[error("the statement could not be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// Writes a signed statement; `None` while it is not signed. `vkey` is what the collector's signature is checked with.
pub fn write(
    format: ScopeFormat,
    statement: &Statement,
    sheet: &Sheet,
    vkey: &str,
) -> Result<Option<Vec<u8>>, ScopeExportError> {
    let (Some(mut file), Some(hash)) = (statement.signed_file(), sheet.hash.as_deref()) else {
        return Ok(None);
    };
    file["vkey"] = vkey.into();
    let json = serde_json::to_vec_pretty(&file)?;
    Ok(Some(match format {
        ScopeFormat::Json => json,
        ScopeFormat::Html => HtmlFile { sheet, hash, vkey }.render()?.into_bytes(),
        ScopeFormat::Pdf => pdf::write(sheet, hash, vkey, json)?,
    }))
}

/// The HTML file.
#[derive(Debug, Template)]
#[template(path = "scope_export.html")]
struct HtmlFile<'s> {
    sheet: &'s Sheet,
    hash: &'s str,
    vkey: &'s str,
}
