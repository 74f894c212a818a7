//! Starting environments and hearing what they say, each wait with a deadline.

use nephos_sandbox::{Config, Environment, Exit, Sandbox, Spec};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

/// No single wait of a test is longer.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// What a program did.
#[derive(Debug)]
pub struct Outcome {
    pub exit: Exit,
    pub stdout: String,
    pub stderr: String,
}

pub fn config() -> Config {
    Config {
        helper_exe: helper_exe(),
        // Without root there may be no control groups; what is promised all the same is tested.
        accept_degraded: !is_root(),
        ..Config::default()
    }
}

/// Tells the copy of these tests that runs as another user where its helper lies.
pub const HELPER: &str = "NEPHOS_TEST_HELPER";

pub fn helper_exe() -> PathBuf {
    std::env::var_os(HELPER).unwrap_or_else(|| env!("CARGO_BIN_EXE_nephos-sandbox-helper").into()).into()
}

pub fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

pub fn sandbox() -> Sandbox {
    Sandbox::start(config()).expect("this host can isolate functions")
}

/// A specification that runs a shell script.
pub fn shell(script: &str) -> Spec {
    Spec::new(["/bin/sh", "-c", script])
}

/// A specification that runs a Python program, with the interpreter that Debian ships or the one found.
pub fn python(program: &str) -> Spec {
    Spec::new(["/usr/bin/python3", "-S", "-c", program])
}

pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("{what} took too long"))
}

pub async fn spawn(sandbox: &Sandbox, spec: Spec) -> Environment {
    within("spawn", sandbox.spawn(spec)).await.expect("the environment starts")
}

pub async fn finish(mut environment: Environment) -> Outcome {
    let (stdout, stderr) = (environment.stdout.take(), environment.stderr.take());
    let (stdout, stderr, exit) =
        within("the program", async { tokio::join!(read_all(stdout), read_all(stderr), environment.wait()) })
            .await;
    Outcome { exit, stdout, stderr }
}

pub async fn run(sandbox: &Sandbox, spec: Spec) -> Outcome {
    finish(spawn(sandbox, spec).await).await
}

/// Runs a script that must succeed, and gives what it printed.
pub async fn output_of(spec: Spec) -> String {
    let sandbox = sandbox();
    let outcome = run(&sandbox, spec).await;
    assert_eq!(outcome.exit.code, Some(0), "{outcome:?}");
    sandbox.shut_down().await;
    outcome.stdout
}

async fn read_all(pipe: Option<pipe::Receiver>) -> String {
    let mut text = Vec::new();
    pipe.expect("an output that was not taken").read_to_end(&mut text).await.expect("output can be read");
    String::from_utf8_lossy(&text).into_owned()
}

/// Reads one line, without its end.
pub async fn line(pipe: &mut pipe::Receiver) -> String {
    let mut line = Vec::new();
    within("a line", async {
        loop {
            match pipe.read_u8().await {
                Ok(b'\n') | Err(_) => return,
                Ok(byte) => line.push(byte),
            }
        }
    })
    .await;
    String::from_utf8_lossy(&line).into_owned()
}

/// Waits until something is true.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    within(what, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// Whether a process of the host exists and has not ended.
pub fn alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['Z', 'X']))
    })
}

/// The control groups of a helper that exist now.
pub fn groups_of(helper: u32) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(Path::new("/sys/fs/cgroup"), &format!("-{helper}-"), 0, &mut found);
    found
}

fn walk(directory: &Path, part: &str, depth: u32, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("nephos-") && name.contains(part) {
            found.push(entry.path());
        }
        if depth < 8 {
            walk(&entry.path(), part, depth + 1, found);
        }
    }
}

/// The control groups that a process is in, of those that helpers made.
pub fn groups_with(pid: u32) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(Path::new("/sys/fs/cgroup"), "-", 0, &mut found);
    let is_in = |group: &PathBuf| {
        let members = std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
        members.lines().any(|member| member == pid.to_string())
    };
    found.retain(is_in);
    found
}

/// The children of a process.
pub fn children(pid: u32) -> Vec<u32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// The first processes of a helper's environments: those that have a program below them, while those that
/// merely wait to become one have not.
pub fn environments_of(helper: u32) -> Vec<u32> {
    children(helper).into_iter().filter(|first| !children(*first).is_empty()).collect()
}

/// The helper that made an environment: the parent of its first process.
pub fn helper_of(environment: &Environment) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", environment.pid())).expect("it lives");
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:")).expect("a parent");
    line.trim().parse().expect("a number")
}
