//! AssumeRoleWithWebIdentity. Tokens are verified by whoever of the platform issues them; a token of any other issuer is
//! refused as one of a provider that is not registered.

use std::sync::{Arc, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nephos_core::ports::{VerifiedWebIdentity, WebIdentity, WebIdentityError};
use nephos_core::{Cx, Principal};

use super::Sts;
use super::access::{role_name, to_role};
use super::assume::{
    Grant, SessionInput, assumed_role_user, credentials_shape, session_keys, session_seconds,
};
use super::shapes::{AssumeRoleWithWebIdentityRequest, AssumeRoleWithWebIdentityResponse};
use crate::Iam;
use crate::directory::{self, RoleName};
use crate::error::Error;
use crate::policy::Caller;
use crate::records::Entity;

const REFUSED: &str = "Not authorized to perform sts:AssumeRoleWithWebIdentity";

pub(crate) async fn assume_role(
    sts: &Sts,
    cx: &Cx,
    input: AssumeRoleWithWebIdentityRequest,
) -> Result<AssumeRoleWithWebIdentityResponse, Error> {
    if input.provider_id.is_some() {
        return Err(Error::NotImplemented(
            "Nephos does not implement ProviderId: OAuth 2.0 access tokens of www.amazon.com and graph.facebook.com."
                .to_owned(),
        ));
    }
    let name = role_name(input.role_arn.as_deref())?;
    let session_name = input.role_session_name.unwrap_or_default();
    let mut session = SessionInput::read(input.policy, input.policy_arns, None)?;
    let packed_policy_size = session.packed_percent()?;
    let verified = sts.iam.verify_token(cx, input.web_identity_token.as_deref().unwrap_or_default()).await?;
    let identity = &verified.identity;
    let role = sts.iam.store.read(|view| directory::role(view, &name))?;
    let cx = sts.iam.permit_web_identity(cx, &name, role.as_ref(), &session_name, identity)?;
    let role = role.ok_or_else(|| Error::AccessDenied(REFUSED.to_owned()))?;
    session.keys = session_keys(&identity.provider, &identity.keys);
    let seconds = session_seconds(&cx, &role, input.duration_seconds)?;
    let grant = Grant { name: &name, role: &role, session_name: &session_name, seconds };
    let assumed = sts.iam.begin_session(cx.now(), &grant, session).await?;
    Ok(AssumeRoleWithWebIdentityResponse {
        assumed_role_user: Some(assumed_role_user(&assumed.principal)),
        credentials: Some(credentials_shape(assumed.credentials)),
        subject_from_web_identity_token: Some(verified.subject),
        audience: Some(verified.audience),
        provider: Some(verified.issuer),
        packed_policy_size,
        source_identity: None,
    })
}

impl Iam {
    /// Asks the role's trust policy about a web identity. Gives the context to go on with, which is nobody's: what a web
    /// identity may do does not depend on who brings its token.
    pub(crate) fn permit_web_identity(
        &self,
        cx: &Cx,
        name: &RoleName,
        role: Option<&Entity>,
        session_name: &str,
        identity: &WebIdentity,
    ) -> Result<Cx, Error> {
        let nobody = Cx { principal: Arc::new(Principal::Anonymous), ..cx.clone() };
        let mut access = to_role("sts:AssumeRoleWithWebIdentity", name, role);
        access.keys.merge(&identity.keys);
        access.keys.set("sts:RoleSessionName", session_name);
        self.permit(&nobody, &Caller::web_identity(&identity.provider), &access)
            .map_err(|_| Error::AccessDenied(REFUSED.to_owned()))?;
        Ok(nobody)
    }

    async fn verify_token(&self, cx: &Cx, token: &str) -> Result<VerifiedWebIdentity, Error> {
        let Some(issuer) = issuer_of(token) else {
            return Err(Error::InvalidIdentityToken(
                "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
                    .to_owned(),
            ));
        };
        let verifiers = self.verifiers.read().unwrap_or_else(PoisonError::into_inner).clone();
        for verifier in verifiers {
            return Err(match verifier.verify_web_identity(cx, token).await {
                Ok(verified) => return Ok(verified),
                Err(WebIdentityError::Foreign) => continue,
                Err(WebIdentityError::Expired) => Error::ExpiredToken(
                    "Token expired: current date/time must be before the expiration date/time.".to_owned(),
                ),
                Err(error @ WebIdentityError::Invalid(_)) => {
                    tracing::info!(%error, request_id = %cx.request_id, "web identity token refused");
                    Error::InvalidIdentityToken(
                        "The web identity token that was passed could not be validated".to_owned(),
                    )
                }
                Err(WebIdentityError::Unavailable) => {
                    nephos_store::StoreError::Remote("web identity keys could not be read".to_owned()).into()
                }
            });
        }
        let provider = issuer.trim_start_matches("https://");
        Err(Error::InvalidIdentityToken(format!(
            "No OpenIDConnect provider found in your account for {provider}"
        )))
    }
}

/// The `iss` of a JWT, not verified: only to say whose it claims to be.
fn issuer_of(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    claims.get("iss")?.as_str().map(str::to_owned)
}
