//! Codecs, validator and routing on a model made by hand (`models/wire-example.json`).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod body_of_form;
mod faults;
mod fill;
mod json;
mod query;
mod requests;
mod rest;
mod round_trip;
mod routes;
mod service;
#[allow(dead_code, reason = "generated")]
mod shapes;
mod text;
mod validation;
mod xml;
