//! `Principal` and `NotPrincipal`, and the caller that they are compared with.

use nephos_core::{AccountId, Arn, Principal};

use super::document::{Effect, MalformedPolicy, members, one_or_many, texts};
use super::json::Json;

/// How closely an Allow names the caller, weakest first. It decides what the Allow suffices for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// The caller's account: permission is delegated to the account's own identity policies.
    Account,
    /// Everyone.
    Everyone,
    /// The role of the caller's session: still limited by boundary and session policy.
    Role,
    /// The user, session, service or web identity itself: not limited by an implicit deny elsewhere.
    Named,
}

/// The caller as policies see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    /// What sort of principal it is.
    pub kind: CallerKind,
    /// Its account; anonymous callers, services and web identities have none.
    pub account: Option<AccountId>,
    /// The ARN, or the name where there is none: what `Principal` lists and denials print.
    pub name: String,
    /// For a role's session, the role's own ARN.
    pub role_arn: Option<String>,
    /// The `AIDA...` or `AROA...` id of the user or role.
    pub unique_id: Option<String>,
}

/// The sorts of callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerKind {
    /// An unsigned call.
    Anonymous,
    /// An account's root user.
    Root,
    /// An IAM user.
    User,
    /// A session of a role.
    Role,
    /// A session of GetFederationToken.
    Federated,
    /// A part of the platform.
    Service,
    /// A verified web identity that assumes a role.
    WebIdentity,
}

impl Caller {
    /// A web identity, by the name of its provider in trust policies.
    pub fn web_identity(provider: &str) -> Caller {
        Caller {
            kind: CallerKind::WebIdentity,
            account: None,
            name: provider.to_owned(),
            role_arn: None,
            unique_id: None,
        }
    }
}

impl From<&Principal> for Caller {
    fn from(principal: &Principal) -> Caller {
        let (kind, role_arn, unique_id) = match principal {
            Principal::Anonymous => (CallerKind::Anonymous, None, None),
            Principal::Root { .. } => (CallerKind::Root, None, None),
            Principal::User { id, .. } => (CallerKind::User, None, Some(id.clone())),
            Principal::Role(role) => {
                (CallerKind::Role, Some(role.role_arn().to_string()), Some(role.role_id.clone()))
            }
            Principal::Federated { .. } => (CallerKind::Federated, None, None),
            Principal::Service { .. } => (CallerKind::Service, None, None),
        };
        Caller { kind, account: principal.account(), name: principal.display_name(), role_arn, unique_id }
    }
}

/// A statement's principals.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Principals {
    negated: bool,
    listed: Vec<Listed>,
}

#[derive(Debug, Clone, PartialEq)]
enum Listed {
    Everyone,
    Account(AccountId),
    Arn(Box<str>),
    UniqueId(Box<str>),
    Service(Box<str>),
    Federated(Box<str>),
    /// An S3 canonical id. Nephos has none, so it names nobody.
    Canonical,
}

impl Principals {
    pub(super) fn read(json: &Json, negated: bool) -> Result<Principals, MalformedPolicy> {
        if let Json::Text(text) = json {
            return match text.as_str() {
                "*" => Ok(Principals { negated, listed: vec![Listed::Everyone] }),
                other => Err(invalid("AWS", other)),
            };
        }
        let mut listed = Vec::new();
        for (kind, value) in members(json, "\"*\" or an object as Principal")? {
            for name in texts(value, "Principal")? {
                listed.push(Listed::read(kind, name)?);
            }
            if one_or_many(value).is_empty() {
                return Err(MalformedPolicy::syntax("expected at least one principal, got an empty list"));
            }
        }
        match listed.is_empty() {
            false => Ok(Principals { negated, listed }),
            true => Err(MalformedPolicy::syntax("expected at least one principal, got an empty object")),
        }
    }

    /// Whether the element applies to the caller, and how closely it names it.
    pub(super) fn applies(&self, caller: &Caller, effect: Effect) -> Option<Grant> {
        if self.negated {
            return (!self.excepts(caller, effect)).then_some(Grant::Everyone);
        }
        self.listed.iter().filter_map(|listed| listed.names(caller, effect)).max()
    }

    /// `NotPrincipal`: a Deny spares only a caller whose account, role and session are all listed; an Allow leaves
    /// out a caller as soon as any of them is.
    fn excepts(&self, caller: &Caller, effect: Effect) -> bool {
        let lists = |test: &dyn Fn(&Listed) -> bool| self.listed.iter().any(test);
        if lists(&|l| *l == Listed::Everyone) {
            return true;
        }
        if effect == Effect::Allow {
            return self.listed.iter().any(|listed| listed.names(caller, effect).is_some());
        }
        let itself = lists(&|l| l.is_itself(caller));
        let account = caller.account.is_none_or(|account| lists(&|l| *l == Listed::Account(account)));
        let role = caller.role_arn.is_none() || lists(&|l| l.is_role_of(caller));
        itself && account && role
    }

    pub(super) fn includes_everyone(&self) -> bool {
        self.negated || self.listed.contains(&Listed::Everyone)
    }
}

impl Listed {
    fn read(kind: &str, name: &str) -> Result<Listed, MalformedPolicy> {
        match kind {
            "AWS" => Listed::aws(name).ok_or_else(|| invalid(kind, name)),
            "Service" if is_service(name) => Ok(Listed::Service(name.into())),
            "Federated" if name != "*" && !name.is_empty() => Ok(Listed::Federated(name.into())),
            "CanonicalUser" => Ok(Listed::Canonical),
            "Service" | "Federated" => Err(invalid(kind, name)),
            other => Err(MalformedPolicy::syntax(format!(
                "expected a principal of kind AWS, Service, Federated or CanonicalUser, got {other:?}"
            ))),
        }
    }

    fn aws(name: &str) -> Option<Listed> {
        if name == "*" {
            return Some(Listed::Everyone);
        }
        if let Ok(account) = name.parse() {
            return Some(Listed::Account(account));
        }
        let id = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
        if (name.starts_with("AIDA") || name.starts_with("AROA")) && name.len() >= 16 && name.bytes().all(id)
        {
            return Some(Listed::UniqueId(name.into()));
        }
        let arn: Arn = name.parse().ok()?;
        let account = arn.account_id()?;
        let wild = name.contains(['*', '?']);
        let (sort, rest) = arn.resource.split_once('/').unwrap_or((&arn.resource, ""));
        match (arn.service.as_str(), sort) {
            ("iam", "root") if rest.is_empty() => Some(Listed::Account(account)),
            ("iam", "user" | "role") | ("sts", "assumed-role" | "federated-user")
                if !wild && !rest.is_empty() && arn.region.is_empty() =>
            {
                Some(Listed::Arn(name.into()))
            }
            _ => None,
        }
    }

    /// How closely this entry names the caller, if it does.
    fn names(&self, caller: &Caller, effect: Effect) -> Option<Grant> {
        if self.is_itself(caller) {
            return Some(Grant::Named);
        }
        if self.is_role_of(caller) {
            return Some(Grant::Role);
        }
        match self {
            // A web identity must be named by its provider; a Deny of everyone still reaches it.
            Listed::Everyone if caller.kind == CallerKind::WebIdentity && effect == Effect::Allow => None,
            Listed::Everyone => Some(Grant::Everyone),
            Listed::Account(account) if caller.account == Some(*account) => Some(Grant::Account),
            _ => None,
        }
    }

    fn is_itself(&self, caller: &Caller) -> bool {
        match self {
            Listed::Arn(arn) => {
                matches!(caller.kind, CallerKind::User | CallerKind::Role | CallerKind::Federated)
                    && **arn == *caller.name
            }
            Listed::UniqueId(id) => {
                caller.kind == CallerKind::User && caller.unique_id.as_deref() == Some(&**id)
            }
            Listed::Service(name) => caller.kind == CallerKind::Service && **name == *caller.name,
            Listed::Federated(name) => caller.kind == CallerKind::WebIdentity && **name == *caller.name,
            Listed::Account(account) => caller.kind == CallerKind::Root && caller.account == Some(*account),
            Listed::Everyone | Listed::Canonical => false,
        }
    }

    fn is_role_of(&self, caller: &Caller) -> bool {
        match self {
            Listed::Arn(arn) => caller.role_arn.as_deref() == Some(&**arn),
            Listed::UniqueId(id) => {
                caller.kind == CallerKind::Role && caller.unique_id.as_deref() == Some(&**id)
            }
            _ => false,
        }
    }
}

/// `lambda.amazonaws.com` and its kind; never a wildcard.
fn is_service(name: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    name.contains('.') && name.bytes().all(legal)
}

fn invalid(kind: &str, name: &str) -> MalformedPolicy {
    MalformedPolicy::new(format!("Invalid principal in policy: \"{kind}\":\"{name}\""))
}
