//! Messages to users: the texts, and what answers tell about where they went.

use std::collections::BTreeMap;

use nephos_core::Cx;
use nephos_core::ports::{Deliver, Message};

use super::contact::Contact;
use super::pool_record::PoolRecord;
use super::shapes::CodeDeliveryDetailsType;
use crate::error::Error;

/// Why a message is sent, by the name of the trigger that would see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// After `SignUp`.
    SignUp,
    /// After `ResendConfirmationCode`.
    ResendCode,
    /// After `ForgotPassword` or `AdminResetUserPassword`.
    ForgotPassword,
    /// After a contact changed.
    UpdateUserAttribute,
    /// After `GetUserAttributeVerificationCode`.
    VerifyUserAttribute,
    /// After `AdminCreateUser`: the code is the temporary password.
    AdminCreateUser,
}

impl Occasion {
    fn trigger(self) -> &'static str {
        match self {
            Occasion::SignUp => "CustomMessage_SignUp",
            Occasion::ResendCode => "CustomMessage_ResendCode",
            Occasion::ForgotPassword => "CustomMessage_ForgotPassword",
            Occasion::UpdateUserAttribute => "CustomMessage_UpdateUserAttribute",
            Occasion::VerifyUserAttribute => "CustomMessage_VerifyUserAttribute",
            Occasion::AdminCreateUser => "CustomMessage_AdminCreateUser",
        }
    }
}

/// A message on its way.
pub(crate) struct Notice<'a> {
    /// The pool.
    pub(crate) pool: &'a PoolRecord,
    /// The username.
    pub(crate) username: &'a str,
    /// Where it goes.
    pub(crate) contact: Contact,
    /// The address.
    pub(crate) address: &'a str,
    /// The code or temporary password.
    pub(crate) code: &'a str,
    /// Why.
    pub(crate) occasion: Occasion,
}

impl Notice<'_> {
    /// Hands it to the delivery.
    pub(crate) async fn send(self, cx: &Cx, deliver: &dyn Deliver) -> Result<(), Error> {
        let message = self.message();
        deliver.deliver(cx, message).await.map_err(|fault| {
            tracing::warn!(%fault, pool = self.pool.id, "a message could not be delivered");
            Error::CodeDeliveryFailure
        })
    }

    fn message(&self) -> Message {
        let texts = &self.pool.settings.messages;
        let invites = self.occasion == Occasion::AdminCreateUser;
        let (subject, body) = match (self.contact, invites) {
            (Contact::Email, false) => (
                texts.email_subject.as_deref().unwrap_or("Your verification code"),
                texts.email.as_deref().unwrap_or("Your confirmation code is {####}"),
            ),
            (Contact::Email, true) => (
                texts.invite_subject.as_deref().unwrap_or("Your temporary password"),
                texts
                    .invite_email
                    .as_deref()
                    .unwrap_or("Your username is {username} and temporary password is {####}."),
            ),
            (Contact::PhoneNumber, false) => {
                ("", texts.sms.as_deref().unwrap_or("Your verification code is {####}"))
            }
            (Contact::PhoneNumber, true) => (
                "",
                texts
                    .invite_sms
                    .as_deref()
                    .unwrap_or("Your username is {username} and temporary password is {####}."),
            ),
        };
        Message {
            medium: self.contact.medium(),
            to: self.address.to_owned(),
            subject: subject.to_owned(),
            body: fill(body, self.username, self.code),
            facts: BTreeMap::from([
                ("user_pool_id".to_owned(), self.pool.id.clone()),
                ("username".to_owned(), self.username.to_owned()),
                ("code".to_owned(), self.code.to_owned()),
                ("trigger".to_owned(), self.occasion.trigger().to_owned()),
            ]),
        }
    }
}

/// Puts username and code into a template, in one pass: a username that looks like a mark stays what it is.
fn fill(template: &str, username: &str, code: &str) -> String {
    let mut out = String::with_capacity(template.len() + username.len() + code.len());
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, mark) = rest.split_at(at);
        out.push_str(before);
        if let Some(after) = mark.strip_prefix("{####}") {
            out.push_str(code);
            rest = after;
        } else if let Some(after) = mark.strip_prefix("{username}") {
            out.push_str(username);
            rest = after;
        } else {
            out.push('{');
            rest = &mark[1..];
        }
    }
    out + rest
}

/// What answers tell about a delivery.
pub(crate) fn details(contact: Contact, address: &str) -> CodeDeliveryDetailsType {
    CodeDeliveryDetailsType {
        destination: Some(contact.masked(address)),
        delivery_medium: Some(contact.medium_name().to_owned()),
        attribute_name: Some(contact.attribute().to_owned()),
    }
}

/// What answers tell about a delivery that did not happen, for names that are no user's: the same for the same name.
pub(crate) fn simulated(pool: &PoolRecord, name: &str, seed: &[u8]) -> CodeDeliveryDetailsType {
    let phone_only = pool.settings.auto_verified.iter().eq([&Contact::PhoneNumber]);
    let contact = match name {
        _ if Contact::Email.accepts(name) => Contact::Email,
        _ if Contact::PhoneNumber.accepts(name) || phone_only => Contact::PhoneNumber,
        _ => Contact::Email,
    };
    if contact.accepts(name) {
        return details(contact, name);
    }
    let letters = crate::crypto::hmac(seed, &[b"destination", name.as_bytes()]);
    let letter = |byte: u8| char::from(b'a' + byte % 26);
    let address = match contact {
        Contact::Email => format!("{}@{}", letter(letters[0]), letter(letters[1])),
        Contact::PhoneNumber => {
            let last: String = letters[..4].iter().map(|byte| char::from(b'0' + byte % 10)).collect();
            format!("+1555555{last}")
        }
    };
    details(contact, &address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_in_one_pass() {
        assert_eq!(fill("Code {####}, {username}: {####}!", "ann", "123456"), "Code 123456, ann: 123456!");
        assert_eq!(fill("{username} {x} {", "{####}", "1"), "{####} {x} {");
    }
}
