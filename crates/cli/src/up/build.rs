//! Builds functions and the client: dependencies by pip, npm and cargo, kept by what they were made from, so that a
//! change of a source file builds nothing else again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use nephos_core::random;
use tokio::process::Command;
use tokio::task::JoinSet;

use super::package::{Tree, sha256};
use super::project::{Function, Project, Site};
use super::{seconds, shown};
use crate::Failure;
use crate::style;

/// What each function's package is made of, by the function's name in the template.
pub type Built = BTreeMap<String, Tree>;

/// Builds everything, several at a time.
pub async fn all(project: &Project) -> Result<Built, Failure> {
    let mut tasks: JoinSet<Result<Option<(String, Tree)>, Failure>> = JoinSet::new();
    let locks = Locks::default();
    for function in project.functions.clone() {
        let (work, locks) = (project.work(), locks.clone());
        tasks.spawn(async move {
            let started = Instant::now();
            let tree = one(&work, &function, &locks).await?;
            eprintln!("  {} {} {}", style::green("✓"), function.name, style::dim(&seconds(started)));
            Ok(Some((function.name, tree)))
        });
    }
    if let Some(site) = project.site.clone() {
        tasks.spawn(async move {
            let started = Instant::now();
            client(&site).await?;
            eprintln!("  {} client {}", style::green("✓"), style::dim(&seconds(started)));
            Ok(None)
        });
    }
    let mut built = Built::new();
    while let Some(result) = tasks.join_next().await {
        built.extend(result.map_err(|error| format!("a build ended early: {error}"))??);
    }
    Ok(built)
}

/// One lock for each set of dependencies, so that functions that share one install it once.
#[derive(Clone, Default)]
pub struct Locks(std::sync::Arc<std::sync::Mutex<BTreeMap<String, std::sync::Arc<tokio::sync::Mutex<()>>>>>);

impl Locks {
    fn of(&self, name: &str) -> std::sync::Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        std::sync::Arc::clone(locks.entry(name.to_owned()).or_default())
    }
}

/// Builds one function.
pub async fn one(work: &Path, function: &Function, locks: &Locks) -> Result<Tree, Failure> {
    let (source, runtime) = (&function.source, function.runtime.as_str());
    let failed = |error: Failure| format!("{}: {error}", function.name);
    let manifest = |name: &str| source.join(name).exists();
    if runtime.starts_with("provided") && manifest("Cargo.toml") {
        return cargo(work, source, locks).await.map_err(failed);
    }
    let mut tree = Tree::of(source).map_err(failed)?;
    if runtime.starts_with("python") && manifest("requirements.txt") {
        let kept = pip(work, source, runtime, locks).await.map_err(failed)?;
        tree.add(&kept, "").map_err(failed)?;
    } else if runtime.starts_with("nodejs") && manifest("package.json") {
        let kept = npm(work, source, locks).await.map_err(failed)?;
        if kept.join("node_modules").exists() {
            tree.add(&kept.join("node_modules"), "node_modules").map_err(failed)?;
        }
    }
    Ok(tree)
}

/// A folder of dependencies that is made once for what is in `made_from`.
async fn kept<F, Fut>(
    work: &Path,
    kind: &str,
    made_from: &[u8],
    locks: &Locks,
    make: F,
) -> Result<PathBuf, Failure>
where
    F: FnOnce(PathBuf) -> Fut,
    Fut: Future<Output = Result<(), Failure>>,
{
    let name = format!("{kind}-{}", &random::hex(&sha256(made_from))[..16]);
    let lock = locks.of(&name);
    let _held = lock.lock().await;
    let dir = work.join("dependencies").join(&name);
    if dir.exists() {
        return Ok(dir);
    }
    let part = work.join("dependencies").join(format!("{name}.part"));
    let io = |error: std::io::Error| format!("{}: {error}", shown(&part));
    if part.exists() {
        std::fs::remove_dir_all(&part).map_err(io)?;
    }
    std::fs::create_dir_all(&part).map_err(io)?;
    make(part.clone()).await?;
    std::fs::rename(&part, &dir).map_err(io)?;
    Ok(dir)
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_default()
}

async fn pip(work: &Path, source: &Path, runtime: &str, locks: &Locks) -> Result<PathBuf, Failure> {
    let requirements = source.join("requirements.txt");
    let mut made_from = read(&requirements);
    made_from.extend_from_slice(runtime.as_bytes());
    let version = runtime.trim_start_matches("python").to_owned();
    kept(work, "pip", &made_from, locks, |dir| async move {
        let mut command = Command::new(interpreter(&version));
        command.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-compile",
            "--target",
        ]);
        command.arg(&dir).arg("--requirement").arg(&requirements).env("PIP_ROOT_USER_ACTION", "ignore");
        run(command, "pip install").await
    })
    .await
}

/// The interpreter of a version, as the platform finds it for functions.
fn interpreter(version: &str) -> PathBuf {
    let id = format!("python{version}");
    let found = nephos_lambda::available_runtimes(&[]).into_iter().find(|runtime| runtime.id == id);
    found.and_then(|runtime| runtime.executable).unwrap_or_else(|| PathBuf::from(id))
}

async fn npm(work: &Path, source: &Path, locks: &Locks) -> Result<PathBuf, Failure> {
    let files = ["package.json", "package-lock.json"].map(|name| (name, read(&source.join(name))));
    let made_from = files.iter().flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<u8>>();
    kept(work, "npm", &made_from, locks, |dir| async move {
        for (name, bytes) in files.iter().filter(|(_, bytes)| !bytes.is_empty()) {
            std::fs::write(dir.join(name), bytes).map_err(|error| format!("{}: {error}", shown(&dir)))?;
        }
        install(&dir, &["--omit=dev"]).await
    })
    .await
}

/// Installs a folder's packages: exactly what its lock file names, or, where that is not complete for this machine, what
/// package.json allows.
async fn install(dir: &Path, options: &[&str]) -> Result<(), Failure> {
    let npm = |verb: &str| {
        let mut command = Command::new("npm");
        command
            .arg(verb)
            .args(options)
            .args(["--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(dir);
        command
    };
    if dir.join("package-lock.json").exists() {
        match run(npm("ci"), "npm ci").await {
            Err(error) if error.contains("in sync") => {
                eprintln!(
                    "  {}",
                    style::dim(
                        "package-lock.json is not complete for this machine; npm install goes by package.json"
                    )
                );
            }
            other => return other,
        }
    }
    run(npm("install"), "npm install").await
}

async fn cargo(work: &Path, source: &Path, locks: &Locks) -> Result<Tree, Failure> {
    let target = work.join("target");
    let lock = locks.of("cargo");
    let _held = lock.lock().await;
    let mut command = Command::new("cargo");
    command.args(["build", "--release", "--quiet", "--bin", "bootstrap", "--target-dir"]).arg(&target);
    command.current_dir(source);
    run(command, "cargo build").await?;
    Tree::single(&target.join("release/bootstrap"), "bootstrap")
}

/// Builds the client.
pub async fn client(site: &Site) -> Result<(), Failure> {
    let Some(build) = &site.build else { return Ok(()) };
    if site.source.join("package.json").exists() && !site.source.join("node_modules").exists() {
        install(&site.source, &[]).await?;
    }
    let mut command = Command::new("sh");
    command.args(["-c", build]).current_dir(&site.source);
    run(command, build).await
}

/// Runs a build tool; what it printed is shown only where it fails.
async fn run(mut command: Command, what: &str) -> Result<(), Failure> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|error| format!("{what} could not be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    let lines: Vec<&str> = printed.lines().collect();
    let shown = if lines.len() <= 40 {
        lines.join("\n")
    } else {
        format!("{}\n...\n{}", lines[..10].join("\n"), lines[lines.len() - 30..].join("\n"))
    };
    Err(format!("{what} failed ({}):\n{shown}", output.status))
}
