//! Bytes on their way in: hashed once, in one pass, while they go to the disk.
//!
//! Small bodies stay in memory and will lie in the store; a larger one goes to a blob in batches, of which one is
//! received while another is hashed and a third written, so memory is bounded whatever the size.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body as _;
use md5::{Digest, Md5};
use nephos_blobs::{BlobError, BlobId, BlobWriter};
use nephos_wire::{Body, BodyError};
use std::future::poll_fn;
use std::pin::Pin;
use tokio::task::JoinHandle;

use crate::S3;
use crate::checksum::{Algorithm, Checksum, Hasher};
use crate::error::Error;

/// The largest body of one request.
pub const MAX_BODY_BYTES: u64 = 5 << 30;

/// How much is collected before it is hashed and written.
const BATCH_BYTES: usize = 256 << 10;

/// What the request's headers say of its body.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// `Content-Length`, without the coding of the transfer.
    pub length: Option<u64>,
    /// `Content-MD5`.
    pub md5: Option<[u8; 16]>,
    /// The algorithm that a header or a trailer carries.
    pub algorithm: Option<Algorithm>,
    /// The checksum, where a header carries it.
    pub checksum: Option<Checksum>,
    /// The algorithm that is wanted although the request names none.
    pub wanted: Option<Algorithm>,
}

/// A body that has arrived whole and is what it was said to be.
#[derive(Debug)]
pub struct Landed {
    /// Where it is.
    pub bytes: Place,
    /// How large it is.
    pub size: u64,
    /// Its MD5.
    pub md5: [u8; 16],
    /// Its CRC64NVME.
    pub crc64: u64,
    /// Its checksum by the algorithm that the request named.
    pub checksum: Option<Checksum>,
}

/// Where landed bytes are.
#[derive(Debug, Clone)]
pub enum Place {
    /// In memory, to be written with the row that names them.
    Inline(Bytes),
    /// On the disk.
    Blob(BlobId),
}

impl Landed {
    /// The MD5 in hexadecimal, which is the ETag.
    pub fn etag(&self) -> String {
        nephos_core::random::hex(&self.md5)
    }

    /// The checksum by `algorithm`, if it was computed.
    pub fn checksum_by(&self, algorithm: Algorithm) -> Option<Checksum> {
        match &self.checksum {
            Some(checksum) if checksum.algorithm == algorithm => Some(checksum.clone()),
            _ if algorithm == Algorithm::Crc64Nvme => {
                Some(Checksum { algorithm, value: self.crc64.to_be_bytes().to_vec() })
            }
            _ => None,
        }
    }

    /// The blob, if there is one.
    pub fn blob(&self) -> Option<&BlobId> {
        match &self.bytes {
            Place::Inline(_) => None,
            Place::Blob(id) => Some(id),
        }
    }
}

/// The running hashes.
struct Pass {
    md5: Md5,
    crc64: Hasher,
    /// Absent where the CRC64NVME is what the request named, or nothing was.
    named: Option<Hasher>,
}

impl Pass {
    fn new(algorithm: Option<Algorithm>) -> Pass {
        let named = algorithm.filter(|algorithm| *algorithm != Algorithm::Crc64Nvme).map(Hasher::new);
        Pass { md5: Md5::new(), crc64: Hasher::new(Algorithm::Crc64Nvme), named }
    }

    fn take(&mut self, chunks: &[Bytes]) {
        for chunk in chunks {
            self.md5.update(chunk);
            self.crc64.update(chunk);
            if let Some(named) = &mut self.named {
                named.update(chunk);
            }
        }
    }
}

/// The hashes, on a thread of their own while they take a batch.
enum Hashing {
    Idle(Box<Pass>),
    Busy(JoinHandle<Box<Pass>>),
}

impl Hashing {
    async fn done(self) -> Result<Box<Pass>, Error> {
        match self {
            Hashing::Idle(pass) => Ok(pass),
            Hashing::Busy(task) => {
                task.await.map_err(|stopped| BlobError::Io(std::io::Error::other(stopped)).into())
            }
        }
    }

    async fn start(self, batch: Vec<Bytes>) -> Result<Hashing, Error> {
        let mut pass = self.done().await?;
        Ok(Hashing::Busy(tokio::task::spawn_blocking(move || {
            pass.take(&batch);
            pass
        })))
    }
}

/// A body on its way in.
struct Intake<'a> {
    s3: &'a S3,
    hashing: Hashing,
    batch: Vec<Bytes>,
    batched: usize,
    writer: Option<BlobWriter>,
}

impl Intake<'_> {
    fn add(&mut self, chunk: Bytes) {
        self.batched += chunk.len();
        self.batch.push(chunk);
    }

    /// Hands the batch to the hashes and to the blob.
    async fn flush(mut self) -> Result<Self, Error> {
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.s3.blobs.writer().await?,
        };
        let batch = std::mem::take(&mut self.batch);
        self.batched = 0;
        self.hashing = self.hashing.start(batch.clone()).await?;
        for chunk in batch {
            writer.write(chunk).await?;
        }
        self.writer = Some(writer);
        Ok(self)
    }

    /// The last batch: small bodies end here without a blob.
    async fn finish(self) -> Result<(Box<Pass>, Place), Error> {
        if self.writer.is_none() && self.batched <= self.s3.config.inline_max_bytes {
            let mut pass = self.hashing.done().await?;
            pass.take(&self.batch);
            return Ok((pass, Place::Inline(joined(self.batch))));
        }
        let flushed = self.flush().await?;
        let pass = flushed.hashing.done().await?;
        // A flush leaves a writer behind.
        let writer = flushed.writer.ok_or(Error::IncompleteBody)?;
        Ok((pass, Place::Blob(writer.finish().await?.0)))
    }
}

fn joined(mut chunks: Vec<Bytes>) -> Bytes {
    match chunks.len() {
        0 => Bytes::new(),
        1 => chunks.remove(0),
        _ => chunks
            .iter()
            .fold(BytesMut::new(), |mut all, chunk| {
                all.extend_from_slice(chunk);
                all
            })
            .freeze(),
    }
}

impl S3 {
    /// Takes a body in and checks it against what was said of it. Nothing stays behind if it is not that.
    pub(crate) async fn land(&self, body: Body, expected: &Expected) -> Result<Landed, Error> {
        let (landed, trailers) = self.take_in(body, expected.algorithm.or(expected.wanted)).await?;
        if let Err(error) = verify(&landed, expected, trailers.as_ref()) {
            self.discard(&landed).await;
            return Err(error);
        }
        Ok(landed)
    }

    /// Takes in bytes of our own, of which nothing was said.
    pub(crate) async fn land_copy(&self, body: Body, algorithm: Algorithm) -> Result<Landed, Error> {
        self.take_in(body, Some(algorithm)).await.map(|(landed, _)| landed)
    }

    async fn take_in(
        &self,
        mut body: Body,
        algorithm: Option<Algorithm>,
    ) -> Result<(Landed, Option<HeaderMap>), Error> {
        let mut intake = Intake {
            s3: self,
            hashing: Hashing::Idle(Box::new(Pass::new(algorithm))),
            batch: Vec::new(),
            batched: 0,
            writer: None,
        };
        let (mut size, mut trailers) = (0u64, None);
        while let Some(frame) = next_frame(&mut body).await {
            match frame?.into_data() {
                Ok(chunk) => {
                    size += chunk.len() as u64;
                    if size > MAX_BODY_BYTES {
                        return Err(Error::EntityTooLarge { proposed: size, limit: MAX_BODY_BYTES });
                    }
                    intake.add(chunk);
                    if intake.batched >= BATCH_BYTES {
                        intake = intake.flush().await?;
                    }
                }
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
        }
        let (pass, bytes) = intake.finish().await?;
        Ok((close(*pass, bytes, size), trailers))
    }

    /// Removes what has landed for a request that then failed with `error`. Where the store failed, the row that names
    /// the bytes may have been written all the same, so the sweep decides.
    pub(crate) async fn give_up(&self, landed: &Landed, error: &Error) {
        if !matches!(error, Error::Store(_)) {
            self.discard(landed).await;
        }
    }

    /// Removes what has landed. Should that fail too, it is swept later.
    async fn discard(&self, landed: &Landed) {
        if let Some(id) = landed.blob()
            && let Err(error) = self.blobs.delete(id).await
        {
            tracing::warn!(%error, "the bytes of a failed upload could not be removed, they are swept later");
        }
    }
}

async fn next_frame(body: &mut Body) -> Option<Result<http_body::Frame<Bytes>, BodyError>> {
    poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await
}

fn close(pass: Pass, bytes: Place, size: u64) -> Landed {
    let crc = pass.crc64.finish();
    let crc64 = crc.value.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    Landed { bytes, size, md5: pass.md5.finalize().into(), crc64, checksum: pass.named.map(Hasher::finish) }
}

fn verify(landed: &Landed, expected: &Expected, trailers: Option<&HeaderMap>) -> Result<(), Error> {
    if expected.length.is_some_and(|length| length != landed.size) {
        return Err(Error::IncompleteBody);
    }
    if let Some(md5) = expected.md5
        && md5 != landed.md5
    {
        use base64::Engine;
        let text = |md5: &[u8; 16]| base64::engine::general_purpose::STANDARD.encode(md5);
        return Err(Error::BadDigest { expected: text(&md5), calculated: text(&landed.md5) });
    }
    let Some(algorithm) = expected.algorithm else { return Ok(()) };
    let claimed = match (&expected.checksum, trailers.and_then(|trailers| trailers.get(algorithm.header()))) {
        (Some(checksum), _) => Some(checksum.clone()),
        (None, Some(trailer)) => {
            let checksum = trailer.to_str().ok().and_then(|text| Checksum::parse(algorithm, text.trim()));
            Some(checksum.ok_or_else(|| Error::request(invalid_value(algorithm)))?)
        }
        (None, None) => None,
    };
    let claimed = claimed.ok_or_else(|| {
        Error::request(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
        )
    })?;
    if landed.checksum_by(algorithm).as_ref() == Some(&claimed) {
        Ok(())
    } else {
        Err(Error::ChecksumMismatch(algorithm.name()))
    }
}

/// What a checksum header that is no checksum is answered.
pub fn invalid_value(algorithm: Algorithm) -> String {
    format!("Value for {} header is invalid.", algorithm.header())
}
