//! What the compiler does not check: who may know whom, sizes, words.

use std::fs;
use std::path::{Path, PathBuf};

/// The crates in layers: each may know those of its own line's left and of the lines above it. Foundations know no
/// service, services know IAM and the foundations, the edges know everything before them.
const LAYERS: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("wire", &["core"]),
    ("sigv4", &["core"]),
    ("store", &["core"]),
    ("blobs", &["core"]),
    ("sandbox", &["core"]),
    ("iam", &["core", "wire", "store"]),
    ("logs", &["core", "wire", "store", "blobs", "iam"]),
    ("s3", &["core", "wire", "sigv4", "store", "blobs", "iam"]),
    ("dynamodb", &["core", "wire", "store", "blobs", "iam"]),
    ("lambda", &["core", "wire", "store", "blobs", "sandbox", "iam"]),
    ("cognito", &["core", "wire", "store", "blobs", "iam"]),
    ("cloudformation", &["core", "wire", "store", "iam", "logs", "s3", "dynamodb", "lambda", "cognito"]),
    ("gateway", &["core", "wire", "sigv4"]),
    (
        "server",
        &[
            "core",
            "wire",
            "store",
            "blobs",
            "sandbox",
            "iam",
            "logs",
            "s3",
            "dynamodb",
            "lambda",
            "cognito",
            "cloudformation",
            "gateway",
        ],
    ),
];

/// The longest hand-written file.
const MAX_LINES: usize = 800;

/// Words that stand for work that is not done. Put together here, so that this file does not hold them.
const UNDONE: &[(&str, &str)] =
    &[("TO", "DO"), ("FIX", "ME"), ("to", "do!("), ("unimpl", "emented!("), ("#[ig", "nore"), ("db", "g!(")];

/// `cargo xtask tidy`
pub fn run() -> Result<(), String> {
    let mut found = Vec::new();
    dependency_rule(&mut found)?;
    for path in sources()? {
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let generated = path.file_name().is_some_and(|name| name == "shapes.rs");
        if !generated {
            source(&path, &text, &mut found);
        }
    }
    for folder in crates()? {
        if !folder.join("README.md").exists() {
            found.push(format!("{}: expected a README.md", folder.display()));
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found.join("\n")) }
}

fn crates() -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(crate::root().join("crates")).map_err(|error| error.to_string())?;
    let mut folders: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    Ok(folders)
}

/// A crate's dependencies must be among those that its layer may know. Tests may know more.
fn dependency_rule(found: &mut Vec<String>) -> Result<(), String> {
    for (name, allowed) in LAYERS {
        let path = crate::root().join("crates").join(name).join("Cargo.toml");
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let manifest: toml::Table =
            toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let dependencies = manifest.get("dependencies").and_then(|table| table.as_table());
        for dependency in dependencies.into_iter().flat_map(|table| table.keys()) {
            let Some(known) = dependency.strip_prefix("nephos-") else { continue };
            if !allowed.contains(&known) {
                found.push(format!("crates/{name} must not know {known}: see LAYERS in xtask/src/tidy.rs"));
            }
        }
    }
    Ok(())
}

fn sources() -> Result<Vec<PathBuf>, String> {
    let mut folders: Vec<PathBuf> =
        ["crates", "xtask", "bench", "fuzz"].map(|name| crate::root().join(name)).into();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("target") && !path.ends_with("node_modules") {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn source(path: &Path, text: &str, found: &mut Vec<String>) {
    let shown = path.strip_prefix(crate::root()).unwrap_or(path).display();
    let lines = text.lines().count();
    if lines > MAX_LINES {
        found.push(format!("{shown}: {lines} lines; split it by noun, {MAX_LINES} is the most"));
    }
    if !text.starts_with("//!") && !text.starts_with("#!") && shown.to_string().contains("/src/") {
        found.push(format!("{shown}: a file opens with //! and its purpose"));
    }
    for (number, line) in text.lines().enumerate() {
        if let Some((a, b)) = UNDONE.iter().find(|(a, b)| line.contains(&format!("{a}{b}"))) {
            found.push(format!("{shown}:{}: {a}{b}", number + 1));
        }
    }
    let unsafe_word = ["un", "safe {"].concat();
    if text.contains(&unsafe_word) && !shown.to_string().starts_with("crates/sandbox/") {
        found.push(format!("{shown}: unsafe code is for crates/sandbox only"));
    }
}
