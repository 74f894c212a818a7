//! Who makes a call.

use std::sync::Arc;

use crate::access::ContextKeys;
use crate::arn::Arn;
use crate::names::AccountId;
use crate::timestamp::Timestamp;

/// The authenticated caller of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Principal {
    /// Nobody: an unsigned call.
    Anonymous,
    /// An account's root user.
    Root {
        /// The account.
        account: AccountId,
    },
    /// An IAM user.
    User {
        /// The account.
        account: AccountId,
        /// The path, `/` or `/a/b/`.
        path: String,
        /// The user's name.
        name: String,
        /// The `AIDA...` id.
        id: String,
        /// Set where the call is made with temporary credentials of GetSessionToken.
        session: Option<SessionFacts>,
    },
    /// A session of a role.
    Role(Arc<RoleSession>),
    /// A session of GetFederationToken.
    Federated {
        /// The account.
        account: AccountId,
        /// The name that was given.
        name: String,
        /// The session.
        session: SessionFacts,
    },
    /// Another part of the platform, such as `lambda.amazonaws.com`.
    Service {
        /// The service principal.
        name: &'static str,
    },
}

/// What a temporary session carries.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SessionFacts {
    /// When the credentials were issued (`aws:TokenIssueTime`).
    pub issued_at: Timestamp,
    /// When they end.
    pub expires_at: Timestamp,
    /// Inline session policies and those named by ARN, as JSON documents. Empty: none restrict the session.
    pub policies: Vec<Arc<str>>,
    /// Whether a second factor was shown.
    pub mfa: bool,
    /// Sticky identity of the person behind the session, if any.
    pub source_identity: Option<String>,
    /// Further context keys that the session brings, such as `cognito-identity.amazonaws.com:sub`
    /// and `aws:PrincipalTag/...`.
    pub keys: ContextKeys,
    /// The keys of those session tags that a further role session inherits.
    pub transitive_tag_keys: Vec<String>,
    /// The user whose permissions a session of GetFederationToken has; the root user where absent.
    pub issuer: Option<Arc<Principal>>,
}

/// A session of a role: `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleSession {
    /// The account.
    pub account: AccountId,
    /// The role's path, `/` or `/a/b/`.
    pub role_path: String,
    /// The role's name.
    pub role_name: String,
    /// The `AROA...` id.
    pub role_id: String,
    /// The session's name.
    pub session_name: String,
    /// What the session carries.
    pub session: SessionFacts,
}

impl RoleSession {
    /// The role's own ARN, path included.
    pub fn role_arn(&self) -> Arn {
        Arn::global("iam", self.account, format!("role{}{}", self.role_path, self.role_name))
    }
}

impl Principal {
    /// The caller's account; none for anonymous callers and services.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Principal::Anonymous | Principal::Service { .. } => None,
            Principal::Root { account }
            | Principal::User { account, .. }
            | Principal::Federated { account, .. } => Some(*account),
            Principal::Role(session) => Some(session.account),
        }
    }

    /// The caller's ARN as `sts:GetCallerIdentity` and denials print it. Anonymous callers have none.
    pub fn arn(&self) -> Option<Arn> {
        match self {
            Principal::Anonymous | Principal::Service { .. } => None,
            Principal::Root { account } => Some(Arn::global("iam", *account, "root")),
            Principal::User { account, path, name, .. } => {
                Some(Arn::global("iam", *account, format!("user{path}{name}")))
            }
            Principal::Federated { account, name, .. } => {
                Some(Arn::global("sts", *account, format!("federated-user/{name}")))
            }
            Principal::Role(s) => Some(Arn::global(
                "sts",
                s.account,
                format!("assumed-role/{}/{}", s.role_name, s.session_name),
            )),
        }
    }

    /// The `UserId` of GetCallerIdentity, which is also `aws:userid`.
    pub fn user_id(&self) -> String {
        match self {
            Principal::Anonymous => "anonymous".to_owned(),
            Principal::Root { account } => account.to_string(),
            Principal::User { id, .. } => id.clone(),
            Principal::Federated { account, name, .. } => format!("{account}:{name}"),
            Principal::Role(s) => format!("{}:{}", s.role_id, s.session_name),
            Principal::Service { name } => (*name).to_owned(),
        }
    }

    /// What the caller's temporary session carries, where there is one.
    pub fn session(&self) -> Option<&SessionFacts> {
        match self {
            Principal::User { session, .. } => session.as_ref(),
            Principal::Federated { session, .. } => Some(session),
            Principal::Role(s) => Some(&s.session),
            Principal::Anonymous | Principal::Root { .. } | Principal::Service { .. } => None,
        }
    }

    /// How a denial names the caller.
    pub fn display_name(&self) -> String {
        match self {
            Principal::Anonymous => "anonymous".to_owned(),
            Principal::Service { name } => (*name).to_owned(),
            other => other.arn().map(|arn| arn.to_string()).unwrap_or_default(),
        }
    }
}
