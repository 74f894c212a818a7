//! What a program sees of files: its own code, the interpreters, and nothing of the host or of others.

use crate::support::{output_of, run, sandbox, shell, spawn};
use nephos_sandbox::{Mount, SandboxError, Spec};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

/// A directory of the host that other users may read, as a function's code is.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn mount(source: &Path, target: &str) -> Mount {
    Mount { source: source.into(), target: target.into() }
}

#[tokio::test]
async fn the_hosts_files_are_not_there() {
    let script = "
cat /etc/shadow /etc/gshadow /etc/sudoers 2>/dev/null
for place in /root /home /boot /mnt /srv /work /sys /run /var/lib /var/log; do ls -d $place 2>/dev/null; done
cat /etc/passwd | wc -l
grep -c sandbox.localdomain /etc/hosts";
    assert_eq!(output_of(shell(script)).await, "3\n1\n");
}

#[tokio::test]
async fn code_is_shown_read_only_under_its_name() {
    let (code, layer) = (folder(&[("main.txt", "code")]), folder(&[("lib.txt", "layer")]));
    let file = folder(&[("bootstrap", "#!/bin/sh\necho started in $(pwd); cat main.txt /opt/lib.txt\n")]);
    let bootstrap = file.path().join("bootstrap");
    std::fs::set_permissions(&bootstrap, PermissionsExt::from_mode(0o755)).unwrap();
    let mut spec = Spec::new(["/var/runtime/bootstrap"]);
    spec.cwd = "/var/task".into();
    spec.mounts = vec![
        mount(code.path(), "/var/task"),
        mount(layer.path(), "/opt"),
        mount(&bootstrap, "/var/runtime/bootstrap"),
    ];
    assert_eq!(output_of(spec.clone()).await, "started in /var/task\ncodelayer");
    spec.program = ["/bin/sh", "-c", "touch /var/task/x /opt/x; echo x >> /var/runtime/bootstrap; echo $?"]
        .map(String::from)
        .to_vec();
    assert_eq!(output_of(spec).await.trim(), "2");
    assert!(!code.path().join("x").exists() && !layer.path().join("x").exists());
}

/// Landlock and file modes would stop most writes as well; the mounts themselves are to be closed.
#[tokio::test]
async fn every_mount_but_tmp_is_read_only_and_none_gives_rights() {
    let code = folder(&[]);
    let mut spec = shell("cut -d ' ' -f 5,6 /proc/self/mountinfo");
    spec.mounts = vec![mount(code.path(), "/var/task"), mount(code.path(), "/opt")];
    let mounts = output_of(spec).await;
    assert!(mounts.lines().count() > 8, "{mounts}");
    for line in mounts.lines() {
        let (place, options) = line.split_once(' ').expect(line);
        let has = |option: &str| options.split(',').any(|other| other == option);
        assert_eq!(has("rw"), place == "/tmp", "{line}");
        assert!(has("nosuid"), "{line}");
        let device = place.starts_with("/dev/") || place.starts_with("/proc/");
        assert!(has("nodev") || (device && has("noexec")), "{line}");
    }
}

#[tokio::test]
async fn links_in_code_lead_nowhere_outside() {
    let code = folder(&[]);
    for (target, name) in
        [("/etc/shadow", "shadow"), ("../../../../root", "up"), ("/proc/1/root/etc/shadow", "init")]
    {
        std::os::unix::fs::symlink(target, code.path().join(name)).unwrap();
    }
    let mut spec = shell("cd /var/task; cat shadow init 2>/dev/null; ls up/ 2>/dev/null; echo end");
    spec.mounts = vec![mount(code.path(), "/var/task")];
    assert_eq!(output_of(spec).await, "end\n");
}

#[tokio::test]
async fn one_environment_sees_nothing_of_another() {
    let sandbox = sandbox();
    let code = folder(&[("secret.txt", "code-secret-4711")]);
    let mut first = shell("echo tmp-secret-4711 > /tmp/secret; exec sleep 60");
    first.env.push(("PASSWORD".into(), "env-secret-4711".into()));
    first.mounts = vec![mount(code.path(), "/var/task")];
    first.memory_bytes = 64 << 20;
    let first = spawn(&sandbox, first).await;
    // Whatever of the first can be read at all would show up here. The search must not find itself.
    let script = "
cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep 'secret-471[1]'
grep -rl 'secret-471[1]' /tmp /var /etc /dev/shm 2>/dev/null
for pid in /proc/[0-9]*; do ls $pid/root/var/task 2>/dev/null; done
ls /proc | grep -c '^[0-9]*$' > /tmp/count
ps -e -o comm= | grep -c sleep";
    let outcome = run(&sandbox, shell(script)).await;
    assert_eq!(outcome.stdout, "0\n", "{outcome:?}");
    drop(first);
    sandbox.shut_down().await;
}

#[tokio::test]
async fn a_second_run_does_not_find_what_the_first_left_in_tmp() {
    let sandbox = sandbox();
    assert_eq!(run(&sandbox, shell("echo x > /tmp/left; ls /tmp")).await.stdout, "left\n");
    assert_eq!(run(&sandbox, shell("ls /tmp")).await.stdout, "");
    sandbox.shut_down().await;
}

#[tokio::test]
async fn an_interpreter_outside_of_the_system_folders_can_be_shown() {
    let home = folder(&[("tool", "#!/bin/sh\necho tool ran\n")]);
    std::fs::set_permissions(home.path().join("tool"), PermissionsExt::from_mode(0o755)).unwrap();
    // The way there may be closed to others, as a home folder is.
    std::fs::set_permissions(home.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let parent = folder(&[]);
    let inner = parent.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::fs::rename(home.path().join("tool"), inner.join("tool")).unwrap();
    std::fs::set_permissions(parent.path(), PermissionsExt::from_mode(0o700)).unwrap();
    let shown = inner.to_string_lossy().replace("/tmp/", "/interpreters/");
    let mut spec = Spec::new([format!("{shown}/tool")]);
    spec.mounts = vec![mount(&inner, &shown)];
    assert_eq!(output_of(spec).await, "tool ran\n");
}

#[tokio::test]
async fn what_may_not_be_mounted_is_refused_with_its_reason() {
    let sandbox = sandbox();
    for target in ["/", "/proc/x", "/etc", "/tmp", "relative", "/var/../etc"] {
        let mut spec = shell("true");
        spec.mounts = vec![mount(Path::new("/usr"), target)];
        let error = sandbox.spawn(spec).await.expect_err(target);
        assert!(matches!(error, SandboxError::InvalidSpec(_)), "{target}: {error}");
    }
    let mut spec = shell("true");
    spec.mounts = vec![mount(Path::new("/nowhere/at/all"), "/opt")];
    let error = sandbox.spawn(spec).await.expect_err("no such source");
    assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    sandbox.shut_down().await;
}
