//! Why a signature is not good. The text of each is what AWS's services other than S3 say; the caller that speaks
//! S3's dialect renders them its own way.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nephos_core::Timestamp;

use crate::hex::Hex64;

/// The parts of a signature that a request may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The algorithm; only query strings can lack it.
    Algorithm,
    /// The credential.
    Credential,
    /// The signature.
    Signature,
    /// The list of signed headers.
    SignedHeaders,
    /// The date.
    Date,
    /// The lifetime; only S3's presigned URLs must have it.
    Expires,
}

impl Part {
    /// The part's name, without `X-Amz-`.
    pub fn name(self) -> &'static str {
        match self {
            Part::Algorithm => "Algorithm",
            Part::Credential => "Credential",
            Part::Signature => "Signature",
            Part::SignedHeaders => "SignedHeaders",
            Part::Date => "Date",
            Part::Expires => "Expires",
        }
    }
}

/// What the signature should have been made over. It holds what the client itself sent, its session token included,
/// so it goes back to that client and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The canonical request.
    pub canonical_request: String,
    /// The string to sign.
    pub string_to_sign: String,
    /// The signature that came.
    pub provided: Hex64,
}

impl std::fmt::Debug for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mismatch").finish_non_exhaustive()
    }
}

/// How an `X-Amz-Expires` is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpiresProblem {
    /// No number.
    NotANumber,
    /// Below zero.
    Negative,
    /// Over seven days.
    TooLong,
}

/// Which of AWS's three answers an error belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The request does not conform: `IncompleteSignature`.
    Incomplete,
    /// The signature is not right, or not for now or for here: `SignatureDoesNotMatch`, `InvalidSignatureException`.
    Invalid,
}

/// Why a signature is not good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header, query parameter or part that may come once came twice.
    #[error("The request contains more than one '{name}'.")]
    Duplicate {
        /// Its name.
        name: &'static str,
    },
    /// Both an `Authorization` header and a signature in the query string.
    #[error(
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified"
    )]
    TwoMechanisms,
    /// A signature of version 2 or of another algorithm.
    #[error("Unsupported AWS 'algorithm': '{got}'.")]
    Algorithm {
        /// The algorithm that came.
        got: String,
    },
    /// The `Authorization` header is not visible ASCII.
    #[error("The Authorization header must be visible ASCII.")]
    HeaderBytes,
    /// A piece of the `Authorization` header without `=`.
    #[error(
        "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '{hashed}'."
    )]
    NotAPair {
        /// The header's hash; the header itself is never echoed.
        hashed: String,
    },
    /// The `Authorization` header lacks parts, or the request lacks a date.
    #[error("{}", incomplete_header(missing, hashed))]
    IncompleteHeader {
        /// What is missing.
        missing: Vec<Part>,
        /// The header's hash.
        hashed: String,
    },
    /// The query string lacks parts.
    #[error("{}", incomplete_query(missing))]
    IncompleteQuery {
        /// What is missing.
        missing: Vec<Part>,
    },
    /// A query parameter that is not UTF-8, or a signature or list of headers of impossible form.
    #[error("The '{}' of the signature is malformed.", part.name())]
    Malformed {
        /// Which part.
        part: Part,
    },
    /// A credential that has not five elements.
    #[error(
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{got}'"
    )]
    CredentialShape {
        /// What came.
        got: String,
    },
    /// A credential without an access key.
    #[error("Access key ID must not be empty in Credential.")]
    EmptyAccessKey,
    /// A scope that does not end in `aws4_request`.
    #[error("Credential should be scoped with a valid terminator: 'aws4_request', not '{got}'.")]
    ScopeTerminator {
        /// What came.
        got: String,
    },
    /// A scope whose day is no day.
    #[error("Date in Credential scope must be in the form YYYYMMDD, got '{got}'.")]
    ScopeDateShape {
        /// What came.
        got: String,
    },
    /// A scope whose region is no region.
    #[error("Credential should be scoped to a valid region. ")]
    ScopeRegion,
    /// A scope for another service than the request goes to.
    #[error("Credential should be scoped to correct service: '{expected}'. ")]
    ScopeService {
        /// The service that the request goes to.
        expected: String,
        /// What came.
        got: String,
    },
    /// A scope whose day is not the request's.
    #[error(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope}' != '{}', from '{amz_date}'.",
        day_of(amz_date)
    )]
    ScopeDate {
        /// The scope's day.
        scope: String,
        /// The request's date.
        amz_date: String,
    },
    /// A date that cannot be read.
    #[error(
        "Date must be in ISO-8601 'basic format'. Got '{got}'. See http://en.wikipedia.org/wiki/ISO_8601"
    )]
    DateShape {
        /// What came.
        got: String,
    },
    /// A lifetime that is not allowed.
    #[error("X-Amz-Expires must be a number of seconds between 0 and 604800.")]
    Expires {
        /// How it is wrong.
        problem: ExpiresProblem,
    },
    /// Signed more than 15 minutes ago.
    #[error("Signature expired: {} is now earlier than {} ({} - 15 min.)", date.amz_date(), earlier(*now).amz_date(), now.amz_date())]
    Expired {
        /// When it was signed.
        date: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// Signed more than 15 minutes ahead of now.
    #[error("Signature not yet current: {} is still later than {} ({} + 15 min.)", date.amz_date(), later(*now).amz_date(), now.amz_date())]
    NotYetCurrent {
        /// When it was signed.
        date: Timestamp,
        /// Now.
        now: Timestamp,
        /// Whether it is a presigned URL.
        presigned: bool,
    },
    /// A presigned URL past its life.
    #[error("Signature expired: {} is now earlier than {}", expires_at.amz_date(), now.amz_date())]
    UrlExpired {
        /// When it ended.
        expires_at: Timestamp,
        /// The life it was given, in seconds.
        seconds: u64,
        /// Now.
        now: Timestamp,
    },
    /// `host` is not among the signed headers.
    #[error("'Host' must be a 'SignedHeader' in the AWS Authorization.")]
    HostNotSigned,
    /// `x-amz-` headers came that are not signed.
    #[error("'{}' must be a 'SignedHeader' in the AWS Authorization.", names.first().map_or("", String::as_str))]
    HeadersNotSigned {
        /// Their names, lower case.
        names: Vec<String>,
    },
    /// `x-amz-content-sha256` is neither a hash nor one of the known words.
    #[error("The value of x-amz-content-sha256 is not a SHA-256 or a known payload option.")]
    PayloadOption {
        /// What came.
        got: String,
    },
    /// The signature is another than the secret makes.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    )]
    Mismatch(Box<Mismatch>),
}

impl SignatureError {
    /// Which of AWS's answers it belongs to.
    pub fn class(&self) -> ErrorClass {
        use SignatureError as E;
        match self {
            E::ScopeTerminator { .. }
            | E::ScopeRegion
            | E::ScopeService { .. }
            | E::ScopeDate { .. }
            | E::Expired { .. }
            | E::NotYetCurrent { .. }
            | E::UrlExpired { .. }
            | E::HostNotSigned
            | E::HeadersNotSigned { .. }
            | E::Mismatch(_) => ErrorClass::Invalid,
            _ => ErrorClass::Incomplete,
        }
    }
}

impl SignatureError {
    /// What S3 says of a credential that is malformed or for something else.
    pub fn s3_credential_text(&self) -> String {
        use SignatureError as E;
        match self {
            E::EmptyAccessKey => {
                "a non-empty Access Key (AKID) must be provided in the credential.".to_owned()
            }
            E::ScopeTerminator { got } => {
                format!("incorrect terminal \"{got}\". This endpoint uses \"aws4_request\".")
            }
            E::ScopeDateShape { got } => format!(
                "incorrect date format \"{got}\". This date in the credential must be in the format \"yyyyMMdd\"."
            ),
            E::ScopeDate { scope, amz_date } => format!(
                "Invalid credential date \"{scope}\". This date is not the same as X-Amz-Date: \"{}\".",
                day_of(amz_date)
            ),
            E::ScopeRegion => "a non-empty region must be provided in the credential.".to_owned(),
            E::ScopeService { expected, got } => {
                format!("incorrect service \"{got}\". This endpoint belongs to \"{expected}\".")
            }
            _ => "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."
                .to_owned(),
        }
    }
}

/// How AWS repeats an `Authorization` header without repeating it.
pub(crate) fn hashed(authorization: &str) -> String {
    STANDARD.encode(digest(&SHA256, authorization.as_bytes()).as_ref())
}

fn incomplete_header(missing: &[Part], hashed: &str) -> String {
    let mut text = String::new();
    for part in missing {
        match part {
            Part::Date => {
                text.push_str(
                    "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
                );
            }
            part => text.push_str(&format!("Authorization header requires '{}' parameter. ", part.name())),
        }
    }
    text.push_str("(Hashed with SHA-256 and encoded with Base64) Authorization=");
    text.push_str(hashed);
    text
}

fn incomplete_query(missing: &[Part]) -> String {
    let mut text = String::new();
    for part in missing {
        text.push_str(&format!("AWS query-string parameters must include 'X-Amz-{}'. ", part.name()));
    }
    text.push_str("Re-examine the query-string parameters.");
    text
}

fn day_of(amz_date: &str) -> &str {
    amz_date.get(..8).unwrap_or(amz_date)
}

fn earlier(now: Timestamp) -> Timestamp {
    now - std::time::Duration::from_secs(crate::MAX_SKEW_SECS)
}

fn later(now: Timestamp) -> Timestamp {
    now + std::time::Duration::from_secs(crate::MAX_SKEW_SECS)
}
