//! Bodies on their way in: read whole within limits, or passed on as streams that prove themselves at their end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use aws_lc_rs::digest;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use nephos_core::Fault;
use nephos_sigv4::chunked::{ChunkDecoder, ChunkError, ChunkSeed, Trailer};
use nephos_sigv4::{Hex64, Payload};
use nephos_wire::{Body, BodyError};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::serve::Shared;

/// A body that was read whole. Its memory is accounted for until this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    pub(crate) bytes: Bytes,
    _memory: Option<OwnedSemaphorePermit>,
}

/// Why a body was not read whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotWhole {
    /// It is longer than it may be.
    TooLarge,
    /// All memory for bodies is in use.
    Shed,
    /// It ended early, or its client paused too long.
    Incomplete,
}

/// Reads a body whole.
pub(crate) async fn collect(shared: &Shared, incoming: Incoming, limit: u64) -> Result<Whole, NotWhole> {
    let expected = incoming.size_hint();
    if expected.lower() > limit {
        return Err(NotWhole::TooLarge);
    }
    if incoming.is_end_stream() {
        return Ok(Whole::default());
    }
    let mut memory = Memory { shared, permit: None, kib: 0 };
    memory.hold(expected.lower())?;
    read_whole(incoming, limit, shared.config.limits.stall_timeout, &mut memory)
        .await
        .map(|bytes| Whole { bytes, _memory: memory.permit })
}

async fn read_whole(
    mut incoming: Incoming,
    limit: u64,
    stall: Duration,
    memory: &mut Memory<'_>,
) -> Result<Bytes, NotWhole> {
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    loop {
        let frame = match timeout(stall, incoming.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => break,
            Ok(Some(Err(_))) | Err(_) => return Err(NotWhole::Incomplete),
        };
        let Ok(data) = frame.into_data() else { continue };
        let length = (first.len().max(rest.len()) + data.len()) as u64;
        if length > limit {
            return Err(NotWhole::TooLarge);
        }
        memory.hold(length)?;
        if first.is_empty() && rest.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            let known = usize::try_from(incoming.size_hint().lower()).unwrap_or(0);
            rest.reserve(first.len() + data.len() + known);
            rest.extend_from_slice(&first);
        }
        rest.extend_from_slice(&data);
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

/// The part of the memory for bodies that one body holds.
struct Memory<'a> {
    shared: &'a Shared,
    permit: Option<OwnedSemaphorePermit>,
    kib: u64,
}

impl Memory<'_> {
    /// Holds room for `length` bytes, or says that there is none.
    fn hold(&mut self, length: u64) -> Result<(), NotWhole> {
        let kib = length.div_ceil(1024);
        if kib <= self.kib {
            return Ok(());
        }
        // In steps, so that a body of unknown length does not ask at every frame.
        let more = (kib - self.kib).max(if self.kib == 0 { 1 } else { 64 });
        let more = u32::try_from(more).map_err(|_| NotWhole::TooLarge)?;
        let Ok(permit) = Arc::clone(&self.shared.buffered).try_acquire_many_owned(more) else {
            self.shared.metrics.shed.up();
            return Err(NotWhole::Shed);
        };
        self.kib += u64::from(more);
        match &mut self.permit {
            Some(held) => held.merge(permit),
            None => self.permit = Some(permit),
        }
        Ok(())
    }
}

/// Reads on what a refused client still sends, within reason: were the connection closed under its hands, it might
/// never see the answer. Who waits for `100 Continue` sends nothing.
pub(crate) async fn drain(headers: &HeaderMap, mut incoming: Incoming) {
    const MAX_BYTES: u64 = 1 << 20;
    const MAX_WAIT: Duration = Duration::from_secs(2);
    if headers.contains_key(EXPECT) || incoming.size_hint().lower() > MAX_BYTES {
        return;
    }
    let read = async {
        let mut left = MAX_BYTES;
        while let Some(Ok(frame)) = incoming.frame().await {
            let length = frame.data_ref().map_or(0, |data| data.len() as u64);
            left = left.saturating_sub(length);
            if left == 0 {
                break;
            }
        }
    };
    // Whether it came to its end or not, the answer goes out now.
    let _ = timeout(MAX_WAIT, read).await;
}

/// What a streamed body must prove.
enum Proof {
    Nothing,
    Hash { sofar: Option<digest::Context>, expected: Hex64 },
    Chunks { decoder: Option<Box<ChunkDecoder>>, rest: Bytes },
}

/// A body that is passed on as it comes, and that ends in an error if it is not what was promised.
struct Streamed {
    incoming: Incoming,
    proof: Proof,
    /// Bytes that may still come over the wire.
    left: u64,
    limit: u64,
    /// The payload's length, where it is known.
    length: Option<u64>,
    stall: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    ended: bool,
}

/// Room for chunk heads and trailers above the payload's own limit: 100 bytes for every 8 KiB, and some.
fn with_framing(limit: u64) -> u64 {
    limit + limit / 64 + (64 << 10)
}

/// Passes a body of S3's on as a stream, with its `aws-chunked` coding taken off and the headers made to say so.
pub(crate) fn stream(
    shared: &Shared,
    headers: &mut HeaderMap,
    incoming: Incoming,
    payload: Payload,
    seed: Option<ChunkSeed>,
    limit: u64,
) -> Result<Body, Fault> {
    let mut length = incoming.size_hint().exact();
    let proof = match payload {
        Payload::Unsigned => Proof::Nothing,
        Payload::Sha256(expected) => {
            Proof::Hash { sofar: Some(digest::Context::new(&digest::SHA256)), expected }
        }
        chunked => {
            let expected = decoded_length(headers)?;
            let trailers = headers.get("x-amz-trailer").and_then(|value| value.to_str().ok());
            let decoder = ChunkDecoder::new(chunked, seed, expected, trailers.unwrap_or_default());
            let decoder = decoder.map_err(|error| chunk_fault(&error))?;
            take_coding_off(headers, expected);
            length = Some(expected);
            Proof::Chunks { decoder: Some(Box::new(decoder)), rest: Bytes::new() }
        }
    };
    if length.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let is_empty = incoming.is_end_stream();
    match proof {
        Proof::Nothing if is_empty => return Ok(Body::Empty),
        Proof::Hash { expected, .. } if is_empty => {
            return if expected.as_str() == nephos_sigv4::EMPTY_SHA256 {
                Ok(Body::Empty)
            } else {
                Err(hash_fault(expected, nephos_sigv4::sha256_hex(b"")))
            };
        }
        _ => {}
    }
    let left = with_framing(limit);
    let stall = shared.config.limits.stall_timeout;
    Ok(Body::stream(Streamed { incoming, proof, left, limit, length, stall, timer: None, ended: false }))
}

/// Reads a stream to its end, so that what it must prove is proven. The checksums in its trailer become headers.
pub(crate) async fn gather(
    shared: &Shared,
    headers: &mut HeaderMap,
    body: Body,
    limit: u64,
) -> Result<Whole, Fault> {
    if matches!(body, Body::Empty) {
        return Ok(Whole::default());
    }
    let mut memory = Memory { shared, permit: None, kib: 0 };
    let expected = body.length().unwrap_or(limit).min(limit);
    memory
        .hold(expected)
        .map_err(|_| Fault::new("SlowDown", "Please reduce your request rate.").status(503))?;
    let (bytes, trailers) = body.collect_with_trailers(limit).await.map_err(|error| match error {
        BodyError::Fault(fault) => *fault,
        BodyError::TooLarge { .. } => Fault::new("MaxMessageLengthExceeded", "Your request was too big."),
        BodyError::Incomplete => Fault::new(
            "RequestTimeout",
            "Your socket connection to the server was not read from or written to within the timeout period.",
        ),
    })?;
    // A trailer may say what the document's checksum is, and nothing else that a header could.
    for (name, value) in &trailers.unwrap_or_default() {
        if name.as_str().starts_with("x-amz-checksum-") {
            headers.insert(name, value.clone());
        }
    }
    Ok(Whole { bytes, _memory: memory.permit })
}

/// Passes a body on that need prove nothing.
pub(crate) fn plain_stream(shared: &Shared, incoming: Incoming) -> Body {
    if incoming.is_end_stream() {
        return Body::Empty;
    }
    let limit = shared.config.limits.object_bytes;
    let length = incoming.size_hint().exact();
    let stall = shared.config.limits.stall_timeout;
    let (proof, left) = (Proof::Nothing, with_framing(limit));
    Body::stream(Streamed { incoming, proof, left, limit, length, stall, timer: None, ended: false })
}

fn decoded_length(headers: &HeaderMap) -> Result<u64, Fault> {
    let mut values = headers.get_all("x-amz-decoded-content-length").iter();
    let first = values.next().and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    first.filter(|_| values.next().is_none()).ok_or_else(|| {
        Fault::new("MissingContentLength", "You must provide the Content-Length HTTP header.").status(411)
    })
}

/// Makes the headers speak of the payload and not of its coding.
fn take_coding_off(headers: &mut HeaderMap, length: u64) {
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    let codings = headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let others: Vec<&str> = codings
        .split(',')
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    match HeaderValue::from_str(&others.join(",")) {
        Ok(value) if !value.is_empty() => headers.insert(CONTENT_ENCODING, value),
        _ => headers.remove(CONTENT_ENCODING),
    };
}

fn too_large(limit: u64) -> Fault {
    Fault::new("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
        .member("MaxSizeAllowed", limit.to_string())
}

fn hash_fault(expected: Hex64, got: Hex64) -> Fault {
    Fault::new(
        "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    )
    .member("ClientComputedContentSHA256", expected.as_str())
    .member("S3ComputedContentSHA256", got.as_str())
}

fn chunk_fault(error: &ChunkError) -> Fault {
    match error {
        ChunkError::Malformed { .. } => {
            Fault::new("IncompleteBody", "The request body terminated unexpectedly")
        }
        ChunkError::TooSmall { number, size } => Fault::new(
            "InvalidChunkSizeError",
            "Only the last chunk is allowed to have a size less than 8192 bytes",
        )
        .status(403)
        .member("Chunk", number.to_string())
        .member("BadChunkSize", size.to_string()),
        ChunkError::Length { .. } => Fault::new(
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        ),
        ChunkError::Signature { .. } => Fault::new(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
        )
        .status(403),
        ChunkError::Trailer { .. } => Fault::new(
            "MalformedTrailerError",
            "The request contained trailing data that was not well-formed or did not conform to our published schema.",
        ),
    }
}

fn failed(fault: Fault) -> BodyError {
    BodyError::Fault(Box::new(fault))
}

fn as_headers(trailers: Vec<Trailer>) -> Result<HeaderMap, BodyError> {
    let mut headers = HeaderMap::with_capacity(trailers.len());
    for (name, value) in trailers {
        let pair = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(&value).ok());
        let malformed = || failed(chunk_fault(&ChunkError::Trailer { got: "what no header can hold" }));
        let (name, value) = pair.ok_or_else(malformed)?;
        headers.insert(name, value);
    }
    Ok(headers)
}

impl Streamed {
    /// The next data from the wire; `None` at the end.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
                return self.poll_stall(cx).map(|()| Some(Err(BodyError::Incomplete)));
            };
            if let Some(timer) = &mut self.timer {
                timer.as_mut().reset(Instant::now() + self.stall);
            }
            let data = match frame {
                None => return Poll::Ready(None),
                Some(Err(_)) => return Poll::Ready(Some(Err(BodyError::Incomplete))),
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            };
            let Some(left) = self.left.checked_sub(data.len() as u64) else {
                return Poll::Ready(Some(Err(failed(too_large(self.limit)))));
            };
            self.left = left;
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(data)));
            }
        }
    }

    fn poll_stall(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let stall = self.stall;
        self.timer.get_or_insert_with(|| Box::pin(sleep(stall))).as_mut().poll(cx)
    }

    fn poll_proven(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            if let Proof::Chunks { decoder: Some(decoder), rest } = &mut self.proof {
                match decoder.next(rest) {
                    Ok(Some(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                    Ok(None) => {}
                    Err(error) => return Poll::Ready(Some(Err(failed(chunk_fault(&error))))),
                }
            }
            let data = match ready!(self.poll_data(cx)) {
                None => return Poll::Ready(self.finish()),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(data)) => data,
            };
            match &mut self.proof {
                Proof::Chunks { rest, .. } => {
                    *rest = data;
                    continue;
                }
                Proof::Hash { sofar: Some(sofar), .. } => sofar.update(&data),
                Proof::Hash { .. } | Proof::Nothing => {}
            }
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
    }

    /// The end of the wire's data: the proof, and the trailers if there are any.
    fn finish(&mut self) -> Option<Result<Frame<Bytes>, BodyError>> {
        self.ended = true;
        match &mut self.proof {
            Proof::Nothing => None,
            Proof::Hash { sofar, expected } => {
                let got = Hex64::of(sofar.take()?.finish().as_ref());
                (got != *expected).then(|| Err(failed(hash_fault(*expected, got))))
            }
            Proof::Chunks { decoder, .. } => match decoder.take()?.finish() {
                Err(error) => Some(Err(failed(chunk_fault(&error)))),
                Ok(trailers) if trailers.is_empty() => None,
                Ok(trailers) => Some(as_headers(trailers).map(Frame::trailers)),
            },
        }
    }
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let frame = ready!(self.poll_proven(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.ended = true;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}
