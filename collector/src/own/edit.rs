//! Changes of an own-rules text: what the forms of the pages do to it. The text stays the one truth, with the comments and the order
//! that people gave it; a change adds a block at its end, or takes one out.

use std::fmt::Write;

use umbrascope_rules::{Catalogue, Category, Confidence, IndicatorKind, Overlay, ProductKind, Space};

use super::FILE;

/// The product that a new rule is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProductChoice {
    /// One that is known already, of the catalogue or of the organisation's own, by its id.
    Known(String),
    /// A new one.
    New {
        /// As people call it.
        name: String,
        /// Who offers it; empty: the organisation itself.
        vendor: String,
        /// What sort of thing it is.
        kind: ProductKind,
        /// What it is for.
        category: Category,
    },
}

/// What a form adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addition {
    /// A rule.
    Rule {
        /// What the pattern is compared with.
        kind: IndicatorKind,
        /// The pattern.
        pattern: String,
        /// Of which product.
        product: ProductChoice,
        /// How sure it is that this is AI.
        confidence: Confidence,
        /// Why.
        note: String,
        /// What must match it.
        examples: Vec<String>,
    },
    /// Something that is not AI.
    Deny {
        /// What the pattern is compared with.
        kind: IndicatorKind,
        /// The pattern.
        pattern: String,
        /// Why.
        reason: String,
    },
    /// Another name for a product of the catalogue.
    Name {
        /// Id of the product.
        product: String,
        /// What people call it here.
        name: String,
        /// Why.
        reason: String,
    },
    /// Another confidence of a rule of the catalogue.
    Confidence {
        /// Id of the rule.
        rule: String,
        /// How sure.
        confidence: Confidence,
        /// Why.
        reason: String,
    },
}

/// What a form takes out, by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal(pub String);

/// Why a text is not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// There is nothing of that id.
    #[error("there is no rule, deny or change `{0}` in force")]
    Unknown(String),
    /// A word of it gives no id.
    #[error("`{0}` holds no letter or digit to make an id of")]
    NoSlug(String),
    /// The block cannot be told from its neighbours.
    #[error("the text is laid out in a way that this form cannot change: change it by hand")]
    Unclear,
}

impl Addition {
    /// The text with this at its end. What it already changes in the catalogue is replaced.
    pub fn apply(&self, text: &str, catalogue: &Catalogue) -> Result<String, EditError> {
        let (overlay, _) = Overlay::parse(FILE, text);
        let mut text = text.to_owned();
        if let Addition::Name { product: target, .. } | Addition::Confidence { rule: target, .. } = self
            && overlay.changes().iter().any(|change| change.what.target() == target)
        {
            text = Removal(target.clone()).apply(&text)?;
        }
        let block = self.block(&overlay, catalogue)?;
        let gap = match text.trim_end().is_empty() {
            true => "",
            false => "\n\n",
        };
        Ok(format!("{}{gap}{block}", text.trim_end()))
    }

    fn block(&self, overlay: &Overlay, catalogue: &Catalogue) -> Result<String, EditError> {
        let mut block = String::new();
        match self {
            Addition::Rule { kind, pattern, product, confidence, note, examples } => {
                let product = match product {
                    ProductChoice::Known(id) => id.clone(),
                    ProductChoice::New { name, vendor, kind, category } => {
                        let vendor_id = new_vendor(vendor, overlay, &mut block)?;
                        let id = free(&format!("{vendor_id}.{}", slug(name)?), |id| {
                            overlay.products().iter().any(|product| product.id == id)
                        });
                        let (name, id) = (quoted(name), quoted(&id));
                        line(&mut block, format_args!("[[product]]\nid = {id}\nname = {name}"));
                        line(&mut block, format_args!("kind = \"{kind}\"\ncategory = \"{category}\""));
                        line(&mut block, format_args!("description = {}\n", quoted(note)));
                        unquoted(&id)
                    }
                };
                let parent = match Space::of(&product) {
                    Space::Own => product.clone(),
                    Space::Release => format!("own.{product}"),
                };
                let id = free(&format!("{parent}.{}", slug(pattern)?), |id| {
                    catalogue.rules().iter().chain(overlay.rules()).any(|rule| rule.id == id)
                });
                line(
                    &mut block,
                    format_args!("[[rule]]\nid = {}\nproduct = {}", quoted(&id), quoted(&product)),
                );
                line(&mut block, format_args!("confidence = \"{confidence}\"\nnote = {}", quoted(note)));
                line(&mut block, format_args!("{kind} = [{}]", quoted(pattern)));
                let examples: Vec<String> = examples.iter().map(|example| quoted(example)).collect();
                line(&mut block, format_args!("examples = [{}]", examples.join(", ")));
            }
            Addition::Deny { kind, pattern, reason } => {
                let id = free(&format!("deny.own-{}", slug(pattern)?), |id| {
                    overlay.rules().iter().any(|rule| rule.id == id)
                });
                line(&mut block, format_args!("[[deny]]\nid = {}\nreason = {}", quoted(&id), quoted(reason)));
                line(&mut block, format_args!("{kind} = [{}]", quoted(pattern)));
            }
            Addition::Name { product, name, reason } => {
                line(&mut block, format_args!("[[change]]\nproduct = {}", quoted(product)));
                line(&mut block, format_args!("name = {}\nreason = {}", quoted(name), quoted(reason)));
            }
            Addition::Confidence { rule, confidence, reason } => {
                line(&mut block, format_args!("[[change]]\nrule = {}", quoted(rule)));
                line(&mut block, format_args!("confidence = \"{confidence}\"\nreason = {}", quoted(reason)));
            }
        }
        Ok(block)
    }
}

fn line(block: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(block, "{words}");
}

fn new_vendor(name: &str, overlay: &Overlay, block: &mut String) -> Result<String, EditError> {
    if name.is_empty() {
        return Ok("own".to_owned());
    }
    if let Some(known) = overlay.vendors().iter().find(|vendor| vendor.name == name) {
        return Ok(known.id.to_string());
    }
    let id =
        free(&format!("own-{}", slug(name)?), |id| overlay.vendors().iter().any(|vendor| vendor.id == id));
    line(block, format_args!("[[vendor]]\nid = {}\nname = {}\n", quoted(&id), quoted(name)));
    Ok(id)
}

impl Removal {
    /// The text without it. A rule stays as a retired one, since facts carry its id; a deny and a change go.
    pub fn apply(&self, text: &str) -> Result<String, EditError> {
        let unknown = || EditError::Unknown(self.0.clone());
        let (overlay, _) = Overlay::parse(FILE, text);
        let rule = overlay.rules().iter().find(|rule| rule.id == self.0);
        let change = overlay.changes().iter().find(|change| change.what.target() == self.0);
        let (at, stays) = match (rule, change) {
            (Some(rule), _) if rule.retired || rule.replaced_by.is_some() => return Err(unknown()),
            (Some(rule), _) if rule.deny => (rule.origin.line, String::new()),
            (Some(rule), _) => {
                let note = quoted(rule.note.as_deref().unwrap_or_default());
                let (id, product) = (quoted(&rule.id), quoted(&rule.product));
                let confidence = rule.confidence;
                let stays = format!(
                    "[[rule]]\nid = {id}\nproduct = {product}\nconfidence = \"{confidence}\"\nnote = {note}\nretired = true\n"
                );
                (rule.origin.line, stays)
            }
            (None, Some(change)) => (change.origin.line, String::new()),
            (None, None) => return Err(unknown()),
        };
        let changed = cut(text, at as usize, &stays).ok_or(EditError::Unclear)?;
        // Whether that took out this and nothing else.
        let (then, problems) = Overlay::parse(FILE, &changed);
        let left = |overlay: &Overlay| {
            let rules = overlay.rules().iter().map(|rule| rule.id.to_string());
            let changes = overlay.changes().iter().map(|change| change.what.target().to_owned());
            rules.chain(changes).filter(|id| *id != self.0).collect::<Vec<_>>()
        };
        let gone = !then.rules().iter().any(|rule| rule.id == self.0 && !rule.indicators.is_empty());
        if problems.is_empty() && gone && left(&then) == left(&overlay) {
            Ok(changed)
        } else {
            Err(EditError::Unclear)
        }
    }
}

/// The text with another one in the place of the block that begins at a line (from 1). What stands above the next block
/// as a comment stays with that.
fn cut(text: &str, at: usize, instead: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let begin = at.checked_sub(1)?;
    lines.get(begin)?.trim_start().starts_with("[[").then_some(())?;
    let after = &lines[begin + 1..];
    let next = after.iter().position(|line| line.trim_start().starts_with("[[")).unwrap_or(after.len());
    let mut end = begin + 1 + next;
    while end < lines.len() && end > begin + 1 && lines[end - 1].trim_start().starts_with('#') {
        end -= 1;
    }
    let mut changed = lines[..begin].join("\n");
    if begin > 0 {
        changed.push('\n');
    }
    changed.push_str(instead);
    if !instead.is_empty() && end < lines.len() {
        changed.push('\n');
    }
    changed.push_str(&lines[end..].join("\n"));
    Some(format!("{}\n", changed.trim_end()))
}

/// Lower-case letters and digits, what stands between them becoming `-`.
fn slug(text: &str) -> Result<String, EditError> {
    /// Longest slug, in characters.
    const MOST: usize = 60;
    let mut slug = String::new();
    for c in text.to_lowercase().chars().take(MOST) {
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    let slug = slug.trim_end_matches('-').to_owned();
    if slug.is_empty() { Err(EditError::NoSlug(text.to_owned())) } else { Ok(slug) }
}

/// An id that is free: the one asked for, or with a number behind.
fn free(id: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2_u32..).map(|number| format!("{id}-{number}"));
    std::iter::once(id.to_owned()).chain(numbered).find(|id| !taken(id)).unwrap_or_default()
}

/// A TOML string. JSON's escapes are all TOML's, but DEL stands for itself in JSON alone.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default().replace('\u{7f}', "\\u007F")
}

/// An id of our own making, which holds nothing to be escaped.
fn unquoted(id: &str) -> String {
    id.trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use umbrascope_rules::{Date, SoftwareKind, lint};

    use super::*;

    fn rule(pattern: &str, name: &str, vendor: &str) -> Addition {
        Addition::Rule {
            kind: IndicatorKind::Suffix,
            pattern: pattern.to_owned(),
            product: ProductChoice::New {
                name: name.to_owned(),
                vendor: vendor.to_owned(),
                kind: ProductKind::Service,
                category: Category::Assistant,
            },
            confidence: Confidence::High,
            note: "said \"so\"\n[[rule]]\u{7f}".to_owned(),
            examples: vec![pattern.to_owned()],
        }
    }

    fn errors(text: &str) -> Vec<String> {
        let today = Date::from_days(20_783);
        let reading = lint::check_own(Catalogue::embedded(), None, FILE, text, 1, today);
        reading.report.errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_forms_add_is_right_and_reads_back() {
        let catalogue = Catalogue::embedded();
        let product = catalogue.products()[0].id.to_string();
        let deny = Addition::Deny {
            kind: IndicatorKind::Software(SoftwareKind::Npm),
            pattern: "@corp/tool".to_owned(),
            reason: "r".to_owned(),
        };
        let name = Addition::Name { product: product.clone(), name: "N".to_owned(), reason: "r".to_owned() };
        let known = Addition::Rule {
            kind: IndicatorKind::Exact,
            pattern: "ai.corp.example".to_owned(),
            product: ProductChoice::Known(product),
            confidence: Confidence::Low,
            note: "n".to_owned(),
            examples: vec!["ai.corp.example".to_owned()],
        };
        let mut text = String::new();
        let again = Addition::Name {
            product: catalogue.products()[0].id.to_string(),
            name: "M".to_owned(),
            reason: "s".to_owned(),
        };
        let two = [
            rule("llm.intranet.example", "Haus-Chat Ü", ""),
            rule("b.intranet.example", "Haus-Chat Ü", "Acme AI"),
        ];
        for addition in [&two[0], &two[1], &deny, &name, &again, &known] {
            text = addition.apply(&text, catalogue).unwrap();
        }
        assert_eq!(errors(&text), Vec::<String>::new(), "{text}");
        let (overlay, _) = Overlay::parse(FILE, &text);
        assert_eq!(overlay.changes().len(), 1);
        assert_eq!(overlay.vendors().len(), 2);
        let ids: Vec<_> = overlay.products().iter().map(|product| &*product.id).collect();
        assert_eq!(ids, ["own-acme-ai.haus-chat", "own.haus-chat"]);
        assert!(
            overlay.rules().iter().any(|rule| rule.note.as_deref() == Some("said \"so\"\n[[rule]]\u{7f}"))
        );
        // The same once more has ids of its own; that the pattern stands twice is for the reviewer to tell.
        let twice = errors(&two[0].apply(&text, catalogue).unwrap());
        assert!(twice.iter().any(|line| line.contains("already; keep it in one of them")), "{twice:?}");
        assert_eq!(rule("ü", "Ü", "").apply("", catalogue), Err(EditError::NoSlug("Ü".to_owned())));
    }

    #[test]
    fn what_is_taken_out_leaves_the_rest_as_it_was() {
        let head = "# Ours.\n[[product]]\nid = \"own.c\"\nname = \"C\"\nkind = \"service\"\ncategory = \"assistant\"\ndescription = \"d\"\n";
        let one = "\n[[rule]]\nid = \"own.c.a\"\nproduct = \"own.c\"\nconfidence = \"high\"\nnote = \"n\"\nexact = [\"a.x.example\"]\nexamples = [\"a.x.example\"]\n";
        let deny = "\n# Not AI.\n[[deny]]\nid = \"deny.own-d\"\nreason = \"r\"\nsuffix = [\"you.com\"]\n";
        let text = format!("{head}{one}{deny}");
        let without = Removal("own.c.a".to_owned()).apply(&text).unwrap();
        assert!(
            without.starts_with(head) && without.contains("retired = true") && without.contains("# Not AI."),
            "{without}"
        );
        assert!(!without.contains("a.x.example"));
        assert_eq!(errors(&without), Vec::<String>::new());
        assert!(matches!(Removal("own.c.a".to_owned()).apply(&without), Err(EditError::Unknown(_))));
        let without = Removal("deny.own-d".to_owned()).apply(&text).unwrap();
        assert!(without.contains("a.x.example") && !without.contains("you.com"), "{without}");
        assert!(matches!(Removal("own.c.zzz".to_owned()).apply(&text), Err(EditError::Unknown(_))));
        // Two blocks on inner lines: nothing is guessed.
        let inline = "deny = [{ id = \"deny.own-d\", reason = \"r\", suffix = [\"you.com\"] }]\n";
        assert_eq!(Removal("deny.own-d".to_owned()).apply(inline), Err(EditError::Unclear));
    }
}
