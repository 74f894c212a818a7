//! Compiled policy documents, by their text: session policies and resources' own policies come with the request, and
//! parsing them each time would cost more than the decision.

use std::sync::Arc;

use crate::cache::Cache;
use crate::policy::{Kind, MalformedPolicy, Policy, PolicySet};

/// A bounded cache of compiled documents of each kind.
pub(crate) struct Documents {
    identity: Cache<Arc<str>, Compiled>,
    resource: Cache<Arc<str>, Compiled>,
    trust: Cache<Arc<str>, Compiled>,
}

type Compiled = Result<Arc<PolicySet>, Arc<MalformedPolicy>>;

impl Documents {
    /// A cache of documents with together about twice `bytes` of text of each kind.
    pub(crate) fn new(bytes: usize) -> Documents {
        Documents { identity: Cache::new(bytes), resource: Cache::new(bytes), trust: Cache::new(bytes) }
    }

    /// The compiled document.
    pub(crate) fn compile(&self, kind: Kind, text: &Arc<str>, source: &str) -> Compiled {
        let cache = match kind {
            Kind::Identity => &self.identity,
            Kind::Resource => &self.resource,
            Kind::Trust => &self.trust,
        };
        if let Some(compiled) = cache.get(&**text) {
            return compiled;
        }
        let compiled = match Policy::parse(text, kind) {
            Ok(policy) => Ok(Arc::new(PolicySet::of(source, policy))),
            Err(malformed) => Err(Arc::new(malformed)),
        };
        cache.insert(Arc::clone(text), compiled.clone(), text.len().max(1));
        compiled
    }
}
