//! The road to botocore: one Python process, asked and answered in JSON.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use nephos_wire::{Body, Request, form};
use serde_json::{Value as Json, json};

/// What driver.py answers to `asked`, to which the folder of the models is added.
pub fn ask(mut asked: Json) -> Json {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    asked["models"] = json!(here.join("../../models"));
    let mut python = Command::new("python3")
        .arg(here.join("tests/models/driver.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3 with botocore");
    let mut input = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(asked.to_string().as_bytes()));
    let output = python.wait_with_output().unwrap();
    let written = writer.join().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "expected python3 with botocore, got: {said}");
    written.unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A request as driver.py gives it, and its body's bytes.
pub fn request(made: &Json) -> (Request, Bytes) {
    let text = |name: &str| made[name].as_str().unwrap();
    let mut headers = HeaderMap::new();
    for header in made["headers"].as_array().unwrap() {
        let (name, value) = (header[0].as_str().unwrap(), header[1].as_str().unwrap());
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    let body = Bytes::from(nephos_wire::text::from_base64(text("body")).unwrap());
    let request = Request {
        method: Method::from_bytes(text("method").as_bytes()).unwrap(),
        path: text("path").to_owned(),
        query: form::parse(text("query")),
        headers,
        labels: Vec::new(),
        body: Body::Empty,
    };
    (request, body)
}
