//! What an environment may use, and that going beyond hurts nobody else.

use crate::support::{DEADLINE, groups_with, line, output_of, python, run, sandbox, shell, spawn};
use nephos_sandbox::{Spec, Status};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Sends back whatever comes over the socket that the environment was given.
const ECHO: &str = "
import socket
peer = socket.create_connection(('127.0.0.1', 9001))
while data := peer.recv(64): peer.sendall(data)
";

const FORK_BOMB: &str = "
import os, time
made = 0
while True:
    try:
        if os.fork() == 0:
            while True: time.sleep(60)
        made += 1
    except OSError as error:
        print(made, error.errno, flush=True)
        break
while True:
    try:
        if os.fork() == 0: time.sleep(60)
    except OSError: pass
";

#[tokio::test]
async fn a_fork_bomb_is_contained_while_another_environment_answers() {
    let sandbox = sandbox();
    let mut answering = python(ECHO);
    answering.listen = vec!["127.0.0.1:9001".parse().unwrap()];
    let mut answering = spawn(&sandbox, answering).await;
    let listener = tokio::net::TcpListener::from_std(answering.listeners.remove(0)).unwrap();
    let (mut peer, _) = tokio::time::timeout(DEADLINE, listener.accept()).await.unwrap().unwrap();

    let bomb = Spec { max_processes: 64, cpu_quota: 0.5, ..python(FORK_BOMB) };
    let mut bomb = spawn(&sandbox, bomb).await;
    let told = line(bomb.stdout.as_mut().unwrap()).await;
    let (made, errno) = told.split_once(' ').expect(&told);
    assert!(made.parse::<u32>().unwrap() < 64, "{told}");
    assert_eq!(errno, "11", "fork answers EAGAIN");

    if crate::support::is_root() {
        // The limit of the user id would have held by itself; the group's is the one that counts all.
        let limits =
            groups_with(bomb.pid()).into_iter().map(|group| std::fs::read_to_string(group.join("pids.max")));
        assert_eq!(limits.flatten().map(|limit| limit.trim().to_owned()).collect::<Vec<_>>(), ["65"]);
    }

    for _ in 0..50 {
        let answer = async {
            peer.write_all(b"ping").await.unwrap();
            peer.read_exact(&mut [0; 4]).await.unwrap();
        };
        tokio::time::timeout(Duration::from_secs(5), answer).await.expect("the other environment answers");
    }
    assert_eq!(run(&sandbox, shell("exit 3")).await.exit.code, Some(3), "new environments start");
    bomb.kill();
    assert_eq!(bomb.wait().await.signal, Some(9));
    sandbox.shut_down().await;
}

#[tokio::test]
async fn endless_allocation_ends_by_the_kernels_hand() {
    let sandbox = sandbox();
    let program = "held = []\nwhile True: held.append(bytearray(1 << 20))";
    let spec = Spec { memory_bytes: 64 << 20, tmp_bytes: 1 << 20, ..python(program) };
    let exit = run(&sandbox, spec).await.exit;
    assert!(exit.oom_killed, "{exit:?}");
    assert_eq!(exit.signal, Some(9));
    let peak = exit.memory_peak_bytes.expect("a peak");
    assert!((32 << 20..=64 << 20).contains(&peak), "{peak}");
    sandbox.shut_down().await;
}

#[tokio::test]
async fn room_in_tmp_is_no_room_in_memory() {
    let sandbox = sandbox();
    // More than the memory, less than memory and /tmp together.
    let program = "held = bytearray(200 << 20)\nprint(len(held), flush=True)\nimport time\ntime.sleep(60)";
    let spec = Spec { memory_bytes: 64 << 20, tmp_bytes: 512 << 20, ..python(program) };
    let begun = Instant::now();
    let exit = run(&sandbox, spec).await.exit;
    assert!(exit.oom_killed, "{exit:?}");
    assert!(begun.elapsed() < Duration::from_secs(20), "it did not end by itself");
    sandbox.shut_down().await;
}

#[tokio::test]
async fn a_full_tmp_says_so_at_its_size_although_memory_is_smaller() {
    let program = "
import os
written = 0
with open('/tmp/fill', 'wb', buffering=0) as file:
    try:
        while True: written += file.write(bytes(1 << 20))
    except OSError as error:
        print(error.errno, written)
";
    let spec = Spec { memory_bytes: 64 << 20, tmp_bytes: 128 << 20, ..python(program) };
    let sandbox = sandbox();
    let outcome = run(&sandbox, spec).await;
    let (errno, written) = outcome.stdout.trim().split_once(' ').expect(&outcome.stderr);
    assert_eq!(errno, "28", "ENOSPC");
    assert_eq!(written.parse::<u64>().unwrap(), 128 << 20);
    assert!(
        outcome.exit.memory_peak_bytes.is_none_or(|peak| peak < 64 << 20),
        "/tmp is not memory: {outcome:?}"
    );
    sandbox.shut_down().await;
}

#[tokio::test]
async fn empty_files_fill_tmp_as_well() {
    let program = "
made = 0
try:
    while made < 100000:
        open(f'/tmp/{made}', 'w').close()
        made += 1
except OSError as error:
    print(error.errno)
";
    assert_eq!(output_of(Spec { tmp_bytes: 1 << 20, ..python(program) }).await, "28\n");
}

#[tokio::test]
async fn open_files_are_bounded() {
    let program = "
held = []
try:
    while len(held) < 5000: held.append(open('/dev/null'))
except OSError as error:
    print(error.errno, len(held) < 64)
";
    assert_eq!(output_of(Spec { max_files: 64, ..python(program) }).await, "24 True\n");
}

#[tokio::test]
async fn a_busy_program_gets_its_share_of_the_processor_and_no_more() {
    let sandbox = sandbox();
    let cpu = sandbox.capabilities().features.iter().find(|feature| feature.name == "cpu limit").unwrap();
    let limited = cpu.status == Status::Available;
    let program = "
import time
begun = time.monotonic()
while time.monotonic() - begun < 1.5: pass
print(time.process_time())
";
    let outcome = run(&sandbox, Spec { cpu_quota: 0.2, ..python(program) }).await;
    let used: f64 = outcome.stdout.trim().parse().expect("a time");
    // 0.3 s are due; a period more at the beginning and at the end is the kernel's way of counting.
    assert!(!limited || used < 0.6, "{used} s of processor time in 1.5 s");
    sandbox.shut_down().await;
}

#[tokio::test]
async fn a_program_can_be_given_more_of_the_processor_while_it_starts() {
    let sandbox = sandbox();
    let program = "
import time
def busy(seconds):
    begun = time.monotonic(), time.process_time()
    while time.monotonic() - begun[0] < seconds: pass
    return (time.process_time() - begun[1]) / seconds
time.sleep(0.3)
print(busy(1.5))
";
    let environment = spawn(&sandbox, Spec { cpu_quota: 1.0, ..python(program) }).await;
    let limited = environment.set_cpu_quota(0.1).is_ok() && crate::support::is_root();
    let outcome = crate::support::finish(environment).await;
    let share: f64 = outcome.stdout.trim().parse().expect("a share");
    assert!(!limited || share < 0.3, "{share} of a core");
    sandbox.shut_down().await;
}

#[tokio::test]
async fn no_more_environments_run_than_may() {
    let config = nephos_sandbox::Config { max_environments: 1, ..crate::support::config() };
    let sandbox = nephos_sandbox::Sandbox::start(config).unwrap();
    let first = spawn(&sandbox, shell("sleep 60")).await;
    let refused = sandbox.spawn(shell("true")).await.expect_err("one runs already");
    assert!(refused.to_string().contains("limit"), "{refused}");
    drop(first);
    run(&sandbox, shell("true")).await;
    sandbox.shut_down().await;
}
