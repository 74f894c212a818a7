//! The composition root: reads the configuration, opens the stores, makes every service with what it needs, and serves.
//!
//! Nothing here knows how a service works. Reading order: [`config`], [`app`], `ground`, [`control`], [`outbox`].

pub mod app;
pub mod config;
pub mod control;
pub mod data;
mod ground;
pub mod outbox;
mod places;
mod seal;
pub mod seed;
mod smtp;
mod workers;

pub use app::{App, StartError};
pub use config::{Config, Engine, Smtp};
