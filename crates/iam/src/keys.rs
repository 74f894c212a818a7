//! Every storage key of this crate, as a typed constructor.
//!
//! ```text
//! "iam" table account ...
//!   1 ACCOUNT    account                                   -> Account
//!   2 EPOCH      account                                   -> u64, raised by every write to the account
//!   3 ENTITY     account sort lower-name                   -> Entity (user, group or role)
//!   4 POLICY     account lower-name                        -> ManagedPolicy
//!   5 USE        account policy-arn use sort lower-name    -> nothing: who has the policy attached or as boundary
//!   6 MEMBER     account lower-group lower-user            -> nothing
//!   7 ACCESS_KEY key-id                                    -> AccessKey
//!   8 OWNED_KEY  account lower-user ("" for root) key-id   -> nothing
//!   9 ALIAS      alias                                     -> Alias
//!  10 SINGLE     name                                      -> the platform's own records
//! ```
//! Names are unique whatever their case, so keys hold them in lower case.

use nephos_core::AccountId;
use nephos_store::Key;
use serde::{Deserialize, Serialize};

const ACCOUNT: u8 = 1;
const EPOCH: u8 = 2;
const ENTITY: u8 = 3;
const POLICY: u8 = 4;
const USE: u8 = 5;
const MEMBER: u8 = 6;
const ACCESS_KEY: u8 = 7;
const OWNED_KEY: u8 = 8;
const ALIAS: u8 = 9;
const SINGLE: u8 = 10;

/// The three things that policies attach to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Sort {
    /// A user.
    User,
    /// A group.
    Group,
    /// A role.
    Role,
}

impl Sort {
    /// The noun in ARNs and error texts.
    pub fn noun(self) -> &'static str {
        match self {
            Sort::User => "user",
            Sort::Group => "group",
            Sort::Role => "role",
        }
    }

    fn byte(self) -> u8 {
        match self {
            Sort::User => 1,
            Sort::Group => 2,
            Sort::Role => 3,
        }
    }

    /// The reverse of the byte that keys hold.
    pub(crate) fn from_byte(byte: u8) -> Option<Sort> {
        [Sort::User, Sort::Group, Sort::Role].into_iter().find(|sort| sort.byte() == byte)
    }
}

/// How a managed policy is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Attached,
    Boundary,
}

impl Use {
    fn byte(self) -> u8 {
        match self {
            Use::Attached => 1,
            Use::Boundary => 2,
        }
    }
}

fn table(table: u8, account: AccountId) -> Key {
    Key::new("iam").u8(table).text(account.as_str())
}

pub(crate) fn account(account: AccountId) -> Key {
    table(ACCOUNT, account)
}

pub(crate) fn epoch(account: AccountId) -> Key {
    table(EPOCH, account)
}

/// All users, groups or roles of an account.
pub(crate) fn entities(account: AccountId, sort: Sort) -> Key {
    table(ENTITY, account).u8(sort.byte())
}

pub(crate) fn entity(account: AccountId, sort: Sort, name: &str) -> Key {
    entities(account, sort).text(&name.to_lowercase())
}

/// All customer-managed policies of an account.
pub(crate) fn policies(account: AccountId) -> Key {
    table(POLICY, account)
}

pub(crate) fn policy(account: AccountId, name: &str) -> Key {
    policies(account).text(&name.to_lowercase())
}

/// Who in the account uses a policy in one way.
pub(crate) fn uses(account: AccountId, arn: &str, kind: Use) -> Key {
    table(USE, account).text(arn).u8(kind.byte())
}

pub(crate) fn used_by(account: AccountId, arn: &str, kind: Use, sort: Sort, name: &str) -> Key {
    uses(account, arn, kind).u8(sort.byte()).text(&name.to_lowercase())
}

/// The users of a group.
pub(crate) fn members(account: AccountId, group: &str) -> Key {
    table(MEMBER, account).text(&group.to_lowercase())
}

pub(crate) fn member(account: AccountId, group: &str, user: &str) -> Key {
    members(account, group).text(&user.to_lowercase())
}

pub(crate) fn access_key(id: &str) -> Key {
    Key::new("iam").u8(ACCESS_KEY).text(id)
}

/// The access keys of a user, or of the root user where `user` is absent.
pub(crate) fn owned_keys(account: AccountId, user: Option<&str>) -> Key {
    table(OWNED_KEY, account).text(&user.unwrap_or_default().to_lowercase())
}

pub(crate) fn owned_key(account: AccountId, user: Option<&str>, id: &str) -> Key {
    owned_keys(account, user).text(id)
}

pub(crate) fn alias(alias: &str) -> Key {
    Key::new("iam").u8(ALIAS).text(alias)
}

/// One of the platform's own records.
pub(crate) fn single(name: &str) -> Key {
    Key::new("iam").u8(SINGLE).text(name)
}

#[cfg(test)]
mod tests {
    use nephos_store::KeyReader;
    use proptest::prelude::*;

    use super::*;

    const HERE: AccountId = AccountId::DEFAULT;

    proptest! {
        #[test]
        fn names_sort_within_their_table_and_read_back(a in "[a-z0-9+=,.@_-]{1,20}", b in "[a-z0-9+=,.@_-]{1,20}") {
            let (left, right) = (entity(HERE, Sort::Role, &a), entity(HERE, Sort::Role, &b));
            prop_assert_eq!(left.cmp(&right), a.cmp(&b));
            prop_assert!(left.as_bytes().starts_with(entities(HERE, Sort::Role).as_bytes()));
            let key = used_by(HERE, "arn:aws:iam::aws:policy/X", Use::Attached, Sort::Role, &a);
            let mut reader = KeyReader::new(key.as_bytes());
            prop_assert_eq!(reader.text().unwrap(), "iam");
            prop_assert_eq!(reader.u8().unwrap(), USE);
            prop_assert_eq!(reader.text().unwrap(), HERE.as_str());
            prop_assert_eq!(reader.text().unwrap(), "arn:aws:iam::aws:policy/X");
            prop_assert_eq!(reader.u8().unwrap(), 1);
            prop_assert_eq!(Sort::from_byte(reader.u8().unwrap()), Some(Sort::Role));
            prop_assert_eq!(reader.text().unwrap(), a);
        }
    }

    #[test]
    fn case_makes_no_other_name() {
        assert_eq!(entity(HERE, Sort::User, "Ada"), entity(HERE, Sort::User, "aDA"));
        assert_ne!(entity(HERE, Sort::User, "a"), entity(HERE, Sort::Group, "a"));
    }
}
