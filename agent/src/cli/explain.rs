//! `explain`: in plain words, what is collected on this machine and what was sent.

use std::process::ExitCode;

use umbrascope_api::{Day, PrivacyKey, Reidentification};
use umbrascope_rules::{Catalogue, Changed, Indicator, IndicatorKind, Overlay, Rule};

use super::{CliError, StateArgs};
use crate::catalogue::{Shelf, today};
use crate::clock::wall_clock_ms;
use crate::config::GatewayConfig;
use crate::identity::Identity;
use crate::own::{OwnShelf, composed};
use crate::roles::uplink::StatusNote;
use crate::state::Reader;

/// How far back, in days.
const DAYS: u32 = 30;

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    state: StateArgs,
}

const WHAT: &str = "\
WHAT UMBRASCOPE COLLECTS ON THIS MACHINE

It looks for AI tools: services that this machine talks to, and software, extensions, MCP servers and
models that are installed on it. It compares names and identifiers with its own catalogue, here on the machine.
What the catalogue does not know as AI never leaves.

For each AI tool it reports: which rule matched and the name or identifier that matched (a host name such as
chatgpt.com, a package name); the day, in UTC, and how often that day, never the hour; the program that made the
connection, with the home folder written as ~, and the package it was installed from, or that the connection was
forwarded for a container, a virtual machine or another machine; and a pseudonym in place of the user's name.

Of an assistant it also reports what its own settings say: the model, its provider and the host where it is asked; whether it
may act without asking; the names of its skills, plugins, hooks, sub-agents and commands; and of the account that it is signed in
with the domain alone (corp.example), never the part before the @.

Where a file of shells, services or the system sets a variable that holds a key to an AI service, it reports the name of the
variable (OPENAI_API_KEY), the file, and whether the key stands there in plain text; never the key. Where a policy of the
organisation has browsers install an extension, it reports that too, whether or not the extension is there.

Of a program that serves models on this machine it reports the address on which it listens and the models that it names;
unless the configuration says otherwise, it asks such a program once a scan what it is, over loopback. It reports which
graphics processors and other accelerators the machine has.

It also reports how much it could not see, in numbers alone: packets lost, connections without a name or with a
hidden one, connections to encrypted DNS, folders it could not read.

It cannot report, because its messages have no place for it: what was typed or answered, pages, addresses below the
host name, file contents, passwords, keys, values of environment variables, window titles, the hour of the day.
";

/// What a gateway sensor adds, in words.
fn gateway(config: &GatewayConfig) -> String {
    let names = if config.host_names {
        ", its network address and the name that it gives itself (by DHCP or multicast DNS)"
    } else {
        " and its network address, not by the name that it gives itself"
    };
    format!(
        "\
THIS SENSOR WATCHES THE TRAFFIC OF OTHER MACHINES

Whoever configured it had it watch what passes on {}: not this machine's traffic only, but that of every machine
there. Of a machine that uses an AI service it reports which service, on which day and how often, and the machine by its
hardware address{names}. Which person and which program it was, it cannot know. Of machines that use no AI service nothing is
kept but in memory, and nothing is sent.
",
        config.interfaces.join(", ")
    )
}

/// What is reported of names that no rule knows, in words. `since_ms`: as the collector last said.
fn suspects(allowed: bool, since_ms: Option<i64>) -> String {
    let off = "\
NAMES THAT NO RULE KNOWS

Of host names that the catalogue does not know nothing is reported, not even of those that look like AI by their letters.";
    match since_ms {
        _ if !allowed => format!("{off} This machine's configuration rules it out.\n"),
        None => {
            format!("{off} Two people of the organisation can switch that on at the collector; it would be said here.\n")
        }
        Some(since_ms) => format!(
            "\
NAMES THAT NO RULE KNOWS AND THAT LOOK LIKE AI

Since {} two people of the organisation have it switched on that such names are reported. Of each the collector is told the
registrable domain (of chat.eu.some-chatbot.com: some-chatbot.com), the day, and how often; not the host below it, not the
program, and not the user. The names are judged by their letters, here on the machine; others never leave.
",
            Day::from_unix_ms(since_ms)
        ),
    }
}

/// What leaves of the names of accounts, in words. `asked`: as the collector last said.
fn sealed_names(configured: Option<PrivacyKey>, asked: Option<Reidentification>) -> String {
    const HEAD: &str = "WHOSE AN ACCOUNT IS";
    let Some(key) = configured else {
        return format!(
            "{HEAD}\n\nThe collector is told a pseudonym, and no name, not even a sealed one: this machine's configuration rules it out.\n"
        );
    };
    match asked {
        Some(asked) if asked.key == key => format!(
            "\
{HEAD}

Since {} two people of the organisation have it switched on that whose a pseudonym is can be learnt. With it this machine sends the name and the
number of the account, sealed to the privacy officer's key {key}: only who holds that key can
read them, not the collector. To open one takes a reason, a ticket and three people, for one account and for a limited time; each
time is recorded, and the works council can read of it.
",
            Day::from_unix_ms(asked.since_ms)
        ),
        Some(_) => format!(
            "{HEAD}\n\nThe collector asks for names sealed to a key that this machine's configuration does not name. None is sent.\n"
        ),
        None => format!(
            "\
{HEAD}

The collector is told a pseudonym, and no name. Two people of the organisation can switch on at the collector that names are sent too, sealed
to the privacy officer's key {key}; it would be said here.
"
        ),
    }
}

/// Prints what is collected, what was seen in the last 30 days, and whether it was sent.
pub fn run(args: Args) -> Result<ExitCode, CliError> {
    let config = args.state.load()?;
    let failed =
        |error| CliError::failed(format!("cannot read the state in {}", config.state_dir.display()), error);
    println!("{WHAT}");
    if !config.gateway.interfaces.is_empty() {
        println!("{}", gateway(&config.gateway));
    }
    let reader = Reader::open(&config.state_dir).map_err(failed)?;
    let note = match &reader {
        Some(reader) => reader.note("status").map_err(failed)?,
        None => None,
    };
    let note: StatusNote = note.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    println!("{}", suspects(config.suspects, note.suspects_since_ms));
    println!("{}", sealed_names(config.privacy_key, note.reidentification));
    if let (Some(every), Some(scan)) = (config.look_interval, config.scan_interval) {
        println!(
            "Software is looked for every {} minutes. In between, every {} s, the times of the files and folders that were\n\
             read are compared, and what changed is read again. Which places these are never leaves this machine.\n",
            scan.as_secs() / 60,
            every.as_secs()
        );
    }
    match Identity::load(&config.state_dir)
        .map_err(|error| CliError::failed("cannot read the identity", error))?
    {
        Some(identity) => println!("It is sent to {} and to nobody else.\n", identity.collector),
        None => println!("It is sent to nobody: this machine is not enrolled with a collector.\n"),
    }
    let Some(reader) = reader else {
        println!("Nothing has been collected yet.");
        return Ok(ExitCode::SUCCESS);
    };
    let shelf = Shelf::new(&config.state_dir, &config.catalogue_keys);
    let own_shelf = OwnShelf::of(&config);
    let own = own_shelf.overlay();
    let catalogue = composed(shelf.catalogue(), own.as_ref());
    println!("The catalogue in use: {}.", shelf.standing().0.words(today()));
    let note = reader.note("status").map_err(failed)?;
    let note = note.and_then(|text| serde_json::from_str::<StatusNote>(&text).ok());
    if let Some(why) = note.and_then(|note| note.catalogue.refused) {
        println!("The collector has another one that is not used: {why}.");
    }
    println!();
    print!("{}", own_rules(own.as_ref(), &own_shelf, &catalogue));
    let product = |rule: &str| {
        let product = catalogue.rule(rule).and_then(|rule| catalogue.product(&rule.product));
        product.map_or_else(|| rule.to_owned(), |product| product.name.to_string())
    };
    println!("CONNECTIONS AND LOOK-UPS OF THE LAST {DAYS} DAYS\n");
    let rows = reader.activity_since(Day::from_unix_ms(wall_clock_ms()).back(DAYS)).map_err(failed)?;
    if rows.is_empty() {
        println!("none");
    }
    for row in rows {
        let sent = if row.delivered >= row.count {
            "sent"
        } else if row.delivered > 0 {
            "sent in part"
        } else {
            "not sent yet"
        };
        let machine = if row.machine.is_empty() { String::new() } else { format!(" by {}", row.machine) };
        println!(
            "{}: {} ({}){machine}, {} times, last on {}, {sent}",
            product(&row.rule),
            row.value,
            row.channel,
            row.count,
            row.last_day
        );
    }
    let since = Day::from_unix_ms(wall_clock_ms()).back(DAYS);
    let suspected = reader.suspects_since(since).map_err(failed)?;
    if !suspected.is_empty() {
        println!("\nDOMAINS THAT LOOK LIKE AI, OF THE LAST {DAYS} DAYS\n");
    }
    for (domain, last, count, delivered) in suspected {
        let sent = if delivered >= count { "sent" } else { "not sent yet" };
        println!("{domain}, {count} times, last on {last}, {sent}");
    }
    println!("\nFOUND ON THIS MACHINE BY THE LAST SCAN\n");
    let mut found = 0;
    for (source, items, sent) in reader.snapshots().map_err(failed)? {
        for item in items {
            found += 1;
            let sent = if sent { "sent" } else { "not sent yet" };
            println!("{}: {} ({source}), {sent}", product(&item.rule), item.evidence.value);
        }
    }
    if found == 0 {
        println!("none");
    }
    let unmatched = reader.unmatched().map_err(failed)?;
    println!(
        "\nThe scan also saw {unmatched} identifiers of software that no rule knows. They stay on this machine."
    );
    Ok(ExitCode::SUCCESS)
}

/// What the organisation added to the catalogue, in plain words: whoever works at this machine may know it.
fn own_rules(own: Option<&(Overlay, u32)>, shelf: &OwnShelf, catalogue: &Catalogue) -> String {
    let mut text = "YOUR ORGANISATION'S OWN RULES\n\n".to_owned();
    let mut say = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    let Some((overlay, number)) = own.filter(|(overlay, _)| !overlay.is_empty()) else {
        say(if shelf.is_enabled() { "none\n" } else { "none: they are switched off on this machine\n" }
            .to_owned());
        return text;
    };
    say(format!("Version {number}. On top of the catalogue, these count on this machine:"));
    let patterns = |rule: &Rule| {
        let all: Vec<String> = rule.indicators.iter().map(pattern).collect();
        all.join(", ")
    };
    for rule in overlay.rules().iter().filter(|rule| !rule.indicators.is_empty()) {
        let why = rule.note.as_deref().unwrap_or_default();
        if rule.deny {
            say(format!("- not AI: {}. Why: {why}", patterns(rule)));
        } else {
            let product = catalogue.product(&rule.product).map_or(&*rule.product, |product| &*product.name);
            say(format!("- AI ({product}, confidence {}): {}. Why: {why}", rule.confidence, patterns(rule)));
        }
    }
    for change in overlay.changes() {
        match &change.what {
            Changed::Name { product, name } => {
                say(format!("- {product} is called {name} here. Why: {}", change.reason));
            }
            Changed::Confidence { rule, confidence } => {
                say(format!("- {rule} counts with confidence {confidence} here. Why: {}", change.reason));
            }
        }
    }
    say(String::new());
    text
}

fn pattern(indicator: &Indicator) -> String {
    match indicator.kind {
        IndicatorKind::Exact => format!("the name {}", indicator.pattern),
        IndicatorKind::Suffix => format!("{} and every name below it", indicator.pattern),
        IndicatorKind::Glob => format!("names like {}", indicator.pattern),
        IndicatorKind::Software(kind) => format!("{kind} {}", indicator.pattern),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_rules_are_told_in_plain_words() {
        let text = "[[product]]\nid = \"own.chat\"\nname = \"House chat\"\nkind = \"service\"\ncategory = \"assistant\"\n\
            description = \"Ours.\"\n[[rule]]\nid = \"own.chat.web\"\nproduct = \"own.chat\"\nconfidence = \"high\"\n\
            note = \"Ours.\"\nexact = [\"llm.intranet.example\"]\nnpm = [\"@corp/chat\"]\n[[deny]]\nid = \"deny.own-x\"\n\
            reason = \"A shop.\"\nsuffix = [\"you.com\"]\n[[change]]\nproduct = \"openai.chatgpt\"\nname = \"Approved\"\nreason = \"r\"\n";
        let (overlay, problems) = Overlay::parse("own-rules.toml", text);
        assert_eq!(problems, []);
        let own = (overlay, 3);
        let catalogue = composed(Catalogue::embedded().clone(), Some(&own));
        let shelf = OwnShelf::new(std::path::Path::new("/nowhere"), true, None);
        let words = own_rules(Some(&own), &shelf, &catalogue);
        for part in [
            "Version 3.",
            "AI (House chat, confidence high): the name llm.intranet.example, npm @corp/chat. Why: Ours.",
            "not AI: you.com and every name below it. Why: A shop.",
            "openai.chatgpt is called Approved here. Why: r",
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
        let off = OwnShelf::new(std::path::Path::new("/nowhere"), false, None);
        assert!(own_rules(None, &off, &catalogue).contains("switched off"));
    }

    #[test]
    fn whether_suspects_are_reported_is_said_with_the_day_since_when() {
        assert!(suspects(true, None).contains("nothing is reported"));
        assert!(suspects(false, Some(0)).contains("rules it out"));
        let on = suspects(true, Some(1_795_269_802_000));
        assert!(on.contains("Since 2026-11-21 two people") && on.contains("registrable domain"), "{on}");
    }

    #[test]
    fn whether_sealed_names_leave_is_said_with_the_key_and_the_day_since_when() {
        let (key, other) = (PrivacyKey::from_bytes([1; 32]), PrivacyKey::from_bytes([2; 32]));
        let asked = |key| Some(Reidentification { since_ms: 1_795_269_802_000, key });
        assert!(sealed_names(None, asked(key)).contains("rules it out"));
        assert!(sealed_names(Some(key), None).contains("it would be said here"));
        assert!(sealed_names(Some(key), asked(other)).contains("None is sent"));
        let on = sealed_names(Some(key), asked(key));
        for words in ["Since 2026-11-21", &key.to_string(), "three people", "works council"] {
            assert!(on.contains(words), "{words}: {on}");
        }
    }

    #[test]
    fn a_gateway_sensor_says_whom_it_watches_and_what_of_it_is_kept() {
        let config =
            GatewayConfig { interfaces: vec!["eth1".to_owned(), "br-lan".to_owned()], host_names: true };
        let text = gateway(&config);
        for words in
            ["OTHER MACHINES", "eth1, br-lan", "hardware address", "name that it gives itself (by DHCP"]
        {
            assert!(text.contains(words), "{words}: {text}");
        }
        let text = gateway(&GatewayConfig { host_names: false, ..config });
        assert!(text.contains("not by the name"), "{text}");
    }
}
