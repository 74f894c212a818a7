//! The decision: what identity, resource, boundary and session policies say together.
//!
//! An explicit Deny anywhere refuses. In one account, an Allow of the identity or of the resource is enough; across
//! accounts both must allow. A boundary and a session policy narrow what is left, except where the resource's policy
//! names the user or the session itself. A role's trust policy must always allow.

use std::sync::Arc;

use nephos_core::AccountId;

use super::principal::{Caller, CallerKind, Grant};
use super::set::{Matched, PolicySet, Question, Verdict};

/// The policies that bear on a request. An absent kind does not limit; an empty set allows nothing.
#[derive(Clone, Copy, Default)]
pub struct Policies<'a> {
    /// The user's or role's own, group policies included.
    pub identity: Option<&'a PolicySet>,
    /// The permissions boundary.
    pub boundary: Option<&'a PolicySet>,
    /// The session policies, inline and by ARN: what any of them allows.
    pub session: Option<&'a [Arc<PolicySet>]>,
    /// The resource's own policy.
    pub resource: Option<&'a PolicySet>,
    /// Whether the resource's policy is a role's trust policy, without whose Allow nothing goes.
    pub trust: bool,
}

/// The kinds of policy that a decision can rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyKind {
    /// Attached to the user, its groups, or the role.
    Identity,
    /// The permissions boundary.
    Boundary,
    /// Given with the session.
    Session,
    /// The resource's own.
    Resource,
    /// A role's trust policy.
    Trust,
}

/// The outcome, with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Allowed.
    Allowed {
        /// Which kind of policy allowed; none where the root user's own right did.
        by: Option<PolicyKind>,
        /// The statement.
        statement: Option<Matched>,
    },
    /// Refused by a Deny.
    ExplicitDeny {
        /// Which kind of policy denied.
        by: PolicyKind,
        /// The statement.
        statement: Matched,
    },
    /// Refused because nothing of this kind allowed.
    ImplicitDeny {
        /// Which kind of policy should have allowed.
        missing: PolicyKind,
    },
}

impl Decision {
    /// Whether the request may go on.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Decision::Allowed { .. })
    }

    /// AWS's text for a refusal; `resource` is left out for actions that have none.
    pub fn message(&self, caller: &str, action: &str, resource: &str) -> String {
        let on = if resource == "*" { String::new() } else { format!(" on resource: {resource}") };
        let reason = match self {
            Decision::Allowed { .. } => String::new(),
            Decision::ExplicitDeny { by, .. } => format!(" with an explicit deny in {}", by.denying()),
            Decision::ImplicitDeny { missing } => {
                format!(" because no {} allows the {action} action", missing.allowing())
            }
        };
        format!("User: {caller} is not authorized to perform: {action}{on}{reason}")
    }
}

impl PolicyKind {
    fn allowing(self) -> &'static str {
        match self {
            PolicyKind::Identity => "identity-based policy",
            PolicyKind::Boundary => "permissions boundary",
            PolicyKind::Session => "session policy",
            PolicyKind::Resource => "resource-based policy",
            PolicyKind::Trust => "role trust policy",
        }
    }

    fn denying(self) -> &'static str {
        match self {
            PolicyKind::Identity => "an identity-based policy",
            PolicyKind::Boundary => "a permissions boundary",
            PolicyKind::Session => "a session policy",
            PolicyKind::Resource => "a resource-based policy",
            PolicyKind::Trust => "the role trust policy",
        }
    }
}

/// What each kind of policy said.
struct Verdicts {
    identity: Option<Verdict>,
    boundary: Option<Verdict>,
    session: Option<Verdict>,
    resource: Option<Verdict>,
    resource_kind: PolicyKind,
}

/// Decides. `owner` is the account that owns the resource.
pub fn decide(question: &Question<'_>, owner: AccountId, policies: Policies<'_>) -> Decision {
    let ask = |set: Option<&PolicySet>| set.map(|set| set.verdict(question));
    let verdicts = Verdicts {
        identity: ask(policies.identity),
        boundary: ask(policies.boundary),
        session: policies.session.map(|sets| together(sets, question)),
        resource: ask(policies.resource),
        resource_kind: if policies.trust { PolicyKind::Trust } else { PolicyKind::Resource },
    };
    if let Some(denied) = verdicts.explicit_deny() {
        return denied;
    }
    let caller = question.caller;
    match caller.kind {
        CallerKind::Anonymous | CallerKind::Service | CallerKind::WebIdentity => verdicts.resource_alone(),
        _ if caller.account == Some(owner) => verdicts.same_account(caller, policies.trust),
        _ => verdicts.across_accounts(caller),
    }
}

/// What several sets say as one: a Deny of any, else an Allow of any.
fn together(sets: &[Arc<PolicySet>], question: &Question<'_>) -> Verdict {
    let mut found = Verdict::Silent;
    for set in sets {
        match set.verdict(question) {
            denied @ Verdict::Denied(_) => return denied,
            allowed @ Verdict::Allowed(..) => found = allowed,
            Verdict::Silent => {}
        }
    }
    found
}

impl Verdicts {
    fn explicit_deny(&self) -> Option<Decision> {
        let kinds = [
            (PolicyKind::Identity, &self.identity),
            (PolicyKind::Boundary, &self.boundary),
            (PolicyKind::Session, &self.session),
            (self.resource_kind, &self.resource),
        ];
        kinds.into_iter().find_map(|(by, verdict)| match verdict {
            Some(Verdict::Denied(statement)) => {
                Some(Decision::ExplicitDeny { by, statement: statement.clone() })
            }
            _ => None,
        })
    }

    /// Callers without identity policies have what the resource gives them.
    fn resource_alone(&self) -> Decision {
        match &self.resource {
            Some(Verdict::Allowed(_, statement)) => self.allowed(self.resource_kind, statement),
            _ => Decision::ImplicitDeny { missing: self.resource_kind },
        }
    }

    fn same_account(&self, caller: &Caller, trust: bool) -> Decision {
        let by_resource = match &self.resource {
            Some(Verdict::Allowed(grant, statement)) => Some((*grant, statement)),
            _ => None,
        };
        if trust && by_resource.is_none() {
            return Decision::ImplicitDeny { missing: PolicyKind::Trust };
        }
        if let Some((Grant::Named, statement)) = by_resource {
            return self.allowed(self.resource_kind, statement);
        }
        if caller.kind == CallerKind::Root {
            return Decision::Allowed { by: None, statement: None };
        }
        // An Allow of the account only delegates to the account's identity policies.
        let by_resource = by_resource.filter(|(grant, _)| *grant != Grant::Account);
        let allowed = match (&self.identity, by_resource) {
            (Some(Verdict::Allowed(_, statement)), _) => self.allowed(PolicyKind::Identity, statement),
            (_, Some((_, statement))) => self.allowed(self.resource_kind, statement),
            _ => Decision::ImplicitDeny { missing: PolicyKind::Identity },
        };
        self.narrowed(allowed)
    }

    fn across_accounts(&self, caller: &Caller) -> Decision {
        let by_identity = match (&self.identity, caller.kind) {
            (_, CallerKind::Root) => Decision::Allowed { by: None, statement: None },
            (Some(Verdict::Allowed(_, statement)), _) => self.allowed(PolicyKind::Identity, statement),
            _ => Decision::ImplicitDeny { missing: PolicyKind::Identity },
        };
        match self.narrowed(by_identity) {
            Decision::Allowed { .. } => self.resource_alone(),
            refused => refused,
        }
    }

    /// What boundary and session policies leave of an Allow.
    fn narrowed(&self, decision: Decision) -> Decision {
        if !decision.is_allowed() {
            return decision;
        }
        for (kind, verdict) in [(PolicyKind::Boundary, &self.boundary), (PolicyKind::Session, &self.session)]
        {
            if matches!(verdict, Some(Verdict::Silent)) {
                return Decision::ImplicitDeny { missing: kind };
            }
        }
        decision
    }

    fn allowed(&self, by: PolicyKind, statement: &Matched) -> Decision {
        Decision::Allowed { by: Some(by), statement: Some(statement.clone()) }
    }
}
