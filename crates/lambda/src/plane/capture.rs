//! What a function writes to its standard output and error, as lines of its log.
//!
//! The pipes are read in two ways: by a task, as soon as something comes, and to the last byte when an invocation ends,
//! so that what was written during an invocation stands before its `END`. The second way asks the kernel itself: the
//! runtime's own bookkeeping of readiness may not have heard of the bytes yet.

use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::unix::pipe::Receiver;

use super::journal::Journal;

/// Longer lines are cut: the log service takes no longer events.
const MAX_LINE_BYTES: usize = 256 * 1024 - 26;
const READ_BYTES: usize = 32 * 1024;
/// How much is read at an invocation's end: what lies in a pipe, and what a runaway writer adds meanwhile.
const MAX_DRAIN_BYTES: usize = 4 << 20;

/// Both streams of an environment.
pub struct Capture {
    streams: [Stream; 2],
    journal: Arc<Journal>,
}

struct Stream {
    pipe: Receiver,
    lines: Mutex<Lines>,
}

impl Capture {
    /// Captures into `journal`.
    pub fn new(stdout: Receiver, stderr: Receiver, journal: Arc<Journal>) -> Capture {
        let stream = |pipe| Stream { pipe, lines: Mutex::default() };
        Capture { streams: [stream(stdout), stream(stderr)], journal }
    }

    /// Reads until both streams are closed.
    pub async fn run(self: Arc<Self>) {
        let (first, second) = (self.follow(&self.streams[0]), self.follow(&self.streams[1]));
        tokio::join!(first, second);
        self.journal.flush();
    }

    async fn follow(&self, stream: &Stream) {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            if stream.pipe.readable().await.is_err() {
                return;
            }
            let mut lines = stream.lines.lock().unwrap_or_else(PoisonError::into_inner);
            match stream.pipe.try_read(&mut buffer) {
                Ok(0) => {
                    lines.end(&self.journal);
                    return;
                }
                Ok(count) => lines.take(&buffer[..count], &self.journal),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
                Err(_) => return,
            }
            drop(lines);
            self.journal.flush();
        }
    }

    /// Reads all that was written, a last line without an end included.
    pub fn drain(&self) {
        for stream in &self.streams {
            let mut lines = stream.lines.lock().unwrap_or_else(PoisonError::into_inner);
            let (mut buffer, mut total) = ([0; READ_BYTES], 0);
            while total < MAX_DRAIN_BYTES
                && let Ok(count @ 1..) = rustix::io::read(stream.pipe.as_fd(), &mut buffer)
            {
                lines.take(&buffer[..count], &self.journal);
                total += count;
            }
            lines.end(&self.journal);
        }
    }
}

/// Bytes on their way to being lines.
#[derive(Default)]
struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    fn take(&mut self, mut bytes: &[u8], journal: &Journal) {
        while let Some(at) = bytes.iter().position(|b| *b == b'\n') {
            self.partial.extend_from_slice(&bytes[..at]);
            self.emit(journal);
            bytes = &bytes[at + 1..];
        }
        self.partial.extend_from_slice(bytes);
        while self.partial.len() > MAX_LINE_BYTES {
            let rest = self.partial.split_off(MAX_LINE_BYTES);
            self.emit(journal);
            self.partial = rest;
        }
    }

    fn end(&mut self, journal: &Journal) {
        if !self.partial.is_empty() {
            self.emit(journal);
        }
    }

    /// Carriage returns inside a line stand for the line ends of one record, as runtimes write them.
    fn emit(&mut self, journal: &Journal) {
        let line = String::from_utf8_lossy(&self.partial);
        let text = line.trim_end_matches('\r').replace('\r', "\n");
        self.partial.clear();
        if !text.is_empty() {
            journal.line(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use nephos_core::ports::LogTarget;
    use tokio::io::AsyncWriteExt;
    use tokio::net::unix::pipe;

    use super::*;

    fn journal() -> Arc<Journal> {
        let target = LogTarget {
            account: nephos_core::AccountId::DEFAULT,
            region: Default::default(),
            group: "g".into(),
            stream: "s".into(),
        };
        let journal = Journal::new(target, None, nephos_core::Clock::system());
        journal.start_tail();
        Arc::new(journal)
    }

    #[tokio::test]
    async fn what_was_written_is_there_after_a_drain() {
        let ((mut out, stdout), (mut err, stderr)) = (pipe::pipe().unwrap(), pipe::pipe().unwrap());
        let journal = journal();
        let capture = Capture::new(stdout, stderr, journal.clone());
        out.write_all(b"one\ntwo\rstill two\r\n\nlast").await.unwrap();
        err.write_all(b"error\xff\n").await.unwrap();
        capture.drain();
        assert_eq!(journal.take_tail().unwrap(), "one\ntwo\nstill two\nlast\nerror\u{fffd}\n");
    }

    #[tokio::test]
    async fn lines_come_as_they_are_written() {
        let ((mut out, stdout), (err, stderr)) = (pipe::pipe().unwrap(), pipe::pipe().unwrap());
        let journal = journal();
        let capture = Arc::new(Capture::new(stdout, stderr, journal.clone()));
        let task = tokio::spawn(Arc::clone(&capture).run());
        out.write_all(b"a").await.unwrap();
        out.write_all(b"b\nc").await.unwrap();
        drop((out, err));
        task.await.unwrap();
        assert_eq!(journal.take_tail().unwrap(), "ab\nc\n");
    }

    #[test]
    fn endless_lines_are_cut() {
        let (journal, mut lines) = (journal(), Lines::default());
        lines.take(&vec![b'x'; MAX_LINE_BYTES * 2 + 1], &journal);
        assert_eq!(lines.partial.len(), 1);
    }
}
