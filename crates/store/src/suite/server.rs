//! A PostgreSQL server of the tests' own, and the suite on it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Effort, SUITE, key, run, write};
use crate::{Options, Range, Read, Store, StoreError};

/// A server in a temporary folder, reachable through a socket there and nowhere else.
struct Server {
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

impl Server {
    fn start() -> Server {
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
        Server { process, dir }
    }

    fn url(&self) -> String {
        format!("host={} user=nephos dbname=postgres", self.dir.path().display())
    }

    /// Connects as soon as the server answers.
    fn store(&self, options: &Options) -> Store {
        let began = Instant::now();
        loop {
            match Store::postgres(&self.url(), options.clone()) {
                Ok(store) => return store,
                Err(error) if began.elapsed() > Duration::from_secs(60) => {
                    let log = fs::read_to_string(self.dir.path().join("log")).unwrap();
                    panic!("the server does not answer: {error}\n{log}");
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    fn sql(&self, statement: &str) {
        let client = postgres::Client::connect(&self.url(), postgres::NoTls);
        client.unwrap().batch_execute(statement).unwrap();
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

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn the_postgres_engine_passes_the_suite() {
    let server = Server::start();
    let effort = Effort { cases: 6, transactions: 320 };
    for (name, test) in SUITE {
        let began = Instant::now();
        println!("{name}");
        let store = server.store(&Options::default());
        store.clear().unwrap();
        test(&store, effort);
        println!("  {:?}", began.elapsed());
    }
    a_lost_connection_is_replaced(&server);
    work_waits_for_a_connection(&server);
    another_format_is_refused(&server);
    a_runtime_of_one_thread_will_do(&server);
}

fn a_lost_connection_is_replaced(server: &Server) {
    let store = server.store(&Options { connections: 3, ..Options::default() });
    run(write(&store, &[(key(1), Some("x"))])).unwrap();
    server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'");
    std::thread::sleep(Duration::from_millis(100));
    run(write(&store, &[(key(2), Some("y"))])).unwrap();
    assert!(store.read(|view| view.get(&key(1))).unwrap().is_some());
}

fn work_waits_for_a_connection(server: &Server) {
    let store = server.store(&Options { connections: 1, ..Options::default() });
    std::thread::scope(|scope| {
        for n in 0..6 {
            let store = &store;
            scope.spawn(move || run(write(store, &[(key(n), Some("x"))])).unwrap());
        }
    });
    let found = store.read(|view| Ok::<_, StoreError>(view.range(&Range::all())?.len()));
    assert!(found.unwrap() >= 6);
}

fn another_format_is_refused(server: &Server) {
    server.sql("UPDATE nephos_kv SET v = 'other' WHERE k = '\\xff66'");
    let error = Store::postgres(&server.url(), Options::default()).map(drop).unwrap_err();
    assert!(error.to_string().contains("format other"), "{error}");
    server.sql("TRUNCATE nephos_kv");
}

fn a_runtime_of_one_thread_will_do(server: &Server) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = server.store(&Options::default());
        write(&store, &[(key(1), Some("x"))]).await.unwrap();
        assert!(store.read(|view| view.get(&key(1))).unwrap().is_some());
    });
}

#[test]
fn a_bad_connection_string_does_not_tell_the_password() {
    let error = Store::postgres("postgres://user:secret@[bad", Options::default()).map(drop).unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
}
