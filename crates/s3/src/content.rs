//! Bytes on their way out: from the row beside the record, from a blob, or from the parts of an upload, one after
//! another. What is being read is pinned until the last byte is out or the reader has gone.

use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use nephos_blobs::{BlobReader, Blobs};
use nephos_store::{Read, Store, StoreError};
use nephos_wire::{Body, BodyError};

use crate::S3;
use crate::error::Error;
use crate::garbage::Reclaim;
use crate::keys::{self, BucketId, NULL_VERSION};
use crate::names::UploadId;
use crate::pins;
use crate::records::{Content, Manifest, Object, Part};

/// An object that was found, with what is needed to read it.
#[derive(Debug)]
pub struct Found {
    /// The record.
    pub object: Object,
    /// The bytes of a small object, if they were asked for.
    pub inline: Option<Bytes>,
    /// The layout of an object made of parts.
    pub manifest: Option<Manifest>,
    pin: Option<pins::Pin>,
}

impl S3 {
    /// Finds an object. The bytes of a small one come along if `bytes` is set.
    pub(crate) fn find(
        &self,
        from: &impl Read,
        bucket: BucketId,
        key: &str,
        bytes: bool,
    ) -> Result<Option<Found>, StoreError> {
        let Some(object) = from.record::<Object>(&keys::object(bucket, key, NULL_VERSION))? else {
            return Ok(None);
        };
        let (mut inline, mut manifest, mut pin) = (None, None, None);
        match &object.content {
            Content::Inline if bytes => {
                let row = from.get(&keys::inline(bucket, key, NULL_VERSION))?;
                inline = Some(row.ok_or_else(|| lost("an object's bytes"))?);
            }
            Content::Inline => {}
            Content::Blob(id) => pin = Some(self.pins.pin(Reclaim::Blob(id.clone()).to_string())),
            Content::Parts(upload) => {
                pin = Some(self.pins.pin(Reclaim::Parts(upload.clone()).to_string()));
                let layout = from.record(&keys::manifest(upload))?;
                manifest = Some(layout.ok_or_else(|| lost("an object's manifest"))?);
            }
        }
        Ok(Some(Found { object, inline, manifest, pin }))
    }

    /// A stream of a stretch of an object's bytes, which must lie within.
    pub(crate) async fn open(&self, found: Found, range: Range<u64>) -> Result<Body, Error> {
        let left = range.end.saturating_sub(range.start);
        if left == 0 {
            return Ok(Body::Empty);
        }
        let reader = match (found.object.content, found.inline, found.manifest) {
            (Content::Inline, Some(bytes), _) => return Ok(Body::from(stretch(&bytes, &range)?)),
            (Content::Blob(id), ..) => Reader::Blob(self.blobs.read(&id, Some(range)).await?),
            (Content::Parts(upload), _, Some(manifest)) => {
                let index = manifest.holder(range.start);
                let (store, blobs) = (self.store.clone(), self.blobs.clone());
                Reader::Parts(Box::new(Parts { store, blobs, upload, manifest, index, range, current: None }))
            }
            _ => return Err(lost("an object's bytes").into()),
        };
        Ok(Body::stream(Stream { step: Step::Idle(reader), left, _pin: found.pin }))
    }
}

fn lost(what: &str) -> StoreError {
    StoreError::Corrupt(format!("{what} is missing"))
}

fn stretch(bytes: &Bytes, range: &Range<u64>) -> Result<Bytes, StoreError> {
    let start = usize::try_from(range.start).unwrap_or(usize::MAX);
    let end = usize::try_from(range.end).unwrap_or(usize::MAX);
    if start <= end && end <= bytes.len() {
        Ok(bytes.slice(start..end))
    } else {
        Err(StoreError::Corrupt(format!("expected bytes {start} to {end}, got {} bytes", bytes.len())))
    }
}

/// Gives chunks in order.
#[derive(Debug)]
enum Reader {
    Blob(BlobReader),
    Parts(Box<Parts>),
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        match self {
            Reader::Blob(reader) => reader.next().await.map(|chunk| chunk.map_err(Error::from)),
            Reader::Parts(parts) => parts.next().await.transpose(),
        }
    }
}

/// The parts of an upload, each opened when its turn comes.
struct Parts {
    store: Store,
    blobs: Blobs,
    upload: UploadId,
    manifest: Manifest,
    /// The part that comes next.
    index: usize,
    /// What is wanted of the object.
    range: Range<u64>,
    current: Option<BlobReader>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts")
            .field("index", &self.index)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

impl Parts {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if let Some(reader) = &mut self.current {
                if let Some(chunk) = reader.next().await {
                    return Ok(Some(chunk?));
                }
                self.current = None;
            }
            let Some(span) = self.manifest.span(self.index).filter(|span| span.start < self.range.end) else {
                return Ok(None);
            };
            let number = self.manifest.numbers.get(self.index).copied().unwrap_or_default();
            self.index += 1;
            let within =
                self.range.start.max(span.start) - span.start..self.range.end.min(span.end) - span.start;
            if within.is_empty() {
                continue;
            }
            if let Some(bytes) = self.enter(number, within).await? {
                return Ok(Some(bytes));
            }
        }
    }

    /// Opens a part; a small one is given at once.
    async fn enter(&mut self, number: u32, within: Range<u64>) -> Result<Option<Bytes>, Error> {
        let (row, bytes) = (keys::part(&self.upload, number), keys::part_inline(&self.upload, number));
        let (part, inline) = self.store.read(|view| {
            let part: Option<Part> = view.record(&row)?;
            let inline = match &part {
                Some(Part { content: Content::Inline, .. }) => view.get(&bytes)?,
                _ => None,
            };
            Ok::<_, Error>((part, inline))
        })?;
        match (part.map(|part| part.content), inline) {
            (Some(Content::Inline), Some(bytes)) => Ok(Some(stretch(&bytes, &within)?)),
            (Some(Content::Blob(id)), _) => {
                self.current = Some(self.blobs.read(&id, Some(within)).await?);
                Ok(None)
            }
            _ => Err(lost("a part").into()),
        }
    }
}

type Turn = (Reader, Option<Result<Bytes, Error>>);

enum Step {
    Idle(Reader),
    Busy(Pin<Box<dyn Future<Output = Turn> + Send>>),
    Done,
}

/// A reader as a body of known length.
struct Stream {
    step: Step,
    left: u64,
    _pin: Option<pins::Pin>,
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            match std::mem::replace(&mut self.step, Step::Done) {
                Step::Done => return Poll::Ready(None),
                Step::Idle(mut reader) => {
                    self.step = Step::Busy(Box::pin(async move {
                        let chunk = reader.next().await;
                        (reader, chunk)
                    }));
                }
                Step::Busy(mut turn) => {
                    let Poll::Ready((reader, chunk)) = turn.as_mut().poll(context) else {
                        self.step = Step::Busy(turn);
                        return Poll::Pending;
                    };
                    return Poll::Ready(self.gave(reader, chunk));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

impl Stream {
    fn gave(
        &mut self,
        reader: Reader,
        chunk: Option<Result<Bytes, Error>>,
    ) -> Option<Result<Frame<Bytes>, BodyError>> {
        match chunk {
            Some(Ok(bytes)) => {
                self.left = self.left.saturating_sub(bytes.len() as u64);
                if self.left > 0 {
                    self.step = Step::Idle(reader);
                }
                Some(Ok(Frame::data(bytes)))
            }
            Some(Err(error)) => {
                tracing::error!(%error, "an object could not be read to its end");
                Some(Err(BodyError::Incomplete))
            }
            None if self.left > 0 => {
                tracing::error!(missing = self.left, "an object ended before its length");
                Some(Err(BodyError::Incomplete))
            }
            None => None,
        }
    }
}
