//! The Runtime API of one environment, on the socket inside its own network: `/2018-06-01/runtime/...`.
//!
//! A connection only parses, judges and passes on; what an invocation is and when it ends is decided by the environment,
//! which gets [`Event`]s and answers a waiting `next` through its channel.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

use super::http::{Body, Connection, HttpError, Request};

/// The most bytes of an answer: six megabytes, and a hundred bytes of grace.
pub const MAX_RESPONSE_BYTES: usize = 6 * 1024 * 1024 + 100;
const MAX_CONNECTIONS: usize = 64;
const PREFIX: &str = "/2018-06-01/runtime/";

/// What a runtime said.
#[derive(Debug)]
pub enum Event {
    /// It is ready for the next invocation, which goes into the channel.
    Next(oneshot::Sender<Delivery>),
    /// What came of the invocation at hand.
    Result(InvocationResult),
    /// There is nothing that could be invoked.
    InitFailed(ReportedError),
}

/// What came of an invocation.
#[derive(Debug)]
pub enum InvocationResult {
    /// An answer.
    Response {
        /// The answer.
        body: Bytes,
        /// Its type.
        content_type: Option<String>,
    },
    /// An answer of so many bytes, which is too many.
    TooLarge(usize),
    /// An error.
    Failed(ReportedError),
}

/// An error as a runtime reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedError {
    /// Its type, made one of the platform's own where it is none.
    pub error_type: String,
    /// The body, which callers get as it is.
    pub body: Bytes,
}

/// An invocation on its way to a runtime.
#[derive(Debug)]
pub struct Delivery {
    /// The status line and headers.
    pub head: String,
    /// The event.
    pub payload: Bytes,
}

/// What the connections of one environment share.
#[derive(Debug)]
pub struct Shared {
    /// The request that may be answered now.
    open: Mutex<Option<Arc<str>>>,
    events: mpsc::Sender<Event>,
}

impl Shared {
    /// Shared state that passes events into `events`.
    pub fn new(events: mpsc::Sender<Event>) -> Shared {
        Shared { open: Mutex::new(None), events }
    }

    /// Lets `request_id` be answered, once.
    pub fn open(&self, request_id: &str) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::from(request_id));
    }

    /// Lets nothing be answered.
    pub fn close(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether `request_id` may be answered, which it may but once.
    fn claim(&self, request_id: &str) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.take_if(|id| **id == *request_id).is_some()
    }
}

/// Accepts a runtime's connections until it is dropped.
pub async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let places = Arc::new(tokio::sync::Semaphore::new(MAX_CONNECTIONS));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else { return };
        let shared = Arc::clone(&shared);
        // Finished connections are let go before there can be many.
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            if let Err(error) = connection(stream, &shared).await {
                tracing::debug!(%error, "a runtime's connection ended");
            }
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, shared: &Shared) -> Result<(), HttpError> {
    let mut connection = Connection::new(stream);
    while let Some(request) = connection.request(MAX_RESPONSE_BYTES).await? {
        if request.path.strip_prefix(PREFIX) == Some("invocation/next") && request.method == "GET" {
            match next(&mut connection, shared).await {
                Some(delivery) => connection.respond(&delivery.head, &delivery.payload).await?,
                None => return Ok(()),
            }
        } else {
            let answer = post(request, shared).await;
            connection.respond(&answer.head(), answer.body.as_bytes()).await?;
        }
    }
    Ok(())
}

async fn next(connection: &mut Connection, shared: &Shared) -> Option<Delivery> {
    let (give, mut take) = oneshot::channel();
    shared.events.send(Event::Next(give)).await.ok()?;
    tokio::select! {
        biased;
        delivery = &mut take => delivery.ok(),
        () = connection.gone() => None,
    }
}

/// An answer to anything but `next`.
struct Answer {
    status: &'static str,
    body: String,
}

impl Answer {
    fn accepted() -> Answer {
        Answer { status: "202 Accepted", body: "{\"status\":\"OK\"}\n".to_owned() }
    }

    fn error(status: &'static str, error_type: &str, message: &str) -> Answer {
        let body = serde_json::json!({ "errorMessage": message, "errorType": error_type });
        Answer { status, body: body.to_string() }
    }

    fn head(&self) -> String {
        format!("HTTP/1.1 {}\r\nContent-Type: application/json\r\n", self.status)
    }
}

async fn post(request: Request, shared: &Shared) -> Answer {
    let path = request.path.clone();
    let Some(path) = path.strip_prefix(PREFIX) else { return not_found() };
    if request.method != "POST" {
        return not_found();
    }
    if path == "init/error" {
        return pass(shared, Event::InitFailed(reported(request))).await;
    }
    let Some((id, what)) = path.strip_prefix("invocation/").and_then(|rest| rest.split_once('/')) else {
        return not_found();
    };
    if !matches!(what, "response" | "error") {
        return not_found();
    }
    if what == "response" && request.headers.response_mode.as_deref().is_some_and(|mode| mode != "streaming")
    {
        let text = "Invalid function response mode, only streaming is allowed";
        return Answer::error("400 Bad Request", "InvalidFunctionResponseMode", text);
    }
    if !shared.claim(id) {
        return Answer::error("400 Bad Request", "InvalidRequestID", "Invalid request ID");
    }
    match what {
        "error" => pass(shared, Event::Result(InvocationResult::Failed(reported(request)))).await,
        _ => response(request, shared).await,
    }
}

async fn response(request: Request, shared: &Shared) -> Answer {
    if let Some(failed) = failed_while_streaming(&request) {
        return pass(shared, Event::Result(InvocationResult::Failed(failed))).await;
    }
    match request.body {
        Body::Whole(body) => {
            let content_type = request.headers.content_type;
            pass(shared, Event::Result(InvocationResult::Response { body, content_type })).await
        }
        Body::TooLarge(bytes) => {
            pass(shared, Event::Result(InvocationResult::TooLarge(bytes))).await;
            let text = format!("Exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes).");
            Answer::error("413 Payload Too Large", "RequestEntityTooLarge", &text)
        }
    }
}

/// A stream that ends in trailers about an error.
fn failed_while_streaming(request: &Request) -> Option<ReportedError> {
    request.headers.response_mode.as_ref()?;
    let error_type = request.headers.error_type.as_deref()?;
    let body = request.headers.error_body.as_deref().and_then(|body| STANDARD.decode(body).ok());
    Some(ReportedError { error_type: platform_type(Some(error_type)), body: body.unwrap_or_default().into() })
}

fn reported(request: Request) -> ReportedError {
    let body = match request.body {
        Body::Whole(body) => body,
        Body::TooLarge(_) => Bytes::new(),
    };
    ReportedError { error_type: platform_type(request.headers.error_type.as_deref()), body }
}

/// `Runtime.Xyz` and `Function.Xyz` are kept; everything else is unknown, on one side or the other.
fn platform_type(given: Option<&str>) -> String {
    let given = given.unwrap_or_default();
    let name = given.strip_prefix("Runtime.").or_else(|| given.strip_prefix("Function."));
    let legal = name.is_some_and(|name| {
        name.len() >= 2
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|b| b.is_ascii_alphabetic())
    });
    match legal {
        true => given.to_owned(),
        false if given.starts_with("Function.") => "Function.Unknown".to_owned(),
        false => "Runtime.Unknown".to_owned(),
    }
}

async fn pass(shared: &Shared, event: Event) -> Answer {
    match shared.events.send(event).await {
        Ok(()) => Answer::accepted(),
        Err(_) => Answer::error("410 Gone", "InvokeTimeout", "Invoke timeout"),
    }
}

fn not_found() -> Answer {
    Answer { status: "404 Not Found", body: "404 page not found\n".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: &str, body: &'static [u8]) -> Request {
        Request {
            method: "POST".to_owned(),
            path: format!("{PREFIX}{path}"),
            body: Body::Whole(Bytes::from_static(body)),
            ..Request::default()
        }
    }

    #[tokio::test]
    async fn an_invocation_is_answered_once() {
        let (events, mut seen) = mpsc::channel(8);
        let shared = Shared::new(events);
        shared.open("id-1");
        assert_eq!(post(request("invocation/id-2/response", b"1"), &shared).await.status, "400 Bad Request");
        assert_eq!(post(request("invocation/id-1/response", b"1"), &shared).await.status, "202 Accepted");
        assert!(
            matches!(seen.recv().await, Some(Event::Result(InvocationResult::Response { body, .. })) if &body[..] == b"1")
        );
        let again = post(request("invocation/id-1/error", b"1"), &shared).await;
        assert!(again.body.contains("InvalidRequestID"));
        assert_eq!(post(request("invocation/id-1/else", b"1"), &shared).await.status, "404 Not Found");
    }

    #[test]
    fn error_types_are_the_platforms_or_unknown() {
        for (given, expected) in [
            (Some("Runtime.ImportModuleError"), "Runtime.ImportModuleError"),
            (Some("Function.Mine"), "Function.Mine"),
            (Some("Function.mine"), "Function.Unknown"),
            (Some("ValueError"), "Runtime.Unknown"),
            (None, "Runtime.Unknown"),
        ] {
            assert_eq!(platform_type(given), expected);
        }
    }
}
