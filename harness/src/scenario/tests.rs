//! What crosses the parts of the reader: shipped files, broken files, arbitrary text, schema and docs.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::model::{Action, Claim, FaultExtent, FaultKind, Intervals, Which};
use super::{LoadResult, Style, json_schema, load, parse, shipped};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_owned()
}

/// A scenario around some lines, which are indented by nothing.
fn scenario(rest: &str) -> LoadResult {
    parse("t.yaml", &format!("scenario: T\nclause: downtime\n{rest}"))
}

fn messages(result: &LoadResult) -> Vec<&str> {
    result.diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect()
}

#[test]
fn every_shipped_scenario_reads_and_is_the_same_from_disk() {
    let embedded = shipped();
    assert_eq!(embedded.render(Style::Plain), "");
    let disk = load(&[root().join("scenarios")]);
    let ids =
        |result: &LoadResult| -> Vec<String> { result.scenarios.iter().map(|s| s.id.clone()).collect() };
    assert!(embedded.scenarios.len() > 100);
    assert_eq!(ids(&embedded), ids(&disk));
    let mut unique = ids(&disk);
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), disk.scenarios.len(), "ids must tell scenarios apart");
}

#[test]
fn all_event_types_make_33_rows_and_no_path_means_the_shipped_ones() {
    let shipped = load(&[]);
    let rows = shipped.scenarios.iter().filter(|s| s.id.starts_with("event-types/every-type["));
    assert_eq!(rows.count(), 33);
    assert!(shipped.scenarios.iter().any(|s| s.id == "event-types/every-type[RFP_SEND]"));
}

#[test]
fn the_model_holds_what_the_file_says() {
    let result = scenario(
        "steps:\n- {fault: {refuse: true}, for: 2h}\n- {fault: {ack_lost: 2}}\n- {emit: RFP_SEND, save: a}\n\
         expect:\n- intervals: {of: a, are: [1m, 90s]}\n",
    );
    assert_eq!(result.render(Style::Plain), "");
    let scenario = &result.scenarios[0];
    let faults: Vec<_> = scenario
        .steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::Fault(fault) => Some((fault.kind.clone(), fault.extent)),
            _ => None,
        })
        .collect();
    assert_eq!(
        faults,
        [
            (FaultKind::Refuse, FaultExtent::For(std::time::Duration::from_secs(7_200))),
            (FaultKind::AckLost, FaultExtent::Times(2)),
        ]
    );
    let spans = vec![std::time::Duration::from_secs(60), std::time::Duration::from_secs(90)];
    assert_eq!(
        scenario.expect[0].claim,
        Claim::Intervals(Which::Saved(vec!["a".into()]), Intervals::Are(spans))
    );
    assert_eq!(scenario.expect[0].place.to_string(), "t.yaml:8:3");
}

#[test]
fn each_broken_file_is_told_in_full() {
    let folder = root().join("scenarios/invalid");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    files.sort();
    assert!(files.len() >= 10);
    for file in files {
        let result = load(std::slice::from_ref(&file));
        assert!(result.scenarios.is_empty(), "{} holds no error", file.display());
        let prefix = format!("{}/", folder.display());
        let rendered = result.render(Style::Plain).replace(&prefix, "");
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(folder.join("snapshots"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        settings.bind(|| insta::assert_snapshot!(name, rendered));
    }
}

#[test]
fn variables_keep_their_type_and_condition_rows_leave_rows_out() {
    let result = scenario(
        "each: [{n: 2, a: x}, {n: 3, a: y}]\nwhen: {vars: {a: [y, z]}}\nsteps:\n\
         - {emit: RFP_SEND, count: \"{{n}}\", with: {t: \"is {{n}}\", v: \"{{n}}\"}}\n",
    );
    assert_eq!(result.render(Style::Plain), "");
    let [only] = &result.scenarios[..] else { panic!("one row is left") };
    assert_eq!(only.id, "t[3,y]");
    let Action::Emit(emit) = &only.steps[0].action else { panic!("an emit") };
    assert_eq!(emit.count, 3);
    let body = &emit.with.as_ref().expect("members").0;
    assert_eq!(*body, serde_json::json!({ "t": "is 3", "v": 3 }));
}

#[test]
fn fragments_bring_variables_and_steps_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("writable");
    write("base.yaml", "fragment: Base\nvars: {wait: 1h, who: base}\nsteps: [{advance: \"{{wait}}\"}]\n");
    write("middle.yaml", "fragment: Middle\ninclude: base.yaml\nvars: {who: middle}\n");
    write(
        "main.yaml",
        "scenario: \"{{who}}\"\nclause: downtime\ninclude: [middle.yaml, ./base.yaml]\nvars: {wait: 2h}\nsteps: []\n",
    );
    let result = load(&[folder.path().to_owned()]);
    assert_eq!(result.render(Style::Plain), "");
    let [only] = &result.scenarios[..] else { panic!("fragments are no scenarios") };
    assert_eq!((only.id.as_str(), only.title.as_str()), ("main", "middle"));
    let waits: Vec<_> = only.steps.iter().map(|step| &step.action).collect();
    assert_eq!(waits, [&Action::Advance(std::time::Duration::from_secs(7_200))]);
}

#[test]
fn wrong_paths_are_errors_with_a_suggestion() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = load(&[folder.path().to_owned()]);
    assert!(empty.diagnostics[0].message.starts_with("no scenario in"));
    fs::write(folder.path().join("downtime.yaml"), "scenario: x").expect("writable");
    let missing = load(&[folder.path().join("dwontime.yaml")]);
    assert!(missing.diagnostics[0].message.ends_with("does not exist"));
    assert!(missing.diagnostics[0].help.as_ref().is_some_and(|help| help.contains("downtime.yaml")));
}

#[test]
fn limits_are_named() {
    let rows = format!("each: [{}]\nsteps: []\n", "{a: 1},".repeat(1_001));
    assert_eq!(messages(&scenario(&rows)), ["1001 items, the limit is 1000"]);
    let steps = format!("steps: [{}]\n", "{advance: 1s},".repeat(1_001));
    assert_eq!(messages(&scenario(&steps)), ["1001 items, the limit is 1000"]);
    let emitted = scenario("steps: [{emit: all, count: 10000}]\n");
    assert!(messages(&emitted)[0].contains("the limit of one `emit` is 100000"));
    let deep = format!("vars: {{a: {}1{}}}\nsteps: []\n", "[".repeat(200), "]".repeat(200));
    assert!(messages(&scenario(&deep))[0].contains("depth 32"));
    // In blocks, too; each depth up to the limit and beyond is to fit into a thread's stack.
    for depth in 1..100 {
        let deep = format!("vars: {{a: {}1{}}}\nsteps: []\n", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(scenario(&deep).scenarios.len(), usize::from(depth < 31), "{depth} levels");
        let _block = scenario(&format!("vars:\n  a:\n   {}1\nsteps: []\n", "- ".repeat(depth)));
    }
    let nested: String = (1..40).map(|n| format!("  v{n}: [[[[\"{{{{v{}}}}}\"]]]]\n", n - 1)).collect();
    let nested = scenario(&format!("vars:\n  v0: 1\n{nested}steps: []\n"));
    assert!(messages(&nested)[0].contains("depth 32"));
    let large = format!("why: \"{}\"\nsteps: []\n", "x".repeat(1 << 20));
    assert!(messages(&scenario(&large))[0].contains("the limit is 1048576"));
}

/// After a change of the format: `cargo test -p pns-harness --lib -- --ignored publish_the_scenario_schema`.
#[test]
#[ignore = "writes docs/scenario.schema.json"]
fn publish_the_scenario_schema() {
    let text = serde_json::to_string_pretty(&json_schema()).expect("a schema is JSON");
    fs::write(root().join("docs/scenario.schema.json"), text + "\n").expect("writable");
}

#[test]
fn the_published_schema_agrees_with_the_code() {
    let path = root().join("docs/scenario.schema.json");
    let published: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(path).expect("the file is there")).expect("it is JSON");
    assert!(published == json_schema().to_value(), "see `publish_the_scenario_schema`");
}

#[test]
fn the_schema_accepts_every_shipped_file_and_rejects_unknown_keys() {
    let validator = jsonschema::validator_for(json_schema().as_value()).expect("a valid schema");
    for file in shipped().files.files() {
        let value: serde_json::Value = serde_saphyr::from_str(&file.text).expect("it is YAML");
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", file.name);
    }
    let wrong = serde_json::json!({ "scenario": "x", "clause": "downtime", "stepz": [] });
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn every_example_in_the_docs_reads() {
    let text = fs::read_to_string(root().join("docs/scenario-format.md")).expect("the docs are there");
    let mut blocks = 0;
    for (index, block) in text.split("```yaml\n").skip(1).enumerate() {
        let (yaml, _) = block.split_once("\n```").expect("the block ends");
        if yaml.starts_with("fragment:") {
            continue;
        }
        // An example of some keys is completed to a scenario.
        let mut whole = format!("{yaml}\n");
        for (key, line) in
            [("scenario:", "scenario: T\n"), ("clause:", "clause: downtime\n"), ("steps:", "steps: []\n")]
        {
            if !yaml.lines().any(|other| other.starts_with(key)) {
                whole.push_str(line);
            }
        }
        let result = parse(&format!("block-{}.yaml", index + 1), &whole);
        assert_eq!(result.render(Style::Plain), "");
        blocks += 1;
    }
    assert!(blocks >= 10);
}

#[test]
fn every_key_is_in_the_docs() {
    let text = fs::read_to_string(root().join("docs/scenario-format.md")).expect("the docs are there");
    let schema = json_schema().to_value();
    let mut keys = std::collections::BTreeSet::new();
    collect_keys(&schema, &mut keys);
    assert!(keys.len() > 80);
    let missing: Vec<_> = keys.iter().filter(|key| !text.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "not in the docs: {missing:?}");
}

fn collect_keys(schema: &serde_json::Value, keys: &mut std::collections::BTreeSet<String>) {
    match schema {
        serde_json::Value::Object(members) => {
            if let Some(properties) = members.get("properties").and_then(serde_json::Value::as_object) {
                keys.extend(properties.keys().cloned());
            }
            members.values().for_each(|member| collect_keys(member, keys));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect_keys(item, keys)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,300}") {
        let result = parse("fuzz.yaml", &text);
        prop_assert!(!result.diagnostics.is_empty() || !result.scenarios.is_empty());
        let _rendered = result.render(Style::Plain);
    }

    #[test]
    fn no_mutation_of_a_shipped_file_makes_it_panic(
        file in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, "[\\PC\n]{0,6}|\\{\\{[a-z.]{0,9}\\}\\}|[\\[\\]{}:,&*!|>%@`'\"#\t\r\u{feff}-]{1,3}"), 1..6),
    ) {
        let files = load::SHIPPED;
        let mut text: Vec<char> = file.get(files).1.chars().collect();
        for (at, cut, insert) in edits {
            let at = at.index(text.len() + 1);
            let end = (at + cut).min(text.len());
            text.splice(at..end, insert.chars());
        }
        let text: String = text.into_iter().collect();
        let result = parse("fuzz.yaml", &text);
        let _rendered = result.render(Style::Plain);
        for diagnostic in &result.diagnostics {
            if let Some(place) = &diagnostic.place {
                prop_assert!(place.end <= text.len() && place.start <= place.end);
            }
        }
    }
}
