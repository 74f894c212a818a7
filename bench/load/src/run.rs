//! Warming up, signing, measuring.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::answer;
use crate::cpu;
use crate::plan::{Outcome, Plan};
use crate::sign::Maker;

/// Requests that are signed at once while warming up.
const WARM_BATCH: usize = 32;
/// The most requests that one measurement holds ready, over all connections.
const MAX_REQUESTS: f64 = 200_000.0;
/// How many more than the warm-up's rate asks for are signed, as the warm rate is usually the higher one.
const SPARE: f64 = 1.5;
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Measures.
pub fn run(plan: &Plan) -> Result<Outcome, String> {
    let maker = Maker::new(plan)?;
    let (warm_rate, used) = warm_up(plan, &maker)?;
    let each = (warm_rate * plan.seconds * SPARE).clamp(1.0, MAX_REQUESTS) / f64::from(plan.connections);
    let each = each.ceil() as u64;
    let all = u64::from(plan.connections);
    // The number goes round the clients, so that no two send the same one at a time.
    let ready: Vec<Vec<Vec<u8>>> = (0..all)
        .map(|client| (0..each).map(|turn| maker.make(used + turn * all + client)).collect())
        .collect::<Result<_, _>>()?;
    measure(plan, &ready)
}

/// Sends for a while; gives how many a second, and how many numbers were used.
fn warm_up(plan: &Plan, maker: &Maker<'_>) -> Result<(f64, u64), String> {
    let mut next = 0;
    let mut busy = Duration::ZERO;
    let mut done = 0u64;
    let started = Instant::now();
    while done == 0 || started.elapsed().as_secs_f64() < plan.warm_seconds {
        let mut batch = Vec::new();
        for _ in 0..plan.connections {
            let requests: Result<Vec<_>, _> =
                (next..next + WARM_BATCH as u64).map(|n| maker.make(n)).collect();
            next += WARM_BATCH as u64;
            batch.push(requests?);
        }
        let outcome = measure(plan, &batch)?;
        done += outcome.operations;
        busy += Duration::from_secs_f64(outcome.seconds);
    }
    Ok((done as f64 / busy.as_secs_f64().max(1e-6), next))
}

struct Client<'a> {
    plan: &'a Plan,
    connection: TcpStream,
    buffer: Vec<u8>,
    reconnects: u64,
    nanos: Vec<u64>,
}

fn measure(plan: &Plan, ready: &[Vec<Vec<u8>>]) -> Result<Outcome, String> {
    let clients: Result<Vec<Client<'_>>, String> = ready.iter().map(|_| Client::connect(plan)).collect();
    let start = Barrier::new(ready.len() + 1);
    let limit = Duration::from_secs_f64(plan.seconds);
    thread::scope(|scope| {
        let threads: Vec<_> = clients?
            .into_iter()
            .zip(ready)
            .map(|(client, requests)| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    client.send_all(requests, limit)
                })
            })
            .collect();
        let before = (cpu::of_tree(plan.pid), cpu::of_self());
        let started = Instant::now();
        start.wait();
        let mut done = Vec::new();
        for thread in threads {
            done.push(thread.join().map_err(|_| "a client panicked".to_owned())??);
        }
        let seconds = started.elapsed().as_secs_f64();
        let used = (cpu::of_tree(plan.pid) - before.0, cpu::of_self() - before.1);
        Ok(outcome(&done, seconds, used))
    })
}

impl<'a> Client<'a> {
    fn connect(plan: &'a Plan) -> Result<Client<'a>, String> {
        let connection = connect(&plan.address)?;
        Ok(Client { plan, connection, buffer: Vec::new(), reconnects: 0, nanos: Vec::new() })
    }

    fn send_all(mut self, requests: &[Vec<u8>], limit: Duration) -> Result<Client<'a>, String> {
        self.nanos.reserve(requests.len());
        let started = Instant::now();
        for request in requests {
            let sent = Instant::now();
            if sent.duration_since(started) > limit {
                break;
            }
            self.send(request)?;
            self.nanos.push(sent.elapsed().as_nanos() as u64);
        }
        Ok(self)
    }

    fn send(&mut self, request: &[u8]) -> Result<(), String> {
        self.connection.write_all(request).map_err(|error| error.to_string())?;
        let answer = answer::read(&mut self.connection, &mut self.buffer)?;
        let body = &self.buffer[answer.body..];
        let held =
            self.plan.contains.is_empty() || answer::find(body, self.plan.contains.as_bytes()).is_some();
        if answer.status != self.plan.expect || !held {
            let expected = format!("{} with {:?}", self.plan.expect, self.plan.contains);
            return Err(format!("expected {expected}, got {}", String::from_utf8_lossy(&self.buffer)));
        }
        if !answer.keep {
            self.connection = connect(&self.plan.address)?;
            self.reconnects += 1;
        }
        Ok(())
    }
}

fn connect(address: &str) -> Result<TcpStream, String> {
    let failed = |error: std::io::Error| format!("{address}: {error}");
    let connection = TcpStream::connect(address).map_err(failed)?;
    connection.set_nodelay(true).map_err(failed)?;
    connection.set_read_timeout(Some(TIMEOUT)).map_err(failed)?;
    Ok(connection)
}

fn outcome(done: &[Client<'_>], seconds: f64, (server_us, generator_us): (u64, u64)) -> Outcome {
    let mut nanos: Vec<u64> = done.iter().flat_map(|client| client.nanos.iter().copied()).collect();
    nanos.sort_unstable();
    let count = nanos.len().max(1) as f64;
    Outcome {
        operations: nanos.len() as u64,
        seconds,
        ops_per_second: nanos.len() as f64 / seconds,
        p50_us: quantile(&nanos, 0.50),
        p90_us: quantile(&nanos, 0.90),
        p99_us: quantile(&nanos, 0.99),
        max_us: quantile(&nanos, 1.0),
        server_cpu_us: server_us as f64 / count,
        generator_cpu_us: generator_us as f64 / count,
        reconnects: done.iter().map(|client| client.reconnects).sum(),
    }
}

/// The smallest value that is not below `share` of all, in microseconds.
fn quantile(sorted: &[u64], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).map_or(0.0, |nanos| *nanos as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let sorted: Vec<u64> = (1..=100).map(|value| value * 1000).collect();
        assert_eq!(quantile(&sorted, 0.5), 50.0);
        assert_eq!(quantile(&sorted, 0.99), 99.0);
        assert_eq!(quantile(&sorted, 1.0), 100.0);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }

    #[test]
    fn every_answer_is_checked() {
        use std::io::{BufRead, BufReader};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                thread::spawn(move || {
                    let lines = BufReader::new(connection.try_clone().unwrap()).lines();
                    for line in lines.map_while(Result::ok) {
                        if line.is_empty() {
                            connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").unwrap();
                        }
                    }
                });
            }
        });
        let plan = |contains: &str| {
            let text = format!(
                r#"{{"address": "{address}", "pid": 1, "connections": 2, "warm_seconds": 0, "seconds": 0.02,
                "request": {{"method": "GET", "path": "/", "headers": {{}}}}, "contains": "{contains}"}}"#
            );
            Plan::read(text.as_bytes()).unwrap()
        };
        let outcome = run(&plan("hi")).unwrap();
        assert!(outcome.operations > 0 && outcome.p50_us > 0.0 && outcome.reconnects == 0);
        assert!(run(&plan("ho")).unwrap_err().starts_with("expected 200"));
    }
}
