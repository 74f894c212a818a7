//! The context that every handler gets first: who calls, where, when, and the platform's means.

use std::sync::Arc;
use std::time::Instant;

use crate::access::{Access, Authorize, ContextKeys, Denied};
use crate::clock::Clock;
use crate::names::{AccountId, Region, RequestId};
use crate::principal::Principal;
use crate::timestamp::Timestamp;

/// What all requests share.
pub struct Platform {
    /// The clock.
    pub clock: Clock,
    /// Decides every access.
    pub authorizer: Arc<dyn Authorize>,
    /// The base URL for what is not an answer to a request, such as a mail's link: `http://localhost:4566`.
    pub public_origin: Origin,
}

/// How the client addressed the platform. Every URL in an answer is built from this, so that a port mapped by a
/// container or a proxy works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The `Host` header: name and, unless it is the scheme's default, port.
    pub authority: String,
}

impl Origin {
    /// `scheme://authority`, without a trailing slash.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// The authority's `:port`, or nothing.
    pub fn port_suffix(&self) -> &str {
        match self.authority.rfind(':') {
            Some(at) if !self.authority.ends_with(']') => &self.authority[at..],
            _ => "",
        }
    }
}

/// A request's context. Cheap to clone.
#[derive(Clone)]
pub struct Cx {
    /// Who calls.
    pub principal: Arc<Principal>,
    /// The account whose resources the call is about: the caller's, unless a resource says otherwise.
    pub account: AccountId,
    /// The region of the request's credential scope.
    pub region: Region,
    /// The request's id.
    pub request_id: RequestId,
    /// How the client addressed us.
    pub origin: Origin,
    /// Condition keys of the request itself: `aws:SourceIp`, `aws:SecureTransport`, `aws:UserAgent`, ...
    pub keys: Arc<ContextKeys>,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// What all requests share.
    pub platform: Arc<Platform>,
}

impl Cx {
    /// Now, by the platform's clock.
    pub fn now(&self) -> Timestamp {
        self.platform.clock.now()
    }

    /// Decides whether the caller may have `access`.
    pub fn authorize(&self, access: &Access) -> Result<(), Denied> {
        self.platform.authorizer.authorize(self, access)
    }

    /// The context of the platform itself acting for a service, for work that no request asked for.
    pub fn for_service(
        platform: &Arc<Platform>,
        name: &'static str,
        account: AccountId,
        region: Region,
    ) -> Cx {
        Cx {
            principal: Arc::new(Principal::Service { name }),
            account,
            region,
            request_id: RequestId::new(),
            origin: platform.public_origin.clone(),
            keys: Arc::new(ContextKeys::new()),
            deadline: None,
            platform: Arc::clone(platform),
        }
    }

    /// The same request, acting as the service `name` on behalf of `source_arn` (the `aws:SourceArn` and
    /// `aws:SourceAccount` that resource policies check against the confused deputy).
    pub fn as_service(&self, name: &'static str, source_arn: &str) -> Cx {
        let mut keys = (*self.keys).clone();
        keys.set("aws:SourceArn", source_arn);
        keys.set("aws:SourceAccount", self.account.as_str());
        keys.set("aws:PrincipalIsAWSService", "true");
        keys.set("aws:PrincipalServiceName", name);
        Cx { principal: Arc::new(Principal::Service { name }), keys: Arc::new(keys), ..self.clone() }
    }

    /// The same request made by another principal, such as a role that was assumed.
    pub fn as_principal(&self, principal: Principal) -> Cx {
        let account = principal.account().unwrap_or(self.account);
        Cx { principal: Arc::new(principal), account, ..self.clone() }
    }
}
