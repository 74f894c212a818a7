//! `x-amz-content-sha256`: what a request says of its body.

use crate::hex::{Hex64, sha256_hex};

/// What the signature covers of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// All of it, by its hash.
    Sha256(Hex64),
    /// Nothing.
    Unsigned,
    /// `aws-chunked`: each chunk is signed.
    Streaming,
    /// `aws-chunked`: each chunk and the trailer are signed.
    StreamingTrailer,
    /// `aws-chunked` with a trailer, neither signed.
    StreamingUnsignedTrailer,
}

impl Payload {
    /// A body that is at hand, by its hash.
    pub fn of(body: &[u8]) -> Self {
        Payload::Sha256(sha256_hex(body))
    }

    /// Reads the header's value.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "UNSIGNED-PAYLOAD" => Some(Payload::Unsigned),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => Some(Payload::Streaming),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => Some(Payload::StreamingTrailer),
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Some(Payload::StreamingUnsignedTrailer),
            hash => Hex64::parse(hash).map(Payload::Sha256),
        }
    }

    /// The header's value, which is also what the canonical request ends in.
    pub fn as_str(&self) -> &str {
        match self {
            Payload::Sha256(hash) => hash.as_str(),
            Payload::Unsigned => "UNSIGNED-PAYLOAD",
            Payload::Streaming => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            Payload::StreamingTrailer => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            Payload::StreamingUnsignedTrailer => "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        }
    }

    /// Whether the body is `aws-chunked`.
    pub fn is_chunked(&self) -> bool {
        matches!(self, Payload::Streaming | Payload::StreamingTrailer | Payload::StreamingUnsignedTrailer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_round_trips() {
        for text in [
            crate::EMPTY_SHA256,
            "UNSIGNED-PAYLOAD",
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        ] {
            assert_eq!(Payload::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(Payload::parse("unsigned"), None);
    }
}
