//! A request's or answer's body: bytes at hand, or a stream. Whoever collects one says how much it may hold.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use nephos_core::Fault;

/// Why a body could not be read to its end.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BodyError {
    /// It held more than it may.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The peer went away, or did not send in time.
    #[error("the body ended early")]
    Incomplete,
    /// It is not what its headers promise: a bad chunk, signature or checksum.
    #[error("{0}")]
    Fault(Box<Fault>),
}

/// A body.
#[derive(Debug, Default)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// Bytes at hand.
    Bytes(Bytes),
    /// A stream of chunks, perhaps with trailers.
    Stream(UnsyncBoxBody<Bytes, BodyError>),
}

impl Body {
    /// A stream.
    pub fn stream(body: impl HttpBody<Data = Bytes, Error = BodyError> + Send + 'static) -> Self {
        Body::Stream(body.boxed_unsync())
    }

    /// The length in bytes, where it is known before the end.
    pub fn length(&self) -> Option<u64> {
        self.size_hint().exact()
    }

    /// The next chunk; `None` at the end. Trailers are passed over.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, BodyError>> {
        loop {
            match self.frame().await? {
                Ok(frame) => {
                    if let Ok(data) = frame.into_data() {
                        return Some(Ok(data));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Everything, unless it is more than `limit` bytes.
    pub async fn collect(self, limit: u64) -> Result<Bytes, BodyError> {
        self.collect_with_trailers(limit).await.map(|(bytes, _)| bytes)
    }

    /// Everything with the trailers, unless it is more than `limit` bytes.
    pub async fn collect_with_trailers(
        mut self,
        limit: u64,
    ) -> Result<(Bytes, Option<HeaderMap>), BodyError> {
        let too_large = |length: u64| (length > limit).then_some(BodyError::TooLarge { limit });
        if let Body::Bytes(bytes) = self {
            return too_large(bytes.len() as u64).map_or(Ok((bytes, None)), Err);
        }
        let (mut first, mut rest, mut trailers) = (Bytes::new(), BytesMut::new(), None);
        while let Some(frame) = self.frame().await {
            match frame?.into_data() {
                Ok(data) if first.is_empty() && rest.is_empty() => first = data,
                Ok(data) => {
                    if rest.is_empty() {
                        rest.extend_from_slice(&first);
                    }
                    rest.extend_from_slice(&data);
                }
                Err(other) => trailers = other.into_trailers().ok(),
            }
            if let Some(error) = too_large(first.len().max(rest.len()) as u64) {
                return Err(error);
            }
        }
        Ok((if rest.is_empty() { first } else { rest.freeze() }, trailers))
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Body::Empty } else { Body::Bytes(bytes) }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Body::from(Bytes::from(bytes))
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Body::from(text.into_bytes())
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Body::from(Bytes::from_static(text.as_bytes()))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Body::Empty => Poll::Ready(None),
            Body::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Body::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Body::Stream(stream) => Pin::new(stream).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Empty => true,
            Body::Bytes(_) => false,
            Body::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Empty => SizeHint::with_exact(0),
            Body::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Body::Stream(stream) => stream.size_hint(),
        }
    }
}
