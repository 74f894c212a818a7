//! How long an isolated program takes: from the request to its start, and to its end.
//!
//! `cargo run -p nephos-sandbox --example latency [ROUNDS [PAUSE_MILLISECONDS]]`

use nephos_sandbox::{Config, Sandbox, Spec};
use std::io::Write;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    nephos_sandbox::run_if_helper();
    let rounds = std::env::args().nth(1).map_or(Ok(300), |rounds| rounds.parse())?;
    let pause = Duration::from_millis(std::env::args().nth(2).map_or(Ok(0), |pause| pause.parse())?);
    let started = Instant::now();
    let sandbox = Sandbox::start(Config { accept_degraded: true, ..Config::default() })?;
    let ready = started.elapsed();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (mut starts, mut ends) = runtime.block_on(measure(&sandbox, rounds, pause))?;
    let mut out = std::io::stdout();
    writeln!(out, "helper ready           {:>8.2} ms", milliseconds(ready))?;
    for (name, times) in [("request to program", &mut starts), ("request to end, true", &mut ends)] {
        times.sort_unstable();
        let at = |part: f64| milliseconds(times[((times.len() - 1) as f64 * part) as usize]);
        writeln!(out, "{name:<22} {:>8.2} ms p50 {:>8.2} ms p90 {:>8.2} ms p99", at(0.5), at(0.9), at(0.99))?;
    }
    Ok(())
}

type Times = (Vec<Duration>, Vec<Duration>);

async fn measure(
    sandbox: &Sandbox,
    rounds: usize,
    pause: Duration,
) -> Result<Times, nephos_sandbox::SandboxError> {
    let mut times = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        tokio::time::sleep(pause).await;
        let mut spec = Spec::new(["/bin/true"]);
        spec.listen = vec![([127, 0, 0, 1], 9001).into()];
        let begun = Instant::now();
        let environment = sandbox.spawn(spec).await?;
        times.0.push(begun.elapsed());
        environment.wait().await;
        times.1.push(begun.elapsed());
    }
    Ok(times)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
