//! What a signed statement is proved with: one document in canonical JSON, its hash, and a signed note that names the hash. The hash
//! stands in every form that the statement is printed in.
//!
//! How somebody else checks it: take the member `document` of the file, write it as canonical JSON (RFC 8785), take its SHA-256; that is
//! the member `hash`, and the fourth line of the note; then check the note's signature with the collector's verification key.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Approval, Content, Statement};
use crate::audit::{CanonicalError, Hash, Keys, Note, NoteError, VerifyingKey, canonical, sha256};

/// What the signed document is written as.
const FORMAT: &str = "umbrascope scope statement/1";
/// What is said beside the signature.
pub const NO_PERSONAL_SIGNATURE: &str = "The approvals are notes of the collector that these people, having signed in again, approved this content. The signature is by the collector's key. It is no personal signature of anybody.";

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// `umbrascope scope statement/1`.
    pub format: String,
    /// What the signature is, and is not.
    pub signature_means: String,
    /// What it lists.
    pub content: Content,
    /// The scope owner's approval.
    pub approved: Approval,
    /// The reviewer's countersignature.
    pub countersigned: Approval,
    /// The audit trail at that moment.
    pub log: LogHead,
}

/// What the audit trail came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogHead {
    /// Which log.
    pub origin: String,
    /// How many entries: those from 0 to one less. The entry of the signature is the next one.
    pub size: u64,
    /// The root over their leaves, in hexadecimal.
    pub root: String,
}

/// The signature of the collector's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// The audit trail at that moment.
    pub log: LogHead,
    /// SHA-256 of the document's canonical JSON, in hexadecimal.
    pub hash: String,
    /// The signed note that names it.
    pub note: String,
}

/// A file that held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The document.
    pub document: Document,
    /// Its hash, in hexadecimal.
    pub hash: String,
}

/// Why a signed statement does not hold, or was not signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The file is no statement.
    #[error("this is no signed scope statement ({0})")]
    Form(&'static str),
    /// It cannot be read as JSON.
    #[error("this is no JSON of a scope statement")]
    Json(#[from] serde_json::Error),
    /// It has no canonical form.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// The document is not the one that was signed.
    #[error("altered: the document has another hash than the file says")]
    Hash,
    /// The note is of another document.
    #[error("altered: the signed note is of another document")]
    Other,
    /// The note's signature does not hold.
    #[error("the signed note does not hold")]
    Note(#[from] NoteError),
}

impl Statement {
    /// What is signed, once two people approved and the trail of that moment is known.
    pub fn document(&self, log: &LogHead) -> Option<Document> {
        Some(Document {
            format: FORMAT.to_owned(),
            signature_means: NO_PERSONAL_SIGNATURE.to_owned(),
            content: self.content.clone()?,
            approved: self.approved.clone()?,
            countersigned: self.countersigned.clone()?,
            log: log.clone(),
        })
    }

    /// The file that [`verify`] takes; `None` while it is not signed.
    pub fn signed_file(&self) -> Option<Value> {
        let seal = self.seal.as_ref()?;
        let document = self.document(&seal.log)?;
        Some(serde_json::json!({ "document": document, "hash": seal.hash, "note": seal.note }))
    }
}

/// SHA-256 of a document's canonical JSON.
pub fn document_hash(document: &impl Serialize) -> Result<Hash, CanonicalError> {
    Ok(sha256(&[&canonical(document)?]))
}

/// Signs a statement that two people approved, with what the trail came to.
pub fn seal(statement: &Statement, size: u64, root: Hash, keys: &Keys) -> Result<Seal, VerifyError> {
    let log = LogHead { origin: keys.origin().to_owned(), size, root: root.to_string() };
    let document = statement.document(&log).ok_or(VerifyError::Form("two people have not approved it"))?;
    let hash = document_hash(&document)?;
    let note = keys.sign_text(text(&log.origin, statement.number, &hash.to_string()))?.to_string();
    Ok(Seal { log, hash: hash.to_string(), note })
}

/// Checks a file that [`Statement::signed_file`] wrote, against keys that are known from elsewhere.
pub fn verify(file: &str, keys: &[VerifyingKey]) -> Result<Verified, VerifyError> {
    let file: Value = serde_json::from_str(file)?;
    let document = file.get("document").ok_or(VerifyError::Form("it has no document"))?;
    let hash = file.get("hash").and_then(Value::as_str).ok_or(VerifyError::Form("it has no hash"))?;
    let note = file.get("note").and_then(Value::as_str).ok_or(VerifyError::Form("it has no note"))?;
    // Of the JSON as it stands, so that a member that this version does not know counts too.
    if document_hash(document)?.to_string() != hash {
        return Err(VerifyError::Hash);
    }
    let read: Document = serde_json::from_value(document.clone())?;
    let note = Note::read(note)?;
    note.verify(keys)?;
    if note.text() != text(&read.log.origin, read.content.number, hash) {
        return Err(VerifyError::Other);
    }
    Ok(Verified { hash: hash.to_owned(), document: read })
}

/// The note's text: four lines, of which none makes it a checkpoint.
fn text(origin: &str, number: u64, hash: &str) -> String {
    format!("{FORMAT}\n{origin}\nnumber {number}\nsha256 {hash}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Checkpoint;

    fn signed() -> (Statement, Keys) {
        let keys = Keys::load(&Keys::create("host.example/aims/demo").unwrap()).unwrap();
        let approval = |person, role: &str| Some(Approval { person, role: role.to_owned(), at_ms: 7 });
        let mut statement = Statement {
            number: 2,
            content: Some(Content { number: 2, policy: "2026-1".into(), ..Content::default() }),
            approved: approval(1, "scope-owner"),
            countersigned: approval(2, "reviewer"),
            ..Statement::default()
        };
        statement.seal = Some(seal(&statement, 12, Hash([3; 32]), &keys).unwrap());
        (statement, keys)
    }

    #[test]
    fn what_was_signed_verifies_and_any_change_is_noticed() {
        let (statement, keys) = signed();
        let vkeys = [keys.vkey().clone()];
        let file = statement.signed_file().unwrap();
        let verified = verify(&file.to_string(), &vkeys).unwrap();
        assert_eq!(verified.document.log.size, 12);
        assert_eq!(verified.hash, statement.seal.as_ref().unwrap().hash);
        // Another order and other white space are the same document.
        assert!(verify(&serde_json::to_string_pretty(&file).unwrap(), &vkeys).is_ok());

        let mut altered = file.clone();
        altered["document"]["content"]["policy"] = "2026-2".into();
        assert!(matches!(verify(&altered.to_string(), &vkeys), Err(VerifyError::Hash)));
        altered["hash"] = document_hash(&altered["document"]).unwrap().to_string().into();
        assert!(matches!(verify(&altered.to_string(), &vkeys), Err(VerifyError::Other)));
        let mut more = file.clone();
        more["document"]["content"]["extra"] = 1.into();
        assert!(matches!(verify(&more.to_string(), &vkeys), Err(VerifyError::Hash)));
        let mut note = file.clone();
        note["note"] = file["note"].as_str().unwrap().replace("number 2", "number 3").into();
        assert!(matches!(verify(&note.to_string(), &vkeys), Err(VerifyError::Note(NoteError::Wrong(_)))));
        let (_, other) = signed();
        assert!(matches!(
            verify(&file.to_string(), &[other.vkey().clone()]),
            Err(VerifyError::Note(NoteError::Unknown))
        ));
        for bad in ["", "{}", "[]", "{\"document\":1,\"hash\":\"\",\"note\":\"\"}"] {
            assert!(verify(bad, &vkeys).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_signed_statement_is_no_checkpoint() {
        let (statement, _) = signed();
        let note = Note::read(&statement.seal.unwrap().note).unwrap();
        assert!(Checkpoint::of(&note).is_err());
    }

    #[test]
    fn what_nobody_approved_is_not_signed() {
        let (statement, keys) = signed();
        let alone = Statement { countersigned: None, ..statement };
        assert!(seal(&alone, 1, Hash::ZERO, &keys).is_err());
    }
}
