//! Browser uploads by POST: the signature over the policy that a form carries.

use nephos_core::Timestamp;

use crate::ALGORITHM;
use crate::credential::Credential;
use crate::error::{Mismatch, Part, SignatureError};
use crate::hex::Hex64;
use crate::key::KeyCache;

/// The form's fields that make its signature, as they came.
#[derive(Clone, Copy, Default)]
pub struct PostFields<'a> {
    /// `policy`: the document in Base64.
    pub policy: Option<&'a str>,
    /// `x-amz-algorithm`.
    pub algorithm: Option<&'a str>,
    /// `x-amz-credential`.
    pub credential: Option<&'a str>,
    /// `x-amz-date`.
    pub date: Option<&'a str>,
    /// `x-amz-signature`.
    pub signature: Option<&'a str>,
    /// `x-amz-security-token`.
    pub security_token: Option<&'a str>,
}

/// A form's signature: well-formed, but believed by nobody yet.
#[derive(Clone)]
pub struct PostClaim<'a> {
    /// Who signs.
    pub credential: Credential<'a>,
    /// The session token, of temporary credentials.
    pub session_token: Option<&'a str>,
    /// When it was signed.
    pub date: Timestamp,
    policy: &'a str,
    signature: Hex64,
}

impl<'a> PostClaim<'a> {
    /// Reads the fields; `None` where the form has no policy, which makes the upload an anonymous one.
    pub fn parse(fields: &PostFields<'a>) -> Result<Option<Self>, SignatureError> {
        let Some(policy) = fields.policy else { return Ok(None) };
        let required = [
            (Part::Algorithm, fields.algorithm),
            (Part::Credential, fields.credential),
            (Part::Date, fields.date),
            (Part::Signature, fields.signature),
        ];
        let (Some(algorithm), Some(credential), Some(date), Some(signature)) =
            (fields.algorithm, fields.credential, fields.date, fields.signature)
        else {
            let absent = required.iter().filter(|(_, value)| value.is_none()).map(|(part, _)| *part);
            return Err(SignatureError::IncompleteQuery { missing: absent.collect() });
        };
        if algorithm != ALGORITHM {
            return Err(SignatureError::Algorithm { got: algorithm.to_owned() });
        }
        let credential = Credential::parse(credential)?;
        let Some(at) = Timestamp::parse_amz_date(date) else {
            return Err(SignatureError::DateShape { got: date.to_owned() });
        };
        let amz_date = at.amz_date();
        if amz_date.get(..8) != Some(credential.date()) {
            return Err(SignatureError::ScopeDate { scope: credential.date().to_owned(), amz_date });
        }
        let signature = Hex64::parse(signature).ok_or(SignatureError::Malformed { part: Part::Signature })?;
        Ok(Some(PostClaim { credential, session_token: fields.security_token, date: at, policy, signature }))
    }

    /// Recomputes the signature over the policy's Base64 text. Whether the policy is still valid and whether the form
    /// keeps to it is [`crate::policy`]'s to say.
    pub fn verify(&self, secret: &str, keys: &KeyCache) -> Result<(), SignatureError> {
        let key = keys.signing_key(secret, &self.credential);
        if key.sign(self.policy.as_bytes()).constant_time_eq(&self.signature) {
            return Ok(());
        }
        Err(SignatureError::Mismatch(Box::new(Mismatch {
            canonical_request: String::new(),
            string_to_sign: self.policy.to_owned(),
            provided: self.signature,
        })))
    }
}
