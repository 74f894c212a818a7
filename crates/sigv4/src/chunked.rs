//! `aws-chunked` bodies: a decoder that is fed what the network brings and gives payload as slices of it.
//!
//! A chunk's signature comes before its data but can only be checked after it, so bytes are handed out before they
//! are proven. Whoever takes them must commit nothing until [`ChunkDecoder::finish`] has said yes.
//! Bounds: a chunk's head line and the whole trailer have a maximal length; the payload must have exactly the
//! declared length.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::{Buf, Bytes};

use crate::EMPTY_SHA256;
use crate::hex::{Hex64, sha256_hex};
use crate::key::SigningKey;
use crate::payload::Payload;

/// The longest head line of a chunk, in bytes.
const MAX_LINE: usize = 512;
/// The longest trailer, in bytes.
const MAX_TRAILER: usize = 16 * 1024;
/// The smallest chunk that may be followed by another one, in bytes.
pub const MIN_CHUNK: u64 = 8192;

/// Why an `aws-chunked` body is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// The framing is broken.
    #[error("expected an aws-chunked body, got {got}")]
    Malformed {
        /// What is wrong.
        got: &'static str,
    },
    /// A chunk that is not the last one is too small.
    #[error(
        "only the last chunk is allowed to have a size less than 8192 bytes, got chunk {number} of {size} bytes"
    )]
    TooSmall {
        /// The chunk's number, from 1.
        number: u64,
        /// Its size in bytes.
        size: u64,
    },
    /// The body ended early, or its payload is shorter or longer than declared.
    #[error("expected {expected} bytes of payload, got {got}")]
    Length {
        /// The declared length.
        expected: u64,
        /// The length that came.
        got: u64,
    },
    /// A chunk's signature is wrong.
    #[error("the signature of chunk {number} does not match")]
    Signature {
        /// The chunk's number, from 1.
        number: u64,
    },
    /// The trailer is malformed, undeclared, or its signature is wrong.
    #[error("expected the declared trailer, got {got}")]
    Trailer {
        /// What is wrong.
        got: &'static str,
    },
}

/// What the first chunk's signature is chained to.
#[derive(Debug, Clone)]
pub struct ChunkSeed {
    /// The signing key.
    pub key: Arc<SigningKey>,
    /// The request's date.
    pub amz_date: String,
    /// The credential's scope.
    pub scope: String,
    /// The request's own signature.
    pub previous: Hex64,
}

impl ChunkSeed {
    /// The next signature of the chain, over a chunk's hash.
    pub(crate) fn sign_chunk(&mut self, hash: &str) -> Hex64 {
        let text = format!(
            "AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{EMPTY_SHA256}\n{hash}",
            self.amz_date, self.scope, self.previous
        );
        self.previous = self.key.sign(text.as_bytes());
        self.previous
    }

    /// The trailer's signature, over its canonical lines.
    pub(crate) fn sign_trailer(&mut self, lines: &str) -> Hex64 {
        let hash = sha256_hex(lines.as_bytes());
        let text =
            format!("AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{}\n{hash}", self.amz_date, self.scope, self.previous);
        self.previous = self.key.sign(text.as_bytes());
        self.previous
    }
}

/// A trailer: lower-case name and value.
pub type Trailer = (String, String);

enum State {
    /// Collecting a chunk's head line.
    Head(Vec<u8>),
    /// Passing a chunk's data on.
    Data { left: u64 },
    /// Between a chunk's data and the next head: how much of `\r\n` is still to come.
    Gap(&'static [u8]),
    /// Collecting the trailer, up to the end of the body.
    Trailer(Vec<u8>),
}

/// Decodes one `aws-chunked` body.
pub struct ChunkDecoder {
    state: State,
    /// Absent where chunks are not signed.
    seed: Option<ChunkSeed>,
    signs_trailer: bool,
    declared_trailers: Vec<String>,
    expected_len: u64,
    passed_on: u64,
    number: u64,
    size: u64,
    claimed: Option<Hex64>,
    hash: Context,
}

impl ChunkDecoder {
    /// A decoder for a body of `expected_len` decoded bytes (`x-amz-decoded-content-length`) whose trailers are the
    /// names in `declared_trailers` (`x-amz-trailer`). Signed payloads need the seed.
    pub fn new(
        payload: Payload,
        seed: Option<ChunkSeed>,
        expected_len: u64,
        declared_trailers: &str,
    ) -> Result<Self, ChunkError> {
        let signed = matches!(payload, Payload::Streaming | Payload::StreamingTrailer);
        if !payload.is_chunked() || (signed && seed.is_none()) {
            return Err(ChunkError::Malformed { got: "a payload option without chunks or their key" });
        }
        let names = declared_trailers.split(',').map(|name| name.trim().to_ascii_lowercase());
        Ok(ChunkDecoder {
            state: State::Head(Vec::new()),
            seed: seed.filter(|_| signed),
            signs_trailer: payload == Payload::StreamingTrailer,
            declared_trailers: names.filter(|name| !name.is_empty()).collect(),
            expected_len,
            passed_on: 0,
            number: 0,
            size: MIN_CHUNK,
            claimed: None,
            hash: Context::new(&SHA256),
        })
    }

    /// Takes from `input` until there is payload to pass on or `input` is empty.
    pub fn next(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, ChunkError> {
        while input.has_remaining() {
            match &mut self.state {
                State::Head(line) => {
                    if take_line(line, input)? {
                        let line = std::mem::take(line);
                        self.begin_chunk(&line)?;
                    }
                }
                State::Data { left } => {
                    let data = input.split_to(usize::try_from(*left).unwrap_or(usize::MAX).min(input.len()));
                    *left -= data.len() as u64;
                    let ended = *left == 0;
                    if self.seed.is_some() {
                        self.hash.update(&data);
                    }
                    self.passed_on += data.len() as u64;
                    if ended {
                        self.end_chunk()?;
                        self.state = State::Gap(b"\r\n");
                    }
                    return Ok(Some(data));
                }
                State::Gap(left) => {
                    if input.get_u8() != left[0] {
                        return Err(ChunkError::Malformed { got: "data beyond a chunk's size" });
                    }
                    *left = &left[1..];
                    if left.is_empty() {
                        self.state = State::Head(Vec::new());
                    }
                }
                State::Trailer(text) => {
                    if text.len() + input.len() > MAX_TRAILER {
                        return Err(ChunkError::Trailer { got: "more than 16 KiB" });
                    }
                    text.extend_from_slice(input);
                    input.clear();
                }
            }
        }
        Ok(None)
    }

    fn begin_chunk(&mut self, line: &[u8]) -> Result<(), ChunkError> {
        let (size, claimed) = parse_head(line, self.seed.is_some())?;
        if size > 0 && self.size < MIN_CHUNK {
            return Err(ChunkError::TooSmall { number: self.number, size: self.size });
        }
        let total = self.passed_on.saturating_add(size);
        if total > self.expected_len {
            return Err(ChunkError::Length { expected: self.expected_len, got: total });
        }
        (self.number, self.size, self.claimed) = (self.number + 1, size, claimed);
        self.hash = Context::new(&SHA256);
        if size > 0 {
            self.state = State::Data { left: size };
            return Ok(());
        }
        self.end_chunk()?;
        self.state = State::Trailer(Vec::new());
        Ok(())
    }

    fn end_chunk(&mut self) -> Result<(), ChunkError> {
        let Some(seed) = &mut self.seed else { return Ok(()) };
        let hash = std::mem::replace(&mut self.hash, Context::new(&SHA256)).finish();
        let expected = seed.sign_chunk(Hex64::of(hash.as_ref()).as_str());
        match self.claimed {
            Some(claimed) if expected.constant_time_eq(&claimed) => Ok(()),
            _ => Err(ChunkError::Signature { number: self.number }),
        }
    }

    /// The end of the body: proves that everything came, and gives the trailers.
    pub fn finish(mut self) -> Result<Vec<Trailer>, ChunkError> {
        let State::Trailer(text) = std::mem::replace(&mut self.state, State::Head(Vec::new())) else {
            return Err(ChunkError::Length { expected: self.expected_len, got: self.passed_on });
        };
        if self.passed_on != self.expected_len {
            return Err(ChunkError::Length { expected: self.expected_len, got: self.passed_on });
        }
        let (trailers, claimed) = parse_trailers(&text)?;
        for (name, _) in &trailers {
            if !self.declared_trailers.contains(name) {
                return Err(ChunkError::Trailer { got: "a trailer that x-amz-trailer does not name" });
            }
        }
        if trailers.len() != self.declared_trailers.len() {
            return Err(ChunkError::Trailer { got: "fewer trailers than x-amz-trailer names" });
        }
        self.check_trailer_signature(&trailers, claimed)?;
        Ok(trailers)
    }

    fn check_trailer_signature(
        &mut self,
        trailers: &[Trailer],
        claimed: Option<Hex64>,
    ) -> Result<(), ChunkError> {
        let (true, Some(seed)) = (self.signs_trailer, &mut self.seed) else {
            return match claimed {
                None => Ok(()),
                Some(_) => Err(ChunkError::Trailer { got: "a signature that was not declared" }),
            };
        };
        let expected = seed.sign_trailer(&canonical_trailers(trailers));
        match claimed {
            Some(claimed) if expected.constant_time_eq(&claimed) => Ok(()),
            Some(_) => Err(ChunkError::Signature { number: self.number + 1 }),
            None => Err(ChunkError::Trailer { got: "no x-amz-trailer-signature" }),
        }
    }
}

/// `name:value\n` of each trailer, in the order sent.
pub(crate) fn canonical_trailers(trailers: &[Trailer]) -> String {
    trailers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect()
}

/// Moves `input` up to and with a line feed into `line`; whether the line is whole.
fn take_line(line: &mut Vec<u8>, input: &mut Bytes) -> Result<bool, ChunkError> {
    let end = input.iter().take(MAX_LINE).position(|b| *b == b'\n');
    let taken = input.split_to(end.map_or(input.len().min(MAX_LINE), |at| at + 1));
    line.extend_from_slice(&taken);
    if line.len() > MAX_LINE {
        return Err(ChunkError::Malformed { got: "a chunk head of more than 512 bytes" });
    }
    Ok(end.is_some())
}

/// `400;chunk-signature=...\r\n`; the signature is there if and only if chunks are signed.
fn parse_head(line: &[u8], signed: bool) -> Result<(u64, Option<Hex64>), ChunkError> {
    let text = line
        .strip_suffix(b"\r\n")
        .and_then(|text| std::str::from_utf8(text).ok())
        .ok_or(ChunkError::Malformed { got: "a chunk head that does not end in CRLF" })?;
    let (size, extension) = match text.split_once(';') {
        Some((size, extension)) => (size, Some(extension)),
        None => (text, None),
    };
    // from_str_radix would take a sign.
    if size.is_empty() || size.len() > 16 || !size.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(ChunkError::Malformed { got: "a chunk size that is no hexadecimal number" });
    }
    let size = u64::from_str_radix(size, 16)
        .map_err(|_| ChunkError::Malformed { got: "a chunk size that is no hexadecimal number" })?;
    let signature = extension.and_then(|e| e.strip_prefix("chunk-signature=")).and_then(Hex64::parse);
    match (signed, signature, extension) {
        (true, Some(signature), _) => Ok((size, Some(signature))),
        (true, None, _) => Err(ChunkError::Malformed { got: "a chunk without signature" }),
        (false, _, None) => Ok((size, None)),
        (false, _, Some(_)) => Err(ChunkError::Malformed { got: "a chunk extension that was not declared" }),
    }
}

/// Reads `name:value` lines and the signature that ends them. Lines end in LF with or without CR, and clients differ
/// in how many empty ones they send: those are skipped.
fn parse_trailers(text: &[u8]) -> Result<(Vec<Trailer>, Option<Hex64>), ChunkError> {
    let text =
        std::str::from_utf8(text).map_err(|_| ChunkError::Trailer { got: "bytes that are no UTF-8" })?;
    let (mut trailers, mut signature) = (Vec::new(), None);
    for line in text.split('\n').map(|line| line.trim_matches(['\r', ' ', '\t'])) {
        if line.is_empty() {
            continue;
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err(ChunkError::Trailer { got: "a line without colon" });
        };
        let (name, value) = (name.to_ascii_lowercase(), value.trim());
        if signature.is_some() {
            return Err(ChunkError::Trailer { got: "a line after the signature" });
        }
        if name == "x-amz-trailer-signature" {
            let parsed = Hex64::parse(value);
            signature = Some(parsed.ok_or(ChunkError::Trailer { got: "a malformed signature" })?);
        } else if trailers.iter().any(|(earlier, _)| *earlier == name) {
            return Err(ChunkError::Trailer { got: "a trailer twice" });
        } else {
            trailers.push((name, value.to_owned()));
        }
    }
    Ok((trailers, signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(
        body: &[u8],
        step: usize,
        len: u64,
        trailers: &str,
    ) -> Result<(Vec<u8>, Vec<Trailer>), ChunkError> {
        let mut decoder = ChunkDecoder::new(Payload::StreamingUnsignedTrailer, None, len, trailers)?;
        let mut out = Vec::new();
        for piece in body.chunks(step) {
            let mut input = Bytes::copy_from_slice(piece);
            while let Some(data) = decoder.next(&mut input)? {
                out.extend_from_slice(&data);
            }
        }
        decoder.finish().map(|trailers| (out, trailers))
    }

    const BODY: &[u8] = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";

    #[test]
    fn an_unsigned_body_decodes_at_every_split() {
        for step in 1..=BODY.len() {
            let (data, trailers) = decode(BODY, step, 5, "x-amz-checksum-crc32").unwrap();
            assert_eq!(data, b"hello");
            assert_eq!(trailers, [("x-amz-checksum-crc32".to_owned(), "NhCmhg==".to_owned())]);
        }
    }

    #[test]
    fn every_truncation_is_refused() {
        let whole = BODY.len() - b"\r\n\r\n".len();
        for end in 0..whole {
            assert!(
                decode(&BODY[..end], 7, 5, "x-amz-checksum-crc32").is_err()
                    // Inside the value nobody can tell; whoever compares the checksum does.
                    || end > whole - 9,
                "{end}"
            );
        }
    }

    #[test]
    fn broken_bodies_are_refused() {
        let refused = |body: &[u8], len, trailers| decode(body, 64, len, trailers).unwrap_err();
        assert!(matches!(refused(b"5\nhello\r\n0\r\n\r\n", 5, ""), ChunkError::Malformed { .. }));
        assert!(matches!(refused(b"+5\r\nhello\r\n0\r\n\r\n", 5, ""), ChunkError::Malformed { .. }));
        assert!(matches!(refused(b"5\r\nhelloX\r\n0\r\n\r\n", 5, ""), ChunkError::Malformed { .. }));
        assert!(matches!(refused(b"5;a=b\r\nhello\r\n0\r\n\r\n", 5, ""), ChunkError::Malformed { .. }));
        assert!(matches!(refused(b"5\r\nhello\r\n0\r\n\r\n", 6, ""), ChunkError::Length { .. }));
        assert!(matches!(refused(b"ffffffffffffffff\r\n", 6, ""), ChunkError::Length { .. }));
        assert!(matches!(refused(b"5\r\nhello\r\n0\r\na:b\r\n\r\n", 5, ""), ChunkError::Trailer { .. }));
        assert!(matches!(refused(b"5\r\nhello\r\n0\r\n\r\n", 5, "a"), ChunkError::Trailer { .. }));
        assert!(matches!(
            refused(b"5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n", 10, ""),
            ChunkError::TooSmall { .. }
        ));
        assert!(matches!(refused(&[b'0'; 600], 0, ""), ChunkError::Malformed { .. }));
        let long = [b"0\r\n".as_slice(), &[b'a'; MAX_TRAILER + 1]].concat();
        assert!(matches!(refused(&long, 0, ""), ChunkError::Trailer { .. }));
    }
}
