//! What an environment is to be: the one description that crosses from the server to the helper.

use crate::SandboxError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};

/// The user id that the program sees as its own.
pub const INSIDE_UID: u32 = 993;
/// The group id that the program sees as its own.
pub const INSIDE_GID: u32 = 990;

const MAX_WORDS: usize = 256;
const MAX_VARIABLES: usize = 1024;
const MAX_MOUNTS: usize = 64;
const MAX_LISTENERS: usize = 16;
const MAX_HOSTNAME: usize = 64;
const MIN_MEMORY_BYTES: u64 = 8 << 20;
const MIN_TMP_BYTES: u64 = 64 << 10;

/// Places that the sandbox itself fills and nothing may be mounted on.
const RESERVED: [&str; 6] = ["/proc", "/sys", "/dev", "/tmp", "/etc", "/run"];

/// How a [`Sandbox`](crate::Sandbox) is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// The binary that is started as the helper; its `main` calls
    /// [`run_if_helper`](crate::run_if_helper). Default: the running binary.
    pub helper_exe: PathBuf,
    /// Whether environments are run although a limit or a second wall cannot be had on this host.
    /// Default: no.
    pub accept_degraded: bool,
    /// How many environments may exist at a time. Default: 1024.
    pub max_environments: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config { helper_exe: PathBuf::from("/proc/self/exe"), accept_degraded: false, max_environments: 1024 }
    }
}

/// One environment: a program, what it sees, and its limits.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The program and its arguments; a first word without `/` is looked for on the `PATH` of `env`.
    pub program: Vec<String>,
    /// The whole environment of the program; nothing of the server's own is inherited.
    pub env: Vec<(String, String)>,
    /// The working directory, as seen inside.
    pub cwd: String,
    /// Read-only binds, made in this order.
    pub mounts: Vec<Mount>,
    /// Places of the host that are shown read-only under the same name (an interpreter's roots); a
    /// symbolic link is shown as that link, and what does not exist is left out.
    pub host_paths: Vec<PathBuf>,
    /// Memory of all processes together, in bytes, without what lies in `/tmp`.
    pub memory_bytes: u64,
    /// Size of `/tmp`, in bytes.
    pub tmp_bytes: u64,
    /// Processes and threads at a time.
    pub max_processes: u32,
    /// Open files of one process.
    pub max_files: u32,
    /// Share of processor time, in cores; 0.5 is half a core.
    pub cpu_quota: f64,
    /// Loopback addresses that sockets are bound to inside the environment's own network; the
    /// listening sockets are handed out in this order.
    pub listen: Vec<SocketAddr>,
    /// The host name inside.
    pub hostname: String,
}

/// One file or directory of the host, shown read-only at `target`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Absolute path on the host; its content must be readable by others, as the program runs under a
    /// user id of its own.
    pub source: PathBuf,
    /// Absolute path inside.
    pub target: String,
}

impl Spec {
    /// A specification with the smallest function's limits, seeing `/usr` and the library directories of
    /// the host.
    pub fn new<W: Into<String>>(program: impl IntoIterator<Item = W>) -> Spec {
        Spec {
            program: program.into_iter().map(Into::into).collect(),
            env: vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())],
            cwd: "/".into(),
            mounts: Vec::new(),
            host_paths: ["/usr", "/bin", "/lib", "/lib64"].map(PathBuf::from).to_vec(),
            memory_bytes: 128 << 20,
            tmp_bytes: 512 << 20,
            max_processes: 1024,
            max_files: 1024,
            cpu_quota: 1.0,
            listen: Vec::new(),
            hostname: "sandbox".into(),
        }
    }

    /// Checks every bound, so that the helper may rely on them.
    ///
    /// # Errors
    /// [`SandboxError::InvalidSpec`] with the first thing that is wrong.
    pub fn check(&self) -> Result<(), SandboxError> {
        self.check_program()
            .and_then(|()| self.check_places())
            .and_then(|()| self.check_limits())
            .map_err(SandboxError::InvalidSpec)
    }

    fn check_program(&self) -> Result<(), String> {
        within("program words", self.program.len(), 1, MAX_WORDS)?;
        within("environment variables", self.env.len(), 0, MAX_VARIABLES)?;
        if self.program[0].is_empty() || self.program.iter().any(|word| word.contains('\0')) {
            return Err("expected program words without NUL and a first word that is not empty".into());
        }
        for (name, value) in &self.env {
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                return Err(format!("expected an environment variable without = or NUL, got {name:?}"));
            }
        }
        Ok(())
    }

    fn check_places(&self) -> Result<(), String> {
        within("mounts", self.mounts.len(), 0, MAX_MOUNTS)?;
        within("host paths", self.host_paths.len(), 0, MAX_MOUNTS)?;
        plain_absolute(Path::new(&self.cwd))?;
        let mut targets = BTreeSet::new();
        for mount in &self.mounts {
            plain_absolute(&mount.source)?;
            free_target(Path::new(&mount.target))?;
            if !targets.insert(&mount.target) {
                return Err(format!("expected each mount target once, got {} twice", mount.target));
            }
        }
        self.host_paths.iter().try_for_each(|path| free_target(path))
    }

    fn check_limits(&self) -> Result<(), String> {
        let name_ok = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
        if self.hostname.is_empty()
            || self.hostname.len() > MAX_HOSTNAME
            || !self.hostname.bytes().all(name_ok)
        {
            return Err(format!("expected a host name of letters, digits, - and ., got {:?}", self.hostname));
        }
        if self.memory_bytes < MIN_MEMORY_BYTES || self.tmp_bytes < MIN_TMP_BYTES {
            return Err(format!(
                "expected at least {MIN_MEMORY_BYTES} bytes of memory and {MIN_TMP_BYTES} of /tmp"
            ));
        }
        if self.max_processes == 0 || self.max_files < 16 {
            return Err("expected at least 1 process and 16 files".into());
        }
        if !self.cpu_quota.is_finite() || self.cpu_quota < 0.01 {
            return Err(format!("expected a cpu quota of at least 0.01 cores, got {}", self.cpu_quota));
        }
        within("listeners", self.listen.len(), 0, MAX_LISTENERS)?;
        match self.listen.iter().find(|address| !address.ip().is_loopback()) {
            Some(address) => Err(format!("expected loopback addresses to listen on, got {address}")),
            None => Ok(()),
        }
    }
}

fn within(what: &str, count: usize, least: usize, most: usize) -> Result<(), String> {
    if (least..=most).contains(&count) {
        return Ok(());
    }
    Err(format!("expected {least} to {most} {what}, got {count}"))
}

/// An absolute path without `.` and `..`, so that it means the same before and after the root changes.
fn plain_absolute(path: &Path) -> Result<(), String> {
    let plain = path.is_absolute()
        && path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)))
        && !path.as_os_str().as_encoded_bytes().contains(&0);
    if plain { Ok(()) } else { Err(format!("expected a plain absolute path, got {path:?}")) }
}

fn free_target(path: &Path) -> Result<(), String> {
    plain_absolute(path)?;
    if path == Path::new("/") || RESERVED.iter().any(|reserved| path.starts_with(reserved)) {
        return Err(format!("expected a place other than / and {}, got {path:?}", RESERVED.join(", ")));
    }
    Ok(())
}

/// Values of environment variables are credentials as often as not: only their names are shown.
impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Spec")
            .field("program", &self.program)
            .field("env_names", &names)
            .field("mounts", &self.mounts)
            .field("memory_bytes", &self.memory_bytes)
            .finish_non_exhaustive()
    }
}
