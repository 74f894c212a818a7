//! Watches the sources, and redeploys what changed and nothing else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;

use super::build::{self, Locks};
use super::project::{Function, Project};
use super::{package, seconds, site};
use crate::Failure;
use crate::client::{Call, Client};
use crate::stack::Stack;
use crate::style;

/// How often the sources are looked at. A walk over a small application's folders costs well under a millisecond.
const POLL: Duration = Duration::from_millis(150);
/// Folders that builds write to.
const LEFT_OUT: &[&str] = &[".git", ".nephos", ".venv", "__pycache__", "dist", "node_modules", "target"];
/// How many files are watched.
const MAX_FILES: usize = 20_000;

type Seen = BTreeMap<PathBuf, (SystemTime, u64)>;

/// Redeploys until the caller stops it.
pub async fn follow(project: &Project, client: &Client, stack: &str) -> Result<(), Failure> {
    let mut project = Project::read(&project.dir)?;
    let mut seen = look(&project.dir);
    loop {
        tokio::time::sleep(POLL).await;
        let now = look(&project.dir);
        if now == seen {
            continue;
        }
        let changed: Vec<PathBuf> = differing(&seen, &now);
        seen = now;
        if let Err(error) = redeploy(&mut project, client, stack, &changed).await {
            eprintln!("{} {error}", style::red("✗"));
        }
    }
}

fn differing(before: &Seen, after: &Seen) -> Vec<PathBuf> {
    let changed = after.iter().filter(|(path, state)| before.get(*path) != Some(state)).map(|(path, _)| path);
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    changed.chain(gone).cloned().collect()
}

fn look(dir: &Path) -> Seen {
    let mut seen = Seen::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        // A folder that goes away while it is looked at is noticed the next time.
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if LEFT_OUT.iter().any(|left| name == *left) || seen.len() >= MAX_FILES {
                continue;
            }
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => folders.push(entry.path()),
                Ok(meta) => {
                    let modified = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                    seen.insert(entry.path(), (modified, meta.len()));
                }
                Err(_) => {}
            }
        }
    }
    seen
}

async fn redeploy(
    project: &mut Project,
    client: &Client,
    name: &str,
    changed: &[PathBuf],
) -> Result<(), Failure> {
    let started = Instant::now();
    let stack = Stack { client, name };
    if changed.contains(&project.template_path) {
        *project = Project::read(&project.dir)?;
        super::deploy(project, client, name).await?;
        eprintln!("{} template {}", style::green("↻"), style::dim(&seconds(started)));
        return Ok(());
    }
    let below = |dir: &Path| changed.iter().any(|path| path.starts_with(dir));
    let functions: Vec<Function> = project.functions.iter().filter(|f| below(&f.source)).cloned().collect();
    if !functions.is_empty() {
        let ids = stack.resources("AWS::Lambda::Function").await?;
        for function in functions {
            let started = Instant::now();
            let id = ids
                .get(&function.name)
                .ok_or_else(|| format!("the stack has no function {}", function.name))?;
            update_code(project, client, &function, id).await?;
            eprintln!("{} {} {}", style::green("↻"), function.name, style::dim(&seconds(started)));
        }
    }
    if let Some(site) = project.site.clone().filter(|site| below(&site.source)) {
        build::client(&site).await?;
        let outputs = stack.outputs().await?;
        site::put(project, &site, client, &stack, &outputs).await?;
        eprintln!("{} client {}", style::green("↻"), style::dim(&seconds(started)));
    }
    Ok(())
}

/// Changes a function's code and nothing else, as `sam sync` does.
async fn update_code(
    project: &Project,
    client: &Client,
    function: &Function,
    id: &str,
) -> Result<(), Failure> {
    let tree = build::one(&project.work(), function, &Locks::default()).await?;
    let bucket = package::artifacts_bucket(client).await?;
    let key = package::upload(client, &bucket, &tree).await?;
    let call = Call {
        service: "lambda",
        method: "PUT",
        path: format!("/2015-03-31/functions/{id}/code"),
        headers: vec![("content-type", "application/json".to_owned())],
        body: json!({ "S3Bucket": bucket, "S3Key": key }).to_string().into(),
        ..Call::default()
    };
    client.call(call).await?.json().map(drop)
}
