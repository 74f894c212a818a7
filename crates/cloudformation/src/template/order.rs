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
    let (order, circular) = sorted(&dependencies(template));
    if circular.is_empty() {
        return Ok(order);
    }
    let text = format!("Circular dependency between resources: [{}]", circular.join(", "));
    Err(Error::template(text))
}

/// The names in an order that has what each needs before it, and those that have none because they need each other.
pub fn sorted(graph: &BTreeMap<String, BTreeSet<String>>) -> (Vec<String>, Vec<String>) {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    let mut needed_by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, needs) in graph {
        let known = needs.iter().filter(|need| graph.contains_key(*need));
        left.insert(name, known.clone().count());
        known.for_each(|need| needed_by.entry(need).or_default().push(name));
    }
    let mut ready: BTreeSet<&str> = left.iter().filter(|(_, count)| **count == 0).map(|(n, _)| *n).collect();
    let mut order = Vec::with_capacity(graph.len());
    while let Some(name) = ready.pop_first() {
        left.remove(name);
        order.push(name.to_owned());
        for waiting in needed_by.remove(name).unwrap_or_default() {
            if let Some(count) = left.get_mut(waiting) {
                *count -= 1;
                if *count == 0 {
                    ready.insert(waiting);
                }
            }
        }
    }
    (order, left.into_keys().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(pairs: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        pairs.iter().map(|(name, needs)| ((*name).to_owned(), owned(needs))).collect()
    }

    #[test]
    fn what_is_needed_comes_first_and_circles_are_told() {
        let straight = graph(&[("a", &["c", "elsewhere"]), ("b", &[]), ("c", &["b"])]);
        assert_eq!(sorted(&straight), (vec!["b".into(), "c".into(), "a".into()], vec![]));
        let circular = graph(&[("a", &["b"]), ("b", &["a"]), ("c", &["c"]), ("d", &[])]);
        assert_eq!(sorted(&circular), (vec!["d".into()], vec!["a".into(), "b".into(), "c".into()]));
    }

    #[test]
    fn a_long_chain_is_sorted_at_once() {
        let count = 50_000;
        let chain: BTreeMap<String, BTreeSet<String>> = (0..count)
            .map(|n| (format!("n{:06}", count - n), BTreeSet::from([format!("n{:06}", count - n + 1)])))
            .collect();
        assert_eq!(sorted(&chain).0.len(), count);
    }
}
