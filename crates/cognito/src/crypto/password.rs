//! Passwords at rest: Argon2id with OWASP's parameters (19 MiB, two passes, one lane), as a PHC string that carries
//! its own parameters, so that a hash made with older ones still verifies and is replaced at the next sign-in.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use nephos_core::random;

/// KiB of memory for one hash.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over it.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;

/// Why a password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
#[error("expected a password hash of argon2id, {0}")]
pub(crate) struct HashError(argon2::password_hash::Error);

/// The outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// Not the password.
    Wrong,
    /// The password.
    Right,
    /// The password, but its hash was made with other parameters than today's.
    RightButStale,
}

/// Hashes a password under a fresh salt. Tens of milliseconds and 19 MiB: run it in the workers.
pub(crate) fn hash(password: &str) -> Result<String, HashError> {
    let salt: [u8; 16] = random::bytes();
    let hashed = hasher().hash_password_with_salt(password.as_bytes(), &salt).map_err(HashError)?;
    Ok(hashed.to_string())
}

/// Checks a password against a PHC string; costs what [`hash`] costs.
pub(crate) fn check(password: &str, phc: &str) -> Result<Check, HashError> {
    let parsed = PasswordHash::new(phc).map_err(|error| HashError(error.into()))?;
    match hasher().verify_password(password.as_bytes(), &parsed) {
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(Check::Wrong),
        Err(error) => Err(HashError(error)),
        Ok(()) => {
            let current = Params::try_from(&parsed)
                .is_ok_and(|p| (p.m_cost(), p.t_cost(), p.p_cost()) == (MEMORY_KIB, PASSES, LANES));
            Ok(if current { Check::Right } else { Check::RightButStale })
        }
    }
}

/// Spends what a check costs, for users who don't exist.
pub(crate) fn check_nobody(password: &str) -> Result<(), HashError> {
    hasher().hash_password_with_salt(password.as_bytes(), &[0; 16]).map(drop).map_err(HashError)
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or(Params::DEFAULT);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_checks_and_another_does_not() {
        let phc = hash("Passw0rd!").unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert_eq!(check("Passw0rd!", &phc).unwrap(), Check::Right);
        assert_eq!(check("Passw0rd", &phc).unwrap(), Check::Wrong);
        assert_ne!(phc, hash("Passw0rd!").unwrap());
    }

    #[test]
    fn a_hash_of_other_parameters_checks_but_is_stale() {
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
        let phc = weak.hash_password_with_salt(b"old", &[3; 16]).unwrap().to_string();
        assert_eq!(check("old", &phc).unwrap(), Check::RightButStale);
        assert_eq!(check("new", &phc).unwrap(), Check::Wrong);
    }

    #[test]
    fn what_is_no_hash_is_an_error_and_not_a_refusal() {
        assert!(check("x", "plain text").is_err());
    }
}
