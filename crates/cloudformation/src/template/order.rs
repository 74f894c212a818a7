//! The order in which resources are made: each after what it refers to.

use std::collections::{BTreeMap, BTreeSet};

use super::Template;
use super::intrinsics::references;
use crate::error::Error;

/// What each resource needs to be made before it.
pub fn dependencies(template: &Template) -> BTreeMap<String, BTreeSet<String>> {
    let needs = |resource: &super::Resource| {
        let mut found = Vec::new();
        references(&resource.properties, &mut found);
        let named = found.into_iter().map(|(name, _)| name);
        let known = named.chain(resource.depends_on.iter().cloned());
        known.filter(|name| template.resources.contains_key(name)).collect()
    };
    template.resources.iter().map(|(name, resource)| (name.clone(), needs(resource))).collect()
}

/// All resources in an order that has every dependency first; names decide among equals.
pub fn creation_order(template: &Template) -> Result<Vec<String>, Error> {
    let mut waiting = dependencies(template);
    let mut order = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let ready = waiting.iter().filter(|(_, needs)| needs.iter().all(|need| order.contains(need)));
        let ready: Vec<String> = ready.map(|(name, _)| name.clone()).collect();
        if ready.is_empty() {
            let names: Vec<String> = waiting.into_keys().collect();
            let text = format!("Circular dependency between resources: [{}]", names.join(", "));
            return Err(Error::template(text));
        }
        ready.iter().for_each(|name| drop(waiting.remove(name)));
        order.extend(ready);
    }
    Ok(order)
}
