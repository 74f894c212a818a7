//! Everything that S3 answers with an error, with AWS's own codes, texts and members; and the one mapping to the wire.

use nephos_blobs::BlobError;
use nephos_core::fault::FaultMember;
use nephos_core::{Denied, Fault};
use nephos_store::StoreError;
use nephos_wire::BodyError;

pub use crate::missing::Missing;

/// Why a call fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No bucket of that name.
    #[error("The specified bucket does not exist")]
    NoSuchBucket(String),
    /// No object under that key.
    #[error("The specified key does not exist.")]
    NoSuchKey(String),
    /// No such version of that key.
    #[error("The specified version does not exist.")]
    NoSuchVersion {
        /// The key.
        key: String,
        /// The version's id.
        version: String,
    },
    /// No such upload.
    #[error(
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    )]
    NoSuchUpload(String),
    /// A configuration of the bucket that is not there.
    #[error("{}", .0.message())]
    NoSuchConfiguration(Missing, String),
    /// Not a name for a bucket.
    #[error("The specified bucket is not valid.")]
    InvalidBucketName(String),
    /// Somebody else's bucket has the name.
    #[error(
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."
    )]
    BucketAlreadyExists(String),
    /// The caller's own bucket has the name.
    #[error("Your previous request to create the named bucket succeeded and you already own it.")]
    BucketAlreadyOwnedByYou(String),
    /// The bucket still holds objects or uploads.
    #[error("The bucket you tried to delete is not empty")]
    BucketNotEmpty(String),
    /// The account has as many buckets as it may.
    #[error("You have attempted to create more buckets than allowed")]
    TooManyBuckets,
    /// A region that is none.
    #[error("The specified location-constraint is not valid")]
    InvalidLocationConstraint(String),
    /// A region that the endpoint does not make buckets in.
    #[error(
        "The {0} location constraint is incompatible for the region specific endpoint this request was sent to."
    )]
    IllegalLocationConstraint(String),
    /// The path names nothing.
    #[error("Couldn't parse the specified URI.")]
    InvalidUri,
    /// The key has too many bytes.
    #[error("Your key is too long")]
    KeyTooLong {
        /// How many.
        size: usize,
    },
    /// The caller may not.
    #[error("{0}")]
    AccessDenied(String),
    /// A header or parameter with a bad value.
    #[error("{message}")]
    InvalidArgument {
        /// AWS's text.
        message: String,
        /// The argument.
        name: String,
        /// Its value.
        value: String,
    },
    /// A combination that makes no sense.
    #[error("{0}")]
    InvalidRequest(String),
    /// XML that is not what was asked for.
    #[error("The XML you provided was not well-formed or did not validate against our published schema")]
    MalformedXml,
    /// A bucket policy that is none.
    #[error("{0}")]
    MalformedPolicy(String),
    /// A tag that is none.
    #[error("{message}")]
    InvalidTag {
        /// AWS's text.
        message: &'static str,
        /// The tag's key.
        key: Option<String>,
    },
    /// Too many tags, and a few others.
    #[error("{0}")]
    BadRequest(String),
    /// `Content-MD5` is no MD5.
    #[error("The Content-MD5 you specified was invalid.")]
    InvalidDigest(String),
    /// `Content-MD5` is another body's.
    #[error("The Content-MD5 you specified did not match what we received.")]
    BadDigest {
        /// What was sent.
        expected: String,
        /// What it is.
        calculated: String,
    },
    /// A checksum is another body's.
    #[error("The {0} you specified did not match the calculated checksum.")]
    ChecksumMismatch(&'static str),
    /// The body is larger than one request may store.
    #[error("Your proposed upload exceeds the maximum allowed size")]
    EntityTooLarge {
        /// The size.
        proposed: u64,
        /// What is allowed.
        limit: u64,
    },
    /// A part that is not the last one is too small.
    #[error("Your proposed upload is smaller than the minimum allowed size")]
    EntityTooSmall {
        /// Its size.
        proposed: u64,
        /// Its number.
        part: u32,
        /// Its ETag.
        etag: String,
    },
    /// The client did not say how much it sends.
    #[error("You must provide the Content-Length HTTP header.")]
    MissingContentLength,
    /// The body ended early.
    #[error("The request body terminated unexpectedly")]
    IncompleteBody,
    /// User metadata is too large.
    #[error("Your metadata headers exceed the maximum allowed metadata size")]
    MetadataTooLarge {
        /// Its size in bytes.
        size: usize,
    },
    /// A condition of the request does not hold.
    #[error("At least one of the pre-conditions you specified did not hold")]
    PreconditionFailed(&'static str),
    /// The client has it already.
    #[error("Not Modified")]
    NotModified {
        /// The ETag, in quotes.
        etag: String,
        /// `Last-Modified`.
        modified: String,
        /// `Cache-Control` and `Expires`, where the object has them.
        caching: Vec<(&'static str, String)>,
    },
    /// No byte of the object lies in the range.
    #[error("The requested range is not satisfiable")]
    InvalidRange {
        /// The header.
        requested: String,
        /// The object's size.
        size: u64,
    },
    /// The part that was asked for is not there.
    #[error("The requested partnumber is not satisfiable")]
    InvalidPartNumber {
        /// The number.
        requested: i32,
        /// How many there are.
        actual: usize,
    },
    /// A part of the list was not uploaded like that.
    #[error(
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."
    )]
    InvalidPart {
        /// The upload.
        upload: String,
        /// The part.
        part: i32,
        /// The ETag that was sent.
        etag: String,
    },
    /// The list of parts is out of order.
    #[error("The list of parts was not in ascending order. Parts must be ordered by part number.")]
    InvalidPartOrder(String),
    /// ACLs are switched off for the bucket.
    #[error("The bucket does not allow ACLs")]
    AccessControlListNotSupported,
    /// A new bucket cannot have both.
    #[error("Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")]
    InvalidBucketAcl,
    /// No storage class of S3's.
    #[error("The storage class you specified is not valid")]
    InvalidStorageClass(String),
    /// A page of another origin is not welcome, or the preflight request is malformed.
    #[error("{message}")]
    Cors {
        /// Whether the request itself is malformed.
        bad_request: bool,
        /// AWS's text.
        message: String,
        /// The method that was asked for.
        method: String,
        /// `BUCKET` or `OBJECT`.
        resource_type: &'static str,
    },
    /// Something of S3's that Nephos does not have.
    #[error("A header or setting you provided implies functionality that is not implemented: {0}")]
    NotImplemented(String),
    /// Another part of the platform, or the gateway, failed the call.
    #[error("{0}")]
    Fault(Box<Fault>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The blobs failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

impl Error {
    /// A header or parameter with a bad value.
    pub fn argument(message: impl Into<String>, name: &str, value: impl Into<String>) -> Error {
        Error::InvalidArgument { message: message.into(), name: name.to_owned(), value: value.into() }
    }

    /// A combination that makes no sense.
    pub fn request(message: impl Into<String>) -> Error {
        Error::InvalidRequest(message.into())
    }

    /// The caller may not, and is not told why.
    pub fn denied() -> Error {
        Error::AccessDenied("Access Denied".to_owned())
    }

    /// The code and the HTTP status.
    #[allow(clippy::too_many_lines, reason = "a table of one line an error")]
    pub fn code_and_status(&self) -> (&str, u16) {
        match self {
            Error::NoSuchBucket(_) => ("NoSuchBucket", 404),
            Error::NoSuchKey(_) => ("NoSuchKey", 404),
            Error::NoSuchVersion { .. } => ("NoSuchVersion", 404),
            Error::NoSuchUpload(_) => ("NoSuchUpload", 404),
            Error::NoSuchConfiguration(missing, _) => (missing.code(), 404),
            Error::InvalidBucketName(_) => ("InvalidBucketName", 400),
            Error::BucketAlreadyExists(_) => ("BucketAlreadyExists", 409),
            Error::BucketAlreadyOwnedByYou(_) => ("BucketAlreadyOwnedByYou", 409),
            Error::BucketNotEmpty(_) => ("BucketNotEmpty", 409),
            Error::TooManyBuckets => ("TooManyBuckets", 400),
            Error::InvalidLocationConstraint(_) => ("InvalidLocationConstraint", 400),
            Error::IllegalLocationConstraint(_) => ("IllegalLocationConstraintException", 400),
            Error::InvalidUri => ("InvalidURI", 400),
            Error::KeyTooLong { .. } => ("KeyTooLongError", 400),
            Error::AccessDenied(_) => ("AccessDenied", 403),
            Error::InvalidArgument { .. } => ("InvalidArgument", 400),
            Error::InvalidRequest(_) => ("InvalidRequest", 400),
            Error::MalformedXml => ("MalformedXML", 400),
            Error::MalformedPolicy(_) => ("MalformedPolicy", 400),
            Error::InvalidTag { .. } => ("InvalidTag", 400),
            Error::BadRequest(_) => ("BadRequest", 400),
            Error::InvalidDigest(_) => ("InvalidDigest", 400),
            Error::BadDigest { .. } | Error::ChecksumMismatch(_) => ("BadDigest", 400),
            Error::EntityTooLarge { .. } => ("EntityTooLarge", 400),
            Error::EntityTooSmall { .. } => ("EntityTooSmall", 400),
            Error::MissingContentLength => ("MissingContentLength", 411),
            Error::IncompleteBody => ("IncompleteBody", 400),
            Error::MetadataTooLarge { .. } => ("MetadataTooLarge", 400),
            Error::PreconditionFailed(_) => ("PreconditionFailed", 412),
            Error::NotModified { .. } => ("NotModified", 304),
            Error::InvalidRange { .. } => ("InvalidRange", 416),
            Error::InvalidPartNumber { .. } => ("InvalidPartNumber", 416),
            Error::InvalidPart { .. } => ("InvalidPart", 400),
            Error::InvalidPartOrder(_) => ("InvalidPartOrder", 400),
            Error::AccessControlListNotSupported => ("AccessControlListNotSupported", 400),
            Error::InvalidBucketAcl => ("InvalidBucketAclWithObjectOwnership", 400),
            Error::InvalidStorageClass(_) => ("InvalidStorageClass", 400),
            Error::Cors { bad_request: true, .. } => ("BadRequest", 400),
            Error::Cors { .. } => ("AccessForbidden", 403),
            Error::NotImplemented(_) => ("NotImplemented", 501),
            Error::Fault(fault) => (&fault.code, fault.status),
            Error::Store(_) | Error::Blob(_) => ("InternalError", 500),
        }
    }

    /// The further members of the error's body.
    pub fn members(&self) -> Vec<(&'static str, String)> {
        match self {
            Error::NoSuchBucket(name)
            | Error::NoSuchConfiguration(_, name)
            | Error::InvalidBucketName(name)
            | Error::BucketAlreadyExists(name)
            | Error::BucketAlreadyOwnedByYou(name)
            | Error::BucketNotEmpty(name) => vec![("BucketName", name.clone())],
            Error::NoSuchKey(key) => vec![("Key", key.clone())],
            Error::NoSuchVersion { key, version } => {
                vec![("Key", key.clone()), ("VersionId", version.clone())]
            }
            Error::NoSuchUpload(id) | Error::InvalidPartOrder(id) => vec![("UploadId", id.clone())],
            Error::InvalidLocationConstraint(region) => vec![("LocationConstraint", region.clone())],
            Error::KeyTooLong { size } => {
                vec![("Size", size.to_string()), ("MaxSizeAllowed", crate::names::MAX_KEY_BYTES.to_string())]
            }
            Error::InvalidArgument { name, value, .. } => {
                vec![("ArgumentName", name.clone()), ("ArgumentValue", value.clone())]
            }
            Error::InvalidTag { key: Some(key), .. } => vec![("TagKey", key.clone())],
            Error::InvalidDigest(text) => vec![("Content-MD5", text.clone())],
            Error::BadDigest { expected, calculated } => {
                vec![("ExpectedDigest", expected.clone()), ("CalculatedDigest", calculated.clone())]
            }
            Error::PreconditionFailed(condition) => vec![("Condition", (*condition).to_owned())],
            Error::InvalidStorageClass(class) => vec![("StorageClassRequested", class.clone())],
            Error::Cors { bad_request: false, method, resource_type, .. } => {
                vec![("Method", method.clone()), ("ResourceType", (*resource_type).to_owned())]
            }
            other => other.size_members(),
        }
    }

    /// The members of errors about sizes, ranges and parts.
    fn size_members(&self) -> Vec<(&'static str, String)> {
        match self {
            Error::EntityTooLarge { proposed, limit } => {
                vec![("ProposedSize", proposed.to_string()), ("MaxSizeAllowed", limit.to_string())]
            }
            Error::EntityTooSmall { proposed, part, etag } => vec![
                ("ProposedSize", proposed.to_string()),
                ("MinSizeAllowed", crate::complete::MIN_PART_BYTES.to_string()),
                ("PartNumber", part.to_string()),
                ("ETag", etag.clone()),
            ],
            Error::MetadataTooLarge { size } => vec![
                ("Size", size.to_string()),
                ("MaxSizeAllowed", crate::object_headers::MAX_METADATA_BYTES.to_string()),
            ],
            Error::InvalidRange { requested, size } => {
                vec![("RangeRequested", requested.clone()), ("ActualObjectSize", size.to_string())]
            }
            Error::InvalidPartNumber { requested, actual } => {
                vec![("PartNumberRequested", requested.to_string()), ("ActualPartCount", actual.to_string())]
            }
            Error::InvalidPart { upload, part, etag } => {
                vec![("UploadId", upload.clone()), ("PartNumber", part.to_string()), ("ETag", etag.clone())]
            }
            _ => Vec::new(),
        }
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Error {
        Error::AccessDenied(denied.message)
    }
}

impl From<BodyError> for Error {
    fn from(error: BodyError) -> Error {
        match error {
            BodyError::TooLarge { limit } => {
                Error::EntityTooLarge { proposed: limit.saturating_add(1), limit }
            }
            BodyError::Incomplete => Error::IncompleteBody,
            BodyError::Fault(fault) => Error::Fault(fault),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        let (code, status) = error.code_and_status();
        let mut fault = Fault::new(code, error.to_string()).status(status);
        fault.members =
            error.members().into_iter().map(|(name, value)| (name, FaultMember::Text(value))).collect();
        match error {
            Error::Store(_) | Error::Blob(_) => {
                tracing::error!(%error, "s3 failed");
                "We encountered an internal error. Please try again.".clone_into(&mut fault.message);
                fault
            }
            Error::Fault(fault) => *fault,
            Error::NotModified { etag, modified, caching } => {
                let validators = [("ETag", etag), ("Last-Modified", modified)];
                validators
                    .into_iter()
                    .chain(caching)
                    .fold(fault, |fault, (name, value)| fault.header(name, value))
            }
            Error::InvalidRange { size, .. } => fault.header("Content-Range", format!("bytes */{size}")),
            _ => fault,
        }
    }
}
