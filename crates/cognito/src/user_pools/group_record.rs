//! Groups as they are stored, and the groups of a user.

use nephos_core::Timestamp;
use nephos_store::{Range, Read, Record};
use serde::{Deserialize, Serialize};

use super::pool_record::PoolRecord;
use crate::error::Error;
use crate::{keys, stamp};

/// The most groups that one user is in.
pub(crate) const MAX_GROUPS_OF_USER: usize = 100;

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupRecord {
    /// The name.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) description: Option<String>,
    /// The role that its members may take.
    pub(crate) role_arn: Option<String>,
    /// Lower goes before higher; absent goes last.
    pub(crate) precedence: Option<u32>,
    /// When it was made.
    #[serde(with = "stamp")]
    pub(crate) created: Timestamp,
    /// When it last changed.
    #[serde(with = "stamp")]
    pub(crate) modified: Timestamp,
}

impl Record for GroupRecord {
    const VERSION: u16 = 1;
}

/// The groups of a user, the most preferred first.
pub(crate) fn of_user(
    read: &dyn Read,
    pool: &PoolRecord,
    canonical: &str,
) -> Result<Vec<GroupRecord>, Error> {
    let range = Range::prefix(&keys::memberships(&pool.id, canonical)).limit(MAX_GROUPS_OF_USER);
    let mut groups = Vec::new();
    for (key, _) in read.range(&range)? {
        let mut reader = key.reader();
        for _ in 0..4 {
            reader.bytes()?;
        }
        groups.extend((&read).record::<GroupRecord>(&keys::group(&pool.id, &reader.text()?))?);
    }
    groups.sort_by_key(|group| group.precedence.unwrap_or(u32::MAX));
    Ok(groups)
}

/// `cognito:preferred_role`: the role of the most preferred group, if those that share its place agree on one.
pub(crate) fn preferred_role(groups: &[GroupRecord]) -> Option<&str> {
    let with_role: Vec<&GroupRecord> = groups.iter().filter(|group| group.role_arn.is_some()).collect();
    let best = with_role.first()?;
    let mut rivals = with_role.iter().filter(|group| group.precedence == best.precedence);
    if rivals.all(|group| group.role_arn == best.role_arn) { best.role_arn.as_deref() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, role: Option<&str>, precedence: Option<u32>) -> GroupRecord {
        GroupRecord {
            name: name.to_owned(),
            description: None,
            role_arn: role.map(str::to_owned),
            precedence,
            created: Timestamp::default(),
            modified: Timestamp::default(),
        }
    }

    #[test]
    fn the_preferred_role_is_unambiguous_or_none() {
        assert_eq!(preferred_role(&[]), None);
        assert_eq!(preferred_role(&[group("a", None, Some(1)), group("b", Some("r"), Some(2))]), Some("r"));
        let tie = [group("a", Some("r"), Some(1)), group("b", Some("s"), Some(1))];
        assert_eq!(preferred_role(&tie), None);
        let agreed =
            [group("a", Some("r"), Some(1)), group("b", Some("r"), Some(1)), group("c", Some("s"), None)];
        assert_eq!(preferred_role(&agreed), Some("r"));
    }
}
