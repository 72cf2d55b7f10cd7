//! `rules publish`: from catalogue files to the bundle that agents take.

use std::fs;
use std::path::{Path, PathBuf};

use minisign::{PublicKey as Signer, SecretKey, SecretKeyBox};
use umbrascope_rules::bundle::{self, Draft, PublicKey};
use umbrascope_rules::{Catalogue, Date, Problem, lint};

use super::{install, place_of, today};
use crate::catalogue;
use crate::cli::admin::read_hidden;
use crate::cli::{CliError, Place};

/// How long agents take a bundle, in days, unless something else is asked for.
const LIFE_DAYS: u32 = 365;
/// Longest file of a key that is read, in bytes.
const KEY_BYTES: u64 = 4096;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Secret key, as `rules keygen` and minisign write it. A password is read from the terminal or from the first line of stdin
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Until when agents take it: the first day on which they do not (2027-01-31), or in how many days that is
    #[arg(long, value_name = "DATE|DAYS", default_value_t = LIFE_DAYS.to_string())]
    expires: String,
    /// Number of this catalogue, higher than that of the last one. Default: that in its files, or the next one
    #[arg(long, value_name = "N")]
    number: Option<u32>,
    /// Write the bundle to this file and hand it to nobody: `rules import` does that, also elsewhere
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The catalogue that this program came with
    #[arg(long, conflicts_with = "files")]
    embedded: bool,
    /// Catalogue files, and folders of them: together they are the whole catalogue
    #[arg(value_name = "DIR|FILE", required_unless_present = "embedded")]
    files: Vec<PathBuf>,
}

pub(super) fn run(place: &Place, args: &Args) -> Result<(), CliError> {
    let (config, dir) = place_of(place)?;
    let today = today();
    let expires = expiry(&args.expires, today)?;
    let new = if args.embedded { Catalogue::embedded().clone() } else { parse(&args.files)? };
    let keys = PublicKey::trusted(&config.catalogue_keys);
    let before = match catalogue::look(&dir.catalogue(), &keys).good {
        Some(Ok(before)) => Some(before.catalogue),
        Some(Err(why)) => {
            eprintln!("what was published before is not compared with: {why}");
            None
        }
        None => None,
    };
    let number = number(args.number, &new, before.as_ref())?;
    let new = new.renumbered(number, today);
    check(&new, before.as_ref(), today)?;

    let (secret, public) = key(&args.key)?;
    let failed = |error| CliError::Failed(format!("could not make the bundle: {error}"));
    let draft = Draft::of_catalogue(&new, today, expires).map_err(failed)?;
    let signature = minisign::sign(None, &secret, draft.to_sign(), Some(&draft.comment), None)
        .map_err(|error| CliError::Failed(format!("could not sign: {error}")))?;
    let bytes = draft.sign(&signature.to_string()).map_err(failed)?;
    // Nothing leaves that could not be read again.
    catalogue::open(&bytes, std::slice::from_ref(&public)).map_err(failed)?;
    match &args.output {
        Some(path) => {
            let part = path.with_extension("part");
            fs::write(&part, &bytes)
                .and_then(|()| fs::rename(&part, path))
                .map_err(|error| CliError::Failed(format!("could not write {}: {error}", path.display())))?;
            println!("{} is in {}, signed by key {}", new.version(), path.display(), public.id());
        }
        None if !keys.contains(&public) => {
            return Err(CliError::Failed(format!(
                "key {} is not trusted here: add `{public}` to `keys` of [catalogue] in collector.toml, and in agent.toml of every \
                 machine, or write the bundle to a file with -o",
                public.id()
            )));
        }
        None => {
            install(&config, &dir, &bytes)?;
            println!("{} is handed to the agents, and used here, within seconds", new.version());
        }
    }
    eprintln!("Agents that trust key {} take it until {expires}.", public.id());
    Ok(())
}

/// A day, or so many days from now.
fn expiry(text: &str, today: Date) -> Result<Date, CliError> {
    let date = match text.parse::<u32>() {
        Ok(days) => Date::from_days(today.days().saturating_add(days)),
        Err(_) => text.parse().map_err(|_| {
            CliError::Usage(format!("--expires {text}: a day (2027-01-31) or a number of days is wanted"))
        })?,
    };
    // The last day that a manifest can name.
    let last = Date::from_civil(9999, 12, 31).unwrap_or_default();
    if date <= today || date > last {
        return Err(CliError::Usage(format!("--expires {text}: a day to come is wanted")));
    }
    Ok(date)
}

/// The number of what is published: what was asked for, or the lowest that agents take.
fn number(asked: Option<u32>, new: &Catalogue, before: Option<&Catalogue>) -> Result<u32, CliError> {
    let next = before.map_or(Some(1), |before| before.number().checked_add(1));
    let next = next.ok_or_else(|| CliError::Failed("there is no number after the last one".to_owned()))?;
    let least = next.max(bundle::floor());
    match asked {
        Some(number) if number >= least => Ok(number),
        Some(number) => Err(CliError::Failed(format!(
            "agents do not go back to number {number}: give --number {least} or higher, or leave it out"
        ))),
        None => Ok(new.number().max(least)),
    }
}

/// Refuses what a reviewer would, and an id that has vanished.
fn check(new: &Catalogue, before: Option<&Catalogue>, today: Date) -> Result<(), CliError> {
    let report = lint::check(new, today);
    let mut errors = report.errors;
    for old in [Some(Catalogue::embedded()), before].into_iter().flatten() {
        for problem in lint::against(old, new) {
            if !errors.contains(&problem) {
                errors.push(problem);
            }
        }
    }
    tell(&errors);
    if !report.warnings.is_empty() {
        eprintln!("{} warnings: `umbrascope-agent rules check` shows them", report.warnings.len());
    }
    match errors.len() {
        0 => Ok(()),
        many => Err(CliError::Failed(format!("nothing was published: {many} mistakes in the catalogue"))),
    }
}

fn tell(problems: &[Problem]) {
    /// More are as good as none.
    const MOST: usize = 50;
    problems.iter().take(MOST).for_each(|problem| eprintln!("error: {problem}"));
    if problems.len() > MOST {
        eprintln!("and {} more", problems.len() - MOST);
    }
}

fn parse(paths: &[PathBuf]) -> Result<Catalogue, CliError> {
    let unreadable = |path: &Path, error: std::io::Error| {
        CliError::Failed(format!("could not read {}: {error}", path.display()))
    };
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        for entry in fs::read_dir(path).map_err(|error| unreadable(path, error))? {
            let path = entry.map_err(|error| unreadable(path, error))?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                files.push(path);
            }
        }
    }
    let mut texts = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
        texts.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text));
    }
    texts.sort();
    let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Catalogue::parse(&texts).map_err(|problems| {
        tell(&problems);
        CliError::Failed(format!("nothing was published: {} mistakes in the catalogue", problems.len()))
    })
}

/// A secret key and its public half.
fn key(path: &Path) -> Result<(SecretKey, PublicKey), CliError> {
    let failed = |why: String| CliError::Failed(format!("could not use the key {}: {why}", path.display()));
    let length = fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if length > KEY_BYTES {
        return Err(failed("it is no minisign key".to_owned()));
    }
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let line = text.lines().nth(1).unwrap_or_default().trim();
    let bytes = data_encoding::BASE64.decode(line.as_bytes()).unwrap_or_default();
    let secret = match bytes.get(2..4) {
        // Not encrypted. The tool leaves the checksum of such a key empty, so it is not looked at: the bundle is read back
        // with the public half, which a damaged key does not survive.
        Some([0, 0]) => SecretKey::from_bytes(&bytes),
        // Encrypted with a key that scrypt makes of the password.
        Some(b"Sc") => {
            let password = read_hidden("Password of the key: ")?;
            SecretKeyBox::from_string(&text).and_then(|key| SecretKey::from_box(key, Some(password)))
        }
        _ => return Err(failed("it is no secret key of minisign".to_owned())),
    };
    let secret = secret.map_err(|error| failed(error.to_string()))?;
    let public = Signer::from_secret_key(&secret).map_err(|error| failed(error.to_string()))?;
    let public = public.to_base64().parse().map_err(|error| failed(format!("{error}")))?;
    Ok((secret, public))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_a_day_or_a_number_of_days_and_to_come() {
        let today: Date = "2026-11-26".parse().unwrap();
        assert_eq!(expiry("2027-01-31", today).unwrap().to_string(), "2027-01-31");
        assert_eq!(expiry("35", today).unwrap().to_string(), "2026-12-31");
        for text in ["0", "2026-11-26", "2020-01-01", "soon", "-1", "4294967295"] {
            assert!(matches!(expiry(text, today), Err(CliError::Usage(_))), "{text}");
        }
    }

    #[test]
    fn a_number_only_grows() {
        let of = |number: u32| Catalogue::embedded().clone().renumbered(number, Date::default());
        let (floor, nine) = (bundle::floor(), of(9));
        assert_eq!(number(None, &of(0), None).unwrap(), floor.max(1));
        assert_eq!(number(None, &of(5), Some(&nine)).unwrap(), 10);
        assert_eq!(number(None, &of(12), Some(&nine)).unwrap(), 12);
        assert_eq!(number(Some(11), &of(5), Some(&nine)).unwrap(), 11);
        assert!(number(Some(9), &of(5), Some(&nine)).unwrap_err().to_string().contains("--number 10"));
        assert!(number(None, &of(5), Some(&of(u32::MAX))).is_err());
    }
}
