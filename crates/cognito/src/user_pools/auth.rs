//! Sign-in: the flows, and the steps from a proven password to tokens.

use std::collections::BTreeMap;

use nephos_core::{Cx, Timestamp};
use nephos_store::Tx;

use super::attempts::{self, Subject};
use super::client_record::{ClientRecord, Flow};
use super::pool_record::PoolRecord;
use super::shapes::{
    AdminInitiateAuthRequest, AdminInitiateAuthResponse, AdminRespondToAuthChallengeRequest,
    AdminRespondToAuthChallengeResponse, AuthenticationResultType, InitiateAuthRequest, InitiateAuthResponse,
    RespondToAuthChallengeRequest, RespondToAuthChallengeResponse,
};
use super::sign_ins::NewSignIn;
use super::tokens::Grant;
use super::user_record::{PasswordRecord, UserRecord, UserStatus};
use super::{UserPools, any_client, need, own_pool, pool_client};
use crate::error::Error;

/// Parameters of a sign-in or of an answer to a challenge.
pub(crate) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    pub(crate) fn new(given: Option<BTreeMap<String, String>>) -> Parameters {
        Parameters(given.unwrap_or_default())
    }

    /// A parameter that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Error> {
        self.optional(name).ok_or_else(|| Error::missing(name))
    }

    /// A parameter that may be there.
    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The parameters under a prefix, without it.
    pub(crate) fn under(&self, prefix: &str) -> BTreeMap<String, String> {
        let found = self.0.iter().filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, value)));
        found.map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }
}

/// A sign-in under way: where, through which client, with what.
pub(crate) struct SignIn<'a> {
    /// The request.
    pub(crate) cx: &'a Cx,
    /// The pool.
    pub(crate) pool: PoolRecord,
    /// The client.
    pub(crate) client: ClientRecord,
    /// What the client sent.
    pub(crate) parameters: Parameters,
}

/// What a step answers.
pub(crate) enum Step {
    /// Tokens.
    Done(Box<AuthenticationResultType>),
    /// A challenge.
    Challenge {
        /// Its name.
        name: &'static str,
        /// What the client carries to the next step.
        session: Option<String>,
        /// Its parameters.
        parameters: BTreeMap<String, String>,
    },
}

/// `InitiateAuth`
pub(crate) async fn initiate(
    pools: &UserPools,
    cx: &Cx,
    input: InitiateAuthRequest,
) -> Result<InitiateAuthResponse, Error> {
    let client = need(input.client_id, "ClientId")?;
    let (pool, client) = pools.store.read(|view| any_client(view, &client))?;
    let sign_in = SignIn { cx, pool, client, parameters: Parameters::new(input.auth_parameters) };
    let step = match need(input.auth_flow, "AuthFlow")?.as_str() {
        "USER_SRP_AUTH" => pools.begin_srp(sign_in).await?,
        "USER_PASSWORD_AUTH" => pools.sign_in_with_password(sign_in, Flow::UserPassword).await?,
        "REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN" => pools.refresh(sign_in)?,
        flow @ ("CUSTOM_AUTH" | "USER_AUTH") => return Err(no_flow(flow)),
        _ => return Err(Error::invalid("Initiate Auth method not supported.")),
    };
    let (challenge_name, session, challenge_parameters, authentication_result) = answer(step);
    Ok(InitiateAuthResponse {
        challenge_name,
        session,
        challenge_parameters,
        authentication_result,
        available_challenges: None,
    })
}

/// `AdminInitiateAuth`
pub(crate) async fn admin_initiate(
    pools: &UserPools,
    cx: &Cx,
    input: AdminInitiateAuthRequest,
) -> Result<AdminInitiateAuthResponse, Error> {
    let (pool, client) = pools.admin_client(cx, input.user_pool_id, input.client_id)?;
    let sign_in = SignIn { cx, pool, client, parameters: Parameters::new(input.auth_parameters) };
    let step = match need(input.auth_flow, "AuthFlow")?.as_str() {
        "USER_SRP_AUTH" => pools.begin_srp(sign_in).await?,
        "ADMIN_USER_PASSWORD_AUTH" | "ADMIN_NO_SRP_AUTH" => {
            pools.sign_in_with_password(sign_in, Flow::AdminUserPassword).await?
        }
        "REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN" => pools.refresh(sign_in)?,
        flow @ ("CUSTOM_AUTH" | "USER_AUTH") => return Err(no_flow(flow)),
        _ => return Err(Error::invalid("Initiate Auth method not supported.")),
    };
    let (challenge_name, session, challenge_parameters, authentication_result) = answer(step);
    Ok(AdminInitiateAuthResponse {
        challenge_name,
        session,
        challenge_parameters,
        authentication_result,
        available_challenges: None,
    })
}

/// `RespondToAuthChallenge`
pub(crate) async fn respond(
    pools: &UserPools,
    cx: &Cx,
    input: RespondToAuthChallengeRequest,
) -> Result<RespondToAuthChallengeResponse, Error> {
    let client = need(input.client_id, "ClientId")?;
    let (pool, client) = pools.store.read(|view| any_client(view, &client))?;
    let sign_in = SignIn { cx, pool, client, parameters: Parameters::new(input.challenge_responses) };
    let name = need(input.challenge_name, "ChallengeName")?;
    let step = pools.respond(sign_in, &name, input.session).await?;
    let (challenge_name, session, challenge_parameters, authentication_result) = answer(step);
    Ok(RespondToAuthChallengeResponse {
        challenge_name,
        session,
        challenge_parameters,
        authentication_result,
    })
}

/// `AdminRespondToAuthChallenge`
pub(crate) async fn admin_respond(
    pools: &UserPools,
    cx: &Cx,
    input: AdminRespondToAuthChallengeRequest,
) -> Result<AdminRespondToAuthChallengeResponse, Error> {
    let (pool, client) = pools.admin_client(cx, input.user_pool_id, input.client_id)?;
    let sign_in = SignIn { cx, pool, client, parameters: Parameters::new(input.challenge_responses) };
    let name = need(input.challenge_name, "ChallengeName")?;
    let step = pools.respond(sign_in, &name, input.session).await?;
    let (challenge_name, session, challenge_parameters, authentication_result) = answer(step);
    Ok(AdminRespondToAuthChallengeResponse {
        challenge_name,
        session,
        challenge_parameters,
        authentication_result,
    })
}

fn no_flow(flow: &str) -> Error {
    Error::NotImplemented(format!("the cognito-idp authentication flow {flow}"))
}

type Answer =
    (Option<String>, Option<String>, Option<BTreeMap<String, String>>, Option<AuthenticationResultType>);

/// A step as the four answers carry it. Tokens come with empty parameters, as AWS sends them.
fn answer(step: Step) -> Answer {
    match step {
        Step::Done(tokens) => (None, None, Some(BTreeMap::new()), Some(*tokens)),
        Step::Challenge { name, session, parameters } => {
            (Some(name.to_owned()), session, Some(parameters), None)
        }
    }
}

/// What a proven password leads to.
pub(crate) enum Proven {
    /// Signed in: the sign-in is stored.
    SignedIn,
    /// A temporary password: a new one must be set.
    NewPassword,
    /// The state of the user forbids it.
    Refused(Error),
}

impl UserPools {
    async fn respond(
        &self,
        sign_in: SignIn<'_>,
        challenge: &str,
        session: Option<String>,
    ) -> Result<Step, Error> {
        match challenge {
            "PASSWORD_VERIFIER" => self.finish_srp(sign_in).await,
            "NEW_PASSWORD_REQUIRED" => self.set_new_password(sign_in, session).await,
            other => Err(Error::NotImplemented(format!("the cognito-idp challenge {other}"))),
        }
    }

    fn admin_client(
        &self,
        cx: &Cx,
        pool: Option<String>,
        client: Option<String>,
    ) -> Result<(PoolRecord, ClientRecord), Error> {
        let (pool, client) = (need(pool, "UserPoolId")?, need(client, "ClientId")?);
        self.store.read(|view| {
            let pool = own_pool(view, cx, &pool)?;
            let client = pool_client(view, &pool, &client)?;
            Ok((pool, client))
        })
    }

    /// Tokens of a sign-in that was stored.
    pub(crate) fn signed_in(
        &self,
        sign_in: &SignIn<'_>,
        user: &UserRecord,
        new: NewSignIn,
        now: Timestamp,
    ) -> Result<Step, Error> {
        let grant = Grant {
            pool: &sign_in.pool,
            client: &sign_in.client,
            user,
            origin_jti: &new.origin_jti,
            auth_time: now,
        };
        Ok(Step::Done(Box::new(self.mint(&grant, Some(new.refresh_token), now)?)))
    }
}

/// What the user's state makes of a proven password; stores the sign-in where there is one.
pub(crate) fn settle(
    tx: &mut Tx,
    sign_in: &SignIn<'_>,
    user: &UserRecord,
    password: &PasswordRecord,
    (new, now): (&NewSignIn, Timestamp),
) -> Result<Proven, Error> {
    let canonical = sign_in.pool.canonical(&user.username);
    attempts::succeeded(tx, &sign_in.pool, &Subject::user(&canonical))?;
    if !user.enabled {
        return Ok(Proven::Refused(Error::not_authorized("User is disabled.")));
    }
    let expired = password.expires.is_some_and(|expires| now.millis() >= expires);
    Ok(match user.status {
        UserStatus::Unconfirmed => Proven::Refused(Error::UserNotConfirmed),
        UserStatus::ResetRequired => Proven::Refused(Error::PasswordResetRequired),
        UserStatus::ForceChangePassword if expired => Proven::Refused(Error::not_authorized(
            "Temporary password has expired and must be reset by an administrator.",
        )),
        UserStatus::ForceChangePassword => Proven::NewPassword,
        UserStatus::Confirmed => {
            new.put(tx, &sign_in.client, user, &canonical, now)?;
            Proven::SignedIn
        }
    })
}
