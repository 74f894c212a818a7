//! Where a user can be reached: by mail or by phone.

use nephos_core::ports::Medium;
use serde::{Deserialize, Serialize};

/// A way to reach a user, which is also an attribute that can be verified and can stand for the username.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Contact {
    /// `email`
    Email,
    /// `phone_number`
    PhoneNumber,
}

impl Contact {
    /// Both.
    pub(crate) const ALL: [Contact; 2] = [Contact::Email, Contact::PhoneNumber];

    /// The attribute's name.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Contact::Email => "email",
            Contact::PhoneNumber => "phone_number",
        }
    }

    /// The attribute that says whether it is verified.
    pub(crate) fn verified_attribute(self) -> &'static str {
        match self {
            Contact::Email => "email_verified",
            Contact::PhoneNumber => "phone_number_verified",
        }
    }

    /// The contact of that attribute.
    pub(crate) fn parse(attribute: &str) -> Option<Contact> {
        Contact::ALL.into_iter().find(|contact| contact.attribute() == attribute)
    }

    /// How messages travel to it.
    pub(crate) fn medium(self) -> Medium {
        match self {
            Contact::Email => Medium::Email,
            Contact::PhoneNumber => Medium::Sms,
        }
    }

    /// `EMAIL` or `SMS`.
    pub(crate) fn medium_name(self) -> &'static str {
        match self {
            Contact::Email => "EMAIL",
            Contact::PhoneNumber => "SMS",
        }
    }

    /// Whether `value` has the form of such an address.
    pub(crate) fn accepts(self, value: &str) -> bool {
        match self {
            Contact::Email => is_email(value),
            Contact::PhoneNumber => is_phone_number(value),
        }
    }

    /// The address as answers show it: `a***@e***`, `+*******0100`.
    pub(crate) fn masked(self, value: &str) -> String {
        match self {
            Contact::Email => {
                let (local, domain) = value.split_once('@').unwrap_or((value, ""));
                let first = |part: &str| part.chars().next().map(String::from).unwrap_or_default();
                format!("{}***@{}***", first(local), first(domain))
            }
            Contact::PhoneNumber => {
                let digits = value.trim_start_matches('+');
                let shown = digits.get(digits.len().saturating_sub(4)..).unwrap_or_default();
                format!("+{}{shown}", "*".repeat(digits.len() - shown.len()))
            }
        }
    }
}

/// `local@domain`, without white space, with a dot in the domain that neither begins nor ends it.
fn is_email(value: &str) -> bool {
    let Some((local, domain)) = value.rsplit_once('@') else { return false };
    let clean = |part: &str| {
        !part.is_empty() && part.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '@')
    };
    clean(local)
        && clean(domain)
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
}

/// `+` and 2 to 15 digits, the first not zero, as E.164 has it.
fn is_phone_number(value: &str) -> bool {
    let Some(digits) = value.strip_prefix('+') else { return false };
    (2..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_masked() {
        assert_eq!(Contact::Email.masked("ann@example.org"), "a***@e***");
        assert_eq!(Contact::PhoneNumber.masked("+15555550100"), "+*******0100");
        assert_eq!(Contact::Email.masked("öre"), "ö***@***");
        assert_eq!(Contact::PhoneNumber.masked("+12"), "+12");
    }

    #[test]
    fn addresses_have_their_form() {
        for good in ["a@b.c", "first.last+tag@mail.example.org", "ö@ü.de"] {
            assert!(Contact::Email.accepts(good), "{good}");
        }
        for bad in ["", "a", "a@", "@b.c", "a@b", "a b@c.d", "a@b@c.d", "a@.c", "a@c."] {
            assert!(!Contact::Email.accepts(bad), "{bad}");
        }
        for (number, good) in
            [("+15555550100", true), ("+12", true), ("15555550100", false), ("+0123", false), ("+1a", false)]
        {
            assert_eq!(Contact::PhoneNumber.accepts(number), good, "{number}");
        }
    }
}
