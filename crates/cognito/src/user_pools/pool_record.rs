//! A user pool as it is stored.

use std::collections::{BTreeMap, BTreeSet};

use nephos_core::{AccountId, Arn, Region, Timestamp};
use nephos_store::Record;
use serde::{Deserialize, Serialize};

use super::contact::Contact;
use super::schema::AttributeSchema;
use crate::error::Error;
use crate::stamp;

/// A user pool.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PoolRecord {
    /// `region_XXXXXXXXX`
    pub(crate) id: String,
    /// The owning account.
    pub(crate) account: String,
    /// The region.
    pub(crate) region: String,
    /// When it was made.
    #[serde(with = "stamp")]
    pub(crate) created: Timestamp,
    /// When it last changed.
    #[serde(with = "stamp")]
    pub(crate) modified: Timestamp,
    /// What can't change after the pool was made.
    pub(crate) fixed: Fixed,
    /// What `UpdateUserPool` replaces.
    pub(crate) settings: Settings,
    /// All attributes, the standard ones included.
    pub(crate) schema: Vec<AttributeSchema>,
}

impl Record for PoolRecord {
    const VERSION: u16 = 1;
}

/// What can't change after the pool was made.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Fixed {
    /// Attributes that stand for the username besides it.
    pub(crate) aliases: BTreeSet<String>,
    /// Contacts that take the username's place.
    pub(crate) username_attributes: BTreeSet<Contact>,
    /// Whether `Ann` and `ann` are two users; absent where it was not said, which means that they are.
    pub(crate) case_sensitive: Option<bool>,
}

/// What `UpdateUserPool` replaces.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// The name.
    pub(crate) name: String,
    /// The password policy.
    pub(crate) password: PasswordPolicy,
    /// Whether the pool must not be deleted.
    pub(crate) deletion_protection: bool,
    /// Contacts that are verified with a code when they are set.
    pub(crate) auto_verified: BTreeSet<Contact>,
    /// Contacts whose new value counts only once it is verified.
    pub(crate) verify_before_update: BTreeSet<Contact>,
    /// The texts of messages.
    pub(crate) messages: Messages,
    /// Who may make users.
    pub(crate) admin_create: AdminCreate,
    /// How passwords are recovered, in order; absent is the older way, phone before mail.
    pub(crate) recovery: Option<Vec<Recovery>>,
    /// The sender of mail.
    pub(crate) email: EmailSettings,
    /// The sender of SMS.
    pub(crate) sms: Option<SmsSettings>,
    /// `LITE`, `ESSENTIALS` or `PLUS`.
    pub(crate) tier: String,
    /// Tags.
    pub(crate) tags: BTreeMap<String, String>,
}

/// What a password must be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PasswordPolicy {
    /// Least length in characters.
    pub(crate) minimum_length: u8,
    /// Whether it needs an upper-case letter.
    pub(crate) uppercase: bool,
    /// Whether it needs a lower-case letter.
    pub(crate) lowercase: bool,
    /// Whether it needs a digit.
    pub(crate) numbers: bool,
    /// Whether it needs a symbol.
    pub(crate) symbols: bool,
    /// How many days a temporary password lasts.
    pub(crate) temporary_days: u16,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        PasswordPolicy {
            minimum_length: 8,
            uppercase: true,
            lowercase: true,
            numbers: true,
            symbols: true,
            temporary_days: 7,
        }
    }
}

/// The texts of messages; absent ones have Cognito's wording.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Messages {
    /// `SmsVerificationMessage`, which `VerificationMessageTemplate` may give as well.
    pub(crate) sms: Option<String>,
    /// `EmailVerificationMessage`, likewise.
    pub(crate) email: Option<String>,
    /// `EmailVerificationSubject`, likewise.
    pub(crate) email_subject: Option<String>,
    /// The link's message, kept for when links are asked for.
    pub(crate) email_by_link: Option<String>,
    /// The link's subject.
    pub(crate) email_subject_by_link: Option<String>,
    /// `SmsAuthenticationMessage`.
    pub(crate) sms_authentication: Option<String>,
    /// The invitation by SMS.
    pub(crate) invite_sms: Option<String>,
    /// The invitation by mail.
    pub(crate) invite_email: Option<String>,
    /// The invitation's subject.
    pub(crate) invite_subject: Option<String>,
}

/// Who may make users.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct AdminCreate {
    /// Whether users can't sign themselves up.
    pub(crate) only: bool,
    /// The older name of the temporary password's days, as it was given.
    pub(crate) unused_days: Option<u16>,
}

/// A way to recover a password.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Recovery {
    /// 1 goes before 2.
    pub(crate) priority: u8,
    /// The contact; none is `admin_only`.
    pub(crate) contact: Option<Contact>,
}

impl Recovery {
    /// The API's name.
    pub(crate) fn name(&self) -> &'static str {
        match self.contact {
            Some(Contact::Email) => "verified_email",
            Some(Contact::PhoneNumber) => "verified_phone_number",
            None => "admin_only",
        }
    }
}

/// The sender of mail.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct EmailSettings {
    /// The identity that `DEVELOPER` would send from.
    pub(crate) source_arn: Option<String>,
    /// Where answers go.
    pub(crate) reply_to: Option<String>,
}

/// The sender of SMS. The platform delivers by itself; the role is kept for tools that read it back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SmsSettings {
    /// The role.
    pub(crate) caller_arn: String,
    /// Its external id.
    pub(crate) external_id: Option<String>,
    /// The region.
    pub(crate) region: Option<String>,
}

impl PoolRecord {
    /// The part of the id after the `_`, which takes part in SRP.
    pub(crate) fn short_id(&self) -> &str {
        self.id.split_once('_').map_or(self.id.as_str(), |(_, short)| short)
    }

    /// The owning account.
    pub(crate) fn account(&self) -> Result<AccountId, Error> {
        self.account.parse().map_err(|error| Error::Internal(format!("pool {}: {error}", self.id)))
    }

    /// The region.
    pub(crate) fn region(&self) -> Result<Region, Error> {
        self.region.parse().map_err(|error| Error::Internal(format!("pool {}: {error}", self.id)))
    }

    /// The pool's ARN.
    pub(crate) fn arn(&self) -> Result<Arn, Error> {
        Ok(arn(&self.region()?, self.account()?, &self.id))
    }

    /// A name in the form in which the pool compares names.
    pub(crate) fn canonical(&self, name: &str) -> String {
        if self.fixed.case_sensitive == Some(false) { name.to_lowercase() } else { name.to_owned() }
    }

    /// Whether users sign up with a contact in the username's place.
    pub(crate) fn usernames_are_contacts(&self) -> bool {
        !self.fixed.username_attributes.is_empty()
    }

    /// Whether an attribute stands for the username.
    pub(crate) fn is_alias(&self, attribute: &str) -> bool {
        self.fixed.aliases.contains(attribute)
            || Contact::parse(attribute).is_some_and(|c| self.fixed.username_attributes.contains(&c))
    }

    /// The attribute of that name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&AttributeSchema> {
        self.schema.iter().find(|attribute| attribute.name == name)
    }
}

/// The ARN of a user pool.
pub(crate) fn arn(region: &Region, account: AccountId, pool: &str) -> Arn {
    Arn::regional("cognito-idp", region, account, format!("userpool/{pool}"))
}
