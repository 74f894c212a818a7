//! What a request shows of a signature, in its `Authorization` header or its query string.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use nephos_core::Timestamp;

use crate::ALGORITHM;
use crate::canonical::{Head, SIGNATURE_PARAMETER};
use crate::credential::Credential;
use crate::error::{ExpiresProblem, Part, SignatureError, hashed};
use crate::hex::Hex64;
use crate::payload::Payload;
use crate::uri;

/// Where the signature stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// In the `Authorization` header.
    Header,
    /// In the query string: a presigned URL.
    Query,
}

/// A signature that a request shows: well-formed, but believed by nobody yet.
#[derive(Clone)]
pub struct Claim<'a> {
    /// Where it stands.
    pub placement: Placement,
    /// Who signs.
    pub credential: Credential<'a>,
    /// The signed headers, as spelt: lower case, `;` between.
    pub signed_headers: Cow<'a, str>,
    /// When it was signed, as it is spelt in the string to sign.
    pub amz_date: Cow<'a, str>,
    /// When it was signed.
    pub date: Timestamp,
    /// How long a presigned URL lives, in seconds.
    pub expires: Option<u64>,
    /// The session token, of temporary credentials.
    pub session_token: Option<Cow<'a, str>>,
    /// What it says of the body; absent where it says nothing.
    pub payload: Option<Payload>,
    pub(crate) signature: Hex64,
}

impl std::fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claim")
            .field("placement", &self.placement)
            .field("credential", &self.credential.as_str())
            .finish_non_exhaustive()
    }
}

/// Where a request shows a signature, if anywhere. A foreign `Authorization` (`Bearer`, `Basic`) is none.
pub fn placement(head: &Head<'_>) -> Option<Placement> {
    if has_signature_header(head.headers) {
        return Some(Placement::Header);
    }
    let signs = |name: &[u8]| {
        matches!(name, b"X-Amz-Algorithm" | b"X-Amz-Signature" | b"X-Amz-Credential" | b"AWSAccessKeyId")
    };
    uri::raw_pairs(head.query.as_bytes()).any(|(name, _)| signs(name)).then_some(Placement::Query)
}

fn has_signature_header(headers: &HeaderMap) -> bool {
    headers.get_all(AUTHORIZATION).iter().any(|value| value.as_bytes().starts_with(b"AWS"))
}

/// Reads the signature that a request shows; `None` where it shows none.
pub fn parse<'a>(head: &Head<'a>) -> Result<Option<Claim<'a>>, SignatureError> {
    match placement(head) {
        None => Ok(None),
        Some(Placement::Header) => from_header(head).map(Some),
        Some(Placement::Query) => from_query(head).map(Some),
    }
}

/// The only value of a header; `None` where there is none.
fn single<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> Result<Option<&'a http::HeaderValue>, SignatureError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(SignatureError::Duplicate { name });
    }
    Ok(first)
}

fn payload_of(headers: &HeaderMap) -> Result<Option<Payload>, SignatureError> {
    let Some(value) = single(headers, "x-amz-content-sha256")? else { return Ok(None) };
    parse_payload(&String::from_utf8_lossy(value.as_bytes())).map(Some)
}

fn parse_payload(text: &str) -> Result<Payload, SignatureError> {
    Payload::parse(text).ok_or_else(|| SignatureError::PayloadOption { got: text.to_owned() })
}

fn token_of<'a>(headers: &'a HeaderMap) -> Result<Option<Cow<'a, str>>, SignatureError> {
    let Some(value) = single(headers, "x-amz-security-token")? else { return Ok(None) };
    // A token of other bytes cannot be one of ours; it goes on as text and is refused by whoever looks it up.
    Ok(Some(String::from_utf8_lossy(value.as_bytes())))
}

/// The pieces of an `Authorization` header.
#[derive(Default)]
struct Pieces<'a> {
    credential: Option<&'a str>,
    signed_headers: Option<&'a str>,
    signature: Option<&'a str>,
}

fn pieces_of(authorization: &str) -> Result<Pieces<'_>, SignatureError> {
    let (algorithm, rest) = authorization.split_once(' ').unwrap_or((authorization, ""));
    if algorithm != ALGORITHM {
        return Err(SignatureError::Algorithm { got: algorithm.to_owned() });
    }
    let mut pieces = Pieces::default();
    for piece in rest.split(',').map(str::trim).filter(|piece| !piece.is_empty()) {
        let Some((name, value)) = piece.split_once('=') else {
            return Err(SignatureError::NotAPair { hashed: hashed(authorization) });
        };
        let (slot, name) = match name {
            "Credential" => (&mut pieces.credential, "Credential"),
            "SignedHeaders" => (&mut pieces.signed_headers, "SignedHeaders"),
            "Signature" => (&mut pieces.signature, "Signature"),
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(SignatureError::Duplicate { name });
        }
    }
    Ok(pieces)
}

/// The request's date as text, from `x-amz-date` or `date`.
fn date_text<'a>(headers: &'a HeaderMap) -> Result<Option<Cow<'a, str>>, SignatureError> {
    let value = match single(headers, "x-amz-date")? {
        Some(value) => Some(value),
        None => single(headers, "date")?,
    };
    Ok(value.map(|value| String::from_utf8_lossy(value.as_bytes())))
}

fn read_date(text: Cow<'_, str>) -> Result<(Cow<'_, str>, Timestamp), SignatureError> {
    if let Some(date) = Timestamp::parse_amz_date(&text) {
        return Ok((text, date));
    }
    match Timestamp::parse_http_date(&text).or_else(|| Timestamp::parse_iso8601(&text)) {
        Some(date) => Ok((Cow::Owned(date.amz_date()), date)),
        None => Err(SignatureError::DateShape { got: text.into_owned() }),
    }
}

fn from_header<'a>(head: &Head<'a>) -> Result<Claim<'a>, SignatureError> {
    if uri::raw_pairs(head.query.as_bytes()).any(|(name, _)| name == b"X-Amz-Signature") {
        return Err(SignatureError::TwoMechanisms);
    }
    let Some(value) = single(head.headers, "authorization")? else {
        return Err(SignatureError::HeaderBytes);
    };
    let authorization = value.to_str().map_err(|_| SignatureError::HeaderBytes)?;
    let pieces = pieces_of(authorization)?;
    let date = date_text(head.headers)?;
    let (Some(credential), Some(signature), Some(signed_headers), Some(date)) =
        (pieces.credential, pieces.signature, pieces.signed_headers, date.clone())
    else {
        let missing = missing(&[
            (Part::Credential, pieces.credential.is_some()),
            (Part::Signature, pieces.signature.is_some()),
            (Part::SignedHeaders, pieces.signed_headers.is_some()),
            (Part::Date, date.is_some()),
        ]);
        return Err(SignatureError::IncompleteHeader { missing, hashed: hashed(authorization) });
    };
    let (amz_date, date) = read_date(date)?;
    Ok(Claim {
        placement: Placement::Header,
        credential: Credential::parse(credential)?,
        signed_headers: checked_list(Cow::Borrowed(signed_headers))?,
        amz_date,
        date,
        expires: None,
        session_token: token_of(head.headers)?,
        payload: payload_of(head.headers)?,
        signature: Hex64::parse(signature).ok_or(SignatureError::Malformed { part: Part::Signature })?,
    })
}

fn missing(parts: &[(Part, bool)]) -> Vec<Part> {
    parts.iter().filter(|(_, there)| !there).map(|(part, _)| *part).collect()
}

/// A list of signed headers has no empty and no repeated name.
fn checked_list(list: Cow<'_, str>) -> Result<Cow<'_, str>, SignatureError> {
    let names = list.split(';');
    for (at, name) in names.clone().enumerate() {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(token) {
            return Err(SignatureError::Malformed { part: Part::SignedHeaders });
        }
        if names.clone().take(at).any(|earlier| earlier.eq_ignore_ascii_case(name)) {
            return Err(SignatureError::Duplicate { name: "SignedHeaders" });
        }
    }
    Ok(list)
}

/// The parameters of a presigned URL, still undecided.
#[derive(Default)]
struct Parameters<'a> {
    algorithm: Option<Cow<'a, str>>,
    credential: Option<Cow<'a, str>>,
    date: Option<Cow<'a, str>>,
    expires: Option<Cow<'a, str>>,
    signed_headers: Option<Cow<'a, str>>,
    signature: Option<Cow<'a, str>>,
    token: Option<Cow<'a, str>>,
    payload: Option<Cow<'a, str>>,
}

impl<'a> Parameters<'a> {
    fn slot(&mut self, name: &[u8]) -> Option<(&mut Option<Cow<'a, str>>, &'static str, Part)> {
        match name {
            b"X-Amz-Algorithm" => Some((&mut self.algorithm, "X-Amz-Algorithm", Part::Algorithm)),
            b"X-Amz-Credential" => Some((&mut self.credential, "X-Amz-Credential", Part::Credential)),
            b"X-Amz-Date" => Some((&mut self.date, "X-Amz-Date", Part::Date)),
            b"X-Amz-Expires" => Some((&mut self.expires, "X-Amz-Expires", Part::Expires)),
            b"X-Amz-SignedHeaders" => {
                Some((&mut self.signed_headers, "X-Amz-SignedHeaders", Part::SignedHeaders))
            }
            b"X-Amz-Signature" => Some((&mut self.signature, SIGNATURE_PARAMETER, Part::Signature)),
            b"X-Amz-Security-Token" => Some((&mut self.token, "X-Amz-Security-Token", Part::Credential)),
            b"X-Amz-Content-Sha256" => Some((&mut self.payload, "X-Amz-Content-Sha256", Part::Signature)),
            _ => None,
        }
    }

    fn read(query: &'a str) -> Result<Self, SignatureError> {
        let mut parameters = Parameters::default();
        for (name, value) in uri::raw_pairs(query.as_bytes()) {
            let name = uri::decode_query(name);
            if name.as_ref() == b"AWSAccessKeyId" {
                return Err(SignatureError::Algorithm { got: "AWS".to_owned() });
            }
            let Some((slot, name, part)) = parameters.slot(&name) else { continue };
            let value = as_text(uri::decode_query(value)).ok_or(SignatureError::Malformed { part })?;
            if slot.replace(value).is_some() {
                return Err(SignatureError::Duplicate { name });
            }
        }
        Ok(parameters)
    }

    fn missing(&self) -> Vec<Part> {
        missing(&[
            (Part::Algorithm, self.algorithm.is_some()),
            (Part::Credential, self.credential.is_some()),
            (Part::Signature, self.signature.is_some()),
            (Part::SignedHeaders, self.signed_headers.is_some()),
            (Part::Date, self.date.is_some()),
        ])
    }
}

fn as_text(bytes: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    match bytes {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}

fn from_query<'a>(head: &Head<'a>) -> Result<Claim<'a>, SignatureError> {
    let found = Parameters::read(head.query)?;
    let missing = found.missing();
    let (Some(algorithm), Some(credential), Some(signature), Some(signed_headers), Some(date)) =
        (found.algorithm, found.credential, found.signature, found.signed_headers, found.date)
    else {
        return Err(SignatureError::IncompleteQuery { missing });
    };
    if algorithm != ALGORITHM {
        return Err(SignatureError::Algorithm { got: algorithm.into_owned() });
    }
    let expires = found.expires.as_deref().map(read_expires).transpose()?;
    let Some(date_read) = Timestamp::parse_amz_date(&date) else {
        return Err(SignatureError::DateShape { got: date.into_owned() });
    };
    let payload = match &found.payload {
        Some(text) => Some(parse_payload(text)?),
        None => payload_of(head.headers)?,
    };
    let header_token = token_of(head.headers)?;
    if found.token.is_some() && header_token.is_some() {
        return Err(SignatureError::Duplicate { name: "X-Amz-Security-Token" });
    }
    Ok(Claim {
        placement: Placement::Query,
        credential: Credential::parse(credential)?,
        signed_headers: checked_list(signed_headers)?,
        amz_date: date,
        date: date_read,
        expires,
        session_token: found.token.or(header_token),
        payload,
        signature: Hex64::parse(&signature).ok_or(SignatureError::Malformed { part: Part::Signature })?,
    })
}

fn read_expires(text: &str) -> Result<u64, SignatureError> {
    let problem = match text.parse::<i128>() {
        Err(_) => ExpiresProblem::NotANumber,
        Ok(seconds) if seconds < 0 => ExpiresProblem::Negative,
        Ok(seconds) => match u64::try_from(seconds) {
            Ok(seconds) if seconds <= crate::MAX_EXPIRES_SECS => return Ok(seconds),
            _ => ExpiresProblem::TooLong,
        },
    };
    Err(SignatureError::Expires { problem })
}
