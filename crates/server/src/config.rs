//! What the operator decides.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use nephos_core::{AccountId, Region};
use nephos_iam::Mode;
use nephos_store::Durability;

/// How the platform is run.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen. Port 0 takes any free one.
    pub listen: SocketAddr,
    /// The folder of all state; none keeps everything in memory, for tests.
    pub data: Option<PathBuf>,
    /// Where records are kept.
    pub engine: Engine,
    /// When a write counts as done.
    pub durability: Durability,
    /// Whether access key `test` works, and the paths that move the clock and wipe the state.
    pub dev: bool,
    /// Whether policies refuse, or only record what they would have refused.
    pub iam_mode: Mode,
    /// The account of a fresh installation.
    pub account: AccountId,
    /// The region of requests that name none.
    pub region: Region,
    /// A file of accounts, users, roles and policies that should be there.
    pub seed: Option<PathBuf>,
    /// Names besides `localhost` under which the platform is reached.
    pub public_names: Vec<String>,
    /// Plain HTTP on an address that others can reach.
    pub insecure_http: bool,
    /// Where mail goes besides the outbox.
    pub smtp: Option<Smtp>,
    /// How functions are isolated.
    pub sandbox: nephos_sandbox::Config,
}

/// Where records are kept.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Engine {
    /// In the data folder.
    #[default]
    Embedded,
    /// In a PostgreSQL database, by its URL. The URL may hold a password and is never shown.
    Postgres(String),
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Engine::Embedded => "Embedded",
            Engine::Postgres(_) => "Postgres(..)",
        })
    }
}

/// A mail server.
#[derive(Clone)]
pub struct Smtp {
    /// `smtp://user:password@host:port` or `smtps://...`. Never shown.
    pub url: String,
    /// The sender's address.
    pub from: String,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smtp").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, Config::PORT)),
            data: None,
            engine: Engine::Embedded,
            durability: Durability::Strict,
            dev: false,
            iam_mode: Mode::Enforce,
            account: AccountId::DEFAULT,
            region: Region::default(),
            seed: None,
            public_names: Vec::new(),
            insecure_http: false,
            smtp: None,
            sandbox: nephos_sandbox::Config::default(),
        }
    }
}

/// A combination of settings that is not safe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsafe {
    /// Well-known credentials where others can reach them.
    #[error(
        "--dev makes access key `test` work, so it listens on loopback only; got {0}. Leave out --dev, or listen on 127.0.0.1"
    )]
    DevBeyondLoopback(SocketAddr),
    /// Signatures without encryption where others can read along.
    #[error(
        "expected a loopback address, got {0}. Put a TLS proxy before it and say --insecure-http if others may read along between the two"
    )]
    PlainBeyondLoopback(SocketAddr),
}

impl Config {
    /// The port that the ecosystem's tools default to.
    pub const PORT: u16 = 4566;

    /// Refuses combinations that would open the platform to strangers.
    pub fn check(&self) -> Result<(), Unsafe> {
        let loopback = self.listen.ip().is_loopback();
        match () {
            () if loopback => Ok(()),
            () if self.dev => Err(Unsafe::DevBeyondLoopback(self.listen)),
            () if !self.insecure_http => Err(Unsafe::PlainBeyondLoopback(self.listen)),
            () => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_kept_out() {
        let at = |listen: &str, dev, insecure_http| {
            Config { listen: listen.parse().unwrap(), dev, insecure_http, ..Config::default() }.check()
        };
        assert_eq!(at("127.0.0.1:1", true, false), Ok(()));
        assert_eq!(at("[::1]:1", true, false), Ok(()));
        assert!(matches!(at("0.0.0.0:1", true, true), Err(Unsafe::DevBeyondLoopback(_))));
        assert!(matches!(at("192.168.0.1:1", false, false), Err(Unsafe::PlainBeyondLoopback(_))));
        assert_eq!(at("192.168.0.1:1", false, true), Ok(()));
    }
}
