//! The system calls that a function may not make.
//!
//! Two filters, both installed. The gate answers "no such call" to what was not known when this list was
//! made, to the x32 numbers, and to clone3, whose flags no filter can see; C libraries then fall back to
//! what the second filter can judge. That one answers "not permitted" to what changes mounts, namespaces or
//! the kernel, looks into other processes, or opens families of sockets that a function has no use for.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};
use std::collections::BTreeMap;
use std::io;

/// The newest call that the list below was made for: removexattrat. All architectures share these numbers.
const LAST_KNOWN: u32 = 466;

/// The compiled filters.
pub struct Filters {
    gate: BpfProgram,
    refusals: BpfProgram,
}

const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

const REFUSED: &[i64] = &[
    // Mounts and roots.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    STATMOUNT,
    LISTMOUNT,
    libc::SYS_open_by_handle_at,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_fanotify_init,
    // Namespaces and names.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
    // The kernel and the machine.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_vhangup,
    libc::SYS_nfsservctl,
    libc::SYS_clock_settime,
    libc::SYS_settimeofday,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_lookup_dcookie,
    // Keys, and calls that have had more holes than uses.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];
/// TIOCSTI and TIOCLINUX, which type into a terminal in the user's place.
const TYPING: [u64; 2] = [0x5412, 0x541C];
const STATMOUNT: i64 = 457;
const LISTMOUNT: i64 = 458;

#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[i64] = &[
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS_sysfs,
    libc::SYS__sysctl,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[i64] = &[];

#[cfg(target_arch = "x86_64")]
const TARGET: (TargetArch, u32) = (TargetArch::x86_64, 0xC000_003E);
#[cfg(target_arch = "aarch64")]
const TARGET: (TargetArch, u32) = (TargetArch::aarch64, 0xC000_00B7);

impl Filters {
    /// Compiles both filters.
    pub fn compile() -> io::Result<Filters> {
        let refusals = rules()
            .and_then(|rules| {
                let refuse = SeccompAction::Errno(libc::EPERM as u32);
                SeccompFilter::new(rules, SeccompAction::Allow, refuse, TARGET.0)
            })
            .and_then(BpfProgram::try_from)
            .map_err(io::Error::other)?;
        Ok(Filters { gate: gate(), refusals })
    }

    /// Installs both for the calling process and all that it becomes; they cannot be taken off again.
    pub fn install(&self) -> io::Result<()> {
        let install = |program| {
            seccompiler::apply_filter(program).map_err(|error| match error {
                seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error) => error,
                other => io::Error::other(other),
            })
        };
        // Of two refusals the kernel gives the one of the filter that came last.
        install(&self.gate)?;
        install(&self.refusals)
    }
}

/// Loads the number of the call, and answers by ranges, which rules of equality cannot say.
fn gate() -> BpfProgram {
    const LOAD: u16 = 0x20;
    const JUMP_EQUAL: u16 = 0x15;
    const JUMP_GREATER: u16 = 0x25;
    const RETURN: u16 = 0x06;
    const ARCHITECTURE_OFFSET: u32 = 4;
    let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    let unknown = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    vec![
        step(LOAD, 0, 0, ARCHITECTURE_OFFSET),
        step(JUMP_EQUAL, 1, 0, TARGET.1),
        step(RETURN, 0, 0, libc::SECCOMP_RET_KILL_PROCESS),
        step(LOAD, 0, 0, 0),
        step(JUMP_GREATER, 2, 0, LAST_KNOWN),
        step(JUMP_EQUAL, 1, 0, libc::SYS_clone3 as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
        step(RETURN, 0, 0, unknown),
    ]
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;
type Built<T> = Result<T, seccompiler::BackendError>;

fn rules() -> Built<Rules> {
    let mut rules: Rules = REFUSED.iter().chain(REFUSED_HERE).map(|call| (*call, Vec::new())).collect();
    let namespaces = NAMESPACES.iter().map(|flag| {
        let flag = *flag as u32 as u64;
        all([is(0, SeccompCmpOp::MaskedEq(flag), flag)])
    });
    rules.insert(libc::SYS_clone, namespaces.collect::<Built<_>>()?);
    let other_than =
        |allowed: &[i32]| all(allowed.iter().map(|value| is(0, SeccompCmpOp::Ne, *value as u64)));
    let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    let netlink = [
        is(0, SeccompCmpOp::Eq, libc::AF_NETLINK as u64),
        is(2, SeccompCmpOp::Ne, libc::NETLINK_ROUTE as u64),
    ];
    rules.insert(libc::SYS_socket, vec![other_than(&families)?, all(netlink)?]);
    rules.insert(libc::SYS_socketpair, vec![other_than(&[libc::AF_UNIX])?]);
    // 0 is plain Linux, and all ones only asks.
    rules.insert(libc::SYS_personality, vec![other_than(&[0, -1])?]);
    let typing = TYPING.map(|request| all([is(1, SeccompCmpOp::Eq, request)]));
    rules.insert(libc::SYS_ioctl, typing.into_iter().collect::<Built<_>>()?);
    // The limit of core files is one that even a crash handler of the host respects, and is to stay.
    let core = u64::from(libc::RLIMIT_CORE);
    let new = SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0);
    rules.insert(libc::SYS_prlimit64, vec![all([is(1, SeccompCmpOp::Eq, core), new])?]);
    rules.insert(libc::SYS_setrlimit, vec![all([is(0, SeccompCmpOp::Eq, core)])?]);
    Ok(rules)
}

fn is(argument: u8, operator: SeccompCmpOp, value: u64) -> Built<SeccompCondition> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value & 0xffff_ffff)
}

fn all(conditions: impl IntoIterator<Item = Built<SeccompCondition>>) -> Built<SeccompRule> {
    SeccompRule::new(conditions.into_iter().collect::<Built<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_filters_compile_and_fit_the_kernel() {
        let filters = Filters::compile().unwrap();
        assert!(filters.refusals.len() < 1024, "{}", filters.refusals.len());
        assert_eq!(filters.gate.len(), 8);
    }

    #[test]
    fn every_refused_call_is_one_that_the_gate_knows() {
        assert!(REFUSED.iter().chain(REFUSED_HERE).all(|call| (0..=i64::from(LAST_KNOWN)).contains(call)));
    }
}
