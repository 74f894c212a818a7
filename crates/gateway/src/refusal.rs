//! Refusals in each dialect: query, JSON, REST with JSON, and S3, with AWS's codes, texts and statuses.

use nephos_core::ports::IdentifyError;
use nephos_core::{Fault, Timestamp};
use nephos_sigv4::error::{ErrorClass, ExpiresProblem, Mismatch, Part};
use nephos_sigv4::v2::Refusal;
use nephos_sigv4::{Placement, SignatureError, spaced_hex};
use nephos_wire::{Absent, Protocol, ServiceModel};

use crate::registry::Entry;

/// How a service names what goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Query,
    Json,
    RestJson,
    S3,
}

impl Dialect {
    pub(crate) fn of(entry: &Entry) -> Self {
        match entry.model.protocol {
            Protocol::AwsJson10 | Protocol::AwsJson11 => Dialect::Json,
            Protocol::Query => Dialect::Query,
            Protocol::RestXml if entry.is_s3 => Dialect::S3,
            Protocol::RestJson | Protocol::RestXml => Dialect::RestJson,
        }
    }

    /// One of the first three dialects' codes with its status.
    fn fault(self, query: (&str, u16), json: (&str, u16), text: impl Into<String>) -> Fault {
        let (code, status) = match self {
            Dialect::Query | Dialect::S3 => query,
            Dialect::Json => (json.0, json.1),
            Dialect::RestJson => (json.0, if json.1 == 400 { 403 } else { json.1 }),
        };
        Fault::new(code, text).status(status)
    }
}

/// Why a caller is not let in.
#[derive(Debug)]
pub(crate) enum AuthError {
    /// The signature is not good.
    Signature(SignatureError, Placement),
    /// A signature of version 2 in a query string to S3 is not good.
    Version2(Refusal),
    /// The access key is not.
    Identify(IdentifyError, String),
    /// S3 wants to be told of the body.
    NoPayloadHash,
}

impl AuthError {
    pub(crate) fn fault(&self, dialect: Dialect) -> Fault {
        match self {
            AuthError::Signature(error, placement) if dialect == Dialect::S3 => {
                s3_signature(error, *placement)
            }
            AuthError::Signature(error, _) => signature(dialect, error),
            AuthError::Version2(refusal) => s3_version2(refusal),
            AuthError::Identify(error, key) if dialect == Dialect::S3 => s3_identify(*error, key),
            AuthError::Identify(error, _) => identify(dialect, *error),
            AuthError::NoPayloadHash => {
                Fault::new("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
            }
        }
    }
}

fn signature(dialect: Dialect, error: &SignatureError) -> Fault {
    match error.class() {
        ErrorClass::Incomplete => dialect.fault(
            ("IncompleteSignature", 400),
            ("IncompleteSignatureException", 400),
            error.to_string(),
        ),
        ErrorClass::Invalid => dialect.fault(
            ("SignatureDoesNotMatch", 403),
            ("InvalidSignatureException", 400),
            error.to_string(),
        ),
    }
}

fn identify(dialect: Dialect, error: IdentifyError) -> Fault {
    match error {
        IdentifyError::UnknownKey | IdentifyError::InvalidToken => dialect.fault(
            ("InvalidClientTokenId", 403),
            ("UnrecognizedClientException", 400),
            "The security token included in the request is invalid.",
        ),
        IdentifyError::ExpiredToken => dialect.fault(
            ("ExpiredToken", 403),
            ("ExpiredTokenException", 400),
            "The security token included in the request is expired",
        ),
        IdentifyError::Unavailable => dialect.fault(
            ("ServiceUnavailable", 503),
            ("ServiceUnavailableException", 503),
            "The request has failed due to a temporary failure of the server.",
        ),
    }
}

fn s3_identify(error: IdentifyError, key: &str) -> Fault {
    match error {
        IdentifyError::UnknownKey => Fault::new(
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        )
        .status(403)
        .member("AWSAccessKeyId", key),
        IdentifyError::InvalidToken => {
            Fault::new("InvalidToken", "The provided token is malformed or otherwise invalid.")
        }
        IdentifyError::ExpiredToken => Fault::new("ExpiredToken", "The provided token has expired."),
        IdentifyError::Unavailable => {
            Fault::new("ServiceUnavailable", "Service is unable to handle request.").status(503)
        }
    }
}

/// A malformed header or query string, in the words that fit where it stands.
fn malformed(placement: Placement, header: &str, query: &str) -> Fault {
    match placement {
        Placement::Header => Fault::new(
            "AuthorizationHeaderMalformed",
            format!("The authorization header is malformed; {header}"),
        ),
        Placement::Query => Fault::new("AuthorizationQueryParametersError", query),
    }
}

/// The same for one element of the credential.
fn credential(placement: Placement, what: &str) -> Fault {
    malformed(placement, what, &format!("Error parsing the X-Amz-Credential parameter; {what}"))
}

const COMPLETE_HEADER: &str =
    "the authorization header requires three components: Credential, SignedHeaders, and Signature.";
const COMPLETE_QUERY: &str = "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, \
                              X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.";
const DATE_HEADER: &str = "AWS authentication requires a valid Date or x-amz-date header";

fn s3_signature(error: &SignatureError, placement: Placement) -> Fault {
    use SignatureError as E;
    match error {
        E::Duplicate { name } => {
            let what = format!("{name} is given more than once.");
            malformed(placement, &what, &what)
        }
        E::TwoMechanisms => Fault::new("InvalidArgument", error.to_string()),
        E::Algorithm { got } => s3_algorithm(got, placement),
        E::IncompleteHeader { missing, .. } if missing == &[Part::Date] => s3_denied(DATE_HEADER),
        E::HeaderBytes | E::NotAPair { .. } | E::IncompleteHeader { .. } | E::IncompleteQuery { .. } => {
            malformed(placement, COMPLETE_HEADER, COMPLETE_QUERY)
        }
        E::Malformed { part } => {
            let what = format!("the {} is malformed.", part.name());
            malformed(placement, &what, &what)
        }
        E::DateShape { .. } if placement == Placement::Header => s3_denied(DATE_HEADER),
        E::DateShape { .. } => {
            malformed(placement, "", "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
        }
        E::Expires { problem } => malformed(placement, "", s3_expires(*problem)),
        E::Expired { date, now } | E::NotYetCurrent { date, now, presigned: false } => s3_skewed(*date, *now),
        E::NotYetCurrent { presigned: true, .. } => s3_denied("Request is not valid yet"),
        E::UrlExpired { expires_at, seconds, now } => s3_denied("Request has expired")
            .member("X-Amz-Expires", seconds.to_string())
            .member("Expires", expires_at.iso8601())
            .member("ServerTime", now.iso8601()),
        E::HostNotSigned => s3_unsigned("host"),
        E::HeadersNotSigned { names } => s3_unsigned(&names.join(", ")),
        E::PayloadOption { got } => s3_payload(got),
        E::Mismatch(mismatch) => s3_mismatch(mismatch),
        other => credential(placement, &other.s3_credential_text()),
    }
}

fn s3_algorithm(got: &str, placement: Placement) -> Fault {
    if got == "AWS" {
        return Fault::new(
            "InvalidRequest",
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        );
    }
    match placement {
        Placement::Header => Fault::new("InvalidArgument", "Unsupported Authorization Type")
            .member("ArgumentName", "Authorization")
            .member("ArgumentValue", got),
        Placement::Query => Fault::new(
            "AuthorizationQueryParametersError",
            "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"",
        ),
    }
}

fn s3_denied(text: &str) -> Fault {
    Fault::new("AccessDenied", text).status(403)
}

fn s3_unsigned(names: &str) -> Fault {
    s3_denied("There were headers present in the request which were not signed")
        .member("HeadersNotSigned", names)
}

fn s3_expires(problem: ExpiresProblem) -> &'static str {
    match problem {
        ExpiresProblem::NotANumber => "X-Amz-Expires should be a number",
        ExpiresProblem::Negative => "X-Amz-Expires must be non-negative",
        ExpiresProblem::TooLong => {
            "X-Amz-Expires must be less than a week (in seconds); \
                                    that is, the given X-Amz-Expires must be less than 604800 seconds"
        }
    }
}

fn s3_skewed(date: Timestamp, now: Timestamp) -> Fault {
    Fault::new(
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
    )
    .status(403)
    .member("RequestTime", date.amz_date())
    .member("ServerTime", now.iso8601())
    .member("MaxAllowedSkewMilliseconds", "900000")
}

fn s3_payload(got: &str) -> Fault {
    Fault::new(
        "InvalidArgument",
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
         STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, \
         STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
    )
    .member("ArgumentName", "x-amz-content-sha256")
    .member("ArgumentValue", got)
}

fn s3_mismatch(mismatch: &Mismatch) -> Fault {
    s3_not_matching(&mismatch.string_to_sign, mismatch.provided.as_str())
        .member("CanonicalRequest", mismatch.canonical_request.as_str())
        .member("CanonicalRequestBytes", spaced_hex(&mismatch.canonical_request))
}

fn s3_not_matching(string_to_sign: &str, provided: &str) -> Fault {
    Fault::new(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    )
    .status(403)
    .member("StringToSign", string_to_sign)
    .member("SignatureProvided", provided)
    .member("StringToSignBytes", spaced_hex(string_to_sign))
}

fn s3_version2(refusal: &Refusal) -> Fault {
    match refusal {
        Refusal::Incomplete | Refusal::Expires { .. } => s3_denied(&refusal.to_string()),
        Refusal::Parameter { .. } => Fault::new("AuthorizationQueryParametersError", refusal.to_string()),
        Refusal::TwoMechanisms => Fault::new("InvalidArgument", refusal.to_string()),
        Refusal::Expired { at, now } => s3_denied(&refusal.to_string())
            .member("Expires", at.iso8601())
            .member("ServerTime", now.iso8601()),
        Refusal::Mismatch(mismatch) => s3_not_matching(&mismatch.string_to_sign, &mismatch.provided)
            .member("AWSAccessKeyId", mismatch.access_key_id.as_str()),
    }
}

/// The model that speaks for services that do not exist.
pub(crate) fn nobody(protocol: Protocol) -> &'static ServiceModel {
    const fn speaking(protocol: Protocol) -> ServiceModel {
        const NONE: &[Absent] = &[];
        ServiceModel {
            name: "unknown",
            signing_name: "",
            endpoint_prefix: "",
            protocol,
            target_prefix: None,
            api_version: "",
            xml_namespace: None,
            error_namespace: "",
            errors: &[],
            validation_code: "ValidationException",
            validates: false,
            members_not_null: false,
            operations: &[],
            absent: NONE,
        }
    }
    static JSON: ServiceModel = speaking(Protocol::AwsJson11);
    static REST_JSON: ServiceModel = speaking(Protocol::RestJson);
    static REST_XML: ServiceModel = speaking(Protocol::RestXml);
    static QUERY: ServiceModel = speaking(Protocol::Query);
    match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => &JSON,
        Protocol::RestJson => &REST_JSON,
        Protocol::RestXml => &REST_XML,
        Protocol::Query => &QUERY,
    }
}
