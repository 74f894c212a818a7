//! Looking for interpreters: on the PATH, in the usual places, and in those of version managers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Family, is_binary};

/// The packages that the service's own Python runtime brings.
pub const SDK_PACKAGES: [&str; 7] =
    ["boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py"];

/// An interpreter of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// What it is.
    pub family: Family,
    /// The real path of the program.
    pub executable: PathBuf,
    /// Its exact version, where it is known.
    pub version: Option<String>,
}

impl Interpreter {
    /// The folder that it is installed in: two levels above the program.
    pub fn prefix(&self) -> Option<&Path> {
        self.executable.parent().and_then(Path::parent)
    }
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// One interpreter a family: the first on the PATH, else of the version managers, the newest first.
    pub interpreters: Vec<Interpreter>,
    /// A folder in which the AWS SDK for Python lies, of whichever interpreter: it is pure Python.
    pub python_sdk: Option<PathBuf>,
}

/// Looks in all places.
pub fn look(extra: &[PathBuf]) -> Found {
    let (mut first, mut python_sdk) = (BTreeMap::new(), None);
    for folder in folders(extra) {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let path = entry.path();
            let candidate = match name.to_string_lossy().as_ref() {
                "node" | "nodejs" => node(&path),
                name => python(name, &path),
            };
            if let Some(interpreter) = candidate {
                python_sdk = python_sdk.or_else(|| sdk_of(&interpreter));
                first.entry(interpreter.family).or_insert(interpreter);
            }
        }
    }
    Found { interpreters: first.into_values().collect(), python_sdk }
}

/// The folder of an interpreter's packages, if the SDK is among them.
fn sdk_of(interpreter: &Interpreter) -> Option<PathBuf> {
    let Family::Python(minor) = interpreter.family else { return None };
    let prefix = interpreter.prefix()?;
    let places = [
        prefix.join(format!("lib/python3.{minor}/site-packages")),
        prefix.join("lib/python3/dist-packages"),
        prefix.join(format!("local/lib/python3.{minor}/dist-packages")),
    ];
    places.into_iter().find(|place| SDK_PACKAGES.iter().all(|package| place.join(package).exists()))
}

fn folders(extra: &[PathBuf]) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = extra.to_vec();
    folders.extend(std::env::split_paths(&path));
    folders.extend(["/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"].map(PathBuf::from));
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let managed = [
        (var("PYENV_ROOT").unwrap_or(home.join(".pyenv")).join("versions"), "bin"),
        (home.join(".local/share/uv/python"), "bin"),
        (home.join(".asdf/installs/python"), "bin"),
        (home.join(".local/share/mise/installs/python"), "bin"),
        (var("NVM_DIR").unwrap_or(home.join(".nvm")).join("versions/node"), "bin"),
        (var("FNM_DIR").unwrap_or(home.join(".local/share/fnm")).join("node-versions"), "installation/bin"),
        (home.join(".volta/tools/image/node"), "bin"),
        (home.join(".asdf/installs/nodejs"), "bin"),
        (home.join(".local/share/mise/installs/node"), "bin"),
        (PathBuf::from("/opt"), "bin"),
    ];
    for (parent, below) in managed {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        let mut versions: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        versions.sort_by_cached_key(|path| std::cmp::Reverse(version_order(path)));
        folders.extend(versions.into_iter().map(|version| version.join(below)));
    }
    folders
}

fn var(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The numbers in a folder's name, so that 3.13.10 comes after 3.13.9.
fn version_order(path: &Path) -> Vec<u64> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

fn python(name: &str, path: &Path) -> Option<Interpreter> {
    let minor: u32 = name.strip_prefix("python3.")?.parse().ok()?;
    if minor < 9 {
        return None;
    }
    let executable = path.canonicalize().ok()?;
    // The folder of an installation names the exact version: .../3.13.0/bin/python3.13.
    let folder = executable.parent()?.parent()?.file_name()?.to_string_lossy().into_owned();
    let version = folder.strip_prefix("cpython-").unwrap_or(&folder).split('-').next().unwrap_or_default();
    let version = version.starts_with(&format!("3.{minor}")).then(|| version.to_owned());
    is_binary(&executable).then_some(Interpreter { family: Family::Python(minor), executable, version })
}

fn node(path: &Path) -> Option<Interpreter> {
    let executable = path.canonicalize().ok()?;
    if !is_binary(&executable) {
        return None;
    }
    let mut command = Command::new(&executable);
    let output = command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?.trim().strip_prefix('v')?.to_owned();
    let major: u32 = version.split('.').next()?.parse().ok()?;
    (major >= 18).then_some(Interpreter { family: Family::Node(major), executable, version: Some(version) })
}
