//! One environment's log: the platform's lines and the function's, in order, to the log stream and, where an invoker
//! asked for it, to the tail of the answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nephos_core::Clock;
use nephos_core::ports::{LogLine, LogTarget, WriteLogs};

use crate::records::VersionRecord;

/// How much of the log an answer carries.
const TAIL_BYTES: usize = 4 * 1024;

/// An environment's log.
pub struct Journal {
    target: LogTarget,
    /// None where the function's role may not write logs.
    logs: Option<Arc<dyn WriteLogs>>,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pending: Vec<LogLine>,
    tail: Option<String>,
}

impl Journal {
    /// A log that goes to `target`, if there is somewhere to write.
    pub fn new(target: LogTarget, logs: Option<Arc<dyn WriteLogs>>, clock: Clock) -> Journal {
        Journal { target, logs, clock, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line; it is on its way with the next flush.
    pub fn line(&self, message: String) {
        let mut state = self.state();
        if let Some(tail) = &mut state.tail {
            tail.push_str(&message);
            tail.push('\n');
            if tail.len() > 2 * TAIL_BYTES {
                *tail = last_bytes(tail).to_owned();
            }
        }
        if self.logs.is_some() {
            state.pending.push(LogLine { at: self.clock.now(), message });
        }
    }

    /// Sends what was added.
    pub fn flush(&self) {
        let lines = std::mem::take(&mut self.state().pending);
        if let Some(logs) = self.logs.as_ref().filter(|_| !lines.is_empty()) {
            logs.write_logs(&self.target, lines);
        }
    }

    /// Keeps the end of what is added from now on.
    pub fn start_tail(&self) {
        self.state().tail = Some(String::new());
    }

    /// The end of what was added.
    pub fn take_tail(&self) -> Option<String> {
        self.state().tail.take().map(|tail| last_bytes(&tail).to_owned())
    }
}

fn last_bytes(text: &str) -> &str {
    let from = text.len().saturating_sub(TAIL_BYTES);
    &text[text.ceil_char_boundary(from)..]
}

/// `REPORT`'s figures.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// The request.
    pub request_id: &'a str,
    /// How long the function ran.
    pub duration: Duration,
    /// How long its start took, where this was its first invocation.
    pub init: Option<Duration>,
    /// Megabytes that it may use.
    pub memory_mb: u32,
    /// The most bytes that it has used, where the host tells.
    pub memory_peak_bytes: Option<u64>,
    /// `timeout`, or `error` with its type.
    pub status: Option<(&'static str, Option<&'a str>)>,
}

impl Report<'_> {
    /// The line.
    pub fn line(&self) -> String {
        let Report { request_id, duration, init, memory_mb, .. } = self;
        // Starts are billed as well, and every begun millisecond.
        let billed = (duration.saturating_add(init.unwrap_or_default()).as_secs_f64() * 1000.0).ceil();
        let used_mb =
            self.memory_peak_bytes.map_or(0, |bytes| bytes.div_ceil(1 << 20)).min(u64::from(*memory_mb));
        let mut line = format!(
            "REPORT RequestId: {request_id}\tDuration: {:.2} ms\tBilled Duration: {billed} ms\tMemory Size: {memory_mb} \
             MB\tMax Memory Used: {used_mb} MB\t",
            millis(*duration)
        );
        if let Some(init) = init {
            line += &format!("Init Duration: {:.2} ms\t", millis(*init));
        }
        match self.status {
            Some((status, Some(error))) => line += &format!("Status: {status}\tError Type: {error}"),
            Some((status, None)) => line += &format!("Status: {status}"),
            None => {}
        }
        line
    }
}

/// Milliseconds with their fraction.
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// `INIT_REPORT`: a start that came to nothing.
pub fn init_report(duration: Duration, phase: &str, status: &str, error_type: Option<&str>) -> String {
    let error = error_type.map(|error| format!("\tError Type: {error}")).unwrap_or_default();
    format!("INIT_REPORT Init Duration: {:.2} ms\tPhase: {phase}\tStatus: {status}{error}", millis(duration))
}

/// `INIT_START`: which runtime is started.
pub fn init_start(version: &VersionRecord, runtime_arn: &str) -> String {
    let runtime = &version.runtime;
    let (family, number) = match runtime.strip_prefix("python") {
        Some(number) => ("python", number),
        None => match runtime.strip_prefix("nodejs") {
            Some(number) => ("nodejs", number.trim_end_matches(".x")),
            None => ("provided", runtime.trim_start_matches("provided.")),
        },
    };
    format!("INIT_START Runtime Version: {family}:{number}.v1\tRuntime Version ARN: {runtime_arn}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<String>>);

    impl WriteLogs for Kept {
        fn write_logs(&self, _: &LogTarget, lines: Vec<LogLine>) {
            self.0.lock().unwrap().extend(lines.into_iter().map(|line| line.message));
        }
    }

    fn journal(kept: &Arc<Kept>) -> Journal {
        let target = LogTarget {
            account: nephos_core::AccountId::DEFAULT,
            region: Default::default(),
            group: "g".into(),
            stream: "s".into(),
        };
        Journal::new(target, Some(kept.clone()), Clock::system())
    }

    #[test]
    fn lines_go_out_in_order_and_the_tail_keeps_the_end() {
        let kept = Arc::new(Kept::default());
        let journal = journal(&kept);
        journal.line("before".into());
        journal.start_tail();
        (0..3000).for_each(|n| journal.line(format!("é {n}")));
        journal.flush();
        assert_eq!(kept.0.lock().unwrap().len(), 3001);
        let tail = journal.take_tail().unwrap();
        assert!(tail.len() <= TAIL_BYTES && tail.ends_with("é 2999\n") && !tail.contains("before"));
        assert_eq!(journal.take_tail(), None);
    }

    #[test]
    fn reports_read_as_the_services_own() {
        let report = Report {
            request_id: "r",
            duration: Duration::from_micros(1230),
            init: Some(Duration::from_micros(88_100)),
            memory_mb: 128,
            memory_peak_bytes: Some(36 << 20),
            status: None,
        };
        assert_eq!(
            report.line(),
            "REPORT RequestId: r\tDuration: 1.23 ms\tBilled Duration: 90 ms\tMemory Size: 128 MB\tMax Memory Used: 36 \
             MB\tInit Duration: 88.10 ms\t"
        );
        let failed = Report { init: None, status: Some(("error", Some("Runtime.ExitError"))), ..report };
        assert!(failed.line().ends_with("36 MB\tStatus: error\tError Type: Runtime.ExitError"));
        assert_eq!(
            init_report(Duration::from_secs(10), "init", "timeout", None),
            "INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout"
        );
    }
}
