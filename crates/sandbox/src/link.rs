//! The server's end of one helper process: starts it, hands requests over, and deals out what it answers.
//!
//! A thread of its own reads the answers, so that a link needs no async runtime. When the helper is gone,
//! every waiting spawn fails and every environment is told as killed, which is the truth: they die with it.

use crate::protocol::{Channel, Event, ExitReport, Failure, GroupView, Request};
use crate::{Capabilities, Config, HELPER_ARGUMENT, SandboxError, Spec};
use rustix::process::{Signal, pidfd_send_signal};
use std::collections::HashMap;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{oneshot, watch};

/// What a spawn waits for.
pub struct Started {
    /// The first process, as the host numbers it.
    pub pid: u32,
    /// Stands for the first process.
    pub pidfd: OwnedFd,
    /// Where figures are.
    pub group: GroupView,
    /// The sockets bound inside.
    pub listeners: Vec<TcpListener>,
    /// Tells the end.
    pub exit: watch::Receiver<Option<ExitReport>>,
}

type Answer = oneshot::Sender<Result<Started, Failure>>;

#[derive(Default)]
struct Table {
    waiting: HashMap<u64, Answer>,
    running: HashMap<u64, watch::Sender<Option<ExitReport>>>,
    gone: bool,
}

/// One helper process.
pub struct Link {
    channel: Arc<Channel>,
    table: Arc<Mutex<Table>>,
    ended: watch::Receiver<bool>,
    /// What the helper found out about the host.
    pub capabilities: Capabilities,
}

impl Link {
    /// Starts a helper and waits for its first word.
    pub fn open(config: &Config) -> Result<Link, SandboxError> {
        let (channel, child) = start_helper(config).map_err(SandboxError::Helper)?;
        let capabilities = match channel.receive::<Event>() {
            Ok(Some((Event::Hello(capabilities), _))) => capabilities,
            Ok(_) => return Err(SandboxError::Helper(give_up(child))),
            Err(error) => {
                give_up(child);
                return Err(SandboxError::Helper(error));
            }
        };
        let (channel, table) = (Arc::new(channel), Arc::new(Mutex::new(Table::default())));
        let (done, ended) = watch::channel(false);
        let reader = (channel.clone(), table.clone());
        std::thread::Builder::new()
            .name("nephos-sandbox".into())
            .spawn(move || {
                deal_out(&reader.0, &reader.1);
                wait_for(child);
                let _ = done.send(true);
            })
            .map_err(SandboxError::Helper)?;
        Ok(Link { channel, table, ended, capabilities })
    }

    /// Whether the helper is gone.
    pub fn is_gone(&self) -> bool {
        lock(&self.table).gone
    }

    /// Asks for an environment. Its standard output and error go to `output`.
    pub fn spawn(
        self: &Arc<Link>,
        id: u64,
        spec: Spec,
        output: [OwnedFd; 2],
    ) -> Result<Waiting, SandboxError> {
        let (answer, result) = oneshot::channel();
        {
            let mut table = lock(&self.table);
            if table.gone {
                return Err(SandboxError::Helper(io::ErrorKind::NotConnected.into()));
            }
            table.waiting.insert(id, answer);
        }
        let waiting = Waiting { link: self.clone(), id, result };
        let descriptors = output.each_ref().map(AsFd::as_fd);
        match self.channel.send(&Request::Spawn { id, spec: Box::new(spec) }, &descriptors) {
            Ok(()) => Ok(waiting),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                Err(SandboxError::InvalidSpec(error.to_string()))
            }
            Err(error) => Err(SandboxError::Helper(error)),
        }
    }

    /// Sends a signal to an environment's program.
    pub fn signal(&self, id: u64, signal: i32) {
        let _ = self.channel.send(&Request::Signal { id, signal }, &[]);
    }

    /// Kills an environment by the helper's hand.
    pub fn kill(&self, id: u64) {
        let _ = self.channel.send(&Request::Kill { id }, &[]);
    }

    /// Tells the helper to kill and clear everything and to end, and waits until it has.
    pub async fn close(&self) {
        self.channel.close();
        let mut ended = self.ended.clone();
        let _ = ended.wait_for(|ended| *ended).await;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.channel.close();
    }
}

/// An environment that was asked for. Dropped before the answer has come, it is killed.
pub struct Waiting {
    link: Arc<Link>,
    id: u64,
    result: oneshot::Receiver<Result<Started, Failure>>,
}

impl Waiting {
    /// Waits for the answer.
    pub async fn answer(mut self) -> Result<Started, SandboxError> {
        match (&mut self.result).await {
            Ok(Ok(started)) => Ok(started),
            Ok(Err(failure)) => Err(SandboxError::Setup { source: failure.source(), step: failure.step }),
            Err(_) => Err(SandboxError::Helper(io::ErrorKind::ConnectionReset.into())),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if lock(&self.link.table).waiting.remove(&self.id).is_some() {
            self.link.kill(self.id);
        } else if let Ok(Ok(started)) = self.result.try_recv() {
            let _ = pidfd_send_signal(&started.pidfd, Signal::KILL);
        }
    }
}

fn start_helper(config: &Config) -> io::Result<(Channel, Child)> {
    let (channel, inner) = Channel::pair()?;
    let child = Command::new(&config.helper_exe)
        .arg(HELPER_ARGUMENT)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(inner.into_socket()))
        .stdout(Stdio::null())
        .spawn()?;
    Ok((channel, child))
}

fn give_up(mut child: Child) -> io::Error {
    let _ = child.kill();
    let status = child.wait();
    io::Error::other(format!("expected a helper at the other end, got a process that ended: {status:?}"))
}

fn wait_for(mut child: Child) {
    if let Err(error) = child.wait() {
        tracing::warn!(%error, "cannot wait for the sandbox helper");
    }
}

fn deal_out(channel: &Channel, table: &Mutex<Table>) {
    loop {
        match channel.receive::<Event>() {
            Ok(Some((event, descriptors))) => deal(&mut lock(table), event, descriptors),
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(%error, "the sandbox helper cannot be understood");
                channel.close();
                break;
            }
        }
    }
    let mut table = lock(table);
    table.gone = true;
    table.waiting.clear();
    for (_, exit) in table.running.drain() {
        let _ = exit.send(Some(ExitReport { signal: Some(libc::SIGKILL), ..ExitReport::default() }));
    }
}

fn deal(table: &mut Table, event: Event, descriptors: Vec<OwnedFd>) {
    match event {
        Event::Hello(_) => {}
        Event::Started { id, pid, group } => deal_started(table, id, (pid, group), descriptors),
        Event::Failed { id, failure } => {
            if let Some(answer) = table.waiting.remove(&id) {
                let _ = answer.send(Err(failure));
            }
        }
        Event::Exited { id, exit } => {
            if let Some(sender) = table.running.remove(&id) {
                let _ = sender.send(Some(exit));
            }
        }
    }
}

fn deal_started(table: &mut Table, id: u64, (pid, group): (u32, GroupView), descriptors: Vec<OwnedFd>) {
    let mut descriptors = descriptors.into_iter();
    let Some(pidfd) = descriptors.next() else { return };
    let Some(answer) = table.waiting.remove(&id) else {
        // Nobody waits any more.
        let _ = pidfd_send_signal(&pidfd, Signal::KILL);
        return;
    };
    let (sender, exit) = watch::channel(None);
    table.running.insert(id, sender);
    let listeners = descriptors.map(TcpListener::from).collect();
    if let Err(Ok(started)) = answer.send(Ok(Started { pid, pidfd, group, listeners, exit })) {
        let _ = pidfd_send_signal(&started.pidfd, Signal::KILL);
    }
}

/// The table holds no invariant that a panic could leave half-made.
fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
