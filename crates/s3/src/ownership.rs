//! Object ownership: whether ACLs mean anything in a bucket.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Who owns what is uploaded, and whether ACLs are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ownership {
    /// The bucket's owner owns everything, ACLs are off. The default.
    BucketOwnerEnforced,
    /// The bucket's owner owns what is uploaded with `bucket-owner-full-control`.
    BucketOwnerPreferred,
    /// The uploader owns it.
    ObjectWriter,
}

impl Ownership {
    const ALL: [Ownership; 3] =
        [Ownership::BucketOwnerEnforced, Ownership::BucketOwnerPreferred, Ownership::ObjectWriter];

    /// The API's name.
    pub fn name(self) -> &'static str {
        match self {
            Ownership::BucketOwnerEnforced => "BucketOwnerEnforced",
            Ownership::BucketOwnerPreferred => "BucketOwnerPreferred",
            Ownership::ObjectWriter => "ObjectWriter",
        }
    }

    /// Reads the API's name.
    pub fn parse(name: &str) -> Option<Ownership> {
        Self::ALL.into_iter().find(|ownership| ownership.name() == name)
    }
}

/// Checks an object's ACL against the bucket's ownership. Nephos keeps no ACLs, so only those pass that give nobody
/// but the owner anything.
pub fn check_object_acl(
    ownership: Option<Ownership>,
    acl: Option<&str>,
    has_grants: bool,
) -> Result<(), Error> {
    let enforced = ownership == Some(Ownership::BucketOwnerEnforced);
    match acl {
        None if !has_grants => Ok(()),
        Some("bucket-owner-full-control") => Ok(()),
        _ if enforced => Err(Error::AccessControlListNotSupported),
        Some("private" | "bucket-owner-read") if !has_grants => Ok(()),
        Some(acl) => Err(Error::NotImplemented(format!("the object ACL {acl}"))),
        None => Err(Error::NotImplemented("object ACL grants".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_acls_that_give_nothing_away_pass() {
        let enforced = Some(Ownership::BucketOwnerEnforced);
        let writer = Some(Ownership::ObjectWriter);
        assert!(check_object_acl(enforced, None, false).is_ok());
        assert!(check_object_acl(enforced, Some("bucket-owner-full-control"), false).is_ok());
        assert!(check_object_acl(writer, Some("private"), false).is_ok());
        for (ownership, acl, grants) in [
            (enforced, Some("public-read"), false),
            (enforced, None, true),
            (enforced, Some("private"), false),
        ] {
            let error = check_object_acl(ownership, acl, grants).unwrap_err();
            assert!(matches!(error, Error::AccessControlListNotSupported));
        }
        assert!(matches!(
            check_object_acl(writer, Some("public-read"), false),
            Err(Error::NotImplemented(_))
        ));
    }
}
