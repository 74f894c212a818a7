//! Runtimes: which interpreters the host has, and what stands at `/var/runtime`.
//!
//! A Python or Node.js runtime is an interpreter of the host and a small program of ours, written below the data folder at
//! first use. `provided.*` runs the package's own `bootstrap`. What the host lacks is refused by name, never replaced by
//! another version.

mod discover;
mod install;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::Error;

use discover::Found;
pub use discover::Interpreter;

/// Runtimes that the service has stopped to create functions with.
const DEPRECATED: [(&str, &str); 17] = [
    ("nodejs", "nodejs24.x"),
    ("nodejs4.3", "nodejs24.x"),
    ("nodejs6.10", "nodejs24.x"),
    ("nodejs8.10", "nodejs24.x"),
    ("nodejs10.x", "nodejs24.x"),
    ("nodejs12.x", "nodejs24.x"),
    ("nodejs14.x", "nodejs24.x"),
    ("nodejs16.x", "nodejs24.x"),
    ("python2.7", "python3.14"),
    ("python3.6", "python3.14"),
    ("python3.7", "python3.14"),
    ("python3.8", "python3.14"),
    ("go1.x", "provided.al2023"),
    ("provided", "provided.al2023"),
    ("dotnet6", "dotnet10"),
    ("ruby2.7", "ruby4.0"),
    ("java8", "java25"),
];

/// What a runtime's id asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// `python3.N`.
    Python(u32),
    /// `nodejsN.x`.
    Node(u32),
    /// `provided.al2` and `provided.al2023`.
    Provided,
}

impl Family {
    /// What a runtime's id asks for, if it is of a kind that Nephos runs.
    pub fn parse(id: &str) -> Option<Family> {
        if let Some(minor) = id.strip_prefix("python3.") {
            return minor.parse().ok().filter(|minor| *minor >= 9).map(Family::Python);
        }
        if let Some(major) = id.strip_prefix("nodejs").and_then(|rest| rest.strip_suffix(".x")) {
            return major.parse().ok().filter(|major| *major >= 18).map(Family::Node);
        }
        matches!(id, "provided.al2" | "provided.al2023").then_some(Family::Provided)
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Family::Python(minor) => write!(f, "python3.{minor}"),
            Family::Node(major) => write!(f, "nodejs{major}.x"),
            Family::Provided => f.write_str("provided.al2023"),
        }
    }
}

/// A runtime that functions can use here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Available {
    /// Its id, such as `python3.13`.
    pub id: String,
    /// The interpreter; none for `provided.*`.
    pub executable: Option<PathBuf>,
    /// The interpreter's exact version, where it is told without asking it.
    pub version: Option<String>,
}

/// A runtime that is ready to be started in an environment.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The program and its arguments, as seen inside.
    pub program: Vec<String>,
    /// The folder to be shown at `/var/runtime`; none for `provided.*`.
    pub folder: Option<PathBuf>,
    /// Places of the host that the interpreter needs.
    pub host_paths: Vec<PathBuf>,
}

/// The host's runtimes, looked for at the first question.
#[derive(Debug)]
pub struct Runtimes {
    dir: PathBuf,
    extra: Vec<PathBuf>,
    found: OnceCell<Arc<Found>>,
}

impl Runtimes {
    /// Runtimes whose programs are written below `dir`; `extra` are folders with interpreters beside the usual ones.
    pub fn new(dir: PathBuf, extra: Vec<PathBuf>) -> Runtimes {
        Runtimes { dir, extra, found: OnceCell::new() }
    }

    async fn found(&self) -> Result<Arc<Found>, Error> {
        let extra = self.extra.clone();
        let look = || async {
            let found = tokio::task::spawn_blocking(move || discover::look(&extra)).await;
            found.map(Arc::new)
        };
        Ok(Arc::clone(self.found.get_or_try_init(look).await?))
    }

    /// Checks that a function with this runtime can run here.
    pub async fn check(&self, id: &str) -> Result<(), Error> {
        let Some(family) = Family::parse(id) else { return Err(self.unknown(id).await?) };
        if family == Family::Provided {
            return Ok(());
        }
        let found = self.found().await?;
        if found.interpreters.iter().any(|interpreter| interpreter.family == family) {
            return Ok(());
        }
        Err(self.missing(id).await?)
    }

    async fn unknown(&self, id: &str) -> Result<Error, Error> {
        if let Some((_, newer)) = DEPRECATED.iter().find(|(old, _)| *old == id) {
            return Ok(Error::InvalidParameter(format!(
                "The runtime parameter of {id} is no longer supported for creating or updating AWS Lambda functions. We \
                 recommend you use a supported runtime while creating or updating functions ({newer})."
            )));
        }
        self.missing(id).await
    }

    async fn missing(&self, id: &str) -> Result<Error, Error> {
        let found = self.found().await?;
        let list: Vec<String> = available(&found).into_iter().map(|runtime| runtime.id).collect();
        Ok(Error::InvalidParameter(format!(
            "The runtime {id} is not available on this host. Available runtimes: {}.",
            list.join(", ")
        )))
    }

    /// Makes a runtime ready: its program is written where it is not yet.
    pub async fn ready(&self, id: &str) -> Result<Ready, Error> {
        self.check(id).await?;
        let family = Family::parse(id);
        let found = self.found().await?;
        let Some(interpreter) =
            found.interpreters.iter().find(|interpreter| Some(interpreter.family) == family).cloned()
        else {
            return Ok(Ready { program: Vec::new(), folder: None, host_paths: Vec::new() });
        };
        let dir = self.dir.clone();
        let sdk = found.python_sdk.clone();
        tokio::task::spawn_blocking(move || install::install(&dir, &interpreter, sdk.as_deref())).await?
    }
}

/// What the host can run, in the order of ids. Looks for interpreters, which takes some milliseconds.
pub fn available_runtimes(extra: &[PathBuf]) -> Vec<Available> {
    available(&discover::look(extra))
}

fn available(found: &Found) -> Vec<Available> {
    let of = |interpreter: &Interpreter| Available {
        id: interpreter.family.to_string(),
        executable: Some(interpreter.executable.clone()),
        version: interpreter.version.clone(),
    };
    let provided = ["provided.al2", "provided.al2023"];
    let provided = provided.map(|id| Available { id: id.to_owned(), executable: None, version: None });
    let mut list: Vec<Available> = found.interpreters.iter().map(of).collect();
    list.extend(provided);
    list
}

/// Whether a path is a program of this machine: neither a script, such as a version manager's shim, nor a folder.
fn is_binary(path: &Path) -> bool {
    use std::io::Read;
    let mut magic = [0; 4];
    std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && &magic == b"\x7fELF"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_name_families() {
        assert_eq!(Family::parse("python3.13"), Some(Family::Python(13)));
        assert_eq!(Family::parse("nodejs22.x"), Some(Family::Node(22)));
        assert_eq!(Family::parse("provided.al2023"), Some(Family::Provided));
        for other in ["python3.8", "python3", "nodejs16.x", "nodejs22", "java21", "provided", "go1.x"] {
            assert_eq!(Family::parse(other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn what_the_host_lacks_is_refused_with_what_it_has() {
        let dir = tempfile::tempdir().unwrap();
        let runtimes = Runtimes::new(dir.path().to_owned(), Vec::new());
        let missing = runtimes.check("python3.99").await.unwrap_err().to_string();
        assert!(missing.contains("python3.99 is not available on this host"), "{missing}");
        assert!(missing.contains("provided.al2023"), "{missing}");
        let old = runtimes.check("nodejs12.x").await.unwrap_err().to_string();
        assert!(old.contains("nodejs12.x is no longer supported"), "{old}");
        runtimes.check("provided.al2023").await.unwrap();
    }
}
