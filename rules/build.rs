//! Compiles `catalogue/*.toml` into one run of bytes that the program carries. A mistake in the catalogue stops
//! the build with file, line and what to do.

#![expect(
    dead_code,
    unreachable_pub,
    reason = "the modules are the library's own; the script needs a part of them"
)]

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

#[path = "src/catalogue.rs"]
mod catalogue;
#[path = "src/claim.rs"]
mod claim;
#[path = "src/compile.rs"]
mod compile;
#[path = "src/compiled.rs"]
mod compiled;
#[path = "src/date.rs"]
mod date;
#[path = "src/domain.rs"]
mod domain;
#[path = "src/glob.rs"]
mod glob;
#[path = "src/identifier.rs"]
mod identifier;
#[path = "src/suspect/kind.rs"]
mod kind;
#[path = "src/parse.rs"]
mod parse;
#[path = "src/pattern.rs"]
mod pattern;
#[path = "src/suspect/source.rs"]
mod source;
#[path = "src/space.rs"]
mod space;
#[path = "src/table.rs"]
mod table;
#[path = "src/words.rs"]
mod words;

fn main() -> ExitCode {
    for path in ["build.rs", "src", "catalogue", "suspects.toml"] {
        println!("cargo::rerun-if-changed={path}");
    }
    match compile().and_then(|()| compile_suspects()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn compile() -> Result<(), String> {
    let files =
        read(Path::new("catalogue")).map_err(|error| format!("cannot read rules/catalogue: {error}"))?;
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let catalogue = catalogue::Catalogue::parse(&files).map_err(|problems| {
        let lines: Vec<String> =
            problems.iter().map(|problem| format!("rules/catalogue/{problem}")).collect();
        lines.join("\n")
    })?;
    let bytes: &'static [u8] = compile::encode(&catalogue).leak();
    if compiled::decode(bytes).as_ref() != Some(&catalogue) {
        return Err("the compiled catalogue does not read back as it was written".to_owned());
    }
    write("catalogue.bin", bytes)
}

/// The signs of what no rule knows.
fn compile_suspects() -> Result<(), String> {
    let text = fs::read_to_string("suspects.toml")
        .map_err(|error| format!("cannot read rules/suspects.toml: {error}"))?;
    let compiled = source::compile(&text).map_err(|why| format!("rules/suspects.toml: {why}"))?;
    write("suspects.txt", compiled.as_bytes())
}

fn write(name: &str, bytes: &[u8]) -> Result<(), String> {
    let out = env::var("OUT_DIR").map_err(|error| format!("cargo set no OUT_DIR: {error}"))?;
    let target = Path::new(&out).join(name);
    fs::write(&target, bytes).map_err(|error| format!("cannot write {}: {error}", target.display()))
}

fn read(folder: &Path) -> io::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, fs::read_to_string(&path)?));
        }
    }
    files.sort();
    Ok(files)
}
