//! JetBrains' own list of MCP servers, `options/llm.mcpServers.xml` of a product's settings: the saved state of a component of
//! the AI Assistant, as the shape that other clients write.
//!
//! Until 2025.2 each server is a `McpServerCommand` in the component, later one in `commands`, or with an address in `urls`. Since
//! 2025.3 the servers stand in `~/.ai/mcp/mcp.json`, and an entry here holds no more than whether one is switched on.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

use crate::scan::safe::Trouble;

const COMPONENT: &str = "McpApplicationServerCommands";
/// Deepest nesting, and most servers: the file of one product has a handful.
const DEPTH: usize = 64;
const SERVERS: usize = 500;
/// Most values of one server.
const VALUES: usize = 1_000;

/// Reads the servers, as a list under `mcpServers`.
pub(in crate::scan) fn parse(text: &str) -> Result<Value, Trouble> {
    let mut reader = Reader::from_str(text);
    let mut state = State::default();
    let mut rooted = false;
    loop {
        match reader.read_event().map_err(|_| Trouble::Malformed)? {
            Event::Start(element) => {
                rooted = true;
                state.enter(&element)?;
            }
            Event::Empty(element) => {
                rooted = true;
                state.enter(&element)?;
                state.leave();
            }
            Event::End(_) => state.leave(),
            Event::Eof if rooted && state.open.is_empty() => break,
            Event::Eof => return Err(Trouble::Malformed),
            _ => {}
        }
    }
    Ok(Value::Object(Map::from_iter([("mcpServers".to_owned(), Value::Array(state.servers))])))
}

#[derive(Default)]
struct State {
    /// The open elements, each by its name and its attribute `name`.
    open: Vec<(String, Option<String>)>,
    /// The server that is open, and how many elements were when it began.
    server: Option<(Map<String, Value>, usize)>,
    servers: Vec<Value>,
}

impl State {
    fn enter(&mut self, element: &BytesStart<'_>) -> Result<(), Trouble> {
        if self.open.len() == DEPTH {
            return Err(Trouble::TooLarge);
        }
        let tag = element.local_name().as_ref().to_owned();
        let name = attribute(element, "name")?;
        let value = attribute(element, "value")?;
        if let Some((server, depth)) = &mut self.server {
            if server.len() > VALUES {
                return Err(Trouble::TooLarge);
            }
            let below: Vec<_> =
                self.open[*depth..].iter().map(|(tag, name)| (&**tag, name.as_deref())).collect();
            match (&below[..], &*tag) {
                ([], "option") => {
                    if let (Some(name), Some(value)) = (&name, value) {
                        server.entry(key(name)).or_insert_with(|| said(name, value));
                    }
                }
                ([("option", Some("args")), ("list", _)], "option") => {
                    let list = server.entry("args").or_insert_with(|| Value::Array(Vec::new()));
                    if let (Some(list), Some(value)) = (list.as_array_mut(), value)
                        && list.len() < VALUES
                    {
                        list.push(Value::String(value));
                    }
                }
                ([("option", Some(map @ ("env" | "headers"))), ("map", _)], "entry") => {
                    put(server, map, attribute(element, "key")?, value);
                }
                ([("envs", _)], "env") => put(server, "env", name.clone(), value),
                _ => {}
            }
        } else if self.is_server(&tag) {
            if self.servers.len() == SERVERS {
                return Err(Trouble::TooLarge);
            }
            self.server = Some((Map::new(), self.open.len() + 1));
        }
        self.open.push((tag, name));
        Ok(())
    }

    /// Whether an element that opens now is a server's.
    fn is_server(&self, tag: &str) -> bool {
        let open: Vec<_> = self.open.iter().map(|(tag, name)| (&**tag, name.as_deref())).collect();
        match &open[..] {
            [("application", _), ("component", Some(COMPONENT))] => !matches!(tag, "commands" | "urls"),
            [("application", _), ("component", Some(COMPONENT)), ("commands" | "urls", _)] => true,
            _ => false,
        }
    }

    fn leave(&mut self) {
        self.open.pop();
        if self.server.as_ref().is_some_and(|(_, depth)| self.open.len() < *depth)
            && let Some((server, _)) = self.server.take()
        {
            self.servers.push(Value::Object(server));
        }
    }
}

/// What other clients call it.
fn key(name: &str) -> String {
    match name {
        "programPath" => "command",
        "arguments" => "args",
        other => other,
    }
    .to_owned()
}

fn said(name: &str, value: String) -> Value {
    match (name, value.as_str()) {
        ("arguments", line) => {
            line.split_whitespace().take(VALUES).map(|word| word.trim_matches('"')).collect()
        }
        (_, "true") => Value::Bool(true),
        (_, "false") => Value::Bool(false),
        _ => Value::String(value),
    }
}

fn put(server: &mut Map<String, Value>, map: &str, key: Option<String>, value: Option<String>) {
    let map = server.entry(map).or_insert_with(|| Value::Object(Map::new()));
    if let (Some(map), Some(key)) = (map.as_object_mut(), key)
        && map.len() < VALUES
    {
        map.insert(key, Value::String(value.unwrap_or_default()));
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, Trouble> {
    let Some(attribute) = element.try_get_attribute(name).map_err(|_| Trouble::Malformed)? else {
        return Ok(None);
    };
    let text = unescape(&attribute.value).map_err(|_| Trouble::Malformed)?;
    Ok(Some(text.into_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As the AI Assistant of 2025.1 writes it.
    const COMMAND: &str = r#"<application>
  <component name="McpApplicationServerCommands" modifiable="true">
    <McpServerCommand sourceId="UserConfigurationSource">
      <option name="allowedToolsNames" />
      <option name="enabled" value="true" />
      <option name="name" value="files" />
      <option name="programPath" value="npx" />
      <option name="arguments" value="-y @modelcontextprotocol/server-filesystem &quot;/home/kim&quot;" />
      <option name="workingDirectory" value="" />
      <envs>
        <env name="LOG_LEVEL" value="debug" />
      </envs>
    </McpServerCommand>
  </component>
</application>"#;
    /// As those after it: with addresses, and with lists.
    const LATER: &str = r#"<application>
  <component name="Other"><McpServerCommand><option name="name" value="no" /></McpServerCommand></component>
  <component name="McpApplicationServerCommands" modifiable="true" autoEnableExternalChanges="false">
    <commands>
      <McpServerConfigurationProperties>
        <option name="allowedToolsNames"><list><option value="query" /></list></option>
        <option name="command" value="node" />
        <option name="args"><list><option value="server.js" /></list></option>
        <option name="enabled" value="false" />
        <option name="env"><map><entry key="PORT" value="1" /></map></option>
        <option name="name" value="own" />
      </McpServerConfigurationProperties>
    </commands>
    <urls>
      <McpServerURL sourceId="UserConfigurationSource">
        <option name="name" value="remote" />
        <option name="url" value="https://mcp.example/mcp" />
        <option name="headers"><map><entry key="Authorization" value="Bearer x" /></map></option>
      </McpServerURL>
    </urls>
  </component>
</application>"#;

    #[test]
    fn servers_of_every_version_are_read() {
        let expected = json!({"mcpServers": [{"enabled": true, "name": "files", "command": "npx",
            "args": ["-y", "@modelcontextprotocol/server-filesystem", "/home/kim"], "workingDirectory": "",
            "env": {"LOG_LEVEL": "debug"}}]});
        assert_eq!(parse(COMMAND), Ok(expected));
        let expected = json!({"mcpServers": [
            {"command": "node", "args": ["server.js"], "enabled": false, "env": {"PORT": "1"}, "name": "own"},
            {"name": "remote", "url": "https://mcp.example/mcp", "headers": {"Authorization": "Bearer x"}}]});
        assert_eq!(parse(LATER), Ok(expected));
    }

    #[test]
    fn every_prefix_is_an_error_and_no_panic() {
        for text in [COMMAND, LATER] {
            for end in 0..text.len() {
                assert_eq!(parse(&text[..end]), Err(Trouble::Malformed));
            }
        }
        assert_eq!(parse(&"<a>".repeat(100_000)), Err(Trouble::TooLarge));
        assert_eq!(parse("<application/>"), Ok(json!({"mcpServers": []})));
    }
}
