//! What concerns an account as a whole: its alias, and how much of everything it has.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use nephos_core::Cx;
use nephos_store::{Key, Range, Read};

use crate::Iam;
use crate::access_keys;
use crate::directory;
use crate::error::Error;
use crate::keys::{self, Sort};
use crate::records::Alias;
use crate::shapes::{
    CreateAccountAliasRequest, DeleteAccountAliasRequest, GetAccountSummaryResponse,
    ListAccountAliasesRequest, ListAccountAliasesResponse, Unit,
};

pub(crate) async fn create_alias(
    iam: &Iam,
    cx: &Cx,
    input: CreateAccountAliasRequest,
) -> Result<Unit, Error> {
    let alias = input.account_alias.unwrap_or_default();
    if !is_alias(&alias) {
        let rule = r"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$";
        return Err(Error::Validation(format!(
            "1 validation error detected: Value '{alias}' at 'accountAlias' failed to satisfy constraint: Member must satisfy regular expression pattern: {rule}"
        )));
    }
    iam.write("iam.create_account_alias", cx.account, |tx| {
        let taken = tx.record::<Alias>(&keys::alias(&alias))?;
        if taken.is_some_and(|taken| taken.account != cx.account.as_str()) {
            return Err(Error::EntityAlreadyExists(format!("The account alias {alias} already exists.")));
        }
        let mut record = directory::account(tx, cx.account)?;
        if let Some(old) = record.alias.replace(alias.clone()) {
            tx.delete(keys::alias(&old));
        }
        tx.put_record(keys::account(cx.account), &record)?;
        Ok(tx.put_record(keys::alias(&alias), &Alias { account: cx.account.to_string() })?)
    })
    .await?;
    Ok(Unit {})
}

/// 3 to 63 lower-case letters, digits and single hyphens, none of them at an end.
fn is_alias(alias: &str) -> bool {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (3..=63).contains(&alias.len())
        && alias.bytes().all(legal)
        && !alias.starts_with('-')
        && !alias.ends_with('-')
        && !alias.contains("--")
}

pub(crate) async fn delete_alias(
    iam: &Iam,
    cx: &Cx,
    input: DeleteAccountAliasRequest,
) -> Result<Unit, Error> {
    let alias = input.account_alias.unwrap_or_default();
    iam.write("iam.delete_account_alias", cx.account, |tx| {
        let mut record = directory::account(tx, cx.account)?;
        if record.alias.as_deref() != Some(&alias) {
            return Err(Error::NoSuchEntity(format!("The account alias {alias} does not exist.")));
        }
        record.alias = None;
        tx.delete(keys::alias(&alias));
        Ok(tx.put_record(keys::account(cx.account), &record)?)
    })
    .await?;
    Ok(Unit {})
}

pub(crate) async fn list_aliases(
    iam: &Iam,
    cx: &Cx,
    _: ListAccountAliasesRequest,
) -> Result<ListAccountAliasesResponse, Error> {
    let record = iam.store.read(|view| directory::account(view, cx.account))?;
    Ok(ListAccountAliasesResponse {
        account_aliases: Some(record.alias.into_iter().collect()),
        is_truncated: Some(false),
        marker: None,
    })
}

fn count<R: Read>(tx: &R, prefix: &Key) -> Result<i32, Error> {
    let mut count = 0;
    tx.scan(&Range::prefix(prefix), &mut |_, _| {
        count += 1;
        ControlFlow::Continue(())
    })?;
    Ok(count)
}

pub(crate) async fn summary(iam: &Iam, cx: &Cx, _: Unit) -> Result<GetAccountSummaryResponse, Error> {
    let account = cx.account;
    let counted = iam.store.read(|view| {
        let root_keys = !access_keys::owned(view, account, None)?.is_empty();
        Ok::<_, Error>([
            ("Users", count(view, &keys::entities(account, Sort::User))?),
            ("Groups", count(view, &keys::entities(account, Sort::Group))?),
            ("Roles", count(view, &keys::entities(account, Sort::Role))?),
            ("Policies", count(view, &keys::policies(account))?),
            ("AccountAccessKeysPresent", i32::from(root_keys)),
        ])
    })?;
    let quotas = [
        ("UsersQuota", 5000),
        ("GroupsQuota", 300),
        ("RolesQuota", 1000),
        ("PoliciesQuota", 1500),
        ("AccessKeysPerUserQuota", 2),
        ("GroupsPerUserQuota", 10),
        ("AttachedPoliciesPerUserQuota", 10),
        ("AttachedPoliciesPerGroupQuota", 10),
        ("AttachedPoliciesPerRoleQuota", 10),
        ("VersionsPerPolicyQuota", 5),
        ("PolicySizeQuota", 6144),
        ("UserPolicySizeQuota", 2048),
        ("GroupPolicySizeQuota", 5120),
        ("AssumeRolePolicySizeQuota", 2048),
        ("AccountMFAEnabled", 0),
        ("MFADevices", 0),
        ("MFADevicesInUse", 0),
        ("InstanceProfiles", 0),
        ("Providers", 0),
        ("ServerCertificates", 0),
    ];
    let all = counted.into_iter().chain(quotas).map(|(name, value)| (name.to_owned(), value));
    Ok(GetAccountSummaryResponse { summary_map: Some(all.collect::<BTreeMap<_, _>>()) })
}

#[cfg(test)]
mod tests {
    use super::is_alias;

    #[test]
    fn aliases_have_their_form() {
        for good in ["abc", "my-company-1", "a1b"] {
            assert!(is_alias(good), "{good}");
        }
        for bad in ["", "ab", "-abc", "abc-", "a--b", "Abc", "a_b", &"a".repeat(64)] {
            assert!(!is_alias(bad), "{bad}");
        }
    }
}
