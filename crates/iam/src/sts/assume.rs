//! Taking on a role: what AssumeRole, AssumeRoleWithWebIdentity and the platform's own services share.

use std::time::Duration;

use nephos_core::ports::{AssumeRole, AssumedRole, Credentials, IssueCredentials};
use nephos_core::{BoxFuture, ContextKeys, Cx, Fault, Principal, Timestamp};

use super::Sts;
use super::access::{role_name, to_role};
use super::shapes::{
    self, AssumeRoleRequest, AssumeRoleResponse, AssumedRoleUser, PolicyDescriptorType, Tag,
};
use super::token::{Claims, Holder};
use crate::Iam;
use crate::access_keys::{access_key_id, new_secret};
use crate::directory::{self, RoleName};
use crate::error::Error;
use crate::policy::{Caller, Kind, Policy};
use crate::records::{Entity, Tags};
use crate::roles::DEFAULT_SESSION_SECONDS;

const CHAINED_SECONDS: i32 = 3600;
const MAX_TAGS: usize = 50;
const MAX_POLICY_ARNS: usize = 10;
const MAX_POLICY_CHARS: usize = 2048;
/// What session policies and tags may come to together, in bytes; 100 % of `PackedPolicySize`.
const PACKED_BYTES: usize = 4096;

/// What narrows and marks a session.
#[derive(Default)]
pub(crate) struct SessionInput {
    pub policy: Option<String>,
    pub policy_arns: Vec<String>,
    pub tags: Tags,
    pub transitive_tag_keys: Vec<String>,
    pub source_identity: Option<String>,
    pub keys: Vec<(String, Vec<String>)>,
}

impl SessionInput {
    /// Reads and checks what a request says of its session.
    pub(crate) fn read(
        policy: Option<String>,
        policy_arns: Option<Vec<PolicyDescriptorType>>,
        tags: Option<Vec<Tag>>,
    ) -> Result<SessionInput, Error> {
        if let Some(policy) = &policy {
            check_policy(policy)?;
        }
        let policy_arns: Vec<String> =
            policy_arns.unwrap_or_default().into_iter().filter_map(|policy| policy.arn).collect();
        if policy_arns.len() > MAX_POLICY_ARNS {
            return Err(Error::Validation(format!(
                "The number of policy ARNs exceeds the limit of {MAX_POLICY_ARNS}."
            )));
        }
        Ok(SessionInput { policy, policy_arns, tags: read_tags(tags)?, ..SessionInput::default() })
    }

    /// How much of the room for policies and tags is used, in percent; nothing to tell where there are none.
    pub(crate) fn packed_percent(&self) -> Result<Option<i32>, Error> {
        let policy = self.policy.as_ref().map_or(0, String::len);
        let arns: usize = self.policy_arns.iter().map(String::len).sum();
        let tags: usize = self.tags.iter().map(|(key, value)| key.len() + value.len()).sum();
        let bytes = policy + arns + tags;
        let percent = (bytes * 100).div_ceil(PACKED_BYTES);
        if percent > 100 {
            return Err(Error::PackedPolicyTooLarge(format!(
                "Packed policy consumes {percent}% of allotted space, please use smaller policy."
            )));
        }
        Ok(i32::try_from(percent).ok().filter(|_| bytes > 0))
    }
}

/// An inline session policy.
pub(crate) fn check_policy(policy: &str) -> Result<(), Error> {
    let chars = policy.chars().count();
    if chars > MAX_POLICY_CHARS {
        let percent = (chars * 100).div_ceil(MAX_POLICY_CHARS);
        return Err(Error::PackedPolicyTooLarge(format!(
            "Packed policy consumes {percent}% of allotted space, please use smaller policy."
        )));
    }
    Policy::parse(policy, Kind::Identity)?;
    Ok(())
}

fn read_tags(tags: Option<Vec<Tag>>) -> Result<Tags, Error> {
    let mut read = Tags::new();
    for Tag { key, value } in tags.unwrap_or_default() {
        let key = key.unwrap_or_default();
        if read.iter().any(|(known, _)| known.eq_ignore_ascii_case(&key)) {
            let text = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(Error::Validation(text.to_owned()));
        }
        read.push((key, value.unwrap_or_default()));
    }
    match read.len() <= MAX_TAGS {
        true => Ok(read),
        false => {
            Err(Error::Validation(format!("The number of session tags exceeds the limit of {MAX_TAGS}.")))
        }
    }
}

/// The tags that a session hands down to the roles it takes on.
pub(crate) fn inherited_tags(cx: &Cx) -> Tags {
    let Some(session) = cx.principal.session() else { return Tags::new() };
    let inherited = session.transitive_tag_keys.iter().filter_map(|key| {
        let values = session.keys.get(&format!("aws:PrincipalTag/{key}"))?;
        Some((key.clone(), values.first()?.clone()))
    });
    inherited.collect()
}

/// Adds what the calling session hands down. What is handed down can't be overlaid.
fn inherit(cx: &Cx, session: &mut SessionInput) -> Result<(), Error> {
    for (key, value) in inherited_tags(cx) {
        if session.tags.iter().any(|(known, _)| known.eq_ignore_ascii_case(&key)) {
            return Err(Error::Validation(
                "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session."
                    .to_owned(),
            ));
        }
        session.tags.push((key.clone(), value));
        session.transitive_tag_keys.push(key);
    }
    let calling = cx.principal.session().and_then(|session| session.source_identity.clone());
    match (&session.source_identity, calling) {
        (Some(asked), Some(sticky)) if *asked != sticky => Err(Error::AccessDenied(
            "The source identity of a session can't be changed when it takes on another role.".to_owned(),
        )),
        (None, sticky) => {
            session.source_identity = sticky;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A role that the caller may take on, and for how long.
pub(crate) struct Grant<'a> {
    pub name: &'a RoleName,
    pub role: &'a Entity,
    pub session_name: &'a str,
    pub seconds: i32,
}

impl Iam {
    /// Makes the credentials of a role's session. Whoever calls this has asked the trust policy before.
    pub(crate) async fn begin_session(
        &self,
        now: Timestamp,
        grant: &Grant<'_>,
        session: SessionInput,
    ) -> Result<AssumedRole, Error> {
        let holder = Holder::Role {
            path: grant.role.path.clone(),
            name: grant.role.name.clone(),
            id: grant.role.id.clone(),
            session: grant.session_name.to_owned(),
        };
        self.check_policy_arns(grant.name.account, &session.policy_arns)?;
        let claims = new_claims(now, grant.name.account, holder, grant.seconds, session);
        self.issue(claims).await
    }

    /// Session policies by ARN must exist.
    pub(crate) fn check_policy_arns(
        &self,
        account: nephos_core::AccountId,
        arns: &[String],
    ) -> Result<(), Error> {
        for arn in arns {
            if self.policy_text(account, arn)?.is_none() {
                let text = format!("Policy {arn} does not exist or is not attachable.");
                return Err(Error::Validation(text));
            }
        }
        Ok(())
    }

    /// Seals a session into credentials, under a key that outlives a crash.
    pub(crate) async fn issue(&self, claims: Claims) -> Result<AssumedRole, Error> {
        self.settle().await?;
        let session_token = self.tokens.seal(&claims).ok_or(crate::seal::SealError::NoKey)?;
        let principal = self.session_principal(&claims)?;
        let credentials = Credentials {
            access_key_id: claims.access_key_id,
            secret_access_key: claims.secret_access_key,
            session_token,
            expiration: claims.expires_at,
        };
        Ok(AssumedRole { credentials, principal })
    }
}

/// A session that begins now, to the second.
pub(crate) fn new_claims(
    now: Timestamp,
    account: nephos_core::AccountId,
    holder: Holder,
    seconds: i32,
    session: SessionInput,
) -> Claims {
    let now = Timestamp::from_secs(now.secs());
    Claims {
        access_key_id: access_key_id("ASIA", account),
        secret_access_key: new_secret(),
        issued_at: now,
        expires_at: now + Duration::from_secs(u64::from(seconds.unsigned_abs())),
        account: account.to_string(),
        holder,
        policy: session.policy,
        policy_arns: session.policy_arns,
        tags: session.tags,
        transitive_tag_keys: session.transitive_tag_keys,
        source_identity: session.source_identity,
        mfa: false,
        keys: session.keys,
    }
}

/// How long a session lasts: at most what the role allows, and an hour where a session takes on another role.
pub(crate) fn session_seconds(cx: &Cx, role: &Entity, asked: Option<i32>) -> Result<i32, Error> {
    let chained = matches!(*cx.principal, Principal::Role(_));
    let seconds = asked.unwrap_or(DEFAULT_SESSION_SECONDS);
    if chained && seconds > CHAINED_SECONDS {
        return Err(Error::Validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
                .to_owned(),
        ));
    }
    // A service's sessions are not limited by the role's setting.
    let limited = !matches!(*cx.principal, Principal::Service { .. });
    let longest = role.role.as_ref().map_or(DEFAULT_SESSION_SECONDS, |facts| facts.max_session_seconds);
    if limited && seconds > longest {
        return Err(Error::Validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.".to_owned(),
        ));
    }
    Ok(seconds)
}

/// There are no MFA devices, so no code can be right.
pub(crate) fn refuse_mfa(serial: Option<&str>, code: Option<&str>) -> Result<(), Error> {
    match (serial, code) {
        (None, None) => Ok(()),
        _ => Err(Error::AccessDenied(
            "MultiFactorAuthentication failed, unable to validate MFA code. Please verify your MFA serial number is valid and associated with this user."
                .to_owned(),
        )),
    }
}

pub(crate) async fn assume_role(
    sts: &Sts,
    cx: &Cx,
    input: AssumeRoleRequest,
) -> Result<AssumeRoleResponse, Error> {
    refuse_mfa(input.serial_number.as_deref(), input.token_code.as_deref())?;
    if input.provided_contexts.is_some_and(|contexts| !contexts.is_empty()) {
        return Err(Error::NotImplemented("Nephos does not implement ProvidedContexts.".to_owned()));
    }
    let name = role_name(input.role_arn.as_deref())?;
    let session_name = input.role_session_name.unwrap_or_default();
    let mut session = SessionInput::read(input.policy, input.policy_arns, input.tags)?;
    session.transitive_tag_keys = transitive(input.transitive_tag_keys, &session.tags)?;
    session.source_identity = input.source_identity;
    inherit(cx, &mut session)?;
    let packed_policy_size = session.packed_percent()?;
    let role = sts.iam.store.read(|view| directory::role(view, &name))?;
    // In audit mode the trust policy of a role that does not exist was "allowed", too.
    let role = role.ok_or_else(|| crate::error::not_found("role", &name.name))?;
    let seconds = session_seconds(cx, &role, input.duration_seconds)?;
    let source_identity = session.source_identity.clone();
    let grant = Grant { name: &name, role: &role, session_name: &session_name, seconds };
    let assumed = sts.iam.begin_session(cx.now(), &grant, session).await?;
    Ok(AssumeRoleResponse {
        assumed_role_user: Some(assumed_role_user(&assumed.principal)),
        credentials: Some(credentials_shape(assumed.credentials)),
        packed_policy_size,
        source_identity,
    })
}

/// The keys that are handed down must be keys of the session's tags.
fn transitive(keys: Option<Vec<String>>, tags: &Tags) -> Result<Vec<String>, Error> {
    let keys = keys.unwrap_or_default();
    match keys.iter().find(|key| !tags.iter().any(|(known, _)| known.eq_ignore_ascii_case(key))) {
        None => Ok(keys),
        Some(_) => Err(Error::Validation(
            "The specified transitive tag key must be included in the requested tags.".to_owned(),
        )),
    }
}

/// Credentials as answers show them.
pub(crate) fn credentials_shape(credentials: Credentials) -> shapes::Credentials {
    shapes::Credentials {
        access_key_id: Some(credentials.access_key_id),
        secret_access_key: Some(credentials.secret_access_key),
        session_token: Some(credentials.session_token),
        expiration: Some(credentials.expiration),
    }
}

/// Whom the credentials are for.
pub(crate) fn assumed_role_user(principal: &Principal) -> AssumedRoleUser {
    AssumedRoleUser {
        assumed_role_id: Some(principal.user_id()),
        arn: principal.arn().map(|arn| arn.to_string()),
    }
}

impl IssueCredentials for Iam {
    fn assume_role<'a>(
        &'a self,
        cx: &'a Cx,
        request: AssumeRole,
    ) -> BoxFuture<'a, Result<AssumedRole, Fault>> {
        Box::pin(async move { Ok(self.assume_for_platform(cx, request).await?) })
    }

    fn trusts<'a>(
        &'a self,
        cx: &'a Cx,
        role_arn: &'a str,
        service: &'static str,
    ) -> BoxFuture<'a, Result<bool, Fault>> {
        Box::pin(async move { Ok(self.role_trusts(cx, role_arn, service)?) })
    }
}

impl Iam {
    async fn assume_for_platform(&self, cx: &Cx, request: AssumeRole) -> Result<AssumedRole, Error> {
        let name = role_name(Some(&request.role_arn))?;
        let mut session = SessionInput { policy: request.session_policy, ..SessionInput::default() };
        if let Some(policy) = &session.policy {
            check_policy(policy)?;
        }
        let role = self.store.read(|view| directory::role(view, &name))?;
        let cx = match &request.web_identity {
            // What the web identity may do follows from its token alone, whoever carries it here.
            Some(identity) => {
                session.keys = session_keys(&identity.provider, &identity.keys);
                self.permit_web_identity(cx, &name, role.as_ref(), &request.session_name, identity)?
            }
            None => {
                let mut access = to_role("sts:AssumeRole", &name, role.as_ref());
                access.keys.set("sts:RoleSessionName", &request.session_name);
                self.permit(cx, &Caller::from(&*cx.principal), &access)?;
                cx.clone()
            }
        };
        let role = role.ok_or_else(|| crate::error::not_found("role", &name.name))?;
        let asked = i32::try_from(request.duration_seconds).ok().filter(|seconds| *seconds > 0);
        let seconds = session_seconds(&cx, &role, asked)?;
        let grant = Grant { name: &name, role: &role, session_name: &request.session_name, seconds };
        self.begin_session(cx.now(), &grant, session).await
    }

    fn role_trusts(&self, cx: &Cx, role_arn: &str, service: &'static str) -> Result<bool, Error> {
        let Some(name) = RoleName::parse(role_arn) else { return Ok(false) };
        let Some(role) = self.store.read(|view| directory::role(view, &name))? else { return Ok(false) };
        let cx = Cx { principal: std::sync::Arc::new(Principal::Service { name: service }), ..cx.clone() };
        let access = to_role("sts:AssumeRole", &name, Some(&role));
        Ok(self.judge(&cx, &Caller::from(&*cx.principal), &access)?.is_allowed())
    }
}

/// The keys that a session keeps of the web identity it began with.
pub(crate) fn session_keys(provider: &str, keys: &ContextKeys) -> Vec<(String, Vec<String>)> {
    let own = keys.iter().map(|(key, values)| (key.to_owned(), values.to_vec()));
    own.chain([("aws:federatedprovider".to_owned(), vec![provider.to_owned()])]).collect()
}
