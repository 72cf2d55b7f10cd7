//! Which of the running programs are servers, and whether they answer as what they are.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use umbrascope_api::{Channel, Part, PartKind};
use umbrascope_rules::{LocalServer, ProductKind, RuleRef};

use super::identity::Known;
use super::sockets::Listening;
use super::{Process, Processes, probe};
use crate::scan::safe::OwnerId;
use crate::scan::source::{Found, Source};

/// Most ports of one process that are asked. A desktop program may listen on a handful.
const ASKED_OF_ONE: usize = 4;
/// Most questions of one scan, and how long all of them may take together.
const QUESTIONS: usize = 64;
const ALL_PATIENCE: Duration = Duration::from_secs(10);

/// What a server said.
#[derive(Debug, Clone)]
struct Answer {
    confirmed: bool,
    models: Vec<String>,
}

#[derive(Debug)]
struct Runtime<'a> {
    rule: &'a RuleRef,
    value: String,
    executable: String,
    owner: Option<OwnerId>,
    socket: Listening,
    /// `None`: it was not asked.
    answer: Option<Answer>,
}

/// The servers found so far.
pub(super) struct Runtimes<'a> {
    ask: bool,
    asked: usize,
    time_left: Duration,
    /// Processes that share a socket get one question.
    answers: HashMap<(SocketAddr, &'a str), Answer>,
    found: Vec<Runtime<'a>>,
}

impl<'a> Runtimes<'a> {
    pub(super) fn new(ask: bool) -> Self {
        Self { ask, asked: 0, time_left: ALL_PATIENCE, answers: HashMap::new(), found: Vec::new() }
    }

    /// Looks at the ports of a process that a rule knows; `None`: it is none that serves.
    pub(super) fn look<P: Processes>(
        &mut self,
        system: &mut P,
        process: &Process<P::Handle>,
        known: &Known<'a>,
        executable: &str,
        source: &mut Source<'a>,
    ) -> Option<Vec<Listening>> {
        let server = source.matcher().local_server(&known.rule.product);
        let serves = server != LocalServer::default()
            || matches!(known.rule.kind, ProductKind::Runtime | ProductKind::McpServer);
        if !serves {
            // An editor or an assistant listens for parts of its own.
            return None;
        }
        let (all, trouble) =
            system.ports(&process.handle).unwrap_or_else(|trouble| (Vec::new(), Some(trouble)));
        // One that has ended by now listens no more, which is no trouble.
        if let Some(trouble) = trouble {
            source.trouble(trouble, format!("{}: ports of {executable}", P::PLACE));
        }
        let mut open = all.clone();
        // The port that the product is known to listen on comes first, since not all may be asked.
        open.sort_by_key(|socket| !server.ports.contains(&socket.bound.port()));
        for (at, socket) in open.into_iter().enumerate() {
            let answer = if at < ASKED_OF_ONE { self.answer(socket, &server, known.rule) } else { None };
            self.found.push(Runtime {
                rule: known.rule,
                value: known.value.clone(),
                executable: executable.to_owned(),
                owner: process.owner,
                socket,
                answer,
            });
        }
        Some(all)
    }

    fn answer(&mut self, socket: Listening, server: &LocalServer<'_>, rule: &'a RuleRef) -> Option<Answer> {
        let path = server.fingerprints.first()?.path;
        let key = (socket.loopback(), &*rule.product);
        if let Some(answer) = self.answers.get(&key) {
            return Some(answer.clone());
        }
        if !self.ask || self.asked == QUESTIONS || self.time_left < probe::PATIENCE {
            return None;
        }
        self.asked += 1;
        let start = Instant::now();
        let body = probe::ask(socket.loopback(), path).unwrap_or_default();
        self.time_left = self.time_left.saturating_sub(start.elapsed());
        // One question; each text that the catalogue has for this path is as good.
        let mut texts = server.fingerprints.iter().filter(|print| print.path == path);
        let confirmed = texts.any(|print| probe::holds(&body, print.text));
        let answer = Answer { confirmed, models: if confirmed { probe::models(&body) } else { Vec::new() } };
        self.answers.insert(key, answer.clone());
        Some(answer)
    }

    /// Hands everything over. A product of which one port answered has other ports for itself (Ollama's runner, an
    /// Electron program's): those that only this machine reaches are left out.
    pub(super) fn report(self, source: &mut Source<'a>) {
        let confirmed =
            |runtime: &Runtime<'_>| runtime.answer.as_ref().is_some_and(|answer| answer.confirmed);
        let known: Vec<&str> = self
            .found
            .iter()
            .filter(|runtime| confirmed(runtime))
            .map(|runtime| &*runtime.rule.product)
            .collect();
        for runtime in &self.found {
            let inner = runtime.socket.is_private() && !confirmed(runtime);
            if inner && known.contains(&&*runtime.rule.product) {
                continue;
            }
            let mut found = Found::new(runtime.value.clone());
            found.executable = Some(runtime.executable.clone());
            found.owner = runtime.owner;
            found.details.host = Some(runtime.socket.bound.to_string());
            found.details.confirmed = runtime.answer.as_ref().map(|answer| answer.confirmed);
            let models = runtime.answer.iter().flat_map(|answer| &answer.models);
            found.details.parts =
                models.map(|name| Part { kind: PartKind::Model, name: name.clone() }).collect();
            source.take_as(Channel::Runtime, runtime.rule, found);
        }
    }
}
