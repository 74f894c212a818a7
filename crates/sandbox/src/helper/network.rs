//! Networks: each environment has a network namespace with a loopback interface and nothing else.
//!
//! The listening sockets that the server answers on are bound inside before any code of the function runs,
//! so that every environment can use the same constant address, and only it can reach that address. A few
//! networks are made ahead while the helper has nothing else to do.

use crate::protocol::{Failure, Step};
use crate::sys;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};

/// How many networks are made ahead; each is a kernel object of some tens of kilobytes.
const AHEAD: usize = 4;

/// A network namespace and the sockets bound in it.
pub struct Network {
    /// The namespace.
    pub namespace: OwnedFd,
    /// In the order that was asked for, not blocking.
    pub listeners: Vec<TcpListener>,
}

/// Makes networks.
pub struct Networks {
    home: OwnedFd,
    ready: Vec<Network>,
    /// What the networks of `ready` listen on.
    addresses: Option<Vec<SocketAddr>>,
}

impl Networks {
    /// Leaves the host's network for good: the helper itself needs none.
    pub fn start() -> io::Result<Networks> {
        sys::unshare(libc::CLONE_NEWNET)?;
        Ok(Networks { home: current()?, ready: Vec::new(), addresses: None })
    }

    /// A network with sockets listening on `addresses`.
    pub fn take(&mut self, addresses: &[SocketAddr]) -> Result<Network, Failure> {
        if self.addresses.as_deref() == Some(addresses)
            && let Some(network) = self.ready.pop()
        {
            return Ok(network);
        }
        if self.addresses.as_deref() != Some(addresses) {
            self.ready.clear();
            self.addresses = Some(addresses.to_vec());
        }
        self.make(addresses)
    }

    /// Makes one network ahead, if that is worth it; whether it did.
    pub fn prepare(&mut self) -> bool {
        let Some(addresses) = self.addresses.clone().filter(|_| self.ready.len() < AHEAD) else {
            return false;
        };
        match self.make(&addresses) {
            Ok(network) => self.ready.push(network),
            Err(_) => self.addresses = None,
        }
        true
    }

    fn make(&self, addresses: &[SocketAddr]) -> Result<Network, Failure> {
        sys::unshare(libc::CLONE_NEWNET).step("make a network namespace")?;
        let made = current().step("open the network namespace").and_then(|namespace| {
            let listeners = listen(addresses)?;
            Ok(Network { namespace, listeners })
        });
        enter(&self.home).step("leave the network namespace")?;
        made
    }
}

fn listen(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, Failure> {
    let any = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None);
    any.map_err(io::Error::from)
        .and_then(|any| sys::loopback_up(any.as_fd()))
        .step("bring up the loopback interface")?;
    let bind = |address: &SocketAddr| {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok::<_, io::Error>(listener)
    };
    addresses.iter().map(|address| bind(address).step(format!("listen on {address}"))).collect()
}

fn current() -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(CWD, "/proc/self/ns/net", flags, Mode::empty())?)
}

/// Moves the calling process into a network namespace.
pub fn enter(namespace: &OwnedFd) -> io::Result<()> {
    Ok(move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?)
}
