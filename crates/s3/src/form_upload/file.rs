//! The file of a form, as a body that ends in an error unless the file came whole and is of a size that the policy
//! allows.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use nephos_core::Fault;
use nephos_wire::{Body, BodyError};

use crate::error::Error;
use crate::form_upload::form::Incoming;
use crate::form_upload::multipart::{Event, Malformed, Scanner};

/// How far a file that is too large is still counted, so that the refusal says how large it is.
const MAX_COUNTED_BYTES: u64 = 1 << 20;
/// How much is read on behind the file.
const MAX_BEHIND_BYTES: u64 = 1 << 20;

/// Where the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    File,
    /// Behind it, where nothing counts any more.
    Behind {
        read: u64,
    },
    Done,
}

/// The file's contents.
pub struct FilePart {
    body: Body,
    scanner: Scanner,
    least: u64,
    most: u64,
    size: u64,
    stage: Stage,
}

fn failed(error: impl Into<Error>) -> BodyError {
    BodyError::Fault(Box::new(Fault::from(error.into())))
}

fn too_small(size: u64, least: u64) -> BodyError {
    let text = "Your proposed upload is smaller than the minimum allowed size";
    let fault = Fault::new("EntityTooSmall", text);
    BodyError::Fault(Box::new(
        fault.member("ProposedSize", size.to_string()).member("MinSizeAllowed", least.to_string()),
    ))
}

impl FilePart {
    /// The file of a form whose fields have been read; `sizes` are the smallest and the largest that it may have.
    pub fn new(incoming: Incoming, sizes: Option<(u64, u64)>) -> FilePart {
        let (least, most) = sizes.unwrap_or((0, u64::MAX));
        FilePart { body: incoming.body, scanner: incoming.scanner, least, most, size: 0, stage: Stage::File }
    }

    fn too_large(&self) -> BodyError {
        failed(Error::EntityTooLarge { proposed: self.size, limit: self.most })
    }

    /// The next of the file; `Ok(None)` where more bytes are needed.
    fn advance(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            match self.scanner.step().map_err(failed)? {
                Event::Data(bytes) => {
                    self.size += bytes.len() as u64;
                    if self.size <= self.most {
                        return Ok(Some(bytes));
                    }
                    if self.size - self.most > MAX_COUNTED_BYTES {
                        return Err(self.too_large());
                    }
                }
                Event::Starved => return Ok(None),
                Event::PartEnd => {
                    self.stage = Stage::Behind { read: 0 };
                    return match self.size {
                        size if size > self.most => Err(self.too_large()),
                        size if size < self.least => Err(too_small(size, self.least)),
                        _ => Ok(None),
                    };
                }
                Event::Head(_) | Event::End => return Err(failed(Malformed)),
            }
        }
    }
}

impl HttpBody for FilePart {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            if self.stage == Stage::File {
                match self.advance() {
                    Ok(Some(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                    Ok(None) => {}
                    Err(error) => {
                        self.stage = Stage::Done;
                        return Poll::Ready(Some(Err(error)));
                    }
                }
            }
            if self.stage == Stage::Done {
                return Poll::Ready(None);
            }
            let came = match ready!(Pin::new(&mut self.body).poll_frame(context)).transpose() {
                Ok(frame) => frame.map(|frame| frame.into_data().unwrap_or_default()),
                Err(error) => {
                    self.stage = Stage::Done;
                    return Poll::Ready(Some(Err(error)));
                }
            };
            match (self.stage, came) {
                (Stage::File, Some(bytes)) => self.scanner.feed(&bytes),
                (Stage::File, None) => {
                    self.stage = Stage::Done;
                    return Poll::Ready(Some(Err(failed(Malformed))));
                }
                (Stage::Behind { read }, Some(bytes)) if read < MAX_BEHIND_BYTES => {
                    self.stage = Stage::Behind { read: read + bytes.len() as u64 };
                }
                _ => self.stage = Stage::Done,
            }
        }
    }
}
