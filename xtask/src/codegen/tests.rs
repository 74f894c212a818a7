//! A workspace of one crate: what is generated, what is trimmed, what is found stale.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{ServiceConfig, model, run_in};

const MANIFEST: &str = r#"
[[service]]
name = "thing"
model = "thing/2026-01-01"
output = "src/shapes.rs"
operations = ["PutThing"]
hidden = ["Word"]
members_not_null = true
"#;

fn public_model() -> Value {
    json!({
        "metadata": { "protocol": "json", "jsonVersion": "1.0", "endpointPrefix": "thing", "targetPrefix": "Thing_1" },
        "operations": {
            "PutThing": {
                "name": "PutThing", "http": { "method": "POST", "requestUri": "/" },
                "input": { "shape": "PutThingRequest" }, "errors": [{ "shape": "Gone" }],
                "documentation": "<p>prose</p>"
            },
            "DropThing": {
                "name": "DropThing", "http": { "method": "POST", "requestUri": "/" }, "input": { "shape": "DropThingRequest" }
            }
        },
        "shapes": {
            "PutThingRequest": {
                "type": "structure", "required": ["Name"], "documentation": "<p>prose</p>",
                "members": {
                    "Name": { "shape": "Word", "documentation": "<p>prose</p>" },
                    "documentation": { "shape": "Word" },
                    "Secrets": { "shape": "Secrets" },
                    "Self": { "shape": "PutThingRequest" }
                }
            },
            "DropThingRequest": { "type": "structure", "members": { "Only": { "shape": "OnlyDropped" } } },
            "OnlyDropped": { "type": "string" },
            "Word": { "type": "string", "min": 1, "pattern": "\\w+" },
            "Secrets": { "type": "list", "member": { "shape": "Secret" } },
            "Secret": { "type": "string", "sensitive": true },
            "Gone": { "type": "structure", "members": {}, "exception": true, "error": { "httpStatusCode": 404 } }
        }
    })
}

fn workspace(manifest: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for folder in ["crates/thing/src", "models", "public/thing/2026-01-01"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    fs::write(root.path().join("rustfmt.toml"), "max_width = 200\nuse_small_heuristics = \"Max\"\n").unwrap();
    fs::write(root.path().join("crates/thing/codegen.toml"), manifest).unwrap();
    fs::write(root.path().join("public/thing/2026-01-01/service-2.json"), public_model().to_string())
        .unwrap();
    root
}

fn codegen(root: &Path, args: &[&str]) -> Result<(), String> {
    run_in(root, &args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
}

fn renew(root: &Path) -> Result<(), String> {
    let public = root.join("public").display().to_string();
    codegen(root, &["--models-from", &public])
}

#[test]
fn what_is_checked_in_is_proven_current() {
    let root = workspace(MANIFEST);
    let shapes = root.path().join("crates/thing/src/shapes.rs");
    assert!(codegen(root.path(), &["--check"]).unwrap_err().contains("thing.json"), "there is no model yet");
    renew(root.path()).unwrap();
    codegen(root.path(), &["--check"]).unwrap();
    let text = fs::read_to_string(&shapes).unwrap();
    fs::write(&shapes, text.replace("pub struct", "pub  struct")).unwrap();
    let stale = codegen(root.path(), &["--check"]).unwrap_err();
    assert_eq!(stale, "not current, run cargo xtask codegen: crates/thing/src/shapes.rs");
    codegen(root.path(), &["--check", "other"]).unwrap();
    codegen(root.path(), &["thing"]).unwrap();
    assert_eq!(fs::read_to_string(&shapes).unwrap(), text);
}

#[test]
fn shapes_hold_what_the_model_says() {
    let root = workspace(MANIFEST);
    renew(root.path()).unwrap();
    let text = fs::read_to_string(root.path().join("crates/thing/src/shapes.rs")).unwrap();
    for expected in [
        "pub name: Option<String>",
        "pub secrets: Option<Vec<String>>",
        "pub self_: Option<Box<PutThingRequest>>",
        // A list of secrets is not shown either.
        "impl std::fmt::Debug for PutThingRequest",
        "required: true",
        r#"pattern: Some(Pattern::new("\\w+", "\\A(?:[0-9A-Za-z_]+)\\z"))"#,
        "sensitive: true",
        r#"errors: &[("Gone", 404)]"#,
        "members_not_null: true",
        r#"absent: &[Absent { name: "DropThing", method: "POST", uri: "/" }]"#,
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    assert!(!text.contains("OnlyDropped") && !text.contains("prose"));
}

#[test]
fn a_model_made_by_hand_is_not_renewed() {
    let root = workspace(&MANIFEST.replace("model = \"thing/2026-01-01\"\n", ""));
    let kept = root.path().join("models/thing.json");
    fs::write(&kept, public_model().to_string()).unwrap();
    renew(root.path()).unwrap();
    assert_eq!(fs::read_to_string(&kept).unwrap(), public_model().to_string());
    let text = fs::read_to_string(root.path().join("crates/thing/src/shapes.rs")).unwrap();
    assert!(!text.contains("OnlyDropped"), "only what the operations reach is written");
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let root = workspace(&MANIFEST.replace("2026-01-01", "2027-01-01"));
    assert!(renew(root.path()).is_err());
    assert!(codegen(root.path(), &[]).is_err());
}

fn config(operation: &str) -> ServiceConfig {
    toml::from_str(&format!("name = 'thing'\noutput = 'x'\noperations = ['{operation}']")).unwrap()
}

#[test]
fn trimming_keeps_what_is_reached_and_the_routes_of_the_rest() {
    let trimmed = model::trim(&public_model(), &config("PutThing")).unwrap();
    let shapes = trimmed["shapes"].as_object().unwrap();
    let names: Vec<&str> = shapes.keys().map(String::as_str).collect();
    assert_eq!(names, ["PutThingRequest", "Word", "Secrets", "Secret", "Gone"]);
    assert_eq!(
        trimmed["operations"]["DropThing"],
        json!({ "http": { "method": "POST", "requestUri": "/" } })
    );
    let members = &shapes["PutThingRequest"]["members"];
    assert_eq!(members["documentation"], json!({ "shape": "Word" }), "a member may be called so");
    assert_eq!(members["Name"], json!({ "shape": "Word" }));
    assert_eq!(model::trim(&trimmed, &config("PutThing")).unwrap(), trimmed, "twice is once");
}

#[test]
fn an_operation_that_the_model_has_not_is_an_error() {
    let error = model::trim(&public_model(), &config("PutThings")).unwrap_err();
    assert_eq!(error, "thing: the model has no operation PutThings");
}
