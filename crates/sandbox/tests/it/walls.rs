//! What a program may not do, whatever it calls.

use crate::support::{output_of, python, run, sandbox, shell};
use nephos_sandbox::{Mount, Spec};
use std::os::unix::fs::PermissionsExt;

/// Makes each call of a table and prints what is not refused as it should be.
const CALLS: &str = "
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments])
    return ctypes.get_errno() if result == -1 else 0
";

#[cfg(target_arch = "x86_64")]
#[tokio::test]
async fn calls_that_reach_out_of_the_sandbox_are_not_permitted() {
    let program = format!(
        "{CALLS}
calls = dict(mount=165, umount2=166, pivot_root=155, chroot=161, open_tree=428, move_mount=429, fsopen=430,
    fsconfig=431, fsmount=432, fspick=433, mount_setattr=442, ptrace=101, process_vm_readv=310,
    process_vm_writev=311, pidfd_getfd=438, bpf=321, kexec_load=246, kexec_file_load=320, init_module=175,
    finit_module=313, delete_module=176, perf_event_open=298, userfaultfd=323, keyctl=250, add_key=248,
    request_key=249, io_uring_setup=425, io_uring_enter=426, io_uring_register=427, setns=308, reboot=169,
    swapon=167, swapoff=168, open_by_handle_at=304, quotactl=179, acct=163, syslog=103, iopl=172, ioperm=173,
    settimeofday=164, clock_settime=227, sethostname=170, fanotify_init=300, kcmp=312)
for name, number in calls.items():
    if (errno := call(number, 0, 0, 0, 0, 0)) != 1: print(name, errno)
for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80):
    if (errno := call(272, flag)) != 1: print('unshare', hex(flag), errno)
    if flag != 0x80 and (errno := call(56, flag | 17, 0, 0, 0, 0)) != 1: print('clone', hex(flag), errno)
for persona in (8, 0x0040000, 0x0400000):
    if (errno := call(135, persona)) != 1: print('personality', hex(persona), errno)
if (errno := call(16, 0, 0x5412, 0)) != 1: print('TIOCSTI', errno)
import resource
if resource.getrlimit(resource.RLIMIT_CORE)[1] > 1: print('core files')
try:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print('the limit of core files can be changed')
except (OSError, ValueError): pass
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
for unknown in (435, 1000, 0x40000000 | 165, 0x40000000 | 521):
    if (errno := call(unknown, 0, 0, 0, 0, 0)) != 38: print('unknown', hex(unknown), errno)
if call(135, 0xffffffff) != 0: print('asking for the personality is fine')
"
    );
    assert_eq!(output_of(python(&program)).await, "");
}

#[tokio::test]
async fn only_the_socket_families_of_programs_can_be_opened() {
    let program = "
import socket
for family, kind, protocol in ((17, 3, 0), (38, 5, 0), (40, 1, 0), (16, 3, 16), (16, 3, 9), (29, 3, 1), (30, 1, 0)):
    try:
        socket.socket(family, kind, protocol)
        print('opened', family, protocol)
    except OSError as error:
        if error.errno != 1: print(family, protocol, error.errno)
for family in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6): socket.socket(family).close()
socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close()
socket.socketpair()
print('done')
";
    assert_eq!(output_of(python(program)).await, "done\n");
}

#[tokio::test]
async fn a_program_has_no_capability_and_can_get_none() {
    let status = output_of(shell("cat /proc/self/status")).await;
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect(name);
        line.trim().to_owned()
    };
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        assert_eq!(value(set), "0000000000000000", "{set}");
    }
    assert_eq!(value("NoNewPrivs:"), "1");
    assert_eq!(value("Seccomp:"), "2");
    assert_eq!(value("Uid:"), "993\t993\t993\t993");
    assert_eq!(value("SigIgn:"), "0000000000000000", "signals are as a program expects them");
    assert_eq!(value("SigBlk:"), "0000000000000000");
}

#[tokio::test]
async fn setuid_files_are_powerless() {
    let code = tempfile::tempdir().unwrap();
    std::fs::set_permissions(code.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let copy = code.path().join("id");
    std::fs::copy("/usr/bin/id", &copy).unwrap();
    std::fs::set_permissions(&copy, PermissionsExt::from_mode(0o6755)).unwrap();
    let mut spec = shell("/var/task/id; ls -l /var/task/id");
    spec.mounts = vec![Mount { source: code.path().into(), target: "/var/task".into() }];
    let told = output_of(spec).await;
    assert!(told.contains("rwsr-sr-x"), "the file is setuid: {told}");
    assert!(told.contains("uid=993") && !told.contains("euid"), "{told}");
}

#[tokio::test]
async fn nothing_but_tmp_can_be_written() {
    let script = "
for place in / /etc /usr /usr/bin /var /dev /proc /bin; do
    touch $place/x 2>/dev/null && echo wrote $place
done
for file in /etc/passwd /etc/hosts /proc/sys/kernel/hostname /proc/sysrq-trigger /proc/self/oom_score_adj; do
    (echo 1 > $file) 2>/dev/null && echo wrote $file
done
mkdir /tmp/here && echo '#!/bin/sh' > /tmp/here/run && echo 'echo ran' >> /tmp/here/run && chmod +x /tmp/here/run
mv /tmp/here /tmp/there && /tmp/there/run
echo gone > /dev/null && echo done";
    assert_eq!(output_of(shell(script)).await, "ran\ndone\n");
}

#[tokio::test]
async fn devices_are_those_that_harm_nobody() {
    let names = output_of(shell("cd /dev && echo *; head -c 8 /dev/urandom | wc -c")).await;
    assert_eq!(names, "fd full null random stderr stdin stdout urandom zero\n8\n");
}

/// Without landlock's scope the first process could be signalled, being of the same user.
#[tokio::test]
async fn the_first_process_can_be_neither_seen_nor_signalled() {
    let script = "ls -d /proc/1 2>/dev/null; kill -0 1 2>/dev/null && echo signalled; kill -9 1 2>/dev/null; echo alive";
    let sandbox = sandbox();
    let landlock = sandbox.capabilities().features.iter().any(|feature| {
        feature.name == "landlock"
            && feature.detail.rsplit(' ').next().is_some_and(|v| v.parse::<u32>().unwrap_or(0) >= 6)
    });
    let outcome = run(&sandbox, shell(script)).await;
    let expected = if landlock { "alive\n" } else { "signalled\nalive\n" };
    assert_eq!(outcome.stdout, expected);
    sandbox.shut_down().await;
}

#[tokio::test]
async fn secrets_of_the_kernel_read_as_nothing() {
    let script =
        "for f in kcore kallsyms keys kmsg timer_list interrupts; do cat /proc/$f 2>/dev/null; done | wc -c";
    assert_eq!(output_of(shell(script)).await.trim(), "0");
    let sys = run(&sandbox(), shell("ls /sys")).await;
    assert_ne!(sys.exit.code, Some(0), "there is no /sys");
}

#[tokio::test]
async fn a_thread_can_be_started_and_a_process_can_be_waited_for() {
    let program = "
import threading, subprocess
told = []
thread = threading.Thread(target=lambda: told.append('thread'))
thread.start(); thread.join()
told.append(subprocess.run(['/bin/echo', 'child'], capture_output=True, text=True).stdout.strip())
print(told)
";
    assert_eq!(output_of(Spec { ..python(program) }).await, "['thread', 'child']\n");
}
