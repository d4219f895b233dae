//! `pns schema`.

use std::fs;

use super::{EPOCH, file, folder, outcome, pns};

#[test]
fn a_list_tells_packs_and_event_types() {
    let (code, out, err) = outcome(pns(folder().path()).args(["schema", "list"]));
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!(out);
    let (code, out, _) = outcome(pns(folder().path()).args(["schema", "list", "--types"]));
    assert_eq!((code, out.lines().count(), out.lines().next()), (0, 33, Some("RFP_SEND")));
}

#[test]
fn a_pack_and_its_files_are_shown() {
    let folder = folder();
    let (code, out, _) = outcome(pns(folder.path()).args(["schema", "show", "--pack", "cvent-2015"]));
    assert_eq!(code, 0);
    for part in ["PNS/publicRfpEvent.json", "/eventType", "documented by Cvent", "all 33 event types"] {
        assert!(out.contains(part), "no {part:?} in\n{out}");
    }
    for name in ["PNS/rfpEventType.json", "rfpEventType.json"] {
        let (code, out, _) = outcome(pns(folder.path()).args(["schema", "show", name]));
        let schema: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!((code, schema["enum"].as_array().unwrap().len()), (0, 32));
    }
    let (code, _, err) = outcome(pns(folder.path()).args(["schema", "show", "PNS/rfpEventTypes.json"]));
    assert_eq!(code, 2);
    assert!(err.contains("did you mean `PNS/rfpEventType.json`?"), "{err}");
    let (code, _, err) = outcome(pns(folder.path()).args(["schema", "show", "--pack", "cvent-2016"]));
    assert_eq!(code, 2);
    assert!(err.contains("did you mean `cvent-2016-11`?"), "{err}");
}

#[test]
fn an_exported_pack_is_a_pack_of_ones_own() {
    let folder = folder();
    let export = || outcome(pns(folder.path()).args(["schema", "export", "own"]));
    assert_eq!(export().0, 0);
    // The same again changes nothing, and what differs is left alone.
    assert_eq!(export().0, 0);
    let bodies = |pack: &[&str]| {
        let args = ["schema", "generate", "--seed", "5", "--epoch", EPOCH];
        outcome(pns(folder.path()).args(args).args(pack))
    };
    let own = bodies(&["--schema-pack", "own"]);
    assert_eq!((own.0, own.1.lines().count()), (0, 33), "{}", own.2);
    file(folder.path(), "bodies.jsonl", &own.1);
    let (code, out, _) = outcome(pns(folder.path()).args(["schema", "validate", "--lines", "bodies.jsonl"]));
    assert_eq!((code, out.as_str()), (0, "33 bodies, all valid\n"));
    let manifest = folder.path().join("own/manifest.json");
    fs::write(&manifest, "{}").unwrap();
    let (code, _, err) = export();
    assert_eq!(code, 2);
    assert!(err.contains("manifest.json` is there already"), "{err}");
    assert_eq!(fs::read_to_string(manifest).unwrap(), "{}");
    let (code, _, err) = bodies(&["--schema-pack", "own"]);
    assert_eq!(code, 2);
    assert!(err.contains("cannot use the schema pack in `own`"), "{err}");
}

#[test]
fn equal_numbers_make_equal_bodies() {
    let folder = folder();
    let generate = |more: &[&str]| {
        let args = ["schema", "generate", "--seed", "7", "--epoch", EPOCH];
        let (code, out, err) = outcome(pns(folder.path()).args(args).args(more));
        assert_eq!((code, err.as_str()), (0, ""));
        out
    };
    let hundred = generate(&["--count", "100"]);
    assert_eq!(hundred, generate(&["--count", "100"]));
    assert_eq!(hundred.lines().count(), 100);
    let rest = generate(&["--first", "60", "--count", "40"]);
    assert_eq!(hundred.lines().skip(60).collect::<Vec<_>>(), rest.lines().collect::<Vec<_>>());
    let two = generate(&["--type", "PLANNER_CANCEL", "--type", "RFP_SEND", "--count", "2"]);
    let types: Vec<bool> = two.lines().map(|line| line.contains("PLANNER_CANCEL")).collect();
    assert_eq!(types, [true, false]);
}

#[test]
fn what_is_generated_is_valid() {
    let folder = folder();
    for pack in ["cvent-2016-11", "cvent-2015"] {
        let args = ["schema", "generate", "--count", "500", "--pack", pack];
        let (code, bodies, err) = outcome(pns(folder.path()).args(args));
        assert_eq!(code, 0);
        // The seed was drawn, so it is told.
        assert!(err.starts_with("note: seed "), "{err}");
        let args = ["schema", "validate", "--lines", "-", "--pack", pack];
        let (code, out, _) = outcome(pns(folder.path()).args(args).write_stdin(bodies));
        assert_eq!((code, out.as_str()), (0, "500 bodies, all valid\n"));
    }
}

#[test]
fn a_violation_is_told_with_its_line_and_pointer() {
    let folder = folder();
    file(
        folder.path(),
        "cancel.json",
        "{\n \"eventId\": \"0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01\",\n \"eventType\": \"PLANNER_CANCEL\",\n \
         \"eventCategory\": \"RFP\",\n \"eventTimestamp\": \"2026-01-31T08:00:00.000Z\",\n \
         \"rfpId\": \"no uuid\",\n \"supplierId\": \"0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01\"\n}\n",
    );
    file(folder.path(), "cut.json", "{\n \"eventId\": ");
    let (code, out, err) =
        outcome(pns(folder.path()).args(["schema", "validate", "cancel.json", "cut.json"]));
    assert_eq!((code, err.as_str()), (1, ""));
    insta::assert_snapshot!(out);
}

#[test]
fn what_is_no_body_is_told_apart_from_what_cannot_be_read() {
    let folder = folder();
    let validate = |args: &[&str]| outcome(pns(folder.path()).args(["schema", "validate"]).args(args));
    file(folder.path(), "empty.jsonl", "\n\n");
    assert_eq!(validate(&["--lines", "empty.jsonl"]).0, 3);
    let (code, _, err) = validate(&["none.json"]);
    assert_eq!(code, 2);
    assert!(err.contains("cannot read `none.json`"), "{err}");
    file(folder.path(), "two.json", "{}\n{}\n");
    let (code, out, _) = validate(&["two.json"]);
    assert_eq!(code, 1);
    assert!(out.contains("`--lines` takes a body in each line"), "{out}");
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_ends_an_endless_list() {
    let binary = env!("CARGO_BIN_EXE_pns");
    let script =
        format!("{{ {binary} schema generate --seed 1 --count 1000000000000; echo $? >&2; }} | head -n 1");
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr).trim(), "0");
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1);
}
