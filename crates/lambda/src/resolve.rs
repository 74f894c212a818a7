//! From a function's name and qualifier to what is stored of it.

use nephos_store::{Read, View};

use crate::keys;
use crate::names::{FunctionId, LATEST, Qualifier, Reference};
use crate::plane::Limit;
use crate::records::{AccountRecord, AliasRecord, FunctionRecord, PolicyRecord, VersionRecord};
use crate::{Config, Error};

/// A function's record.
pub fn function(read: &dyn Read, function: &FunctionId) -> Result<FunctionRecord, Error> {
    let record = (&read).record(&keys::function(function))?;
    record.ok_or_else(|| Error::no_function(function, None))
}

/// A version's record.
pub fn version(read: &dyn Read, function: &FunctionId, number: u64) -> Result<VersionRecord, Error> {
    let record = (&read).record(&keys::version(function, number))?;
    let label = (number != keys::LATEST).then(|| number.to_string());
    record.ok_or_else(|| Error::no_function(function, label.as_deref()))
}

/// An alias's record.
pub fn alias(read: &dyn Read, function: &FunctionId, name: &str) -> Result<AliasRecord, Error> {
    let record = (&read).record(&keys::alias(function, name))?;
    record.ok_or_else(|| {
        Error::NotFound(format!("Cannot find alias arn: {}", function.qualified_arn(Some(name))))
    })
}

/// The version that a reference leads to. An alias with weights leads to one of its versions by chance.
pub fn resolve(read: &dyn Read, reference: &Reference) -> Result<VersionRecord, Error> {
    let function = &reference.function;
    match Qualifier::parse(reference.qualifier.as_deref()) {
        Qualifier::Latest => version(read, function, keys::LATEST),
        Qualifier::Version(number) => version(read, function, number),
        Qualifier::Alias(name) => {
            let alias = alias(read, function, &name)?;
            version(read, function, version_number(&choose(&alias)))
        }
    }
}

/// A version's number in the form in which aliases have it.
pub fn version_number(text: &str) -> u64 {
    if text == LATEST { keys::LATEST } else { text.parse().unwrap_or(u64::MAX) }
}

fn choose(alias: &AliasRecord) -> String {
    let roll = f64::from(u32::from_be_bytes(nephos_core::random::bytes())) / (f64::from(u32::MAX) + 1.0);
    let mut below = 0.0;
    for (version, weight) in &alias.weights {
        below += weight;
        if roll < below {
            return version.clone();
        }
    }
    alias.version.clone()
}

/// The resource policy of what a reference names.
pub fn policy(read: &dyn Read, reference: &Reference) -> Result<Option<PolicyRecord>, Error> {
    let qualifier = reference.qualifier.as_deref().filter(|qualifier| *qualifier != LATEST);
    Ok((&read).record(&keys::policy(&reference.function, qualifier))?)
}

/// What is reserved in an account.
pub fn account(read: &dyn Read, function: &FunctionId) -> Result<AccountRecord, Error> {
    Ok((&read).record(&keys::account(&function.owner))?.unwrap_or_default())
}

/// All that an invocation needs to know.
pub fn for_invocation(
    view: &View,
    config: &Config,
    reference: &Reference,
) -> Result<(VersionRecord, Limit), Error> {
    let function = function(view, &reference.function).map_err(|error| match error {
        Error::NotFound(_) => Error::no_function(&reference.function, reference.qualifier.as_deref()),
        other => other,
    })?;
    let version = resolve(view, reference)?;
    let limit = match function.reserved_concurrency {
        Some(reserved) => Limit::Reserved(reserved),
        None => {
            let reserved = account(view, &reference.function)?.reserved;
            Limit::Unreserved(config.account_concurrency.saturating_sub(reserved))
        }
    };
    Ok((version, limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_share_out_calls() {
        let alias = AliasRecord {
            version: "1".into(),
            description: String::new(),
            weights: [("2".to_owned(), 0.5)].into(),
            revision: String::new(),
        };
        let twos = (0..1000).filter(|_| choose(&alias) == "2").count();
        assert!((350..650).contains(&twos), "{twos}");
        assert_eq!(version_number("$LATEST"), 0);
        assert_eq!(version_number("12"), 12);
    }
}
