//! As much of HTTP/1.1 as the Runtime API needs, and no more: one request at a time on a kept-alive connection, bodies
//! by length or in chunks with trailers, `Expect: 100-continue`. Written by hand because it stands on the path of every
//! invocation, and because a function is on the other end: everything is bounded.

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Runtimes send the cause of an error in a header of up to a megabyte.
const MAX_HEAD_BYTES: usize = 1_200_000;
const MAX_HEADERS: usize = 64;
const MAX_CHUNK_LINE_BYTES: usize = 256;
const READ_BYTES: usize = 16 * 1024;
/// A body that is refused is still read to its end, so that the client gets to see the refusal; but not for ever.
const MAX_DISCARDED_BYTES: usize = 256 << 20;
/// Answers up to this size go out in one write.
const ONE_WRITE_BYTES: usize = 64 * 1024;

/// A request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path, without a query.
    pub path: String,
    /// The headers that matter, and trailers of the same names.
    pub headers: Headers,
    /// The body.
    pub body: Body,
}

/// A request's body.
#[derive(Debug, PartialEq, Eq)]
pub enum Body {
    /// All of it.
    Whole(Bytes),
    /// It had this many bytes, which is too many; they are gone.
    TooLarge(usize),
}

impl Default for Body {
    fn default() -> Self {
        Body::Whole(Bytes::new())
    }
}

/// The headers that matter.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Headers {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Lambda-Runtime-Function-Error-Type`, also as a trailer.
    pub error_type: Option<String>,
    /// `Lambda-Runtime-Function-Error-Body`, a trailer, in base64.
    pub error_body: Option<String>,
    /// `Lambda-Runtime-Function-Response-Mode`.
    pub response_mode: Option<String>,
}

#[derive(Debug, Default)]
struct Framing {
    length: Option<usize>,
    chunked: bool,
    expects_continue: bool,
}

/// Why a connection is of no more use.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The socket failed, or ended in the middle of a request.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// This is not HTTP, or more of it than is allowed.
    #[error("expected an HTTP request within the bounds, got {0}")]
    Malformed(&'static str),
}

/// One connection of a runtime.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Connection {
    /// A fresh connection.
    pub fn new(stream: TcpStream) -> Connection {
        // Small answers must not wait for the acknowledgement of others.
        let _ = stream.set_nodelay(true);
        Connection { stream, buffer: BytesMut::with_capacity(READ_BYTES) }
    }

    /// The next request; none at the connection's end.
    pub async fn request(&mut self, max_body_bytes: usize) -> Result<Option<Request>, HttpError> {
        let Some((mut request, framing)) = self.head().await? else { return Ok(None) };
        if framing.expects_continue && self.buffer.is_empty() {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        request.body = match framing.length {
            _ if framing.chunked => self.chunks(max_body_bytes, &mut request.headers).await?,
            Some(length) => self.sized(length, max_body_bytes).await?,
            None => Body::default(),
        };
        Ok(Some(request))
    }

    async fn head(&mut self) -> Result<Option<(Request, Framing)>, HttpError> {
        let mut searched = 0_usize;
        loop {
            let from = searched.saturating_sub(3);
            if let Some(at) = self.buffer[from..].windows(4).position(|w| w == b"\r\n\r\n") {
                let head = self.buffer.split_to(from + at + 4);
                return parse(&head).map(Some);
            }
            searched = self.buffer.len();
            if searched > MAX_HEAD_BYTES {
                return Err(HttpError::Malformed("a head that is too large"));
            }
            if !self.more().await? {
                return if searched == 0 {
                    Ok(None)
                } else {
                    Err(HttpError::Malformed("the end of the stream"))
                };
            }
        }
    }

    async fn more(&mut self) -> Result<bool, HttpError> {
        self.buffer.reserve(READ_BYTES);
        Ok(self.stream.read_buf(&mut self.buffer).await? > 0)
    }

    async fn must_more(&mut self) -> Result<(), HttpError> {
        if self.more().await? { Ok(()) } else { Err(HttpError::Malformed("the end of the stream")) }
    }

    async fn sized(&mut self, length: usize, limit: usize) -> Result<Body, HttpError> {
        if length > limit {
            self.discard(length).await?;
            return Ok(Body::TooLarge(length));
        }
        self.buffer.reserve(length.saturating_sub(self.buffer.len()));
        while self.buffer.len() < length {
            self.must_more().await?;
        }
        Ok(Body::Whole(self.buffer.split_to(length).freeze()))
    }

    async fn discard(&mut self, mut left: usize) -> Result<(), HttpError> {
        if left > MAX_DISCARDED_BYTES {
            return Err(HttpError::Malformed("a body far too large"));
        }
        loop {
            let here = left.min(self.buffer.len());
            self.buffer.advance(here);
            left -= here;
            if left == 0 {
                return Ok(());
            }
            self.must_more().await?;
        }
    }

    async fn chunks(&mut self, limit: usize, headers: &mut Headers) -> Result<Body, HttpError> {
        let (mut body, mut total) = (BytesMut::new(), 0_usize);
        loop {
            let line = self.line().await?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            let size =
                usize::from_str_radix(digits, 16).map_err(|_| HttpError::Malformed("a chunk's size"))?;
            if size == 0 {
                break;
            }
            total = total.saturating_add(size);
            if total > limit {
                if total > MAX_DISCARDED_BYTES {
                    return Err(HttpError::Malformed("a body far too large"));
                }
                body.clear();
                self.discard(size).await?;
            } else {
                while self.buffer.len() < size {
                    self.must_more().await?;
                }
                body.extend_from_slice(&self.buffer.split_to(size));
            }
            if !self.line().await?.is_empty() {
                return Err(HttpError::Malformed("a chunk that does not end"));
            }
        }
        self.trailers(headers).await?;
        Ok(if total > limit { Body::TooLarge(total) } else { Body::Whole(body.freeze()) })
    }

    async fn trailers(&mut self, headers: &mut Headers) -> Result<(), HttpError> {
        for _ in 0..MAX_HEADERS {
            let line = self.long_line(MAX_HEAD_BYTES).await?;
            if line.is_empty() {
                return Ok(());
            }
            if let Some((name, value)) = line.split_once(':') {
                headers.take(name, value.trim());
            }
        }
        Err(HttpError::Malformed("too many trailers"))
    }

    async fn line(&mut self) -> Result<String, HttpError> {
        self.long_line(MAX_CHUNK_LINE_BYTES).await
    }

    async fn long_line(&mut self, limit: usize) -> Result<String, HttpError> {
        loop {
            if let Some(at) = self.buffer.windows(2).position(|w| w == b"\r\n") {
                let line = self.buffer.split_to(at + 2);
                return Ok(String::from_utf8_lossy(&line[..at]).into_owned());
            }
            if self.buffer.len() > limit {
                return Err(HttpError::Malformed("a line that is too long"));
            }
            self.must_more().await?;
        }
    }

    /// Writes an answer, `head` being its status line and headers without the length and the empty line.
    pub async fn respond(&mut self, head: &str, body: &[u8]) -> Result<(), HttpError> {
        let mut out = Vec::with_capacity(head.len() + 40 + body.len().min(ONE_WRITE_BYTES));
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
        if body.len() <= ONE_WRITE_BYTES {
            out.extend_from_slice(body);
            return Ok(self.stream.write_all(&out).await?);
        }
        self.stream.write_all(&out).await?;
        Ok(self.stream.write_all(body).await?)
    }

    /// Returns when the client has gone away; anything that it sends meanwhile is kept.
    pub async fn gone(&mut self) {
        // A client that waits for an answer has nothing to say: what it sends anyway is bounded by one buffer.
        while self.buffer.len() < READ_BYTES {
            if !self.more().await.unwrap_or(false) {
                return;
            }
        }
        std::future::pending().await
    }
}

impl Headers {
    fn take(&mut self, name: &str, value: &str) {
        let place = match name.len() {
            12 if name.eq_ignore_ascii_case("content-type") => &mut self.content_type,
            34 if name.eq_ignore_ascii_case("lambda-runtime-function-error-type") => &mut self.error_type,
            34 if name.eq_ignore_ascii_case("lambda-runtime-function-error-body") => &mut self.error_body,
            37 if name.eq_ignore_ascii_case("lambda-runtime-function-response-mode") => {
                &mut self.response_mode
            }
            _ => return,
        };
        *place = Some(value.to_owned());
    }
}

fn parse(head: &[u8]) -> Result<(Request, Framing), HttpError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    match parsed.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        _ => return Err(HttpError::Malformed("another head")),
    }
    let (mut request, mut framing) = (Request::default(), Framing::default());
    request.method = parsed.method.unwrap_or_default().to_owned();
    let target = parsed.path.unwrap_or_default();
    request.path = target.split('?').next().unwrap_or_default().to_owned();
    for header in parsed.headers.iter() {
        let value = String::from_utf8_lossy(header.value);
        match header.name.len() {
            14 if header.name.eq_ignore_ascii_case("content-length") => {
                let length = value.trim().parse().map_err(|_| HttpError::Malformed("a length"))?;
                framing.length = Some(length);
            }
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                framing.chunked = value.trim().eq_ignore_ascii_case("chunked");
            }
            6 if header.name.eq_ignore_ascii_case("expect") => framing.expects_continue = true,
            _ => request.headers.take(header.name, value.trim()),
        }
    }
    Ok((request, framing))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Connection::new(listener.accept().await.unwrap().0), client)
    }

    async fn sent(bytes: &[u8]) -> Result<Option<Request>, HttpError> {
        let (mut connection, mut client) = pair().await;
        client.write_all(bytes).await.unwrap();
        drop(client);
        connection.request(20).await
    }

    #[tokio::test]
    async fn bodies_by_length_and_in_chunks() {
        let request = sent(b"POST /a?b HTTP/1.1\r\nContent-Type: x/y\r\ncontent-length: 2\r\n\r\nhi").await;
        let request = request.unwrap().unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/a"));
        assert_eq!(request.headers.content_type.as_deref(), Some("x/y"));
        assert_eq!(request.body, Body::Whole(Bytes::from_static(b"hi")));
        let chunked = sent(
            b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\
              Lambda-Runtime-Function-Error-Type: E\r\n\r\n",
        );
        let chunked = chunked.await.unwrap().unwrap();
        assert_eq!(chunked.body, Body::Whole(Bytes::from_static(b"abcde")));
        assert_eq!(chunked.headers.error_type.as_deref(), Some("E"));
    }

    #[tokio::test]
    async fn what_is_too_large_is_counted_and_dropped() {
        let large = [b"POST / HTTP/1.1\r\nContent-Length: 30\r\n\r\n".as_slice(), &[b'x'; 30]].concat();
        assert_eq!(sent(&large).await.unwrap().unwrap().body, Body::TooLarge(30));
        let chunk = [b"1e\r\n".as_slice(), &[b'x'; 30], b"\r\n0\r\n\r\n"].concat();
        let chunked = [b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".as_slice(), &chunk].concat();
        assert_eq!(sent(&chunked).await.unwrap().unwrap().body, Body::TooLarge(30));
    }

    #[tokio::test]
    async fn nonsense_ends_the_connection() {
        assert!(sent(b"").await.unwrap().is_none());
        for bad in [
            &b"hello\r\n\r\n"[..],
            b"GET / HTTP/1.1\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab",
        ] {
            assert!(sent(bad).await.is_err(), "{}", bad.escape_ascii());
        }
    }

    #[tokio::test]
    async fn pipelined_requests_come_one_by_one() {
        let (mut connection, mut client) = pair().await;
        let both = b"POST /a HTTP/1.1\r\nContent-Length: 1\r\n\r\nxGET /b HTTP/1.1\r\n\r\n";
        client.write_all(both).await.unwrap();
        assert_eq!(connection.request(20).await.unwrap().unwrap().path, "/a");
        assert_eq!(connection.request(20).await.unwrap().unwrap().path, "/b");
    }
}
