//! Reading what is stored: users, groups, roles and policies by their AWS names.

use nephos_core::{AccountId, Arn};
use nephos_store::{Read, StoreError};

use crate::error::{Error, not_found};
use crate::keys::{self, Sort};
use crate::managed;
use crate::records::{AccessKey, Account, Entity, ManagedPolicy};

/// A user, group or role. Names differ by case only once in an account, but are looked up exactly.
pub(crate) fn find<R: Read>(
    tx: &R,
    account: AccountId,
    sort: Sort,
    name: &str,
) -> Result<Option<Entity>, StoreError> {
    let found: Option<Entity> = tx.record(&keys::entity(account, sort, name))?;
    Ok(found.filter(|entity| entity.name == name))
}

/// A user, group or role that must exist.
pub(crate) fn get<R: Read>(tx: &R, account: AccountId, sort: Sort, name: &str) -> Result<Entity, Error> {
    find(tx, account, sort, name)?.ok_or_else(|| not_found(sort.noun(), name))
}

/// The account and name in a role's ARN, and its path.
pub(crate) struct RoleName {
    pub account: AccountId,
    pub path: String,
    pub name: String,
}

impl RoleName {
    pub(crate) fn parse(arn: &str) -> Option<RoleName> {
        let (account, path, name) = named(arn, "role")?;
        Some(RoleName { account, path, name })
    }

    pub(crate) fn arn(&self) -> Arn {
        Arn::global("iam", self.account, format!("role{}{}", self.path, self.name))
    }
}

/// Takes apart `arn:aws:iam::ACCOUNT:NOUN/PATH/NAME`.
pub(crate) fn named(arn: &str, noun: &str) -> Option<(AccountId, String, String)> {
    let arn: Arn = arn.parse().ok()?;
    let account = arn.account_id().filter(|_| arn.service == "iam" && arn.region.is_empty())?;
    let rest = arn.resource.strip_prefix(noun)?;
    let (path, name) = rest.split_at(rest.rfind('/')? + 1);
    (path.starts_with('/') && !name.is_empty()).then(|| (account, path.to_owned(), name.to_owned()))
}

/// A role by its ARN.
pub(crate) fn role<R: Read>(tx: &R, name: &RoleName) -> Result<Option<Entity>, StoreError> {
    Ok(find(tx, name.account, Sort::Role, &name.name)?.filter(|role| role.path == name.path))
}

/// A customer-managed policy of the account by its ARN.
pub(crate) fn customer_policy<R: Read>(
    tx: &R,
    account: AccountId,
    arn: &str,
) -> Result<Option<ManagedPolicy>, StoreError> {
    let Some((owner, path, name)) = named(arn, "policy").filter(|(owner, ..)| *owner == account) else {
        return Ok(None);
    };
    let found: Option<ManagedPolicy> = tx.record(&keys::policy(owner, &name))?;
    Ok(found.filter(|policy| policy.name == name && policy.path == path))
}

/// The document that counts of a managed policy, AWS's own or the account's.
pub(crate) fn policy_document<R: Read>(
    tx: &R,
    account: AccountId,
    arn: &str,
) -> Result<Option<String>, StoreError> {
    if let Some(policy) = managed::find(arn) {
        return Ok(Some(policy.document.to_owned()));
    }
    Ok(customer_policy(tx, account, arn)?.and_then(|policy| policy.document().map(str::to_owned)))
}

/// What is known of an account.
pub(crate) fn account<R: Read>(tx: &R, account: AccountId) -> Result<Account, StoreError> {
    Ok(tx.record(&keys::account(account))?.unwrap_or_default())
}

/// A long-term access key.
pub(crate) fn access_key<R: Read>(tx: &R, id: &str) -> Result<Option<AccessKey>, StoreError> {
    tx.record(&keys::access_key(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_arns_are_taken_apart() {
        let name = RoleName::parse("arn:aws:iam::123456789012:role/a/b/app").unwrap();
        assert_eq!((name.path.as_str(), name.name.as_str()), ("/a/b/", "app"));
        assert_eq!(name.arn().to_string(), "arn:aws:iam::123456789012:role/a/b/app");
        for bad in [
            "",
            "app",
            "arn:aws:iam::123456789012:role",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::x:role/app",
            "arn:aws:iam::123456789012:roles/app",
            "arn:aws:iam::123456789012:user/app",
            "arn:aws:s3::123456789012:role/app",
        ] {
            assert!(RoleName::parse(bad).is_none(), "{bad}");
        }
    }
}
