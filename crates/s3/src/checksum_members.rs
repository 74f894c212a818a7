//! Between the checksum members of requests and answers, of which every shape has one an algorithm, and our types.

use crate::checksum::{Algorithm, Checksum, Coverage};
use crate::error::Error;
use crate::ingest::{Expected, invalid_value};
use crate::records::{Object, StoredChecksum};
use crate::shapes::Checksum as ChecksumShape;
use crate::shapes::{
    CompleteMultipartUploadOutput, CompleteMultipartUploadRequest, CompletedPart, CopyObjectResult,
    CopyPartResult, GetObjectOutput, HeadObjectOutput, ObjectPart, Part, PutObjectOutput, PutObjectRequest,
    UploadPartOutput, UploadPartRequest,
};

/// A shape that carries checksums of requests.
pub trait Claims {
    /// The checksum members, absent ones included.
    fn checksums(&self) -> [(Algorithm, Option<&str>); 7];
    /// Whether a checksum is given by an algorithm that Nephos does not compute.
    fn foreign(&self) -> bool;

    /// The one checksum that is given, if any.
    fn claimed(&self) -> Result<Option<Checksum>, Error> {
        if self.foreign() {
            return Err(Error::NotImplemented("XXHASH checksums".to_owned()));
        }
        let mut given = self.checksums().into_iter().filter_map(|(kind, value)| Some((kind, value?)));
        let Some((algorithm, text)) = given.next() else { return Ok(None) };
        if given.next().is_some() {
            return Err(Error::request(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            ));
        }
        let checksum = Checksum::parse(algorithm, text);
        checksum.map(Some).ok_or_else(|| Error::request(invalid_value(algorithm)))
    }
}

macro_rules! claims {
    ($($shape:ident),* $(,)?) => {$(
        impl Claims for $shape {
            fn checksums(&self) -> [(Algorithm, Option<&str>); 7] {
                [
                    (Algorithm::Crc32, self.checksum_crc32.as_deref()),
                    (Algorithm::Crc32c, self.checksum_crc32_c.as_deref()),
                    (Algorithm::Crc64Nvme, self.checksum_crc64_nvme.as_deref()),
                    (Algorithm::Sha1, self.checksum_sha1.as_deref()),
                    (Algorithm::Sha256, self.checksum_sha256.as_deref()),
                    (Algorithm::Sha512, self.checksum_sha512.as_deref()),
                    (Algorithm::Md5, self.checksum_md5.as_deref()),
                ]
            }

            fn foreign(&self) -> bool {
                self.checksum_xxhash64.is_some()
                    || self.checksum_xxhash3.is_some()
                    || self.checksum_xxhash128.is_some()
            }
        }
    )*};
}

claims!(PutObjectRequest, UploadPartRequest, CompletedPart, CompleteMultipartUploadRequest);

/// A shape that carries a checksum of an answer.
pub trait Carries {
    /// Sets the member of the checksum's algorithm.
    fn carry(&mut self, algorithm: Algorithm, value: &str);
}

macro_rules! carries {
    ($($shape:ident),* $(,)?) => {$(
        impl Carries for $shape {
            fn carry(&mut self, algorithm: Algorithm, value: &str) {
                let member = match algorithm {
                    Algorithm::Crc32 => &mut self.checksum_crc32,
                    Algorithm::Crc32c => &mut self.checksum_crc32_c,
                    Algorithm::Crc64Nvme => &mut self.checksum_crc64_nvme,
                    Algorithm::Sha1 => &mut self.checksum_sha1,
                    Algorithm::Sha256 => &mut self.checksum_sha256,
                    Algorithm::Sha512 => &mut self.checksum_sha512,
                    Algorithm::Md5 => &mut self.checksum_md5,
                };
                *member = Some(value.to_owned());
            }
        }
    )*};
}

macro_rules! carries_with_type {
    ($($shape:ident),* $(,)?) => {$(
        carries!($shape);

        impl $shape {
            /// Sets the checksum and what it covers.
            pub(crate) fn carry_stored(&mut self, checksum: &StoredChecksum) {
                self.carry(checksum.algorithm, &checksum.value);
                self.checksum_type = Some(checksum.coverage.name().to_owned());
            }
        }
    )*};
}

carries!(UploadPartOutput, CopyPartResult, Part, ObjectPart);
carries_with_type!(
    PutObjectOutput,
    GetObjectOutput,
    HeadObjectOutput,
    CopyObjectResult,
    CompleteMultipartUploadOutput,
    ChecksumShape,
);

/// What a request says of its body.
pub fn expected(
    content_md5: Option<&str>,
    named: Option<&str>,
    claims: &impl Claims,
) -> Result<Expected, Error> {
    let md5 = content_md5.map(parse_md5).transpose()?;
    let checksum = claims.claimed()?;
    let named = named.map(parse_algorithm).transpose()?;
    let algorithm = match (&checksum, named) {
        (Some(checksum), Some(named)) if checksum.algorithm != named => {
            return Err(Error::request("Value for x-amz-sdk-checksum-algorithm header is invalid."));
        }
        (Some(checksum), _) => Some(checksum.algorithm),
        (None, named) => named,
    };
    Ok(Expected { length: None, md5, algorithm, checksum, wanted: None })
}

/// Reads an algorithm's name.
pub fn parse_algorithm(name: &str) -> Result<Algorithm, Error> {
    Algorithm::parse(name).ok_or_else(|| match name.to_ascii_uppercase().as_str() {
        "XXHASH64" | "XXHASH3" | "XXHASH128" => Error::NotImplemented("XXHASH checksums".to_owned()),
        _ => Error::request(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
        ),
    })
}

/// Reads `Content-MD5`.
pub fn parse_md5(text: &str) -> Result<[u8; 16], Error> {
    let checksum = Checksum::parse(Algorithm::Md5, text.trim());
    let md5 = checksum.and_then(|checksum| checksum.value.try_into().ok());
    md5.ok_or_else(|| Error::InvalidDigest(text.to_owned()))
}

impl Object {
    /// The checksum that is answered when asked for: the client's own kind, or CRC64NVME.
    pub fn answered_checksum(&self) -> StoredChecksum {
        self.checksum.clone().unwrap_or_else(|| {
            let value = self.crc64.to_be_bytes().to_vec();
            StoredChecksum::full(&Checksum { algorithm: Algorithm::Crc64Nvme, value })
        })
    }
}

/// What covers the parts of an upload where the client names only the algorithm.
pub fn default_coverage(algorithm: Algorithm) -> Coverage {
    match algorithm {
        Algorithm::Crc64Nvme => Coverage::FullObject,
        _ => Coverage::Composite,
    }
}
