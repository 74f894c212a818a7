//! The same promises without root: every other test once more, by a user who may do nothing.

use crate::support::{HELPER, config, is_root, sandbox};
use nephos_sandbox::{Config, Sandbox, SandboxError, Status};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SUITE_DEADLINE: Duration = Duration::from_secs(120);

/// A folder that everybody can read, with this test binary and the helper.
fn public_copies() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let open = || PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open()).unwrap();
    for (source, name) in [(std::env::current_exe().unwrap(), "tests"), (config().helper_exe, "helper")] {
        std::fs::copy(source, folder.path().join(name)).unwrap();
        std::fs::set_permissions(folder.path().join(name), open()).unwrap();
    }
    folder
}

/// Runs tests of this binary as nobody.
fn as_nobody(arguments: &[&str]) -> Output {
    let folder = public_copies();
    let mut suite = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--"])
        .arg(folder.path().join("tests"))
        .args(arguments)
        .env(HELPER, folder.path().join("helper"))
        .env("RUST_BACKTRACE", "0")
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while suite.try_wait().unwrap().is_none() && begun.elapsed() < SUITE_DEADLINE {
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = suite.kill();
    suite.wait_with_output().unwrap()
}

#[test]
fn every_other_test_holds_without_root() {
    if !is_root() {
        // This is already the case.
        return;
    }
    let output = as_nobody(&["--test-threads=2", "--skip", "rootless::every_other"]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("walls::") && told.contains("0 failed"), "{told}");
}

#[test]
fn what_is_degraded_is_refused_unless_accepted() {
    let accepting = sandbox();
    let weaker: Vec<_> = accepting.capabilities().shortcomings().collect();
    assert!(weaker.iter().all(|feature| feature.status == Status::Degraded && !feature.mend.is_empty()));
    assert!(accepting.capabilities().usable());
    match (weaker.is_empty(), Sandbox::start(Config { accept_degraded: false, ..config() })) {
        (true, strict) => assert!(strict.expect("nothing is degraded").capabilities().complete()),
        (false, strict) => match strict.expect_err("something is degraded") {
            SandboxError::Unsupported { missing, mend } => assert!(!missing.is_empty() && !mend.is_empty()),
            other => panic!("expected the mend, got {other}"),
        },
    }
}
