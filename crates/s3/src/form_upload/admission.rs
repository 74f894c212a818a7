//! Who uploads: the form's signature over its policy, and whether the form keeps to the policy. A form without a
//! signature is anybody's, for the bucket's policy to judge.

use std::sync::Arc;

use nephos_core::ports::{Identify, IdentifyError, Identity};
use nephos_core::{Cx, Fault, Region};
use nephos_sigv4::error::Part;
use nephos_sigv4::policy::{PolicyError, PostPolicy};
use nephos_sigv4::post::{PostClaim, PostFields};
use nephos_sigv4::v2::{self, FormClaim};
use nephos_sigv4::{ALGORITHM, KeyCache, SignatureError, spaced_hex};

use crate::error::Error;
use crate::form_upload::form::{Form, missing};

/// The service that a credential must be for.
const SERVICE: &str = "s3";

/// Who uploads, and how large the file may be.
pub struct Admitted {
    /// The context of the signer.
    pub cx: Cx,
    /// The smallest and the largest file that the policy allows.
    pub sizes: Option<(u64, u64)>,
}

/// A form's signature, by either version.
enum Claim<'a> {
    V4(PostClaim<'a>),
    V2(FormClaim<'a>),
}

/// Finds out who signed, and checks the policy.
pub async fn admit(
    identify: &dyn Identify,
    keys: &KeyCache,
    cx: &Cx,
    bucket: &str,
    form: &Form,
) -> Result<Admitted, Error> {
    form.key()?;
    let Some((claim, policy)) = Claim::read(form)? else {
        return Ok(Admitted { cx: cx.clone(), sizes: None });
    };
    let (key, token) = (claim.access_key_id(), form.get("x-amz-security-token"));
    let identity = identify.identify(key, token, cx.now()).await.map_err(|error| unknown(error, key))?;
    claim.verify(form, policy, &identity, keys)?;
    let policy = PostPolicy::parse(policy).map_err(refused)?;
    // The signer's clock is the real one, also where a test has moved the platform's.
    let now = cx.now() - cx.platform.clock.offset();
    policy.check(&conditioned(bucket, form), now).map_err(refused)?;
    Ok(Admitted { cx: claim.context(cx, &identity), sizes: policy.content_length_range })
}

/// What the conditions are about: the fields, and the bucket that the address names, whatever the form says of it.
fn conditioned(bucket: &str, form: &Form) -> Vec<(String, String)> {
    let fields = form.fields().iter().filter(|(name, _)| !name.eq_ignore_ascii_case("bucket"));
    fields.cloned().chain([("bucket".to_owned(), bucket.to_owned())]).collect()
}

impl<'a> Claim<'a> {
    /// The signature and the policy that it is over; none where the form has no field of a signature.
    fn read(form: &'a Form) -> Result<Option<(Claim<'a>, &'a str)>, Error> {
        let has = |names: &[&str]| names.iter().any(|name| form.get(name).is_some());
        let by_v4 = has(&["x-amz-signature", "x-amz-algorithm", "x-amz-credential", "x-amz-date"]);
        if !by_v4 && !has(&["signature", "AWSAccessKeyId"]) {
            return Ok(None);
        }
        let policy = form.get("policy").ok_or_else(|| missing("Policy"))?;
        let claim = if by_v4 {
            let claim = PostClaim::parse(&v4_fields(form)).map_err(|error| v4_refusal(form, &error))?;
            // There is one where there is a policy.
            let claim = claim.ok_or_else(|| missing("Policy"))?;
            if claim.credential.service() != SERVICE {
                let got = claim.credential.service().to_owned();
                let error = SignatureError::ScopeService { expected: SERVICE.to_owned(), got };
                return Err(v4_refusal(form, &error));
            }
            Claim::V4(claim)
        } else {
            Claim::V2(FormClaim {
                signature: form.get("signature").ok_or_else(|| missing("Signature"))?,
                access_key_id: form.get("AWSAccessKeyId").ok_or_else(|| missing("AWSAccessKeyId"))?,
                policy,
            })
        };
        Ok(Some((claim, policy)))
    }

    fn access_key_id(&self) -> &str {
        match self {
            Claim::V4(claim) => claim.credential.access_key_id(),
            Claim::V2(claim) => claim.access_key_id,
        }
    }

    fn verify(&self, form: &Form, policy: &str, identity: &Identity, keys: &KeyCache) -> Result<(), Error> {
        let secret = &identity.secret_access_key;
        let (is_true, provided) = match self {
            Claim::V4(claim) => (claim.verify(secret, keys).is_ok(), form.get("x-amz-signature")),
            Claim::V2(claim) => (claim.verify(secret).is_ok(), form.get("signature")),
        };
        if is_true { Ok(()) } else { Err(not_matching(self.access_key_id(), policy, provided)) }
    }

    /// The context of whoever signed.
    fn context(&self, cx: &Cx, identity: &Identity) -> Cx {
        let mut keys = (*cx.keys).clone();
        keys.set("s3:authType", "POST");
        keys.set("s3:signatureversion", if matches!(self, Claim::V4(_)) { ALGORITHM } else { v2::VERSION });
        let mut region = None;
        if let Claim::V4(claim) = self {
            let now = cx.now() - cx.platform.clock.offset();
            keys.set("s3:signatureAge", (now - claim.date).as_millis().to_string());
            region = claim.credential.region().parse::<Region>().ok();
        }
        let principal = Arc::clone(&identity.principal);
        Cx {
            account: principal.account().unwrap_or(cx.account),
            principal,
            region: region.unwrap_or_else(|| cx.region.clone()),
            keys: Arc::new(keys),
            ..cx.clone()
        }
    }
}

fn v4_fields(form: &Form) -> PostFields<'_> {
    PostFields {
        policy: form.get("policy"),
        algorithm: form.get("x-amz-algorithm"),
        credential: form.get("x-amz-credential"),
        date: form.get("x-amz-date"),
        signature: form.get("x-amz-signature"),
        security_token: form.get("x-amz-security-token"),
    }
}

fn fault(fault: Fault) -> Error {
    Error::Fault(Box::new(fault))
}

/// A signature of version 4 whose fields are not right.
fn v4_refusal(form: &Form, error: &SignatureError) -> Error {
    use SignatureError as E;
    let about = |name: &str, text: &str| Error::argument(text, name, form.get(name).unwrap_or_default());
    match error {
        E::IncompleteQuery { missing: parts } => {
            missing(&format!("X-Amz-{}", parts.first().map_or("Signature", |part| part.name())))
        }
        E::Algorithm { .. } => about(
            "X-Amz-Algorithm",
            "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"",
        ),
        // S3 spells it like this.
        E::DateShape { .. } => about("X-Amz-Date", "X-Amz-Date must be formated via ISO8601 Long format"),
        E::Malformed { part: Part::Signature } => {
            let key = form.get("x-amz-credential").and_then(|it| it.split('/').next()).unwrap_or_default();
            not_matching(key, form.get("policy").unwrap_or_default(), form.get("x-amz-signature"))
        }
        other => about("X-Amz-Credential", &other.s3_credential_text()),
    }
}

fn not_matching(access_key_id: &str, policy: &str, provided: Option<&str>) -> Error {
    fault(
        Fault::new(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
        )
        .status(403)
        .member("AWSAccessKeyId", access_key_id)
        .member("StringToSign", policy)
        .member("SignatureProvided", provided.unwrap_or_default())
        .member("StringToSignBytes", spaced_hex(policy)),
    )
}

fn unknown(error: IdentifyError, key: &str) -> Error {
    fault(match error {
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
    })
}

fn refused(error: PolicyError) -> Error {
    match error {
        PolicyError::Malformed { .. } => fault(Fault::new("InvalidPolicyDocument", error.to_string())),
        _ => Error::AccessDenied(error.to_string()),
    }
}
