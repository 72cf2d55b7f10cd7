//! What the settings of an assistant say, read by a table of places in the document.
//!
//! Only names, hosts and facts leave this file. An address is cut to its host, and what is no name is dropped, so that a
//! secret put in the wrong place does not come out.

use std::borrow::Cow;

use serde_json::Value;
use umbrascope_api::{Part, PartKind, RiskFlag};

use crate::scan::mcp::{host, is_plain_http, is_plain_secret, secret_in_url};

/// Most parts kept of one assistant. The wire carries fewer; the first by name are sent.
const PARTS: usize = 500;
/// Most members of a map or list that `*` stands for.
const MEMBERS: usize = 500;
/// Longest name of a provider or model, in bytes.
const NAME_BYTES: usize = 128;

/// One place of a document and what it says.
pub(super) struct Setting {
    /// Keys parted by `/`. `*` stands for every member (`\*` for the key `*`), `{provider}`, `{model}` and `{profile}` for what was found
    /// before, a number for a place in a list, any other key for the member of a list that has it as its `name`, its `type` or its
    /// `model_id`, and nothing for the whole document.
    pub(super) at: &'static str,
    pub(super) says: Says,
}

impl Setting {
    /// The members of the document that it needs.
    pub(super) fn members(&self) -> Vec<&'static str> {
        match (self.at, self.says) {
            ("", Says::Risk(_, Is::All(tests))) => tests.iter().map(|(at, _)| first(at)).collect(),
            (at, _) => vec![first(at)],
        }
    }
}

fn first(at: &'static str) -> &'static str {
    at.split('/').next().unwrap_or(at)
}

/// A setting, in a row of a table.
pub(super) const fn at(at: &'static str, says: Says) -> Setting {
    Setting { at, says }
}

/// What a value means.
#[derive(Clone, Copy)]
pub(super) enum Says {
    /// The name of the model.
    Model,
    /// The same, where the provider of this name is used.
    ModelOf(&'static str),
    /// The name of the provider.
    Provider,
    /// The name of the part of the document that is in use.
    Profile,
    /// The provider and the model with this character between them; without it, the model.
    Parted(char),
    /// The provider of this name is used, where the test holds.
    ProviderIf(&'static str, Is),
    /// The address that the model is asked at.
    Url,
    /// The same, where the provider of this name is used.
    UrlOf(&'static str),
    /// A risk, where the test holds.
    Risk(&'static RiskFlag, Is),
    /// The keys of the map are names of parts.
    Keys(&'static PartKind),
    /// The members of the list are names of parts, or have them as their `name`.
    Names(&'static PartKind),
    /// The members of the map may be secrets, each under the name of its key.
    Secrets,
    /// The value itself may be a secret.
    Secret,
}

/// A test of a value.
#[derive(Clone, Copy)]
pub(super) enum Is {
    /// True, `"true"` or `"1"`.
    True,
    False,
    Word(&'static [&'static str]),
    /// A list that holds one of these.
    Holds(&'static [&'static str]),
    /// A map that has true under one of these keys.
    Sets(&'static [&'static str]),
    /// A map with a member at each of these places, of which the test holds.
    All(&'static [(&'static str, Is)]),
}

/// What was read of one assistant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// The part of a document that is in use.
    pub(super) profile: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) model: Option<String>,
    /// Host of the address that the model is asked at.
    pub(super) host: Option<String>,
    pub(super) flags: Vec<RiskFlag>,
    pub(super) parts: Vec<Part>,
}

impl Facts {
    /// Whether nothing was said.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The name of a file, in which `{model}` is the model. `None`: that is not known, or can be no part of such a name.
    pub(super) fn named<'a>(&self, file: &'a str) -> Option<Cow<'a, str>> {
        if !file.contains("{model}") {
            return Some(file.into());
        }
        let model = self.model.as_deref()?;
        let plain = !model.starts_with('.') && !model.contains(['/', '\\', ':']);
        plain.then(|| file.replace("{model}", model).into())
    }

    /// Whether the model answers on this machine, as far as the settings say.
    pub(super) fn local(&self) -> Option<bool> {
        // Ollama serves models of its cloud by the same port.
        let cloud = self.model.as_deref().is_some_and(|m| m.ends_with("-cloud") || m.ends_with(":cloud"));
        let here = match (&self.host, &self.provider) {
            (Some(host), _) => is_loopback(host),
            (None, Some(provider)) => LOCAL.contains(&provider.to_ascii_lowercase().as_str()),
            (None, None) => return None,
        };
        Some(here && !cloud)
    }

    /// Reads one document. What a later one says of the model takes the place of what an earlier one said.
    pub(super) fn read(&mut self, document: &Value, settings: &[Setting]) {
        for setting in settings {
            let (provider, model, profile) =
                (self.provider.clone(), self.model.clone(), self.profile.clone());
            // What stands for a name that is not known names nothing.
            let keys: Option<Vec<&str>> = setting
                .at
                .split('/')
                .filter(|key| !key.is_empty())
                .map(|key| match key {
                    "{provider}" => provider.as_deref(),
                    "{model}" => model.as_deref(),
                    "{profile}" => profile.as_deref(),
                    key => Some(key),
                })
                .collect();
            if let Some(keys) = keys {
                self.descend(document, &keys, "", setting.says);
            }
        }
    }

    fn descend(&mut self, value: &Value, keys: &[&str], name: &str, says: Says) {
        match keys.split_first() {
            None => self.take(value, name, says),
            Some((&"*", rest)) => match value {
                Value::Object(map) => {
                    map.iter().take(MEMBERS).for_each(|(key, value)| self.descend(value, rest, key, says));
                }
                Value::Array(list) => {
                    list.iter().take(MEMBERS).for_each(|value| self.descend(value, rest, name, says));
                }
                _ => {}
            },
            Some((key, rest)) => {
                let key = key.trim_start_matches('\\');
                if let Some(member) = member(value, key) {
                    self.descend(member, rest, key, says);
                }
            }
        }
    }

    fn take(&mut self, value: &Value, name: &str, says: Says) {
        match says {
            Says::Model => keep(&mut self.model, value.as_str()),
            Says::ModelOf(provider) => {
                if self.provider.as_deref() == Some(provider) {
                    self.take(value, name, Says::Model);
                }
            }
            Says::Provider => keep(&mut self.provider, value.as_str()),
            Says::Profile => keep(&mut self.profile, value.as_str()),
            Says::Parted(by) => match value.as_str().and_then(|text| text.split_once(by)) {
                Some((provider, model)) => {
                    keep(&mut self.provider, Some(provider));
                    keep(&mut self.model, Some(model));
                }
                None => keep(&mut self.model, value.as_str()),
            },
            Says::ProviderIf(provider, test) => {
                if test.holds(value) {
                    self.provider = Some(provider.to_owned());
                }
            }
            Says::Url => {
                if let Some(url) = value.as_str() {
                    self.address(url.trim());
                }
            }
            Says::UrlOf(provider) => {
                if self.provider.as_deref() == Some(provider) {
                    self.take(value, name, Says::Url);
                }
            }
            Says::Risk(flag, test) => {
                if test.holds(value) {
                    self.flag(flag.clone());
                }
            }
            Says::Keys(kind) => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    if !is_off(value) && (*kind != PartKind::Hook || !value.is_boolean() && name != "state") {
                        self.part(kind.clone(), name);
                    }
                }
            }
            Says::Names(kind) => {
                for member in value.as_array().into_iter().flatten() {
                    if let Some(name) = member.as_str().or_else(|| member.get("name")?.as_str()) {
                        self.part(kind.clone(), name);
                    }
                }
            }
            Says::Secrets => {
                let secret = |(name, value): (&String, &Value)| {
                    value.as_str().is_some_and(|value| is_plain_secret(name, value))
                };
                if value.as_object().is_some_and(|map| map.iter().any(secret)) {
                    self.flag(RiskFlag::PlainTextSecret);
                }
            }
            Says::Secret => {
                if value.as_str().is_some_and(|value| is_plain_secret(name, value)) {
                    self.flag(RiskFlag::PlainTextSecret);
                }
            }
        }
    }

    fn address(&mut self, url: &str) {
        // `localhost:11434`, as Ollama's own variable has it.
        let full = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let Some(host) = host(&full) else { return };
        if is_plain_http(&full) {
            self.flag(RiskFlag::PlainHttp);
        }
        if secret_in_url(&full) {
            self.flag(RiskFlag::PlainTextSecret);
        }
        self.host = Some(host);
    }

    fn flag(&mut self, flag: RiskFlag) {
        if !self.flags.contains(&flag) {
            self.flags.push(flag);
        }
    }

    /// Adds a part under its name.
    pub(super) fn part(&mut self, kind: PartKind, name: &str) {
        if self.parts.len() < PARTS && is_name(name) {
            self.parts.push(Part { kind, name: name.to_owned() });
        }
    }
}

impl Is {
    fn holds(self, value: &Value) -> bool {
        match self {
            Self::True => value == true || value == 1 || matches!(value.as_str(), Some("true" | "1")),
            Self::False => value == false || value.as_str() == Some("false"),
            Self::Word(words) => value.as_str().is_some_and(|value| words.contains(&value)),
            Self::Holds(words) => value
                .as_array()
                .is_some_and(|list| list.iter().filter_map(Value::as_str).any(|word| words.contains(&word))),
            Self::Sets(keys) => value
                .as_object()
                .is_some_and(|map| keys.iter().any(|key| map.get(*key) == Some(&Value::Bool(true)))),
            Self::All(tests) => tests.iter().all(|(at, test)| {
                let found = at.split('/').try_fold(value, |value, key| member(value, key));
                found.is_some_and(|value| test.holds(value))
            }),
        }
    }
}

/// The member under a key of a map; of a list, the one at that place or of that name, type or id.
fn member<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    let Value::Array(list) = value else { return value.get(key) };
    if let Ok(at) = key.parse::<usize>() {
        return list.get(at);
    }
    let called =
        |by: &str| list.iter().take(MEMBERS).find(|member| member.get(by).is_some_and(|name| name == key));
    called("name").or_else(|| called("type")).or_else(|| called("model_id"))
}

/// Whether a part is configured away.
fn is_off(value: &Value) -> bool {
    value == false
        || value.as_array().is_some_and(Vec::is_empty)
        || value.get("enabled").is_some_and(|enabled| enabled == false)
        || value.get("disable").is_some_and(|disabled| disabled == true)
}

/// Providers that answer on this machine, by the names that the tools give them.
const LOCAL: &[&str] = &[
    "ollama",
    "ollama_chat",
    "lmstudio",
    "lm-studio",
    "lm_studio",
    "llamacpp",
    "llama.cpp",
    "llama-cpp",
    "llamafile",
    "vllm",
    "local",
    "localai",
    "gpt4all",
    "jan",
    "mlx",
    "docker-model-runner",
];

/// Whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "0.0.0.0"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn keep(place: &mut Option<String>, text: Option<&str>) {
    if let Some(text) = text.map(str::trim).filter(|text| is_name(text)) {
        *place = Some(text.to_owned());
    }
}

/// Whether a text can be the name of something: short, of one piece, and no secret.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "-_.:/@+[] ()".contains(c);
    !text.is_empty()
        && text.len() <= NAME_BYTES
        && text.chars().all(plain)
        && !text.contains("://")
        && !is_plain_secret("", text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts(document: &Value, settings: &[Setting]) -> Facts {
        let mut facts = Facts::default();
        facts.read(document, settings);
        facts
    }

    #[test]
    fn the_address_is_that_of_the_provider_in_use() {
        let settings = [
            Setting { at: "model_provider", says: Says::Provider },
            Setting { at: "model", says: Says::Model },
            Setting { at: "model_providers/{provider}/base_url", says: Says::Url },
        ];
        let document = json!({"model": "m", "model_provider": "b", "model_providers": {
            "a": {"base_url": "https://a.example"}, "b": {"base_url": "http://kim:pw@B.example:8080/v1?key=1"}}});
        let facts = facts(&document, &settings);
        assert_eq!((facts.provider.as_deref(), facts.model.as_deref()), (Some("b"), Some("m")));
        assert_eq!(facts.host.as_deref(), Some("b.example"));
        assert_eq!(facts.flags, [RiskFlag::PlainHttp, RiskFlag::PlainTextSecret]);
        assert_eq!(facts.local(), Some(false));
    }

    #[test]
    fn loopback_and_local_providers_answer_here_and_clouds_do_not() {
        let url = |text: &str| facts(&json!({"u": text}), &[Setting { at: "u", says: Says::Url }]);
        for here in
            ["http://localhost:11434/v1", "http://127.0.0.1:1234", "http://[::1]:8080/", "localhost:11434"]
        {
            let facts = url(here);
            assert_eq!((facts.local(), facts.flags.len()), (Some(true), 0), "{here}");
        }
        assert_eq!(url("https://api.openai.com/v1").local(), Some(false));
        assert_eq!(url("${BASE_URL}").local(), None);
        let both = |text: &str| facts(&json!({"m": text}), &[Setting { at: "m", says: Says::Parted('/') }]);
        assert_eq!(both("ollama/llama3.2").local(), Some(true));
        assert_eq!(both("ollama/gpt-oss:120b-cloud").local(), Some(false));
        assert_eq!(both("anthropic/claude-sonnet-4-5").local(), Some(false));
        assert_eq!(both("sonnet").local(), None);
    }

    #[test]
    fn what_is_no_name_is_not_kept_as_one() {
        let model = |text: &str| facts(&json!({"m": text}), &[Setting { at: "m", says: Says::Model }]).model;
        assert_eq!(model("qwen2.5-coder:7b").as_deref(), Some("qwen2.5-coder:7b"));
        for no in ["", "sk-ant-api03-AbCdEfGhIjKlMnOp", "https://h.example/x", "a\nb", "{env:MODEL}"] {
            assert_eq!(model(no), None, "{no}");
        }
    }

    #[test]
    fn a_model_is_taken_of_the_provider_in_use_and_a_member_of_a_list_by_its_name() {
        let settings = [
            at("model", Says::Parted(':')),
            at("clients/{provider}/api_base", Says::Url),
            at("aModel", Says::ModelOf("a")),
        ];
        let clients = json!([{"type": "a", "api_base": "https://a.example"}, {"type": "b", "name": "own", "api_base": "https://b.example"}]);
        let read =
            |model: &str| facts(&json!({"model": model, "clients": clients, "aModel": "m2"}), &settings);
        let own = read("own:m1:8b");
        assert_eq!((own.model.as_deref(), own.host.as_deref()), (Some("m1:8b"), Some("b.example")));
        let a = read("a:m1");
        assert_eq!((a.model.as_deref(), a.host.as_deref()), (Some("m2"), Some("a.example")));
    }

    #[test]
    fn a_test_of_several_members_needs_all_of_them() {
        let all = Says::Risk(&RiskFlag::ApprovalBypass, Is::All(&[("on", Is::True), ("may/run", Is::True)]));
        let flags = |document: Value| facts(&document, &[at("", all)]).flags;
        assert_eq!(flags(json!({"on": true, "may": {"run": true}})), [RiskFlag::ApprovalBypass]);
        for no in [json!({"on": false, "may": {"run": true}}), json!({"on": true}), json!([]), json!("on")] {
            assert_eq!(flags(no.clone()), [], "{no}");
        }
    }

    #[test]
    fn parts_that_are_switched_off_are_left_out() {
        let settings = [Setting { at: "enabledPlugins", says: Says::Keys(&PartKind::Plugin) }];
        let facts = facts(&json!({"enabledPlugins": {"a@m": true, "b@m": false}}), &settings);
        assert_eq!(facts.parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["a@m"]);
    }
}
