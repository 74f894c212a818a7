//! Real environments, made by a real helper.

mod support;

use support::{output_of, shell};

#[tokio::test]
async fn smoke() {
    eprintln!("{:#?}", support::sandbox().capabilities());
    eprintln!("{}", output_of(shell("id; pwd; ls -la / /etc /dev /proc; mount; cat /proc/self/status; env; ls -la /proc/self/fd; cat /proc/self/cgroup; hostname; ps aux; df /tmp; touch /tmp/x && ls -la /tmp; touch /x; echo hi > /dev/stdout; cat /proc/self/uid_map; wc -c /proc/kcore /proc/kallsyms")).await);
}
