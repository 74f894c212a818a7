//! A connection's socket with its timeouts: for the head of a request, for idling, and for a client that takes no
//! answer. One lazily armed timer a connection; nothing is paid per read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::config::Limits;

/// What the requests of a connection tell its socket.
#[derive(Debug, Default)]
pub struct Activity {
    running: AtomicUsize,
    started: AtomicUsize,
    timed_out: AtomicBool,
}

impl Activity {
    /// Whether the socket gave up on its client.
    pub fn timed_out(&self) -> bool {
        self.timed_out.load(Ordering::Relaxed)
    }

    /// A request begins; it ends when what is returned is dropped.
    pub fn begin(self: &Arc<Self>) -> Running {
        self.running.fetch_add(1, Ordering::Relaxed);
        self.started.fetch_add(1, Ordering::Relaxed);
        Running(Arc::clone(self))
    }
}

/// A request of the connection, from its head to the end of its answer.
#[derive(Debug)]
pub struct Running(Arc<Activity>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The first bytes of HTTP/2's preface, which no method of HTTP/1 begins with.
const PREFACE: &[u8] = b"PRI ";

/// A socket that fails with `TimedOut` when its client takes too long.
pub struct Timed<S> {
    socket: S,
    activity: Arc<Activity>,
    head_timeout: Duration,
    idle_timeout: Duration,
    stall_timeout: Duration,
    timer: Pin<Box<Sleep>>,
    last_bytes: Instant,
    /// When the first byte of a head came, and how many requests had begun by then.
    head_since: Option<(Instant, usize)>,
    write_blocked_since: Option<Instant>,
    is_http2: Option<bool>,
}

impl<S> Timed<S> {
    /// Watches over `socket`.
    pub fn new(socket: S, activity: Arc<Activity>, limits: &Limits) -> Self {
        let now = Instant::now();
        Timed {
            socket,
            activity,
            head_timeout: limits.head_timeout,
            idle_timeout: limits.idle_timeout,
            stall_timeout: limits.stall_timeout,
            timer: Box::pin(sleep_until(now + limits.head_timeout.min(limits.idle_timeout))),
            last_bytes: now,
            head_since: None,
            write_blocked_since: None,
            is_http2: None,
        }
    }

    fn note_read(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.is_http2.is_none() {
            self.is_http2 = Some(bytes.starts_with(PREFACE));
        }
        self.last_bytes = Instant::now();
        let (running, started) = self.counts();
        let is_stale = self.head_since.is_none_or(|(_, then)| then != started);
        if running == 0 && is_stale && self.is_http2 == Some(false) {
            self.head_since = Some((self.last_bytes, started));
        }
    }

    fn counts(&self) -> (usize, usize) {
        (self.activity.running.load(Ordering::Relaxed), self.activity.started.load(Ordering::Relaxed))
    }

    /// When the client's time is over, as things are.
    fn deadline(&self) -> Option<Instant> {
        let (running, started) = self.counts();
        let write = self.write_blocked_since.map(|since| since + self.stall_timeout);
        if running > 0 {
            // Whoever reads the body has an eye on its pauses.
            return write;
        }
        let idle = self.last_bytes + self.idle_timeout;
        let head = self.head_since.filter(|(_, then)| *then == started).map(|(at, _)| at + self.head_timeout);
        [Some(idle), head, write].into_iter().flatten().min()
    }

    /// Arms the timer if it would fire too late; whether the client's time is over.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(deadline) = self.deadline() else { return false };
        if deadline < self.timer.deadline() || self.timer.is_elapsed() {
            self.timer.as_mut().reset(deadline);
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                self.activity.timed_out.store(true, Ordering::Relaxed);
                return true;
            }
            self.timer.as_mut().reset(deadline);
        }
        false
    }

    fn wrote<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match outcome {
            Poll::Ready(outcome) => {
                self.write_blocked_since = None;
                Poll::Ready(outcome)
            }
            Poll::Pending => {
                self.write_blocked_since.get_or_insert_with(Instant::now);
                if self.is_over(cx) { Poll::Ready(Err(timed_out())) } else { Poll::Pending }
            }
        }
    }
}

fn timed_out() -> io::Error {
    io::ErrorKind::TimedOut.into()
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        match Pin::new(&mut this.socket).poll_read(cx, buffer) {
            Poll::Ready(outcome) => {
                this.note_read(&buffer.filled()[before..]);
                Poll::Ready(outcome)
            }
            Poll::Pending if this.is_over(cx) => Poll::Ready(Err(timed_out())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let outcome = Pin::new(&mut this.socket).poll_write(cx, data);
        this.wrote(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let outcome = Pin::new(&mut this.socket).poll_write_vectored(cx, data);
        this.wrote(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let outcome = Pin::new(&mut this.socket).poll_flush(cx);
        this.wrote(cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let outcome = Pin::new(&mut this.socket).poll_shutdown(cx);
        this.wrote(cx, outcome)
    }
}
