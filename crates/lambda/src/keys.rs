//! Every storage key. Versions of a function sort by number, the changing one (0) first.

use nephos_store::{Key, KeyReader, StoreError};

use crate::names::{FunctionId, Owner};

const SPACE: &str = "lambda";
const FUNCTION: u8 = 1;
const VERSION: u8 = 2;
const ALIAS: u8 = 3;
const POLICY: u8 = 4;
const URL: u8 = 5;
const URL_ID: u8 = 6;
const EVENT_CONFIG: u8 = 7;
const SECRET: u8 = 8;
const ACCOUNT: u8 = 9;

/// The number of the version that changes.
pub const LATEST: u64 = 0;

fn owned(kind: u8, owner: &Owner) -> Key {
    Key::new(SPACE).u8(kind).text(owner.account.as_str()).text(owner.region.as_str())
}

fn below(kind: u8, function: &FunctionId) -> Key {
    owned(kind, &function.owner).text(&function.name)
}

/// A function's record.
pub fn function(function: &FunctionId) -> Key {
    below(FUNCTION, function)
}

/// All functions of an owner, by name.
pub fn functions(owner: &Owner) -> Key {
    owned(FUNCTION, owner)
}

/// The function's name in its key, and in every key below it.
pub fn function_name(key: &[u8]) -> Result<String, StoreError> {
    let mut reader = KeyReader::new(key);
    reader.text()?;
    reader.u8()?;
    reader.text()?;
    reader.text()?;
    reader.text()
}

/// A version of a function.
pub fn version(function: &FunctionId, number: u64) -> Key {
    versions(function).u64(number)
}

/// All versions of a function, by number.
pub fn versions(function: &FunctionId) -> Key {
    below(VERSION, function)
}

/// All versions of all functions of an owner.
pub fn versions_of(owner: &Owner) -> Key {
    owned(VERSION, owner)
}

/// All versions of all functions of everybody.
pub fn all_versions() -> Key {
    Key::new(SPACE).u8(VERSION)
}

/// An alias.
pub fn alias(function: &FunctionId, name: &str) -> Key {
    aliases(function).text(name)
}

/// All aliases of a function, by name.
pub fn aliases(function: &FunctionId) -> Key {
    below(ALIAS, function)
}

/// The resource policy of a function (no qualifier), a version or an alias.
pub fn policy(function: &FunctionId, qualifier: Option<&str>) -> Key {
    policies(function).text(qualifier.unwrap_or_default())
}

/// All resource policies of a function.
pub fn policies(function: &FunctionId) -> Key {
    below(POLICY, function)
}

/// The URL of a function (no qualifier) or an alias.
pub fn url(function: &FunctionId, qualifier: Option<&str>) -> Key {
    urls(function).text(qualifier.unwrap_or_default())
}

/// All URLs of a function.
pub fn urls(function: &FunctionId) -> Key {
    below(URL, function)
}

/// What a URL's id belongs to.
pub fn url_id(id: &str) -> Key {
    Key::new(SPACE).u8(URL_ID).text(id)
}

/// How asynchronous invocations of a function, version or alias are tried.
pub fn event_config(function: &FunctionId, qualifier: Option<&str>) -> Key {
    event_configs(function).text(qualifier.unwrap_or_default())
}

/// All such settings of a function.
pub fn event_configs(function: &FunctionId) -> Key {
    below(EVENT_CONFIG, function)
}

/// The last text of a key: an alias's name or a qualifier (empty: none).
pub fn last_name(key: &[u8]) -> Result<String, StoreError> {
    let mut reader = KeyReader::new(key);
    reader.text()?;
    reader.u8()?;
    for _ in 0..3 {
        reader.text()?;
    }
    reader.text()
}

/// What is reserved in an account and region.
pub fn account(owner: &Owner) -> Key {
    owned(ACCOUNT, owner)
}

/// The secret that download links of code are signed with.
pub fn secret() -> Key {
    Key::new(SPACE).u8(SECRET)
}

#[cfg(test)]
mod tests {
    use nephos_core::AccountId;

    use super::*;

    fn id(name: &str) -> FunctionId {
        let owner = Owner { account: AccountId::DEFAULT, region: Default::default() };
        FunctionId { owner, name: name.to_owned() }
    }

    #[test]
    fn versions_sort_by_number() {
        let numbers = [0, 1, 2, 10, 256];
        let keys = numbers.map(|n| version(&id("f"), n));
        assert!(keys.is_sorted());
        assert!(version(&id("f"), 9) < version(&id("f2"), 0));
    }

    #[test]
    fn names_read_back() {
        assert_eq!(function_name(function(&id("f")).as_bytes()).unwrap(), "f");
        assert_eq!(last_name(alias(&id("f"), "live").as_bytes()).unwrap(), "live");
        assert_eq!(last_name(policy(&id("f"), None).as_bytes()).unwrap(), "");
    }
}
