//! What a password must be, and passwords that are made for a user.

use nephos_core::random;

use super::pool_record::PasswordPolicy;
use crate::error::Error;

/// The characters that count as symbols.
const SYMBOLS: &str = "^$*.[]{}()?-\"!@#%&/\\,><':;|_~`=+ ";

/// The longest password.
const MAX_CHARACTERS: usize = 256;

impl PasswordPolicy {
    /// Checks a password, with Cognito's texts.
    pub(crate) fn check(&self, password: &str) -> Result<(), Error> {
        let length = password.chars().count();
        let has = |test: fn(char) -> bool| password.chars().any(test);
        let complaint = if length < usize::from(self.minimum_length) {
            "Password not long enough"
        } else if length > MAX_CHARACTERS {
            "Password too long"
        } else if self.uppercase && !has(|c| c.is_ascii_uppercase()) {
            "Password must have uppercase characters"
        } else if self.lowercase && !has(|c| c.is_ascii_lowercase()) {
            "Password must have lowercase characters"
        } else if self.numbers && !has(|c| c.is_ascii_digit()) {
            "Password must have numeric characters"
        } else if self.symbols && !has(|c| SYMBOLS.contains(c)) {
            "Password must have symbol characters"
        } else {
            return Ok(());
        };
        Err(Error::InvalidPassword(complaint))
    }

    /// A random password that meets the policy, for an invitation.
    pub(crate) fn generate(&self) -> String {
        let length = usize::from(self.minimum_length).max(12);
        // Without look-alikes, since people type it; no letter is rare enough to guess.
        let (upper, lower) = (b"ABCDEFGHJKLMNPQRSTUVWXYZ", b"abcdefghijkmnopqrstuvwxyz");
        let (digits, symbols) = (b"23456789", b"!@#%&*-_=+?");
        let mut password =
            random::text(b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789", length - 4);
        for class in [upper.as_slice(), lower, digits, symbols] {
            password.push_str(&random::text(class, 1));
        }
        password
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_has_its_text() {
        let policy = PasswordPolicy::default();
        for (password, complaint) in [
            ("Aa1!", Some("Password not long enough")),
            ("aaaaaaa1!", Some("Password must have uppercase characters")),
            ("AAAAAAA1!", Some("Password must have lowercase characters")),
            ("Aaaaaaaa!", Some("Password must have numeric characters")),
            ("Aaaaaaaa1", Some("Password must have symbol characters")),
            ("Passw0rd!", None),
        ] {
            let said = policy.check(password).err().map(|error| error.to_string());
            let expected = complaint.map(|text| format!("Password did not conform with policy: {text}"));
            assert_eq!(said, expected, "{password}");
        }
        assert!(policy.check(&format!("Aa1!{}", "x".repeat(253))).is_err());
    }

    #[test]
    fn a_lax_policy_asks_for_length_only() {
        let lax = PasswordPolicy {
            minimum_length: 6,
            uppercase: false,
            lowercase: false,
            numbers: false,
            symbols: false,
            temporary_days: 7,
        };
        assert!(lax.check("aaaaaa").is_ok());
        assert!(lax.check("aaaaa").is_err());
    }

    #[test]
    fn made_passwords_meet_the_policy() {
        let policy = PasswordPolicy { minimum_length: 20, ..PasswordPolicy::default() };
        for _ in 0..20 {
            policy.check(&policy.generate()).unwrap();
        }
    }
}
