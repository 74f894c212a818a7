//! Logins: a provider's name and its token, verified down to a user.

use std::collections::BTreeMap;

use nephos_core::Timestamp;
use nephos_store::Read;
use serde_json::Value;

use super::IdentityPools;
use super::pool_record::{IdentityPoolRecord, Provider};
use crate::crypto::jwt::Claims;
use crate::error::Error;
use crate::user_pools::tokens::Verified;
use crate::user_pools::{self, UserPools};

/// A login that was verified.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    /// The provider's name.
    pub(crate) provider: String,
    /// The client that the token is for.
    pub(crate) client: String,
    /// The user at the provider.
    pub(crate) subject: String,
    /// The token's claims.
    pub(crate) claims: Claims,
}

impl Login {
    /// A claim that is text.
    pub(crate) fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim).and_then(Value::as_str)
    }

    /// What `amr` says of it: who vouched, and for whom.
    pub(crate) fn amr(&self) -> [String; 2] {
        [self.provider.clone(), format!("{}:CognitoSignIn:{}", self.provider, self.subject)]
    }
}

impl IdentityPools {
    /// Verifies every login; one that is not good fails them all.
    pub(crate) fn logins(
        &self,
        read: &dyn Read,
        pool: &IdentityPoolRecord,
        given: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<Vec<Login>, Error> {
        given.iter().map(|(provider, token)| self.login(read, pool, (provider, token), now)).collect()
    }

    fn login(
        &self,
        read: &dyn Read,
        pool: &IdentityPoolRecord,
        (name, token): (&str, &str),
        now: Timestamp,
    ) -> Result<Login, Error> {
        let providers: Vec<&Provider> =
            pool.settings.providers.iter().filter(|provider| provider.name == name).collect();
        if providers.is_empty() {
            return Err(Error::not_authorized(
                "Token is not from a supported provider of this identity pool.",
            ));
        }
        let refused = |text: &str| Error::NotAuthorized(format!("Invalid login token. {text}"));
        let verified = self.user_pools.verify(read, token)?;
        let verified = verified.ok_or_else(|| refused("Couldn't verify signed token."))?;
        if provider_name(&verified) != name {
            return Err(refused("Issuer doesn't match providerName"));
        }
        if !verified.is_id() {
            return Err(refused("Not a valid OpenId Connect identity token."));
        }
        let ended = verified.moment("exp").map_or(Some(0), |exp| (now >= exp).then_some(exp.secs()));
        if let Some(exp) = ended {
            return Err(refused(&format!("Token expired: {} >= {exp}", now.secs())));
        }
        let client = verified.text("aud").unwrap_or_default().to_owned();
        let provider = providers.into_iter().find(|provider| provider.client == client);
        let provider = provider.ok_or_else(|| refused("Incorrect token audience."))?;
        if provider.check_sign_out == Some(true) {
            still_signed_in(&self.user_pools, read, &verified)?;
        }
        let subject = verified.text("sub").ok_or_else(|| refused("The token has no subject."))?.to_owned();
        Ok(Login { provider: name.to_owned(), client, subject, claims: verified.claims })
    }
}

/// The name under which identity pools know a user pool.
fn provider_name(verified: &Verified) -> String {
    format!("cognito-idp.{}.amazonaws.com/{}", verified.pool.region, verified.pool.id)
}

/// `ServerSideTokenCheck`: the user is there, enabled, and has not signed out everywhere since.
fn still_signed_in(pools: &UserPools, read: &dyn Read, token: &Verified) -> Result<(), Error> {
    let user = pools.user_of(read, token)?.filter(|user| user.enabled);
    match user {
        Some(user) if user_pools::holds(read, token, &user)? => Ok(()),
        _ => Err(Error::not_authorized("Invalid login token. The user has signed out or been disabled.")),
    }
}
