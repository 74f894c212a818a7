//! The port through which every service asks: gathers the policies that bear on a request, and decides.

use std::borrow::Cow;
use std::sync::Arc;

use nephos_core::{Access, AccountId, Authorize, ContextKeys, Cx, Denied, Principal};

use crate::audit::Refusal;
use crate::error::Error;
use crate::keys::Sort;
use crate::policy::{
    Caller, CallerKind, Context, Decision, Kind, Policies, PolicyKind, PolicySet, Question, Values, decide,
};
use crate::subjects::Subject;
use crate::{Iam, Mode};

/// Actions on roles that the role's trust policy must allow.
const TRUST_ACTIONS: [&str; 5] = [
    "sts:AssumeRole",
    "sts:AssumeRoleWithWebIdentity",
    "sts:AssumeRoleWithSAML",
    "sts:TagSession",
    "sts:SetSourceIdentity",
];

impl Authorize for Iam {
    fn authorize(&self, cx: &Cx, access: &Access) -> Result<(), Denied> {
        self.permit(cx, &Caller::from(&*cx.principal), access)
    }
}

impl Iam {
    /// Decides, records a refusal, and enforces it unless in audit mode.
    pub(crate) fn permit(&self, cx: &Cx, caller: &Caller, access: &Access) -> Result<(), Denied> {
        let decision = match self.judge(cx, caller, access) {
            Ok(decision) if decision.is_allowed() => return Ok(()),
            Ok(decision) => decision,
            Err(error) => {
                tracing::error!(%error, request_id = %cx.request_id, action = access.action,
                    "a decision failed and was taken for a refusal");
                Decision::ImplicitDeny { missing: PolicyKind::Identity }
            }
        };
        let message = decision.message(&caller.name, access.action, &access.resource);
        let enforced = self.config.mode == Mode::Enforce;
        self.refusals.record(Refusal {
            at: cx.now(),
            request_id: cx.request_id.clone(),
            principal: caller.name.clone(),
            action: access.action,
            resource: access.resource.clone(),
            decision,
            enforced,
        });
        if enforced { Err(Denied { message }) } else { Ok(()) }
    }

    /// Decides, whatever the mode.
    pub(crate) fn judge(&self, cx: &Cx, caller: &Caller, access: &Access) -> Result<Decision, Error> {
        let principal = &*cx.principal;
        if session_forbids(principal, access.action) {
            return Ok(Decision::ImplicitDeny { missing: PolicyKind::Session });
        }
        let owner = access.owner.unwrap_or(cx.account);
        let subject = match caller.kind {
            CallerKind::User | CallerKind::Role | CallerKind::Federated => {
                match self.holder(principal)? {
                    Holder::Known(subject) => Some(subject),
                    Holder::Root => None,
                    // Deleted meanwhile: not even a resource's policy is about it any more.
                    Holder::Gone => return Ok(Decision::ImplicitDeny { missing: PolicyKind::Identity }),
                }
            }
            _ => None,
        };
        let trust = TRUST_ACTIONS.contains(&access.action) && access.resource.starts_with("arn:aws:iam:");
        let resource = match self.resource_policy(access, trust) {
            Ok(set) => set,
            Err(denied) => return Ok(denied),
        };
        let session = self.session_policies(principal)?;
        let facts = Facts { cx, access, caller, subject: subject.as_deref(), owner };
        let question = Question::new(caller, access.action, &access.resource, &facts);
        let root = root_of(subject.as_deref(), caller);
        let policies = Policies {
            identity: subject.as_deref().map(|subject| &subject.identity).or(root),
            boundary: subject.as_deref().and_then(|subject| subject.boundary.as_ref()),
            session: session.as_deref(),
            resource: resource.as_deref(),
            trust,
        };
        Ok(decide(&question, owner, policies))
    }

    /// The user or role whose permissions the principal has.
    fn holder(&self, principal: &Principal) -> Result<Holder, Error> {
        let found = match principal {
            Principal::User { account, name, id, .. } => self.subject(*account, Sort::User, name, id)?,
            Principal::Role(role) => {
                self.subject(role.account, Sort::Role, &role.role_name, &role.role_id)?
            }
            Principal::Federated { session, .. } => match session.issuer.as_deref() {
                Some(Principal::User { account, name, id, .. }) => {
                    self.subject(*account, Sort::User, name, id)?
                }
                _ => return Ok(Holder::Root),
            },
            _ => return Ok(Holder::Root),
        };
        Ok(found.map_or(Holder::Gone, Holder::Known))
    }

    /// The resource's own policy. One that does not compile might hold a Deny, so it refuses.
    fn resource_policy(&self, access: &Access, trust: bool) -> Result<Option<Arc<PolicySet>>, Decision> {
        let Some(policy) = &access.resource_policy else { return Ok(None) };
        let (kind, source, by) = match trust {
            true => (Kind::Trust, "trust policy", PolicyKind::Trust),
            false => (Kind::Resource, "resource policy", PolicyKind::Resource),
        };
        self.documents.compile(kind, &policy.json, source).map(Some).map_err(|malformed| {
            tracing::error!(resource = access.resource, %malformed, detail = malformed.detail,
                "a resource's policy does not compile, so it refuses");
            let statement = crate::policy::Matched { source: source.into(), sid: None, index: 0 };
            Decision::ExplicitDeny { by, statement }
        })
    }

    /// The session policies. A federated session always has some: without any it may do nothing.
    fn session_policies(&self, principal: &Principal) -> Result<Option<Vec<Arc<PolicySet>>>, Error> {
        let Some(session) = principal.session() else { return Ok(None) };
        if session.policies.is_empty() && !matches!(principal, Principal::Federated { .. }) {
            return Ok(None);
        }
        let compile = |text| self.documents.compile(Kind::Identity, text, "session policy");
        let sets = session.policies.iter().map(compile).collect::<Result<Vec<_>, _>>();
        sets.map(Some).map_err(|malformed| Error::MalformedPolicyDocument(malformed.message.clone()))
    }
}

enum Holder {
    Known(Arc<Subject>),
    Root,
    Gone,
}

/// A session that the root user federated has all permissions, which its session policies then narrow.
fn root_of(subject: Option<&Subject>, caller: &Caller) -> Option<&'static PolicySet> {
    static EVERYTHING: std::sync::LazyLock<PolicySet> = std::sync::LazyLock::new(|| {
        let document = crate::managed::find("arn:aws:iam::aws:policy/AdministratorAccess");
        let policy = document.map(|d| crate::policy::Policy::parse(d.document, Kind::Identity));
        match policy {
            Some(Ok(policy)) => PolicySet::of("the root user", policy),
            _ => PolicySet::default(),
        }
    });
    (subject.is_none() && caller.kind == CallerKind::Federated).then_some(&EVERYTHING)
}

/// Credentials of GetSessionToken without MFA and of GetFederationToken can't call IAM, and little of STS.
fn session_forbids(principal: &Principal, action: &str) -> bool {
    match principal {
        Principal::User { session: Some(session), .. } => {
            (action.starts_with("iam:") && !session.mfa)
                || (action.starts_with("sts:") && !TRUST_ACTIONS.contains(&action))
        }
        Principal::Federated { .. } => action.starts_with("iam:") || action.starts_with("sts:"),
        _ => false,
    }
}

/// The condition keys of a request: what the platform knows of the caller comes first and can't be overlaid.
struct Facts<'a> {
    cx: &'a Cx,
    access: &'a Access,
    caller: &'a Caller,
    subject: Option<&'a Subject>,
    owner: AccountId,
}

impl Context for Facts<'_> {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        if let Some(name) = key.strip_prefix("aws:") {
            if let Some(known) = self.global(name) {
                return known.map(Values::One);
            }
            if name.starts_with("principaltag/") {
                return self.principal_tag(key);
            }
            if name == "principalservicenameslist" {
                return self.service().map(Values::owned);
            }
        }
        let session = self.cx.principal.session().and_then(|session| session.keys.get(key));
        let found = self.access.keys.get(key).or(session).or_else(|| self.cx.keys.get(key));
        found.map(Values::Many)
    }
}

impl Facts<'_> {
    /// A global key that the platform itself answers: `Some(None)` means that this request does not have it.
    fn global(&self, name: &str) -> Option<Option<Cow<'_, str>>> {
        let caller = self.caller;
        let text = |text: &'static str| Some(Cow::Borrowed(text));
        let session = self.cx.principal.session();
        let iam_identity = !matches!(caller.kind, CallerKind::Service | CallerKind::WebIdentity);
        Some(match name {
            "currenttime" => Some(self.cx.now().iso8601().into()),
            "epochtime" => Some(self.cx.now().secs().to_string().into()),
            "requestedregion" => Some(self.cx.region.as_str().into()),
            "resourceaccount" => Some(self.owner.to_string().into()),
            "userid" => iam_identity.then(|| self.cx.principal.user_id().into()),
            "username" => match &*self.cx.principal {
                Principal::User { name, .. } => Some(name.as_str().into()),
                _ => None,
            },
            "principalarn" => caller.role_arn.as_deref().or(self.own_arn()).map(Cow::Borrowed),
            "principalaccount" => match caller.kind {
                CallerKind::Anonymous => text("anonymous"),
                _ => caller.account.map(|account| account.to_string().into()),
            },
            "principaltype" => principal_type(caller.kind).map(Cow::Borrowed),
            "principalisawsservice" => text(if self.service().is_some() { "true" } else { "false" }),
            "principalservicename" => self.service().map(Cow::Borrowed),
            "federatedprovider" if caller.kind == CallerKind::WebIdentity => {
                Some(caller.name.as_str().into())
            }
            "tokenissuetime" => session.map(|session| session.issued_at.iso8601().into()),
            "multifactorauthpresent" => {
                session.map(|session| Cow::Borrowed(if session.mfa { "true" } else { "false" }))
            }
            "sourceidentity" => {
                session.and_then(|session| session.source_identity.as_deref()).map(Cow::Borrowed)
            }
            "viaawsservice" if self.cx.keys.get("aws:viaawsservice").is_none() => text("false"),
            _ => return None,
        })
    }

    fn own_arn(&self) -> Option<&str> {
        self.caller.account.map(|_| self.caller.name.as_str())
    }

    fn service(&self) -> Option<&str> {
        (self.caller.kind == CallerKind::Service).then_some(self.caller.name.as_str())
    }

    /// A session's tags stand before those of its role.
    fn principal_tag(&self, key: &str) -> Option<Values<'_>> {
        let session: Option<&ContextKeys> = self.cx.principal.session().map(|session| &session.keys);
        if let Some(values) = session.and_then(|keys| keys.get(key)) {
            return Some(Values::Many(values));
        }
        let tags = &self.subject?.tags;
        tags.iter().find(|(name, _)| name == key).map(|(_, value)| Values::One(value.into()))
    }
}

fn principal_type(kind: CallerKind) -> Option<&'static str> {
    match kind {
        CallerKind::Anonymous => Some("Anonymous"),
        CallerKind::Root => Some("Account"),
        CallerKind::User => Some("User"),
        CallerKind::Role => Some("AssumedRole"),
        CallerKind::Federated => Some("FederatedUser"),
        CallerKind::Service | CallerKind::WebIdentity => None,
    }
}
