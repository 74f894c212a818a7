//! Whether a claim is true.

use std::sync::Arc;
use std::time::Duration;

use nephos_core::Timestamp;

use crate::canonical::{Head, PathRules, canonical_request, string_to_sign};
use crate::chunked::ChunkSeed;
use crate::claim::{Claim, Placement};
use crate::error::{Mismatch, Part, SignatureError};
use crate::hex::Hex64;
use crate::key::{KeyCache, SigningKey};
use crate::{MAX_SKEW_SECS, payload::Payload};

/// A signature that was found true.
#[derive(Debug, Clone)]
pub struct Verified {
    key: Arc<SigningKey>,
    signature: Hex64,
    amz_date: String,
    scope: String,
}

impl Verified {
    /// What the first chunk of a signed `aws-chunked` body is chained to.
    pub fn chunk_seed(&self) -> ChunkSeed {
        ChunkSeed {
            key: Arc::clone(&self.key),
            amz_date: self.amz_date.clone(),
            scope: self.scope.clone(),
            previous: self.signature,
        }
    }
}

impl Claim<'_> {
    /// What needs no secret to see: that everything is signed that must be, that scope and date agree, and that it
    /// is valid at `now`.
    pub fn check(&self, head: &Head<'_>, rules: PathRules, now: Timestamp) -> Result<(), SignatureError> {
        self.check_expires_is_there(rules)?;
        self.check_scope_date()?;
        self.check_time(now)?;
        self.check_signed_headers(head)
    }

    /// Refuses a claim whose scope names none of `services`; the first is the one that the refusal tells.
    pub fn check_service(&self, services: &[&str]) -> Result<(), SignatureError> {
        if services.contains(&self.credential.service()) {
            return Ok(());
        }
        Err(SignatureError::ScopeService {
            expected: services.first().copied().unwrap_or_default().to_owned(),
            got: self.credential.service().to_owned(),
        })
    }

    fn check_expires_is_there(&self, rules: PathRules) -> Result<(), SignatureError> {
        if self.placement == Placement::Query && rules == PathRules::S3 && self.expires.is_none() {
            return Err(SignatureError::IncompleteQuery { missing: vec![Part::Expires] });
        }
        Ok(())
    }

    fn check_scope_date(&self) -> Result<(), SignatureError> {
        if self.amz_date.get(..8) == Some(self.credential.date()) {
            return Ok(());
        }
        Err(SignatureError::ScopeDate {
            scope: self.credential.date().to_owned(),
            amz_date: self.amz_date.clone().into_owned(),
        })
    }

    fn check_time(&self, now: Timestamp) -> Result<(), SignatureError> {
        let (skew, date) = (Duration::from_secs(MAX_SKEW_SECS), self.date);
        if date > now + skew {
            let presigned = self.placement == Placement::Query;
            return Err(SignatureError::NotYetCurrent { date, now, presigned });
        }
        match self.expires {
            Some(seconds) => {
                let expires_at = date + Duration::from_secs(seconds);
                if now > expires_at {
                    return Err(SignatureError::UrlExpired { expires_at, seconds, now });
                }
            }
            None if now > date + skew => return Err(SignatureError::Expired { date, now }),
            None => {}
        }
        Ok(())
    }

    fn check_signed_headers(&self, head: &Head<'_>) -> Result<(), SignatureError> {
        let signed = |name: &str| self.signed_headers.split(';').any(|s| s.eq_ignore_ascii_case(name));
        if !signed("host") {
            return Err(SignatureError::HostNotSigned);
        }
        let mut names: Vec<String> = Vec::new();
        for name in head.headers.keys().map(http::HeaderName::as_str) {
            if name.starts_with("x-amz-") && !signed(name) {
                names.push(name.to_owned());
            }
        }
        if names.is_empty() {
            return Ok(());
        }
        names.sort_unstable();
        Err(SignatureError::HeadersNotSigned { names })
    }

    /// Recomputes the signature with `secret` over the request as it came, its body standing in as `payload`, and
    /// compares in constant time. Call [`Claim::check`] first.
    pub fn verify(
        &self,
        head: &Head<'_>,
        rules: PathRules,
        payload: &Payload,
        secret: &str,
        keys: &KeyCache,
    ) -> Result<Verified, SignatureError> {
        let canonical = canonical_request(head, rules, &self.signed_headers, payload.as_str());
        let to_sign = string_to_sign(&self.amz_date, &self.credential, &canonical);
        let key = keys.signing_key(secret, &self.credential);
        let expected = key.sign(&to_sign);
        if !expected.constant_time_eq(&self.signature) {
            return Err(SignatureError::Mismatch(Box::new(Mismatch {
                canonical_request: String::from_utf8_lossy(&canonical).into_owned(),
                string_to_sign: String::from_utf8_lossy(&to_sign).into_owned(),
                provided: self.signature,
            })));
        }
        Ok(Verified {
            key,
            signature: expected,
            amz_date: self.amz_date.clone().into_owned(),
            scope: self.credential.scope().to_owned(),
        })
    }
}
