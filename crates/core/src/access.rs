//! What a caller wants to do to what, and the port that decides it. The engine behind it is the `iam` crate's.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::arn::Arn;
use crate::cx::Cx;
use crate::fault::Fault;

/// Condition context: a key's lower-cased name to its values. A key may be present with no values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContextKeys(BTreeMap<String, Vec<String>>);

impl ContextKeys {
    /// No keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key to one value.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.0.insert(key.to_ascii_lowercase(), vec![value.into()]);
    }

    /// Sets a key to several values.
    pub fn set_all(&mut self, key: &str, values: Vec<String>) {
        self.0.insert(key.to_ascii_lowercase(), values);
    }

    /// The key's values, whatever the case of its name.
    pub fn get(&self, key: &str) -> Option<&[String]> {
        if key.bytes().any(|b| b.is_ascii_uppercase()) {
            return self.0.get(&key.to_ascii_lowercase()).map(Vec::as_slice);
        }
        self.0.get(key).map(Vec::as_slice)
    }

    /// Every key with its values, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(key, values)| (key.as_str(), values.as_slice()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes over every key of `other`.
    pub fn merge(&mut self, other: &ContextKeys) {
        for (key, values) in &other.0 {
            self.0.insert(key.clone(), values.clone());
        }
    }
}

/// A resource's own policy: its JSON text, and the account that owns the resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDocument {
    /// The JSON document.
    pub json: Arc<str>,
}

/// One thing that a call wants to do: the action follows from the routed operation, never from what the caller says.
#[derive(Debug, Clone, PartialEq)]
pub struct Access {
    /// The IAM action, such as `dynamodb:PutItem`.
    pub action: &'static str,
    /// The resource's ARN as text, or `*` for actions that have no resource.
    pub resource: String,
    /// The account that owns the resource; the request's own where absent.
    pub owner: Option<crate::AccountId>,
    /// The service's own condition keys, such as `dynamodb:LeadingKeys`.
    pub keys: ContextKeys,
    /// The resource's own policy, where it has one.
    pub resource_policy: Option<PolicyDocument>,
}

impl Access {
    /// Access to one resource.
    pub fn on(action: &'static str, resource: &Arn) -> Self {
        Access {
            action,
            resource: resource.to_string(),
            owner: resource.account_id(),
            keys: ContextKeys::new(),
            resource_policy: None,
        }
    }

    /// Access by an action that has no resource of its own.
    pub fn any(action: &'static str) -> Self {
        Access {
            action,
            resource: "*".to_owned(),
            owner: None,
            keys: ContextKeys::new(),
            resource_policy: None,
        }
    }

    /// The same with a condition key.
    pub fn key(mut self, key: &str, value: impl Into<String>) -> Self {
        self.keys.set(key, value);
        self
    }

    /// The same with a condition key of several values.
    pub fn keys(mut self, key: &str, values: Vec<String>) -> Self {
        self.keys.set_all(key, values);
        self
    }

    /// The same with the resource's own policy.
    pub fn policy(mut self, policy: Option<PolicyDocument>) -> Self {
        self.resource_policy = policy;
        self
    }

    /// The same with the resource's owner named, for ARNs that carry no account.
    pub fn owned_by(mut self, account: crate::AccountId) -> Self {
        self.owner = Some(account);
        self
    }
}

/// A refusal, with AWS's text: who, what, on what, and which kind of policy refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Denied {
    /// `User: ARN is not authorized to perform: ACTION on resource: ARN because ...`.
    pub message: String,
}

impl From<Denied> for Fault {
    /// `AccessDeniedException` with status 400, as the JSON services say it; other protocols rename it.
    fn from(denied: Denied) -> Fault {
        Fault::new("AccessDeniedException", denied.message)
    }
}

/// The port through which everything is authorised.
pub trait Authorize: Send + Sync {
    /// Decides whether the context's principal may have `access`.
    fn authorize(&self, cx: &Cx, access: &Access) -> Result<(), Denied>;
}
