//! Two name spaces of ids, so that an organisation's own ids never come to mean something of a release.

/// Whose an id is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// Of a release of the catalogue.
    Release,
    /// Of an organisation: vendors `own` and `own-<slug>`, and what is below them; denies `deny.own-<slug>`.
    Own,
}

impl Space {
    /// Whose that id of a vendor, product, rule or deny is.
    pub fn of(id: &str) -> Space {
        let id = id.strip_prefix("deny.").unwrap_or(id);
        let own = id.strip_prefix("own").is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']));
        if own { Space::Own } else { Space::Release }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_of_a_release_or_of_an_organisation() {
        for id in
            ["own", "own.chat", "own-acme", "own-acme.chat.web", "own.openai.chatgpt.tenant", "deny.own-x"]
        {
            assert_eq!(Space::of(id), Space::Own, "{id}");
        }
        for id in ["", "ownai", "ownai.chat", "openai.own", "deny.owner", "deny.shared", "downs.own-x"] {
            assert_eq!(Space::of(id), Space::Release, "{id}");
        }
    }
}
