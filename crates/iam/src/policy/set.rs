//! Policies of one kind that apply together, indexed by action so that a decision looks only at the statements that
//! can matter.

use std::collections::HashMap;
use std::sync::Arc;

use super::context::Context;
use super::document::{Effect, Matchers, Policy, Statement};
use super::principal::{Caller, Grant};
use super::signature::Signature;

/// A compiled, indexed set of policies.
#[derive(Debug, Default)]
pub struct PolicySet {
    entries: Vec<Entry>,
    allows: Index,
    denies: Index,
}

#[derive(Debug)]
struct Entry {
    source: Arc<str>,
    policy: Arc<Policy>,
    statement: usize,
}

/// From an action to the statements whose `Action` may match it.
#[derive(Debug, Default)]
struct Index {
    /// Actions that are spelled out.
    exact: HashMap<Box<str>, Vec<usize>>,
    /// Actions with wildcards, by the vendor before the colon.
    by_vendor: HashMap<Box<str>, Vec<usize>>,
    /// `*`, `*:...` and `NotAction`.
    any: Vec<usize>,
}

/// What a request is about, as statements see it.
pub struct Question<'a> {
    pub(super) caller: &'a Caller,
    pub(super) action: String,
    pub(super) resource: &'a str,
    pub(super) resource_holds: Signature,
    pub(super) context: &'a dyn Context,
}

impl<'a> Question<'a> {
    /// Whether `caller` may do `action` to `resource` (an ARN, or `*`), with the request's condition keys.
    pub fn new(caller: &'a Caller, action: &str, resource: &'a str, context: &'a dyn Context) -> Self {
        let action = action.to_ascii_lowercase();
        Question { caller, action, resource, resource_holds: Signature::of(resource), context }
    }
}

/// The statement that decided, for explanations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// Where its policy comes from: an ARN, or a description such as `inline policy NAME`.
    pub source: Arc<str>,
    /// Its `Sid`, where it has one.
    pub sid: Option<String>,
    /// Its place in the document, from 0.
    pub index: usize,
}

/// What a set says to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A Deny matched.
    Denied(Matched),
    /// No Deny matched, and an Allow did.
    Allowed(Grant, Matched),
    /// Nothing matched.
    Silent,
}

impl PolicySet {
    /// Builds a set of policies, each with the name of its source.
    pub fn new(policies: impl IntoIterator<Item = (Arc<str>, Arc<Policy>)>) -> PolicySet {
        let mut set = PolicySet::default();
        for (source, policy) in policies {
            for statement in 0..policy.statements.len() {
                set.insert(Entry { source: Arc::clone(&source), policy: Arc::clone(&policy), statement });
            }
        }
        set
    }

    /// A set of one policy.
    pub fn of(source: &str, policy: Policy) -> PolicySet {
        PolicySet::new([(Arc::from(source), Arc::new(policy))])
    }

    fn insert(&mut self, entry: Entry) {
        let at = self.entries.len();
        let statement = entry.statement();
        let index = match statement.effect {
            Effect::Allow => &mut self.allows,
            Effect::Deny => &mut self.denies,
        };
        index.insert(&statement.actions, at);
        self.entries.push(entry);
    }

    /// Whether there is no statement at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What the set says.
    pub fn verdict(&self, question: &Question<'_>) -> Verdict {
        let denied =
            self.denies.candidates(&question.action).find(|at| self.applies(*at, question).is_some());
        if let Some(at) = denied {
            return Verdict::Denied(self.entries[at].matched());
        }
        let mut best: Option<(Grant, usize)> = None;
        for at in self.allows.candidates(&question.action) {
            if best.is_some_and(|(_, known)| known == at) {
                continue;
            }
            if let Some(grant) = self.applies(at, question)
                && best.is_none_or(|(known, _)| grant > known)
            {
                best = Some((grant, at));
                if grant == Grant::Named {
                    break;
                }
            }
        }
        match best {
            Some((grant, at)) => Verdict::Allowed(grant, self.entries[at].matched()),
            None => Verdict::Silent,
        }
    }

    fn applies(&self, at: usize, question: &Question<'_>) -> Option<Grant> {
        self.entries[at].statement().applies(question)
    }
}

impl Entry {
    fn statement(&self) -> &Statement {
        &self.policy.statements[self.statement]
    }

    fn matched(&self) -> Matched {
        Matched {
            source: Arc::clone(&self.source),
            sid: self.statement().sid.as_deref().map(str::to_owned),
            index: self.statement,
        }
    }
}

impl Index {
    fn insert(&mut self, actions: &Matchers, at: usize) {
        if actions.negated {
            push(&mut self.any, at);
            return;
        }
        for pattern in &actions.patterns {
            let vendor = pattern.literal_prefix().split_once(':').map(|(vendor, _)| vendor);
            match (pattern.literal(), vendor) {
                (Some(action), _) => push(self.exact.entry(action.into()).or_default(), at),
                (None, Some(vendor)) => push(self.by_vendor.entry(vendor.into()).or_default(), at),
                (None, None) => push(&mut self.any, at),
            }
        }
    }

    fn candidates(&self, action: &str) -> impl Iterator<Item = usize> {
        let vendor = action.split_once(':').map_or(action, |(vendor, _)| vendor);
        let lists = [self.exact.get(action), self.by_vendor.get(vendor), Some(&self.any)];
        lists.into_iter().flatten().flatten().copied()
    }
}

/// Statements come in order, so a repetition is always the last.
fn push(list: &mut Vec<usize>, at: usize) {
    if list.last() != Some(&at) {
        list.push(at);
    }
}

impl Statement {
    /// Whether the statement applies to the question, and how closely it names the caller.
    pub(super) fn applies(&self, question: &Question<'_>) -> Option<Grant> {
        let grant = match &self.principals {
            Some(principals) => principals.applies(question.caller, self.effect)?,
            None => Grant::Named,
        };
        // The cheapest and most telling first.
        let applies = self.resource_matches(question)
            && self.action_matches(question)
            && self.conditions.iter().all(|condition| condition.holds(question.context, self.effect));
        applies.then_some(grant)
    }

    fn action_matches(&self, question: &Question<'_>) -> bool {
        let named =
            self.actions.patterns.iter().any(|p| p.matches(&question.action, question.context) == Some(true));
        named != self.actions.negated
    }

    fn resource_matches(&self, question: &Question<'_>) -> bool {
        let Some(resources) = &self.resources else { return true };
        let mut unresolved = false;
        let named = resources.patterns.iter().any(|pattern| {
            let matched =
                pattern.matches_signed(question.resource, &question.resource_holds, question.context);
            unresolved |= matched.is_none();
            matched == Some(true)
        });
        match resources.negated {
            false => named,
            // A variable without a value must not turn "all but mine" into "all": such an Allow does not apply.
            true => !(named || unresolved && self.effect == Effect::Allow),
        }
    }
}
