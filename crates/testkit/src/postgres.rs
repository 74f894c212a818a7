//! A PostgreSQL server of a test's own: in a temporary folder, reachable through a socket there and nowhere else.
//!
//! The store's own suite uses this file, too, so it knows no other part of the platform.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A server. It ends when this is dropped, and with the test's process.
pub struct Cluster {
    process: Child,
    dir: tempfile::TempDir,
}

/// The newest of the installed versions' folders of programs.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    found.sort();
    let newest = found.pop().map(|(_, bin)| bin);
    newest.expect("PostgreSQL's server is needed for this test (Debian: apt-get install postgresql) and is not installed")
}

impl Cluster {
    /// Makes one and starts it. It answers a moment later.
    pub fn start() -> Cluster {
        let bin = programs();
        let dir = tempfile::Builder::new().prefix("nephos-pg-").tempdir().unwrap();
        let data = dir.path().join("data");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let mut initdb = as_server_user(&bin.join("initdb"));
        initdb.args([
            "--auth=trust",
            "--username=nephos",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
            "-D",
        ]);
        let made = initdb.arg(&data).output().unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let mut postgres = as_server_user(&bin.join("postgres"));
        postgres.arg("-D").arg(&data).arg("-k").arg(dir.path());
        postgres.args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=40"]);
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let process = postgres.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Cluster { process, dir }
    }

    /// How to reach it.
    pub fn url(&self) -> String {
        format!("host={} user=nephos dbname=postgres", self.dir.path().display())
    }

    /// What it wrote.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

/// The server refuses to run as root, so root becomes the user that its package made; it dies with this process.
fn as_server_user(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.arg("--pdeathsig=KILL");
    if rustix::process::geteuid().is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command.arg(program).env_clear().env("PATH", "/usr/bin:/bin");
    command
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
