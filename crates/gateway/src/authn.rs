//! From a signature to a principal, in two steps: what can be judged by the head alone, before a byte of the body is
//! read; and the signature itself, once the body's hash is known.

use std::sync::Arc;

use nephos_core::ports::{Identify, Identity};
use nephos_core::{Clock, Principal, Region, Timestamp};
use nephos_sigv4::claim::placement;
use nephos_sigv4::v2::{self, QueryClaim};
use nephos_sigv4::{
    ALGORITHM, Claim, Head, KeyCache, PathRules, Payload, Placement, SignatureError, Verified, parse,
};

use crate::refusal::AuthError;

/// A claim by either version of signatures.
enum Shown<'a> {
    V4(Claim<'a>),
    /// Only S3's query strings.
    V2(QueryClaim<'a>),
}

/// A claim whose access key is known and whose time and scope are right. Its signature is not yet proven.
pub(crate) struct Presented<'a> {
    shown: Shown<'a>,
    identity: Identity,
    /// The region of the scope; version 2 has none.
    pub(crate) region: Option<Region>,
    /// The bucket that the host names, which version 2 signs.
    bucket: Option<&'a str>,
}

/// What policies may ask about a signature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signed {
    pub(crate) placement: Placement,
    pub(crate) version: &'static str,
    /// Version 2 does not say when it was made.
    pub(crate) age_millis: Option<u64>,
}

/// What a claim is judged by.
pub(crate) struct Expected<'a> {
    /// The signing names of the service that the request was routed to; the first is told in a refusal.
    pub(crate) services: &'a [&'a str],
    /// The service's path rules.
    pub(crate) rules: PathRules,
    /// Now, by the clock that clients have.
    pub(crate) signed_now: Timestamp,
    /// Now, by the platform's clock, which sessions end by.
    pub(crate) now: Timestamp,
}

impl<'a> Expected<'a> {
    /// What is expected at this moment. A platform clock that a test has moved does not move the clients' clocks, so
    /// signatures are held against the real one.
    pub(crate) fn now(services: &'a [&'a str], rules: PathRules, clock: &Clock) -> Self {
        let now = clock.now();
        Expected { services, rules, signed_now: now - clock.offset(), now }
    }
}

/// Reads the claim that a request makes, if it makes one, and looks its access key up. `bucket` is the one that the
/// host names, if it does.
pub(crate) async fn present<'a>(
    identify: &dyn Identify,
    head: &Head<'a>,
    bucket: Option<&'a str>,
    expected: &Expected<'_>,
) -> Result<Option<Presented<'a>>, AuthError> {
    let Some((shown, region)) = read(head, expected)? else { return Ok(None) };
    let (key, token) = match &shown {
        Shown::V4(claim) => (claim.credential.access_key_id(), claim.session_token.as_deref()),
        Shown::V2(claim) => (claim.access_key_id.as_ref(), claim.session_token.as_deref()),
    };
    let identity = identify
        .identify(key, token, expected.now)
        .await
        .map_err(|error| AuthError::Identify(error, key.to_owned()))?;
    Ok(Some(Presented { shown, identity, region, bucket }))
}

/// A claim that is right as far as the head shows, and its region.
fn read<'a>(
    head: &Head<'a>,
    expected: &Expected<'_>,
) -> Result<Option<(Shown<'a>, Option<Region>)>, AuthError> {
    let is_s3 = expected.rules == PathRules::S3;
    if let Some(claim) = is_s3.then(|| v2::parse(head)).transpose().map_err(AuthError::Version2)?.flatten() {
        claim.check(expected.signed_now).map_err(AuthError::Version2)?;
        return Ok(Some((Shown::V2(claim), None)));
    }
    let Some(place) = placement(head) else { return Ok(None) };
    let refuse = |error: SignatureError| AuthError::Signature(error, place);
    let Some(claim) = parse(head).map_err(refuse)? else { return Ok(None) };
    claim.check_service(expected.services).map_err(refuse)?;
    claim.check(head, expected.rules, expected.signed_now).map_err(refuse)?;
    let region = claim.credential.region().parse();
    let region = region.map_err(|_| refuse(SignatureError::ScopeRegion))?;
    Ok(Some((Shown::V4(claim), Some(region))))
}

impl Presented<'_> {
    /// Who it is, once proven.
    pub(crate) fn principal(&self) -> Arc<Principal> {
        Arc::clone(&self.identity.principal)
    }

    /// What it says of the body; `None` where it must and does not.
    pub(crate) fn payload(&self) -> Option<Payload> {
        match &self.shown {
            Shown::V4(claim) => match claim.placement {
                Placement::Query => Some(claim.payload.unwrap_or(Payload::Unsigned)),
                Placement::Header => claim.payload,
            },
            Shown::V2(claim) => Some(claim.payload.unwrap_or(Payload::Unsigned)),
        }
    }

    /// What policies may ask about it at `now`.
    pub(crate) fn signed(&self, now: Timestamp) -> Signed {
        match &self.shown {
            Shown::V4(claim) => Signed {
                placement: claim.placement,
                version: ALGORITHM,
                age_millis: u64::try_from((now - claim.date).as_millis()).ok(),
            },
            Shown::V2(_) => Signed { placement: Placement::Query, version: v2::VERSION, age_millis: None },
        }
    }

    /// The headers that a URL of version 2 brings in its query string.
    pub(crate) fn brought(&self) -> Vec<(String, Vec<u8>)> {
        match &self.shown {
            Shown::V4(_) => Vec::new(),
            Shown::V2(claim) => claim.headers().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        }
    }

    /// Proves the signature over the request with `payload` standing for its body. Only version 4 can sign chunks.
    pub(crate) fn prove(
        &self,
        keys: &KeyCache,
        head: &Head<'_>,
        rules: PathRules,
        payload: &Payload,
    ) -> Result<Option<Verified>, AuthError> {
        let secret = &self.identity.secret_access_key;
        match &self.shown {
            Shown::V4(claim) => claim
                .verify(head, rules, payload, secret, keys)
                .map(Some)
                .map_err(|error| AuthError::Signature(error, claim.placement)),
            Shown::V2(claim) => {
                claim.verify(head, self.bucket, secret).map(|()| None).map_err(AuthError::Version2)
            }
        }
    }
}
