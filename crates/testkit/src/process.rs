//! The platform as a process of its own, which a test may kill at any moment and start again on the same data.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::client::{Client, Credentials};
use crate::programs;

/// How long a start or a stop may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `nephos serve`, with its data folder. It dies with the test.
pub struct Process {
    child: Child,
    port: u16,
    arguments: Vec<String>,
    dir: tempfile::TempDir,
}

impl Process {
    /// Starts the platform on a new data folder and waits until it answers.
    pub async fn start(arguments: &[&str]) -> Process {
        let dir = tempfile::Builder::new().prefix("nephos-test-").tempdir().unwrap();
        let data = dir.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let child = spawn(&dir, &arguments);
        let mut process = Process { child, port: 0, arguments, dir };
        process.wait_until_up().await;
        process
    }

    /// Starts it again on the same data, on another port.
    pub async fn again(&mut self) {
        self.kill();
        self.child = spawn(&self.dir, &self.arguments);
        self.wait_until_up().await;
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits for that.
    pub async fn stop(&mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "it does not end:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A client without credentials.
    pub fn anonymous(&self) -> Client {
        Client::new(([127, 0, 0, 1], self.port).into())
    }

    /// A client as the root user.
    pub fn root(&self) -> Client {
        let kept = nephos_iam::RootCredentials::read(&self.dir.path().join("data")).unwrap();
        let credentials = match kept {
            Some(root) => Credentials::new(&root.access_key_id, &root.secret_access_key),
            None => Credentials::dev(),
        };
        self.anonymous().with(credentials)
    }

    /// What it wrote so far, through all its starts.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    async fn wait_until_up(&mut self) {
        let (path, began) = (self.dir.path().join("port"), Instant::now());
        loop {
            if let Ok(port) = fs::read_to_string(&path) {
                self.port = port.trim().parse().unwrap();
                return;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended at once, {ended:?}:\n{}", self.log());
            assert!(began.elapsed() < PATIENCE, "it does not start:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn spawn(dir: &tempfile::TempDir, arguments: &[String]) -> Child {
    let (port, data) = (dir.path().join("port"), dir.path().join("data"));
    drop(fs::remove_file(&port));
    let log = File::options().create(true).append(true).open(dir.path().join("log")).unwrap();
    // It dies with this process, however that ends.
    let mut command = Command::new("setpriv");
    command.arg("--pdeathsig=KILL").arg(programs::nephos());
    command.args(["serve", "--listen", "127.0.0.1:0", "--port-file"]).arg(port).arg("--data").arg(data);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
