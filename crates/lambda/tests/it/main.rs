//! Functions run for real: the service on a store in memory, its sandboxes, and the host's interpreters.
//!
//! This binary is also the sandbox's helper, which is why it has a main of its own.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests fail by panicking and may print figures")]

#[macro_use]
mod harness;
mod asynchronous;
mod control;
mod data_plane;
mod function_urls;
mod node;
mod packages;
mod provided;
mod python;
mod versions;

fn main() {
    nephos_sandbox::run_if_helper();
    let arguments = libtest_mimic::Arguments::from_args();
    let all = [
        asynchronous::trials(),
        control::trials(),
        data_plane::trials(),
        function_urls::trials(),
        node::trials(),
        packages::trials(),
        provided::trials(),
        python::trials(),
        versions::trials(),
    ];
    libtest_mimic::run(&arguments, all.into_iter().flatten().collect()).exit();
}
