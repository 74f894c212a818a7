//! From a signature to a principal, in two steps: what can be judged by the head alone, before a byte of the body is
//! read; and the signature itself, once the body's hash is known.

use nephos_core::ports::{Identify, Identity};
use nephos_core::{Clock, Region, Timestamp};
use nephos_sigv4::claim::placement;
use nephos_sigv4::{Claim, Head, KeyCache, PathRules, Payload, SignatureError, Verified, parse};

use crate::refusal::AuthError;

/// A claim whose access key is known and whose time and scope are right. Its signature is not yet proven.
pub(crate) struct Presented<'a> {
    pub(crate) claim: Claim<'a>,
    pub(crate) identity: Identity,
    pub(crate) region: Region,
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

/// Reads the claim that a request makes, if it makes one, and looks its access key up.
pub(crate) async fn present<'a>(
    identify: &dyn Identify,
    head: &Head<'a>,
    expected: &Expected<'_>,
) -> Result<Option<Presented<'a>>, AuthError> {
    let Some(place) = placement(head) else { return Ok(None) };
    let refuse = |error: SignatureError| AuthError::Signature(error, place);
    let Some(claim) = parse(head).map_err(refuse)? else { return Ok(None) };
    claim.check_service(expected.services).map_err(refuse)?;
    claim.check(head, expected.rules, expected.signed_now).map_err(refuse)?;
    let region = claim.credential.region().parse();
    let region = region.map_err(|_| refuse(SignatureError::ScopeRegion))?;
    let key = claim.credential.access_key_id();
    let identity = identify
        .identify(key, claim.session_token.as_deref(), expected.now)
        .await
        .map_err(|error| AuthError::Identify(error, key.to_owned()))?;
    Ok(Some(Presented { claim, identity, region }))
}

impl Presented<'_> {
    /// Proves the signature over the request with `payload` standing for its body.
    pub(crate) fn prove(
        &self,
        keys: &KeyCache,
        head: &Head<'_>,
        rules: PathRules,
        payload: &Payload,
    ) -> Result<Verified, AuthError> {
        self.claim
            .verify(head, rules, payload, &self.identity.secret_access_key, keys)
            .map_err(|error| AuthError::Signature(error, self.claim.placement))
    }
}
