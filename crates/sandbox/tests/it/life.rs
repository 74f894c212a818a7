//! How environments begin, are steered, and end; and that nothing is left of them.

use crate::support::{
    alive, children, config, environments_of, finish, groups_of, groups_with, helper_of, is_root, line,
    output_of, python, run, sandbox, shell, spawn, until, within,
};
use nephos_sandbox::{Sandbox, SandboxError, Spec};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

#[tokio::test]
async fn the_environment_variables_are_those_given() {
    let mut spec = Spec::new(["/usr/bin/env"]);
    spec.env = vec![("ONE".into(), "1".into()), ("EMPTY".into(), String::new())];
    assert!(std::env::var_os("PATH").is_some(), "the server has some of its own");
    assert_eq!(output_of(spec).await, "ONE=1\nEMPTY=\n");
}

#[tokio::test]
async fn no_descriptor_leaks_in() {
    let program = "import os; print(sorted(os.listdir('/proc/self/fd')), os.readlink('/proc/self/fd/0'))";
    // The fourth is the listing itself.
    assert_eq!(output_of(python(program)).await, "['0', '1', '2', '3'] /dev/null\n");
}

/// It is a copy of the helper, which holds descriptors of every environment.
#[tokio::test]
async fn the_first_process_keeps_only_what_it_needs() {
    if !is_root() {
        // It is opaque to anybody else.
        return;
    }
    let sandbox = sandbox();
    let other = spawn(&sandbox, shell("sleep 60")).await;
    let environment = spawn(&sandbox, shell("sleep 60")).await;
    for first in [other.pid(), environment.pid()] {
        let mut open: Vec<_> = std::fs::read_dir(format!("/proc/{first}/fd"))
            .unwrap()
            .map(|entry| std::fs::read_link(entry.unwrap().path()).unwrap().to_string_lossy().into_owned())
            .collect();
        // Standard error is the server's, for a last word.
        open.retain(|target| target != "/dev/null");
        let (sockets, rest): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|target| target.starts_with("socket:"));
        let signals = rest.iter().filter(|target| target.contains("signalfd")).count();
        assert!(sockets.len() <= 2 && signals == 1 && rest.len() <= 2, "{sockets:?} {rest:?}");
    }
    sandbox.shut_down().await;
}

#[tokio::test]
async fn the_exit_is_told_as_it_was() {
    let sandbox = sandbox();
    let outcome = run(&sandbox, shell("echo out; echo err >&2; exit 7")).await;
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("out\n", "err\n"));
    assert_eq!((outcome.exit.code, outcome.exit.signal, outcome.exit.oom_killed), (Some(7), None, false));
    let outcome = run(&sandbox, shell("kill -SEGV $$")).await;
    assert_eq!((outcome.exit.code, outcome.exit.signal), (None, Some(11)));
    sandbox.shut_down().await;
}

#[tokio::test]
async fn a_program_that_cannot_be_executed_is_named() {
    let sandbox = sandbox();
    for (program, errno) in [("/usr/bin/no-such-program", 2), ("no-such-program", 2), ("/etc/passwd", 13)] {
        match sandbox.spawn(Spec::new([program])).await.expect_err(program) {
            SandboxError::Exec { program: named, source } => {
                assert_eq!((named.as_str(), source.raw_os_error()), (program, Some(errno)));
            }
            other => panic!("expected the program to be named, got {other}"),
        }
    }
    sandbox.shut_down().await;
}

#[tokio::test]
async fn a_program_is_found_on_the_path_that_was_given() {
    assert_eq!(output_of(Spec::new(["echo", "found"])).await, "found\n");
}

#[tokio::test]
async fn killing_reaches_every_process() {
    let sandbox = sandbox();
    let script = "setsid sh -c 'trap \"\" TERM INT HUP; sleep 60 & echo ready; wait' & wait";
    let mut environment = spawn(&sandbox, shell(script)).await;
    line(environment.stdout.as_mut().unwrap()).await;
    let before = descendants(environment.pid());
    assert!(before.len() >= 3, "{before:?}");
    environment.kill();
    let exit = within("the end", environment.wait()).await;
    assert_eq!((exit.code, exit.signal), (None, Some(9)));
    assert!(before.iter().all(|pid| !alive(*pid)), "{before:?}");
    sandbox.shut_down().await;
}

#[tokio::test]
async fn processes_left_behind_end_with_the_program() {
    let sandbox = sandbox();
    let outcome = run(&sandbox, shell("(setsid sleep 60 >/dev/null 2>&1 &) ; exit 0")).await;
    assert_eq!(outcome.exit.code, Some(0), "{outcome:?}");
    sandbox.shut_down().await;
}

#[tokio::test]
async fn orphans_are_reaped() {
    let script = "
for i in 1 2 3 4 5; do (sh -c 'exit 0' &) ; done
for i in $(seq 100); do
    [ $(cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z ') = 0 ] && break
    sleep 0.05
done
cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z '";
    let sandbox = sandbox();
    assert_eq!(run(&sandbox, shell(script)).await.stdout, "0\n");
    sandbox.shut_down().await;
}

#[tokio::test]
async fn a_dropped_environment_is_gone() {
    let sandbox = sandbox();
    let environment = spawn(&sandbox, shell("sleep 60")).await;
    let pid = environment.pid();
    let groups = groups_with(pid);
    assert!(alive(pid) && is_root() != groups.is_empty());
    drop(environment);
    until("the process to be gone", || !alive(pid)).await;
    until("the control groups to be gone", || groups.iter().all(|group| !group.exists())).await;
    sandbox.shut_down().await;
}

#[tokio::test]
async fn a_program_can_be_asked_to_end() {
    let sandbox = sandbox();
    let script = "trap 'echo asked; exit 5' TERM; echo ready; while true; do sleep 0.05; done";
    let mut environment = spawn(&sandbox, shell(script)).await;
    assert_eq!(line(environment.stdout.as_mut().unwrap()).await, "ready");
    environment.terminate();
    let outcome = finish(environment).await;
    assert_eq!((outcome.stdout.as_str(), outcome.exit.code), ("asked\n", Some(5)));
    sandbox.shut_down().await;
}

#[tokio::test]
async fn a_frozen_environment_stands_still_and_can_be_killed() {
    let sandbox = sandbox();
    let mut environment = spawn(&sandbox, shell("while true; do echo tick; sleep 0.02; done")).await;
    let mut ticks = environment.stdout.take().unwrap();
    line(&mut ticks).await;
    environment.freeze().unwrap();
    // What was under way still comes; then nothing.
    let mut silent = false;
    for _ in 0..100 {
        silent = tokio::time::timeout(Duration::from_millis(500), line(&mut ticks)).await.is_err();
        if silent {
            break;
        }
    }
    assert!(silent, "it goes on");
    environment.thaw().unwrap();
    assert_eq!(line(&mut ticks).await, "tick");
    environment.freeze().unwrap();
    environment.kill();
    assert_eq!(within("the end", environment.wait()).await.signal, Some(9));
    sandbox.shut_down().await;
}

#[tokio::test]
async fn memory_is_told_while_it_runs_and_at_the_end() {
    let sandbox = sandbox();
    let program = "held = bytearray(40 << 20)\nprint('held', flush=True)\nimport time\ntime.sleep(60)";
    let mut environment = spawn(&sandbox, python(program)).await;
    line(environment.stdout.as_mut().unwrap()).await;
    if let Some(now) = environment.memory_current() {
        assert!((40 << 20..128 << 20).contains(&now), "{now}");
        assert!(environment.memory_peak().is_none_or(|peak| peak >= now));
    }
    drop(environment);
    let outcome = run(&sandbox, python("held = bytearray(40 << 20)")).await;
    let peak = outcome.exit.memory_peak_bytes.expect("a peak");
    assert!((40 << 20..=128 << 20).contains(&peak), "{peak}");
    sandbox.shut_down().await;
}

#[tokio::test]
async fn a_spawn_that_nobody_waits_for_leaves_nothing() {
    let sandbox = sandbox();
    let helper = helper_of(&spawn(&sandbox, shell("sleep 60")).await);
    for microseconds in [0, 200, 1000, 3000] {
        let asked = sandbox.spawn(shell("sleep 60"));
        let _ = tokio::time::timeout(Duration::from_micros(microseconds), asked).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    until("all to be gone", || environments_of(helper).is_empty()).await;
    sandbox.shut_down().await;
}

#[tokio::test]
async fn when_the_helper_is_killed_environments_die_and_the_next_spawn_starts_another() {
    let sandbox = sandbox();
    let environment = spawn(&sandbox, shell("sleep 60")).await;
    let frozen = spawn(&sandbox, shell("sleep 60")).await;
    frozen.freeze().unwrap();
    let (pid, helper) = (environment.pid(), helper_of(&environment));
    kill(helper);
    assert_eq!(within("the end", environment.wait()).await.signal, Some(9));
    until("the process to be gone", || !alive(pid) && !alive(frozen.pid())).await;
    let outcome = run(&sandbox, shell("echo again")).await;
    assert_eq!(outcome.stdout, "again\n");
    assert_eq!(groups_of(helper), Vec::<std::path::PathBuf>::new(), "the new helper swept");
    sandbox.shut_down().await;
}

/// Set in the copy of this test that plays the server to be killed.
const ROLE: &str = "NEPHOS_TEST_SERVER";

#[tokio::test]
async fn when_the_server_is_killed_nothing_is_left() {
    if std::env::var_os(ROLE).is_some() {
        return serve_until_killed().await;
    }
    let test = "life::when_the_server_is_killed_nothing_is_left";
    let mut server = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(ROLE, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let told = lines
        .map_while(Result::ok)
        .find_map(|line| line.split_once("serving ").map(|(_, ids)| ids.to_owned()));
    let ids: Vec<u32> = told.expect("it serves").split(' ').map(|id| id.parse().unwrap()).collect();
    let (pid, helper) = (ids[0], ids[1]);
    assert!(alive(pid) && alive(helper) && is_root() != groups_of(helper).is_empty());
    server.kill().unwrap();
    server.wait().unwrap();
    until("the environment to be gone", || !alive(pid)).await;
    until("the helper to be gone", || !alive(helper)).await;
    assert_eq!(groups_of(helper), Vec::<std::path::PathBuf>::new());
}

async fn serve_until_killed() {
    let sandbox = Sandbox::start(config()).unwrap();
    let environment = spawn(&sandbox, shell("sleep 60")).await;
    println!("serving {} {}", environment.pid(), helper_of(&environment));
    tokio::time::sleep(Duration::from_secs(60)).await;
}

#[tokio::test]
async fn after_many_environments_nothing_is_left() {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let sandbox = sandbox();
    let keeper = spawn(&sandbox, shell("sleep 60")).await;
    let helper = helper_of(&keeper);
    let scripts = ["true", "exit 9", "kill -9 $$", "sleep 60", "(sleep 60 &)", "no-such-program"];
    let mut last = Vec::new();
    for round in 0..24 {
        let environment = spawn(&sandbox, shell(scripts[round % scripts.len()])).await;
        last.push(environment);
        if last.len() > 8 {
            last.remove(0);
        }
    }
    drop(last);
    until("the environments to be gone", || environments_of(helper) == [keeper.pid()]).await;
    let open = std::fs::read_dir(format!("/proc/{helper}/fd")).unwrap().count();
    assert!(open < 48, "the helper holds {open} descriptors");
    drop(keeper);
    sandbox.shut_down().await;
    assert!(!alive(helper));
    assert_eq!(groups_of(helper), Vec::<std::path::PathBuf>::new());
    assert_eq!(std::fs::read_to_string("/proc/self/mountinfo").unwrap(), mounts);
}

#[tokio::test]
async fn many_environments_start_at_the_same_time() {
    let sandbox = sandbox();
    let spawns = (0..20).map(|number| {
        let sandbox = sandbox.clone();
        tokio::spawn(async move { run(&sandbox, shell(&format!("echo {number}"))).await.stdout })
    });
    for (number, told) in spawns.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(within("an environment", told).await.unwrap(), format!("{number}\n"));
    }
    sandbox.shut_down().await;
}

#[test]
fn a_helper_that_is_none_is_an_error() {
    let config = nephos_sandbox::Config { helper_exe: "/bin/true".into(), ..config() };
    let error = Sandbox::start(config).expect_err("not a helper");
    assert!(matches!(error, SandboxError::Helper(_)), "{error}");
}

fn kill(pid: u32) {
    let killed = Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    assert!(killed.success());
}

fn descendants(pid: u32) -> Vec<u32> {
    children(pid).into_iter().flat_map(|child| [vec![child], descendants(child)].concat()).collect()
}
