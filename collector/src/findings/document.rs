//! What may be attached.

use super::{field_refused, line, location, may_work, triages};
use crate::model::Role;
use crate::model::document::{Document, DocumentKind};
use crate::review::{Refused, Who};

/// Whether a person may attach this document, as it will be kept, and in which role. `owns`: the person answers for what it hangs on.
pub fn attach(
    document: &Document,
    units: &[i64],
    who: &Who,
    owns: bool,
) -> Result<(Document, Option<Role>), Refused> {
    let role = match triages(units, who) {
        Ok(role) => Some(role),
        Err(refused) if !owns || !may_work(who) => return Err(refused),
        Err(_) => None,
    };
    let mut next = document.clone();
    next.title = line(&document.title, "title")?;
    next.location = document.location.as_deref().map(|text| location(text, "location")).transpose()?;
    next.sha256 = document.sha256.as_deref().map(hash).transpose()?;
    if next.kind != DocumentKind::Observation && next.location.is_none() && next.sha256.is_none() {
        return Err(field_refused("location", "say where it is, or what it hashes to".to_owned()));
    }
    if let (Some(from), Some(to)) = (next.effective_from, next.effective_to)
        && from > to
    {
        return Err(field_refused("effective_to", "it ends before it begins".to_owned()));
    }
    Ok((next, role))
}

pub(super) fn hash(text: &str) -> Result<String, Refused> {
    let text = text.trim().to_ascii_lowercase();
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text);
    }
    Err(field_refused("sha256", "this is no SHA-256: 64 hexadecimal digits".to_owned()))
}
