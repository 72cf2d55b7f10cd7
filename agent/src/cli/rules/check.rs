//! `rules check`: mistakes in catalogue files.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use umbrascope_rules::{Catalogue, Date, Problem, lint};

use super::parse;
use crate::cli::CliError;

/// What a check found, errors first.
pub(super) struct Findings {
    pub(super) errors: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
    notes: Vec<String>,
}

impl Findings {
    pub(super) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        self.errors.iter().try_for_each(|problem| writeln!(out, "error: {problem}"))?;
        self.warnings.iter().try_for_each(|problem| writeln!(out, "warning: {problem}"))?;
        self.notes.iter().try_for_each(|note| writeln!(out, "note: {note}"))
    }
}

/// Reads catalogue files as a reviewer would, the built-in catalogue where none is given.
pub(super) fn check(files: &[PathBuf], against: Option<&Path>, today: Date) -> Result<Findings, CliError> {
    let read;
    let catalogue = if files.is_empty() {
        Catalogue::embedded()
    } else {
        match parse(files)? {
            Ok(catalogue) => {
                read = catalogue;
                &read
            }
            Err(errors) => return Ok(Findings { errors, warnings: Vec::new(), notes: Vec::new() }),
        }
    };
    let report = lint::check(catalogue, today);
    let mut findings = Findings { errors: report.errors, warnings: report.warnings, notes: report.notes };
    if let Some(old) = against {
        match parse(&[old.to_owned()])? {
            Ok(old) => findings.errors.extend(lint::against(&old, catalogue)),
            Err(problems) => findings.errors.extend(problems),
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::today;
    use super::*;

    #[test]
    fn a_check_counts_what_nobody_has_read_in_its_source() {
        let (mut out, findings) = (Vec::new(), check(&[], None, Catalogue::embedded().date()).unwrap());
        findings.print(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.lines().any(|line| line.starts_with("note: ") && line.contains("general knowledge")),
            "{text}"
        );
    }

    #[test]
    fn a_check_reads_folders_and_names_the_place_of_a_mistake() {
        let folder = tempfile::tempdir().unwrap();
        let good = "[vendor]\nid = \"v\"\nname = \"V\"\n";
        fs::write(folder.path().join("v.toml"), good).unwrap();
        let paths = [folder.path().to_owned()];
        assert!(check(&paths, None, today()).unwrap().errors.is_empty());
        fs::write(folder.path().join("w.toml"), "[vendor]\nid = \"w\"\nnme = \"W\"\n").unwrap();
        let errors = check(&paths, None, today()).unwrap().errors;
        assert!(
            errors[0].to_string().ends_with("w.toml:1: vendor has no `name`; add name = \"…\""),
            "{errors:?}"
        );
        assert!(
            errors[1].to_string().ends_with("w.toml:3: vendor has no key `nme`; did you mean `name`?"),
            "{errors:?}"
        );
        fs::remove_file(folder.path().join("w.toml")).unwrap();
        let vanished = check(&[], Some(folder.path()), today()).unwrap().errors;
        assert!(vanished.iter().any(|problem| problem.message == "vendor `v` has vanished"));
        assert!(check(&[folder.path().join("gone.toml")], None, today()).is_err());
    }
}
