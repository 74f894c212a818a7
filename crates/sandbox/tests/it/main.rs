//! Real environments, made by a real helper, on whatever host the tests run.

mod filesystem;
mod life;
mod limits;
mod network;
mod rootless;
mod support;
mod walls;
