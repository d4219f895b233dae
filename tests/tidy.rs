//! The written rules that a machine can check: layers, sizes, dead links, words.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// A file longer than this is two things in one (CONTRIBUTING.md, "Sizes").
const LINES_MAX: usize = 500;

#[test]
fn rust_files_stay_small() {
    let long: Vec<String> = files(Path::new(ROOT), "rs")
        .into_iter()
        .map(|path| (fs::read_to_string(&path).unwrap().lines().count(), path))
        .filter(|(lines, _)| *lines > LINES_MAX)
        .map(|(lines, path)| format!("{}: {lines} lines", relative(&path)))
        .collect();
    assert!(long.is_empty(), "over {LINES_MAX} lines:\n{}", long.join("\n"));
}

#[test]
fn dependencies_point_one_way() {
    let dependencies = |manifest: &str| {
        let text = fs::read_to_string(Path::new(ROOT).join(manifest)).unwrap();
        let table = text.split("[dependencies]").nth(1).unwrap();
        let table = table.split("\n[").next().unwrap();
        table.lines().filter_map(|line| line.split(['.', ' ']).next()).map(String::from).collect::<Vec<_>>()
    };
    let engine = dependencies("simulator/engine/Cargo.toml");
    let engine: Vec<_> = engine.iter().filter(|name| !name.is_empty()).collect();
    assert_eq!(engine, ["thiserror"], "the engine has no clock, no network and no async to depend on");
    assert!(!dependencies("simulator/Cargo.toml").contains(&"pns-harness".to_owned()));
    let lib = fs::read_to_string(Path::new(ROOT).join("simulator/engine/src/lib.rs")).unwrap();
    assert!(lib.contains("#![no_std]"));
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut dead = Vec::new();
    for path in files(Path::new(ROOT), "md") {
        let text = fs::read_to_string(&path).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap();
            if file.is_empty() || file.contains("://") || file.starts_with("mailto:") {
                continue;
            }
            if !path.parent().unwrap().join(file).exists() {
                dead.push(format!("{}: {target}", relative(&path)));
            }
        }
    }
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
}

#[test]
fn every_script_of_the_interop_suite_is_run() {
    let dir = Path::new(ROOT).join("tests/interop");
    let all = fs::read_to_string(dir.join("run_all.sh")).unwrap();
    for script in files(&dir, "sh") {
        let name = script.file_name().unwrap().to_str().unwrap();
        assert!(name == "run_all.sh" || all.contains(name), "run_all.sh does not call {name}");
    }
}

/// Files below `dir` with that ending, in order, without build output and hidden folders.
fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "node_modules" {
                found.extend(files(&path, ending));
            }
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(ROOT).unwrap().display().to_string()
}
