//! How services reach each other without importing each other. The composition root hands out the implementations.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::BoxFuture;
use crate::access::ContextKeys;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::names::{AccountId, Region};
use crate::principal::Principal;
use crate::timestamp::Timestamp;

/// Temporary credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `ASIA...`
    pub access_key_id: String,
    /// The secret. Never logged.
    pub secret_access_key: String,
    /// The session token.
    pub session_token: String,
    /// When they end.
    pub expiration: Timestamp,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// What a part of the platform asks for when it takes on a role.
#[derive(Debug, Clone)]
pub struct AssumeRole {
    /// The role's ARN.
    pub role_arn: String,
    /// The session's name.
    pub session_name: String,
    /// Lifetime in seconds.
    pub duration_seconds: u32,
    /// A session policy (JSON) that narrows the role, such as the scope-down of unauthenticated identities.
    pub session_policy: Option<String>,
    /// Web identity claims that the trust policy is checked against and that the session then carries.
    pub web_identity: Option<WebIdentity>,
}

/// A verified web identity, as `sts:AssumeRoleWithWebIdentity` sees it.
#[derive(Debug, Clone, Default)]
pub struct WebIdentity {
    /// The federated principal of the trust policy, such as `cognito-identity.amazonaws.com`.
    pub provider: String,
    /// Context keys: `cognito-identity.amazonaws.com:aud`, `:sub`, `:amr`.
    pub keys: ContextKeys,
}

/// Issues credentials of roles, after their trust policy allowed it. Implemented by `iam`.
pub trait IssueCredentials: Send + Sync {
    /// Assumes a role as the context's principal (a service, or anonymous with a web identity).
    fn assume_role<'a>(
        &'a self,
        cx: &'a Cx,
        request: AssumeRole,
    ) -> BoxFuture<'a, Result<AssumedRole, Fault>>;

    /// Whether the role exists and its trust policy lets the service principal `service` assume it, which services
    /// check before they store a role's ARN (`lambda:CreateFunction`, ...).
    fn trusts<'a>(
        &'a self,
        cx: &'a Cx,
        role_arn: &'a str,
        service: &'static str,
    ) -> BoxFuture<'a, Result<bool, Fault>>;
}

/// Verifies web identity tokens that the platform issues itself. Implemented by `cognito` for the OpenID tokens of its
/// identity pools; used by `sts:AssumeRoleWithWebIdentity`.
pub trait VerifyWebIdentity: Send + Sync {
    /// Verifies signature, issuer and times. Whether the audience and subject may have a role is for the role's trust
    /// policy to say.
    fn verify_web_identity<'a>(
        &'a self,
        cx: &'a Cx,
        token: &'a str,
    ) -> BoxFuture<'a, Result<VerifiedWebIdentity, WebIdentityError>>;
}

/// What a verified web identity token says.
#[derive(Debug, Clone)]
pub struct VerifiedWebIdentity {
    /// The trust policy's federated principal, and the condition keys that the token brings.
    pub identity: WebIdentity,
    /// The `iss` claim, which the answer calls `Provider`.
    pub issuer: String,
    /// The `sub` claim.
    pub subject: String,
    /// The `aud` claim.
    pub audience: String,
}

/// Why a web identity token is not good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebIdentityError {
    /// Another issuer made it; someone else may verify it.
    #[error("the token is from another issuer")]
    Foreign,
    /// It is malformed or forged.
    #[error("the token is not valid: {0}")]
    Invalid(String),
    /// It has ended.
    #[error("the token has expired")]
    Expired,
    /// The keys could not be read; the detail is in the log.
    #[error("the token could not be verified")]
    Unavailable,
}

/// A role that was assumed.
#[derive(Debug, Clone)]
pub struct AssumedRole {
    /// The credentials.
    pub credentials: Credentials,
    /// The session as a principal, for calls inside the platform.
    pub principal: Principal,
}

/// Looks up who signs with an access key. Implemented by `iam`, used by the gateway.
pub trait Identify: Send + Sync {
    /// The secret and the principal behind an access key and, for temporary ones, its session token.
    fn identify<'a>(
        &'a self,
        access_key_id: &'a str,
        session_token: Option<&'a str>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Identity, IdentifyError>>;
}

/// A known access key.
#[derive(Clone)]
pub struct Identity {
    /// The secret, to verify the signature with. Never logged.
    pub secret_access_key: String,
    /// Who it is.
    pub principal: std::sync::Arc<Principal>,
}

/// Why an access key is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentifyError {
    /// No such key, or it is inactive.
    #[error("the access key is unknown or inactive")]
    UnknownKey,
    /// The session token is malformed, forged, missing, or belongs to another key.
    #[error("the session token is not valid for this access key")]
    InvalidToken,
    /// The session has ended.
    #[error("the session token has expired")]
    ExpiredToken,
    /// The store failed; the detail is in the log.
    #[error("the credentials could not be looked up")]
    Unavailable,
}

/// A call of a function from inside the platform.
#[derive(Debug, Clone)]
pub struct InvokeFunction {
    /// Name, partial ARN or ARN, with an optional qualifier.
    pub function: String,
    /// The event.
    pub payload: Bytes,
    /// Whether to wait for the answer.
    pub mode: InvokeMode,
}

/// Whether an invocation waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvokeMode {
    /// Wait for the function's answer.
    RequestResponse,
    /// Queue durably, answer at once.
    Event,
}

/// What a function answered.
#[derive(Debug, Clone)]
pub struct InvokeOutcome {
    /// The payload; for a failed function, its error object.
    pub payload: Bytes,
    /// `Unhandled` where the function failed.
    pub function_error: Option<String>,
}

/// Calls functions. Implemented by `lambda`.
pub trait Invoke: Send + Sync {
    /// Invokes as the context's principal, which must be allowed `lambda:InvokeFunction`.
    fn invoke<'a>(&'a self, cx: &'a Cx, call: InvokeFunction) -> BoxFuture<'a, Result<InvokeOutcome, Fault>>;
}

/// Reads whole objects, such as a function's code or a template. Implemented by `s3`.
pub trait ReadObject: Send + Sync {
    /// Reads as the context's principal; refuses objects over `max_bytes`.
    fn read_object<'a>(
        &'a self,
        cx: &'a Cx,
        bucket: &'a str,
        key: &'a str,
        max_bytes: u64,
    ) -> BoxFuture<'a, Result<Bytes, Fault>>;
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    /// The text, without its line end.
    pub message: String,
}

/// Where log lines go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogTarget {
    /// The owning account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
    /// The log group, made when missing.
    pub group: String,
    /// The log stream, made when missing.
    pub stream: String,
}

/// Takes functions' logs. Implemented by `logs`.
pub trait WriteLogs: Send + Sync {
    /// Queues lines; never waits. What does not fit the bounded queue is dropped and counted.
    fn write_logs(&self, target: &LogTarget, lines: Vec<LogLine>);
}

/// A message to a user: a confirmation code, a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// How it travels.
    pub medium: Medium,
    /// The address or phone number.
    pub to: String,
    /// The subject; empty for SMS.
    pub subject: String,
    /// The body: plain text or HTML.
    pub body: String,
    /// Facts that tests and tools match on, such as `user_pool_id`, `username` and `code`.
    pub facts: BTreeMap<String, String>,
}

/// How a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// By mail.
    Email,
    /// By SMS.
    Sms,
}

/// Delivers messages to users: to the outbox always, to SMTP where configured. Implemented by `server`.
pub trait Deliver: Send + Sync {
    /// Queues the message for delivery.
    fn deliver<'a>(&'a self, cx: &'a Cx, message: Message) -> BoxFuture<'a, Result<(), Fault>>;
}

/// Serves the platform's own endpoint on a socket that was made inside a sandbox's network namespace, so that a
/// function reaches the platform without a route to the host. Implemented by `gateway`.
pub trait ServeEndpoint: Send + Sync {
    /// Serves until the listener's socket is shut down or the returned guard is dropped.
    fn serve_endpoint(&self, listener: std::net::TcpListener) -> ServingGuard;
}

/// Stops serving a socket when dropped.
pub struct ServingGuard(Option<Box<dyn FnOnce() + Send>>);

impl ServingGuard {
    /// A guard that runs `stop` when dropped.
    pub fn new(stop: impl FnOnce() + Send + 'static) -> Self {
        ServingGuard(Some(Box::new(stop)))
    }
}

impl Drop for ServingGuard {
    fn drop(&mut self) {
        if let Some(stop) = self.0.take() {
            stop();
        }
    }
}
