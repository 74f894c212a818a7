//! `GetCredentialsForIdentity`: the enhanced flow, in which the pool takes on the role for the identity.

use nephos_core::ports::{AssumeRole, WebIdentity};
use nephos_core::{ContextKeys, Cx, Fault, Principal};
use nephos_store::Tx;

use super::logins::Login;
use super::shapes::{Credentials, GetCredentialsForIdentityInput, GetCredentialsForIdentityResponse};
use super::{IdentityPools, any_pool, get_id, linking, need, no_identity, role_choice, scope_down};
use crate::error::Error;

/// How long the credentials last, in seconds.
const DURATION_SECONDS: u32 = 3600;

/// The federated principal of trust policies.
pub(crate) const PROVIDER: &str = "cognito-identity.amazonaws.com";

/// `GetCredentialsForIdentity`
pub(crate) async fn get(
    pools: &IdentityPools,
    cx: &Cx,
    input: GetCredentialsForIdentityInput,
) -> Result<GetCredentialsForIdentityResponse, Error> {
    let id = need(input.identity_id, "IdentityId")?;
    let (given, now) = (input.logins.unwrap_or_default(), cx.now());
    let custom = input.custom_role_arn;
    let enter = |tx: &mut Tx| {
        let identity = linking::read_identity(tx, &id)?;
        let pool = any_pool(tx, &identity.pool).map_err(|_| no_identity(&id))?;
        let logins = pools.logins(tx, &pool, &given, now)?;
        let identity = linking::enter(tx, identity, &logins, now)?;
        if logins.is_empty() {
            get_id::refuse_guests(&pool)?;
        }
        let role = role_choice::choose(&pool, &logins, custom.as_deref())?;
        Ok::<_, Error>((identity, logins, role))
    };
    let (identity, logins, role_arn) = pools.store.transact("cognito credentials", enter).await?;
    let request = AssumeRole {
        role_arn,
        session_name: "CognitoIdentityCredentials".to_owned(),
        duration_seconds: DURATION_SECONDS,
        session_policy: logins.is_empty().then(scope_down::policy),
        web_identity: Some(web_identity(&identity.pool, &identity.id, &logins)),
    };
    let anonymous = cx.as_principal(Principal::Anonymous);
    let assumed = pools.credentials.assume_role(&anonymous, request).await.map_err(refusal)?;
    Ok(GetCredentialsForIdentityResponse {
        identity_id: Some(identity.id),
        credentials: Some(Credentials {
            access_key_id: Some(assumed.credentials.access_key_id),
            secret_key: Some(assumed.credentials.secret_access_key),
            session_token: Some(assumed.credentials.session_token),
            expiration: Some(assumed.credentials.expiration),
        }),
    })
}

/// What trust policies and the session's own policies see.
fn web_identity(pool: &str, identity: &str, logins: &[Login]) -> WebIdentity {
    WebIdentity { provider: PROVIDER.to_owned(), keys: condition_keys(pool, identity, amr(logins)) }
}

/// The condition keys of an identity.
pub(crate) fn condition_keys(pool: &str, identity: &str, amr: Vec<String>) -> ContextKeys {
    let mut keys = ContextKeys::new();
    keys.set(&format!("{PROVIDER}:aud"), pool);
    keys.set(&format!("{PROVIDER}:sub"), identity);
    keys.set_all(&format!("{PROVIDER}:amr"), amr);
    keys
}

/// How the identity was proven.
pub(crate) fn amr(logins: &[Login]) -> Vec<String> {
    if logins.is_empty() {
        return vec!["unauthenticated".to_owned()];
    }
    std::iter::once("authenticated".to_owned()).chain(logins.iter().flat_map(Login::amr)).collect()
}

/// A role that can't be taken on is the pool's misconfiguration; who calls can do nothing about it.
fn refusal(fault: Fault) -> Error {
    if fault.status >= 500 {
        return Error::Fault(fault);
    }
    tracing::info!(%fault, "a role of an identity pool was refused");
    role_choice::misconfigured()
}
