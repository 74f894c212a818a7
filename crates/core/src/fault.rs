//! What a caller is told when a call fails. Every crate's error maps to this once; codecs write it in the protocol's form.

use std::fmt;

/// An error as it goes over the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The error's code, such as `ResourceNotFoundException`.
    pub code: String,
    /// AWS's own text, to the letter where it has one.
    pub message: String,
    /// The HTTP status.
    pub status: u16,
    /// Further members of the error's shape: name and JSON value, as text.
    pub members: Vec<(&'static str, FaultMember)>,
    /// HTTP headers that go with it, such as `Retry-After`.
    pub headers: Vec<(&'static str, String)>,
}

/// A further member of an error's shape.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultMember {
    /// A plain string.
    Text(String),
    /// JSON, already serialised; only the JSON protocols send it.
    Json(String),
}

impl Fault {
    /// A fault of the caller's (400).
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Fault {
            code: code.to_owned(),
            message: message.into(),
            status: 400,
            members: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// The same with another HTTP status.
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same with a further string member.
    pub fn member(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.members.push((name, FaultMember::Text(value.into())));
        self
    }

    /// The same with a further member of already serialised JSON.
    pub fn json_member(mut self, name: &'static str, json: impl Into<String>) -> Self {
        self.members.push((name, FaultMember::Json(json.into())));
        self
    }

    /// The same with a further HTTP header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// `ValidationException`, as the JSON services say it.
    pub fn validation(message: impl Into<String>) -> Self {
        Fault::new("ValidationException", message)
    }

    /// Our own failure. The detail belongs in the log; the caller learns only the request id.
    pub fn internal() -> Self {
        Fault::new(
            "InternalFailure",
            "The request processing has failed because of an unknown error, exception or failure.",
        )
        .status(500)
    }

    /// An operation of the public API that Nephos does not have.
    pub fn not_implemented(service: &str, operation: &str) -> Self {
        Fault::new("NotImplemented", format!("Nephos does not implement {service}:{operation}.")).status(501)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Fault {}
