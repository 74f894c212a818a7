//! From the public service models to `shapes.rs`: plain structs and static tables.

mod emit;
mod model;
mod names;
mod patterns;
#[cfg(test)]
mod tests;
mod types;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// One crate's codegen.toml.
#[derive(Deserialize)]
struct Manifest {
    service: Vec<ServiceConfig>,
}

/// One service of a crate.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig {
    /// The service's name, which is also that of its file in models/.
    pub name: String,
    /// The folder in the public models, such as `dynamodb/2012-08-10`. None where the file in models/ is made by hand,
    /// or is another crate's: it is then never renewed here.
    pub model: Option<String>,
    /// Where the shapes go, from the crate's folder.
    pub output: PathBuf,
    /// The operations that the crate has.
    pub operations: Vec<String>,
    /// Shapes that are written by hand: model name and Rust path.
    #[serde(default)]
    pub custom: std::collections::BTreeMap<String, String>,
    /// The root elements of restXml answers that the model does not name.
    #[serde(default)]
    pub roots: std::collections::BTreeMap<String, String>,
    /// The code of a violated constraint.
    #[serde(default = "default_validation_code")]
    pub validation_code: String,
    /// Whether inputs are checked against the model.
    #[serde(default = "default_true")]
    pub validates: bool,
    /// Whether lists refuse nulls, which the texts of their violations then say.
    #[serde(default)]
    pub members_not_null: bool,
    /// Shapes whose values no error shows, though the model does not call them sensitive.
    #[serde(default)]
    pub hidden: std::collections::BTreeSet<String>,
    /// What stands before an error's name in `__type`.
    #[serde(default)]
    pub error_namespace: String,
}

fn default_validation_code() -> String {
    "ValidationException".to_owned()
}

fn default_true() -> bool {
    true
}

/// `cargo xtask codegen`.
pub fn run(args: &[String]) -> Result<(), String> {
    run_in(&crate::root(), args)
}

fn run_in(root: &Path, args: &[String]) -> Result<(), String> {
    let check = args.iter().any(|arg| arg == "--check");
    let from = args.iter().position(|arg| arg == "--models-from");
    let from = from.and_then(|at| args.get(at + 1)).map(PathBuf::from);
    let wanted: Vec<&String> =
        args.iter().filter(|arg| !arg.starts_with("--") && from.as_deref() != Some(Path::new(arg))).collect();
    let mut stale = Vec::new();
    for folder in crates(root)? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !wanted.is_empty() && !wanted.contains(&&name) {
            continue;
        }
        let manifest = read(&folder.join("codegen.toml"))?;
        let manifest: Manifest =
            toml::from_str(&manifest).map_err(|e| format!("{name}/codegen.toml: {e}"))?;
        for service in &manifest.service {
            let text = generate(root, service, from.as_deref())?;
            let path = folder.join(&service.output);
            if check && read(&path).ok().as_deref() != Some(&text) {
                stale.push(path.strip_prefix(root).unwrap_or(&path).display().to_string());
            } else if !check {
                fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
            }
        }
    }
    if stale.is_empty() {
        Ok(())
    } else {
        Err(format!("not current, run cargo xtask codegen: {}", stale.join(", ")))
    }
}

fn crates(root: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(root.join("crates")).map_err(|e| e.to_string())?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.retain(|folder| folder.join("codegen.toml").exists());
    folders.sort();
    Ok(folders)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn generate(root: &Path, service: &ServiceConfig, from: Option<&Path>) -> Result<String, String> {
    let kept = root.join("models").join(format!("{}.json", service.name));
    if let (Some(from), Some(folder)) = (from, &service.model) {
        let source = model::public(&from.join(folder))?;
        let trimmed = model::trim(&source, service)?;
        let text = serde_json::to_string_pretty(&trimmed).map_err(|e| e.to_string())?;
        fs::write(&kept, text + "\n").map_err(|e| format!("{}: {e}", kept.display()))?;
    }
    let model: Value = serde_json::from_str(&read(&kept)?).map_err(|e| format!("{}: {e}", kept.display()))?;
    // The file may hold more than this entry has: that of another crate does.
    rustfmt(root, &emit::emit(&model::trim(&model, service)?, service)?)
}

/// Formats with the project's own rules, so that `cargo fmt` leaves the file as it is.
fn rustfmt(root: &Path, text: &str) -> Result<String, String> {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("rustfmt: {e}"))?;
    let mut input = child.stdin.take().ok_or("rustfmt takes no input")?;
    let text = text.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().map_err(|e| format!("rustfmt: {e}"))?;
    writer.join().map_err(|_| "rustfmt's input failed")?.map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err("rustfmt refused the generated code".to_owned());
    }
    String::from_utf8(output.stdout).map_err(|e| e.to_string())
}
