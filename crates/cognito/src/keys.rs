//! Every key of the store, by what stands there.
//!
//! What unsigned calls name (a client's id, a signing key's id, a refresh token, an identity pool) is looked up without
//! region and account, so these rows are global; the rows that lists walk lead with account and region. All that
//! belongs to a user pool below its id can be removed by one prefix a kind.

use nephos_core::{AccountId, Region, Timestamp};
use nephos_store::Key;

fn row(kind: &str) -> Key {
    Key::new("cognito").text(kind)
}

/// A user pool: [`crate::user_pools::pool_record::PoolRecord`].
pub(crate) fn pool(pool: &str) -> Key {
    row("pool").text(pool)
}

/// The user pools of an account in a region: the pool's name.
pub(crate) fn pools(account: AccountId, region: &Region) -> Key {
    row("pools").text(account.as_str()).text(region.as_str())
}

/// User pools that are deleted and not yet removed whole.
pub(crate) fn dead_pools() -> Key {
    row("dead-pool")
}

/// A user pool that is deleted and not yet removed whole.
pub(crate) fn dead_pool(pool: &str) -> Key {
    dead_pools().text(pool)
}

/// A pool's sealed secrets.
pub(crate) fn pool_secrets(pool: &str) -> Key {
    row("secrets").text(pool)
}

/// A pool's signing keys, by id.
pub(crate) fn pool_keys(pool: &str) -> Key {
    row("pool-keys").text(pool)
}

/// The pool that a signing key belongs to, by the key's id.
pub(crate) fn signing_key(kid: &str) -> Key {
    row("signing-key").text(kid)
}

/// An app client, by id alone: [`crate::user_pools::client_record::ClientRecord`].
pub(crate) fn client(client: &str) -> Key {
    row("client").text(client)
}

/// A pool's app clients: the client's name.
pub(crate) fn pool_clients(pool: &str) -> Key {
    row("pool-clients").text(pool)
}

/// A pool's users.
pub(crate) fn users(pool: &str) -> Key {
    row("user").text(pool)
}

/// A user, by the username in the form in which the pool compares them.
pub(crate) fn user(pool: &str, canonical: &str) -> Key {
    users(pool).text(canonical)
}

/// A pool's `sub` index.
pub(crate) fn subs(pool: &str) -> Key {
    row("sub").text(pool)
}

/// The canonical username of a `sub`.
pub(crate) fn sub(pool: &str, sub: &str) -> Key {
    subs(pool).text(sub)
}

/// A pool's aliases.
pub(crate) fn aliases(pool: &str) -> Key {
    row("alias").text(pool)
}

/// The canonical username behind an alias; `attribute` is `email`, `phone_number` or `preferred_username`.
pub(crate) fn alias(pool: &str, attribute: &str, canonical_value: &str) -> Key {
    aliases(pool).text(attribute).text(canonical_value)
}

/// A pool's passwords.
pub(crate) fn passwords(pool: &str) -> Key {
    row("password").text(pool)
}

/// A user's password: hash and sealed verifier.
pub(crate) fn password(pool: &str, canonical: &str) -> Key {
    passwords(pool).text(canonical)
}

/// A pool's outstanding codes.
pub(crate) fn codes(pool: &str) -> Key {
    row("code").text(pool)
}

/// All outstanding codes of a user.
pub(crate) fn user_codes(pool: &str, canonical: &str) -> Key {
    codes(pool).text(canonical)
}

/// The outstanding code of a user for one purpose.
pub(crate) fn code(pool: &str, canonical: &str, purpose: &str) -> Key {
    user_codes(pool, canonical).text(purpose)
}

/// A pool's counts of failed sign-ins and of limited calls.
pub(crate) fn attempts(pool: &str) -> Key {
    row("attempts").text(pool)
}

/// All counts of a user.
pub(crate) fn user_attempts(pool: &str, subject: &str) -> Key {
    attempts(pool).text(subject)
}

/// One count of a user.
pub(crate) fn attempt(pool: &str, subject: &str, operation: &str) -> Key {
    user_attempts(pool, subject).text(operation)
}

/// A pool's sign-ins.
pub(crate) fn sessions(pool: &str) -> Key {
    row("session").text(pool)
}

/// A user's sign-ins.
pub(crate) fn user_sessions(pool: &str, sub: &str) -> Key {
    sessions(pool).text(sub)
}

/// One sign-in, by the `origin_jti` of its tokens.
pub(crate) fn session(pool: &str, sub: &str, origin_jti: &str) -> Key {
    user_sessions(pool, sub).text(origin_jti)
}

/// The sign-in that a refresh token continues, by the token's SHA-256.
pub(crate) fn refresh(digest: &[u8; 32]) -> Key {
    row("refresh").bytes(digest)
}

/// The mark of a session string or secret block that was used.
pub(crate) fn used(nonce: &[u8; 16]) -> Key {
    row("used").bytes(nonce)
}

/// A pool's groups.
pub(crate) fn groups(pool: &str) -> Key {
    row("group").text(pool)
}

/// A group.
pub(crate) fn group(pool: &str, name: &str) -> Key {
    groups(pool).text(name)
}

/// All memberships of a pool, by group.
pub(crate) fn all_members(pool: &str) -> Key {
    row("member").text(pool)
}

/// A group's members.
pub(crate) fn members(pool: &str, group: &str) -> Key {
    all_members(pool).text(group)
}

/// All memberships of a pool, by user.
pub(crate) fn all_memberships(pool: &str) -> Key {
    row("membership").text(pool)
}

/// The groups of a user.
pub(crate) fn memberships(pool: &str, canonical: &str) -> Key {
    all_memberships(pool).text(canonical)
}

/// An identity pool.
pub(crate) fn identity_pool(pool: &str) -> Key {
    row("identity-pool").text(pool)
}

/// The identity pools of an account in a region.
pub(crate) fn identity_pools(account: AccountId, region: &Region) -> Key {
    row("identity-pools").text(account.as_str()).text(region.as_str())
}

/// Identity pools that are deleted and not yet removed whole.
pub(crate) fn dead_identity_pools() -> Key {
    row("dead-identity-pool")
}

/// An identity pool that is deleted and not yet removed whole.
pub(crate) fn dead_identity_pool(pool: &str) -> Key {
    dead_identity_pools().text(pool)
}

/// An identity.
pub(crate) fn identity(identity: &str) -> Key {
    row("identity").text(identity)
}

/// The identities of an identity pool.
pub(crate) fn pool_identities(pool: &str) -> Key {
    row("pool-identities").text(pool)
}

/// An identity pool's logins.
pub(crate) fn logins(pool: &str) -> Key {
    row("login").text(pool)
}

/// The identity behind a provider's user.
pub(crate) fn login(pool: &str, provider: &str, subject: &str) -> Key {
    logins(pool).text(provider).text(subject)
}

/// The keys that sign identity pools' OpenID tokens.
pub(crate) fn open_id_keys() -> Key {
    row("open-id-key")
}

/// Rows that end by themselves, the first due first. The rest of the key is the row's own key.
pub(crate) fn due(at: Timestamp, target: &Key) -> Key {
    all_due().u64(at.millis().max(0).unsigned_abs()).bytes(target.as_bytes())
}

/// All rows that end by themselves.
pub(crate) fn all_due() -> Key {
    row("due")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_pools_rows_are_its_own(a in "[a-zA-Z0-9_\\x00-]{1,12}", b in "[a-zA-Z0-9_\\x00-]{1,12}", user in "\\PC{1,12}") {
            prop_assume!(a != b);
            for (prefix, key) in [
                (users(&a), super::user(&b, &user)),
                (codes(&a), code(&b, &user, "x")),
                (sessions(&a), session(&b, &user, "x")),
                (all_members(&a), members(&b, &user)),
            ] {
                prop_assert!(!key.as_bytes().starts_with(prefix.as_bytes()));
            }
            prop_assert!(super::user(&a, &user).as_bytes().starts_with(users(&a).as_bytes()));
        }

        #[test]
        fn what_is_due_first_sorts_first(a in 0i64..1 << 50, b in 0i64..1 << 50, x in "\\PC{0,9}", y in "\\PC{0,9}") {
            let (one, two) = (due(Timestamp::from_millis(a), &client(&x)), due(Timestamp::from_millis(b), &client(&y)));
            prop_assert!(a == b || (one < two) == (a < b));
        }
    }

    #[test]
    fn kinds_do_not_run_into_each_other() {
        assert!(
            !pools(AccountId::DEFAULT, &Region::default()).as_bytes().starts_with(row("pool").as_bytes())
        );
    }
}
