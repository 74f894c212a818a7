//! The load generator of the benchmarks: reads one plan as JSON from its standard input, writes one result as JSON.
//!
//! Light and honest: one thread and one kept-alive connection a client, blocking sockets, and nothing measured but
//! the request's last byte going out until its answer's last byte has come. Every request is a different one, with a
//! signature of its own, made before the measurement starts, so that the signing costs the generator's time and not
//! the server's. Every answer's status is checked; one that is not the expected one ends the run.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of one answer on its standard output"
)]

mod answer;
mod cpu;
mod plan;
mod run;
mod sign;

use std::process::ExitCode;

fn main() -> ExitCode {
    let done = plan::Plan::read(std::io::stdin()).and_then(|plan| run::run(&plan));
    match done.and_then(|result| serde_json::to_string(&result).map_err(|error| error.to_string())) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
