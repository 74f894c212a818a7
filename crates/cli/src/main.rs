//! The `nephos` command: the platform, and the tools round it.
//!
//! Data goes to stdout, everything said to a person goes to stderr. An error says what was expected, what came, and
//! how to mend it; the exit code is 1 for a failure and 2 for a wrong command line.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to its terminal")]

mod args;
mod client;
mod commands;
mod place;
mod serve;
mod stack;
mod style;
mod up;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

/// What ends a command: a text for a person.
pub type Failure = String;

fn main() -> ExitCode {
    // The sandbox's helper is this binary again; it must start before there is any thread.
    nephos_sandbox::run_if_helper();
    let args = Args::parse();
    logging(args.verbose);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(run(args));
            // Background work that is left must not hold up the end.
            runtime.shutdown_timeout(std::time::Duration::from_secs(2));
            result
        }
        Err(error) => Err(format!("the runtime could not be started: {error}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{} {message}", style::red("error:"));
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Up(options) => up::run(options).await,
        Command::Serve(options) => serve::run(options).await,
        Command::Deploy(options) => commands::deploy(options).await,
        Command::Delete(options) => commands::delete(options).await,
        Command::New(options) => commands::new(&options),
        Command::Env(options) => commands::env(&options),
        Command::Invoke(options) => commands::invoke(options).await,
        Command::Logs(options) => commands::logs(options).await,
        Command::Outbox(options) => commands::outbox(options).await,
        Command::Doctor(options) => commands::doctor(&options),
    }
}

fn logging(verbose: u8) {
    let level = match verbose {
        0 => tracing::Level::WARN,
        1 => tracing::Level::INFO,
        _ => tracing::Level::DEBUG,
    };
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_target(false).init();
}
