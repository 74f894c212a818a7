//! GetSessionToken and GetFederationToken: temporary credentials of a user, from its long-term ones.

use nephos_core::{AccountId, Cx, Principal};

use super::Sts;
use super::assume::{SessionInput, credentials_shape, new_claims, refuse_mfa};
use super::shapes::{
    FederatedUser, GetFederationTokenRequest, GetFederationTokenResponse, GetSessionTokenRequest,
    GetSessionTokenResponse,
};
use super::token::{Holder, Issuer};
use crate::error::Error;

/// 12 hours.
const DEFAULT_SECONDS: i32 = 43_200;
/// The root user's sessions last an hour at most, whatever is asked.
const ROOT_SECONDS: i32 = 3_600;

fn seconds(principal: &Principal, asked: Option<i32>) -> i32 {
    let asked = asked.unwrap_or(DEFAULT_SECONDS);
    if matches!(principal, Principal::Root { .. }) { asked.min(ROOT_SECONDS) } else { asked }
}

pub(crate) async fn session_token(
    sts: &Sts,
    cx: &Cx,
    input: GetSessionTokenRequest,
) -> Result<GetSessionTokenResponse, Error> {
    refuse_mfa(input.serial_number.as_deref(), input.token_code.as_deref())?;
    let (account, holder) = match &*cx.principal {
        Principal::Root { account } => (*account, Holder::Root),
        Principal::User { account, path, name, id, session: None } => {
            (*account, Holder::User { path: path.clone(), name: name.clone(), id: id.clone() })
        }
        _ => {
            let text = "Cannot call GetSessionToken with session credentials";
            return Err(Error::AccessDenied(text.to_owned()));
        }
    };
    let seconds = seconds(&cx.principal, input.duration_seconds);
    let claims = new_claims(cx.now(), account, holder, seconds, SessionInput::default());
    let issued = sts.iam.issue(claims).await?;
    Ok(GetSessionTokenResponse { credentials: Some(credentials_shape(issued.credentials)) })
}

/// The user whose permissions a federated session has.
fn issuer(principal: &Principal) -> Result<(AccountId, Option<Issuer>), Error> {
    match principal {
        Principal::Root { account } => Ok((*account, None)),
        Principal::User { account, path, name, id, session: None } => {
            let issuer = Issuer { path: path.clone(), name: name.clone(), id: id.clone() };
            Ok((*account, Some(issuer)))
        }
        _ => Err(Error::AccessDenied("Cannot call GetFederationToken with session credentials".to_owned())),
    }
}

pub(crate) async fn federation_token(
    sts: &Sts,
    cx: &Cx,
    input: GetFederationTokenRequest,
) -> Result<GetFederationTokenResponse, Error> {
    let (account, issuer) = issuer(&cx.principal)?;
    let session = SessionInput::read(input.policy, input.policy_arns, input.tags)?;
    let packed_policy_size = session.packed_percent()?;
    sts.iam.check_policy_arns(account, &session.policy_arns)?;
    let holder = Holder::Federated { name: input.name.unwrap_or_default(), issuer };
    let seconds = seconds(&cx.principal, input.duration_seconds);
    let issued = sts.iam.issue(new_claims(cx.now(), account, holder, seconds, session)).await?;
    Ok(GetFederationTokenResponse {
        federated_user: Some(FederatedUser {
            federated_user_id: Some(issued.principal.user_id()),
            arn: issued.principal.arn().map(|arn| arn.to_string()),
        }),
        credentials: Some(credentials_shape(issued.credentials)),
        packed_policy_size,
    })
}
