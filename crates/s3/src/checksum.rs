//! The checksums that clients may ask for, one pass over the bytes for all of them.
//!
//! A CRC64NVME is always computed: it is S3's default, and what bit rot is found by.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use crc_fast::{CrcAlgorithm, checksum_combine};
use md5::Md5;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

/// A checksum algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Algorithm {
    /// CRC-32 as of zip.
    Crc32,
    /// CRC-32 Castagnoli.
    Crc32c,
    /// CRC-64 of the NVMe specification.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
    /// MD5, as a checksum of its own beside the ETag.
    Md5,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Algorithm; 7] = [
        Algorithm::Crc32,
        Algorithm::Crc32c,
        Algorithm::Crc64Nvme,
        Algorithm::Sha1,
        Algorithm::Sha256,
        Algorithm::Sha512,
        Algorithm::Md5,
    ];

    /// Reads the API's name, whatever its case.
    pub fn parse(name: &str) -> Option<Algorithm> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// The API's name.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "CRC32",
            Algorithm::Crc32c => "CRC32C",
            Algorithm::Crc64Nvme => "CRC64NVME",
            Algorithm::Sha1 => "SHA1",
            Algorithm::Sha256 => "SHA256",
            Algorithm::Sha512 => "SHA512",
            Algorithm::Md5 => "MD5",
        }
    }

    /// The header and trailer that carries it.
    pub fn header(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "x-amz-checksum-crc32",
            Algorithm::Crc32c => "x-amz-checksum-crc32c",
            Algorithm::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Algorithm::Sha1 => "x-amz-checksum-sha1",
            Algorithm::Sha256 => "x-amz-checksum-sha256",
            Algorithm::Sha512 => "x-amz-checksum-sha512",
            Algorithm::Md5 => "x-amz-checksum-md5",
        }
    }

    /// How many bytes a checksum has.
    pub fn width(self) -> usize {
        match self {
            Algorithm::Crc32 | Algorithm::Crc32c => 4,
            Algorithm::Crc64Nvme => 8,
            Algorithm::Sha1 => 20,
            Algorithm::Sha256 => 32,
            Algorithm::Sha512 => 64,
            Algorithm::Md5 => 16,
        }
    }

    /// Whether the checksums of two halves give that of the whole.
    pub fn combines(self) -> bool {
        self.crc().is_some()
    }

    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Algorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Algorithm::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Algorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Algorithm::Sha1 | Algorithm::Sha256 | Algorithm::Sha512 | Algorithm::Md5 => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How the checksum of an object with parts is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Coverage {
    /// Over all bytes.
    FullObject,
    /// Over the checksums of the parts.
    Composite,
}

impl Coverage {
    /// The API's name.
    pub fn name(self) -> &'static str {
        match self {
            Coverage::FullObject => "FULL_OBJECT",
            Coverage::Composite => "COMPOSITE",
        }
    }

    /// Reads the API's name.
    pub fn parse(name: &str) -> Option<Coverage> {
        [Coverage::FullObject, Coverage::Composite].into_iter().find(|kind| kind.name() == name)
    }
}

/// A checksum's value under its algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The value, as many bytes as the algorithm has.
    pub value: Vec<u8>,
}

impl Checksum {
    /// Reads base64, which must be of the algorithm's length.
    pub fn parse(algorithm: Algorithm, text: &str) -> Option<Checksum> {
        let value = BASE64.decode(text).ok().filter(|value| value.len() == algorithm.width())?;
        Some(Checksum { algorithm, value })
    }

    /// The value in base64.
    pub fn base64(&self) -> String {
        BASE64.encode(&self.value)
    }
}

/// One running checksum.
#[derive(Clone)]
pub enum Hasher {
    /// Any of the CRCs.
    Crc(Algorithm, Box<crc_fast::Digest>),
    /// SHA-1.
    Sha1(Sha1),
    /// SHA-256.
    Sha256(Sha256),
    /// SHA-512.
    Sha512(Sha512),
    /// MD5.
    Md5(Md5),
}

impl Hasher {
    /// Nothing hashed so far.
    pub fn new(algorithm: Algorithm) -> Hasher {
        match (algorithm, algorithm.crc()) {
            (_, Some(crc)) => Hasher::Crc(algorithm, Box::new(crc_fast::Digest::new(crc))),
            (Algorithm::Sha1, _) => Hasher::Sha1(Sha1::new()),
            (Algorithm::Sha256, _) => Hasher::Sha256(Sha256::new()),
            (Algorithm::Sha512, _) => Hasher::Sha512(Sha512::new()),
            _ => Hasher::Md5(Md5::new()),
        }
    }

    /// Takes further bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Crc(_, digest) => digest.update(bytes),
            Hasher::Sha1(digest) => Digest::update(digest, bytes),
            Hasher::Sha256(digest) => Digest::update(digest, bytes),
            Hasher::Sha512(digest) => Digest::update(digest, bytes),
            Hasher::Md5(digest) => Digest::update(digest, bytes),
        }
    }

    /// The checksum of all bytes taken.
    pub fn finish(self) -> Checksum {
        let (algorithm, value) = match self {
            Hasher::Crc(algorithm, digest) => (algorithm, crc_bytes(algorithm, digest.finalize())),
            Hasher::Sha1(digest) => (Algorithm::Sha1, digest.finalize().to_vec()),
            Hasher::Sha256(digest) => (Algorithm::Sha256, digest.finalize().to_vec()),
            Hasher::Sha512(digest) => (Algorithm::Sha512, digest.finalize().to_vec()),
            Hasher::Md5(digest) => (Algorithm::Md5, digest.finalize().to_vec()),
        };
        Checksum { algorithm, value }
    }
}

/// The checksum of `bytes`.
pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Checksum {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

/// The checksum of two stretches of bytes after each other, the second of `second_bytes` bytes. Only CRCs have one.
pub fn combine(first: &Checksum, second: &Checksum, second_bytes: u64) -> Option<Checksum> {
    let algorithm = first.algorithm;
    let crc = algorithm.crc().filter(|_| second.algorithm == algorithm)?;
    let joined = checksum_combine(crc, crc_number(&first.value), crc_number(&second.value), second_bytes);
    Some(Checksum { algorithm, value: crc_bytes(algorithm, joined) })
}

fn crc_bytes(algorithm: Algorithm, value: u64) -> Vec<u8> {
    value.to_be_bytes()[8 - algorithm.width()..].to_vec()
}

fn crc_number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_published_check_values_come_out() {
        let hex = |algorithm| nephos_core::random::hex(&of(algorithm, b"123456789").value);
        assert_eq!(hex(Algorithm::Crc32), "cbf43926");
        assert_eq!(hex(Algorithm::Crc32c), "e3069283");
        assert_eq!(hex(Algorithm::Crc64Nvme), "ae8b14860a799888");
        assert_eq!(hex(Algorithm::Md5), "25f9e794323b453885f5181f1b624d0b");
        assert_eq!(hex(Algorithm::Sha1), "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
        assert_eq!(&hex(Algorithm::Sha256)[..16], "15e2b0d3c33891eb");
        assert_eq!(&hex(Algorithm::Sha512)[..16], "d9e6762dd1c8eaf6");
    }

    #[test]
    fn names_and_widths_agree() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::parse(&algorithm.name().to_lowercase()), Some(algorithm));
            assert_eq!(of(algorithm, b"x").value.len(), algorithm.width());
            let text = of(algorithm, b"x").base64();
            assert_eq!(Checksum::parse(algorithm, &text), Some(of(algorithm, b"x")));
            assert_eq!(Checksum::parse(algorithm, "AA=="), None);
        }
        assert_eq!(Algorithm::parse("CRC33"), None);
    }

    proptest! {
        #[test]
        fn halves_combine_to_the_whole(a in prop::collection::vec(any::<u8>(), 0..64), b in prop::collection::vec(any::<u8>(), 0..64)) {
            for algorithm in Algorithm::ALL {
                let joined = combine(&of(algorithm, &a), &of(algorithm, &b), b.len() as u64);
                let whole = of(algorithm, &[a.clone(), b.clone()].concat());
                prop_assert_eq!(joined, algorithm.combines().then_some(whole));
            }
        }
    }
}
