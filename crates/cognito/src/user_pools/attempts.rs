//! Guessing made slow, as Cognito does it: failed sign-ins lock a user for a time that doubles, and calls that take a
//! code or a password are limited by the hour.
//!
//! Users who don't exist are counted like those who do, so that nobody learns from a lock who exists; as their names
//! are without number, they share a bounded set of counters.

use std::time::Duration;

use nephos_core::Timestamp;
use nephos_store::{Range, Read, Record, Tx, record};
use serde::{Deserialize, Serialize};

use super::pool_record::PoolRecord;
use crate::crypto;
use crate::error::Error;
use crate::{expiry, keys};

/// Failures that are free.
const FREE_FAILURES: u32 = 5;
/// The longest lock.
const LONGEST_LOCK: Duration = Duration::from_secs(15 * 60);
/// Quiet for so long, and the count starts anew.
const FORGET_AFTER: Duration = Duration::from_secs(15 * 60);
/// What failed sign-ins are counted under.
const SIGN_IN: &str = "sign-in";
/// Counters that unknown users share.
const UNKNOWN_BUCKETS: u16 = 4096;

/// Failed sign-ins of one user.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Failures {
    count: u32,
    locked_until: i64,
    last: i64,
}

impl Record for Failures {
    const VERSION: u16 = 1;
}

impl Failures {
    fn after_failure(&self, now: Timestamp) -> Failures {
        let quiet = now - Timestamp::from_millis(self.last) > FORGET_AFTER;
        let count = if quiet { 1 } else { self.count.saturating_add(1) };
        let lock = count.checked_sub(FREE_FAILURES).map_or(Duration::ZERO, |over| {
            Duration::from_secs(1u64.checked_shl(over).unwrap_or(u64::MAX)).min(LONGEST_LOCK)
        });
        Failures { count, locked_until: (now + lock).millis(), last: now.millis() }
    }

    fn end(&self) -> Timestamp {
        Timestamp::from_millis(self.last.max(self.locked_until)) + FORGET_AFTER
    }
}

/// Whose attempts are counted: a user's, or those of a bucket of names that are no user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject(String);

impl Subject {
    /// A user.
    pub(crate) fn user(canonical: &str) -> Subject {
        Subject(format!("user/{canonical}"))
    }

    /// A name that is no user's.
    pub(crate) fn unknown(secret: &[u8], canonical: &str) -> Subject {
        let digest = crypto::hmac(secret, &[canonical.as_bytes()]);
        Subject(format!("unknown/{}", u16::from_be_bytes([digest[0], digest[1]]) % UNKNOWN_BUCKETS))
    }
}

/// Refuses while the subject is locked. A refused attempt does not lengthen the lock.
pub(crate) fn refuse_locked(
    read: &dyn Read,
    pool: &PoolRecord,
    subject: &Subject,
    now: Timestamp,
) -> Result<(), Error> {
    let failures = (&read).record::<Failures>(&keys::attempt(&pool.id, &subject.0, SIGN_IN))?;
    match failures {
        Some(failures) if now.millis() < failures.locked_until => {
            Err(Error::not_authorized("Password attempts exceeded"))
        }
        _ => Ok(()),
    }
}

/// Counts a failed sign-in.
pub(crate) fn failed(tx: &mut Tx, pool: &PoolRecord, subject: &Subject, now: Timestamp) -> Result<(), Error> {
    let key = keys::attempt(&pool.id, &subject.0, SIGN_IN);
    let before = tx.record::<Failures>(&key)?;
    let after = before.clone().unwrap_or_default().after_failure(now);
    expiry::set(tx, &key, before.map(|failures| failures.end()), after.end());
    tx.put_record(key, &after)?;
    Ok(())
}

/// Forgets failed sign-ins after one that succeeded.
pub(crate) fn succeeded(tx: &mut Tx, pool: &PoolRecord, subject: &Subject) -> Result<(), Error> {
    let key = keys::attempt(&pool.id, &subject.0, SIGN_IN);
    if let Some(failures) = tx.record::<Failures>(&key)? {
        expiry::remove(tx, key, failures.end());
    }
    Ok(())
}

/// A call that is limited by the hour, for each user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limited {
    /// `ConfirmSignUp`
    ConfirmSignUp,
    /// `ResendConfirmationCode`
    ResendConfirmationCode,
    /// `ForgotPassword`
    ForgotPassword,
    /// `ConfirmForgotPassword`
    ConfirmForgotPassword,
    /// `ChangePassword`
    ChangePassword,
    /// `GetUserAttributeVerificationCode`
    GetUserAttributeVerificationCode,
    /// `VerifyUserAttribute`
    VerifyUserAttribute,
}

impl Limited {
    fn name(self) -> &'static str {
        match self {
            Limited::ConfirmSignUp => "confirm-sign-up",
            Limited::ResendConfirmationCode => "resend",
            Limited::ForgotPassword => "forgot",
            Limited::ConfirmForgotPassword => "confirm-forgot",
            Limited::ChangePassword => "change-password",
            Limited::GetUserAttributeVerificationCode => "get-code",
            Limited::VerifyUserAttribute => "verify",
        }
    }

    fn an_hour(self) -> u32 {
        match self {
            Limited::ConfirmSignUp | Limited::VerifyUserAttribute => 15,
            Limited::ForgotPassword | Limited::ConfirmForgotPassword => 10,
            Limited::ResendConfirmationCode
            | Limited::ChangePassword
            | Limited::GetUserAttributeVerificationCode => 5,
        }
    }
}

/// Calls within the hour that began with the first of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Calls {
    since: i64,
    count: u32,
}

impl Record for Calls {
    const VERSION: u16 = 1;
}

const HOUR: Duration = Duration::from_secs(3600);

impl Calls {
    fn end(&self) -> Timestamp {
        Timestamp::from_millis(self.since) + HOUR
    }
}

/// Counts a limited call. `false` where the hour's limit is reached: the caller answers with
/// [`Error::AttemptLimit`].
pub(crate) fn admit(
    tx: &mut Tx,
    pool: &PoolRecord,
    subject: &Subject,
    call: Limited,
    now: Timestamp,
) -> Result<bool, Error> {
    let key = keys::attempt(&pool.id, &subject.0, call.name());
    let calls = tx.record::<Calls>(&key)?;
    let current = calls.as_ref().filter(|calls| now - Timestamp::from_millis(calls.since) < HOUR);
    let count = current.map_or(0, |calls| calls.count);
    if count >= call.an_hour() {
        return Ok(false);
    }
    let since = current.map_or(now.millis(), |calls| calls.since);
    let counted = Calls { since, count: count + 1 };
    expiry::set(tx, &key, calls.map(|calls| calls.end()), counted.end());
    tx.put_record(key, &counted)?;
    Ok(true)
}

/// Whether such a call was counted within the hour.
pub(crate) fn called(
    read: &dyn Read,
    pool: &PoolRecord,
    subject: &Subject,
    call: Limited,
    now: Timestamp,
) -> Result<bool, Error> {
    let calls = (&read).record::<Calls>(&keys::attempt(&pool.id, &subject.0, call.name()))?;
    Ok(calls.is_some_and(|calls| now - Timestamp::from_millis(calls.since) < HOUR))
}

/// Forgets all counts of a subject, ends included.
pub(crate) fn remove_all(tx: &mut Tx, pool: &PoolRecord, subject: &Subject) -> Result<(), Error> {
    for (key, value) in tx.range(&Range::prefix(&keys::user_attempts(&pool.id, &subject.0)))? {
        let sign_in = key == keys::attempt(&pool.id, &subject.0, SIGN_IN);
        let end = if sign_in {
            record::decode::<Failures>(&value)?.end()
        } else {
            record::decode::<Calls>(&value)?.end()
        };
        expiry::remove(tx, key, end);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_double_up_to_a_quarter_of_an_hour_and_are_forgotten() {
        let mut now = Timestamp::from_secs(1000);
        let mut failures = Failures::default();
        let mut locks = Vec::new();
        for _ in 0..18 {
            failures = failures.after_failure(now);
            let lock = Timestamp::from_millis(failures.locked_until) - now;
            locks.push(lock.as_secs());
            now = now + lock;
        }
        assert_eq!(locks, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
        let later = failures.after_failure(now + FORGET_AFTER + Duration::from_secs(1));
        assert_eq!(later.count, 1);
    }

    #[test]
    fn a_count_without_end_never_overflows() {
        let failures = Failures { count: u32::MAX, locked_until: 0, last: 1000 };
        let after = failures.after_failure(Timestamp::from_millis(2000));
        assert_eq!(after.locked_until, 2000 + 900_000);
    }

    #[test]
    fn names_without_number_share_a_bounded_set_of_counters() {
        let subjects: std::collections::BTreeSet<String> =
            (0..20_000).map(|n| Subject::unknown(b"secret", &n.to_string()).0).collect();
        assert!(subjects.len() <= usize::from(UNKNOWN_BUCKETS));
        assert!(!subjects.contains(&Subject::user("1").0));
    }
}
