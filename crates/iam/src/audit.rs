//! What was refused, or in audit mode would have been: the latest refusals, kept in memory and bounded.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use nephos_core::{RequestId, Timestamp};

use crate::policy::Decision;

/// A refusal with its reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// The request.
    pub request_id: RequestId,
    /// Who.
    pub principal: String,
    /// The action.
    pub action: &'static str,
    /// The resource's ARN, or `*`.
    pub resource: String,
    /// Why: which kind of policy, and which statement.
    pub decision: Decision,
    /// Whether the caller was really refused; in audit mode it was not.
    pub enforced: bool,
}

/// The latest refusals.
pub(crate) struct Refusals {
    kept: Mutex<VecDeque<Refusal>>,
    capacity: usize,
}

impl Refusals {
    pub(crate) fn new(capacity: usize) -> Refusals {
        Refusals { kept: Mutex::default(), capacity }
    }

    pub(crate) fn record(&self, refusal: Refusal) {
        if !refusal.enforced {
            tracing::warn!(request_id = %refusal.request_id, principal = refusal.principal, action = refusal.action,
                resource = refusal.resource, reason = ?refusal.decision, "would be refused in enforce mode");
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        while kept.len() >= self.capacity.max(1) {
            kept.pop_front();
        }
        kept.push_back(refusal);
    }

    /// Oldest first.
    pub(crate) fn all(&self) -> Vec<Refusal> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
