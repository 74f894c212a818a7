//! Settings as `CreateUserPool` and `UpdateUserPool` give them, made into what is stored. What Nephos does not have is
//! refused by name, never stored and ignored.

use std::collections::{BTreeMap, BTreeSet};

use nephos_wire::Shape;

use super::contact::Contact;
use super::pool_record::{
    AdminCreate, EmailSettings, Fixed, Messages, PasswordPolicy, Recovery, Settings, SmsSettings,
};
use super::schema::{self, AttributeKind, AttributeSchema};
use super::shapes::{
    AccountRecoverySettingType, AdminCreateUserConfigType, CreateUserPoolRequest, DeviceConfigurationType,
    EmailConfigurationType, LambdaConfigType, SchemaAttributeType, SmsConfigurationType,
    UpdateUserPoolRequest, UserAttributeUpdateSettingsType, UserPoolAddOnsType, UserPoolPolicyType,
    VerificationMessageTemplateType,
};
use crate::error::Error;
use crate::tags;

/// What both operations give.
pub(crate) struct Given {
    name: Option<String>,
    policies: Option<UserPoolPolicyType>,
    deletion_protection: Option<String>,
    lambda_config: Option<LambdaConfigType>,
    auto_verified: Option<Vec<String>>,
    sms_message: Option<String>,
    email_message: Option<String>,
    email_subject: Option<String>,
    template: Option<VerificationMessageTemplateType>,
    sms_authentication: Option<String>,
    mfa: Option<String>,
    updates: Option<UserAttributeUpdateSettingsType>,
    devices: Option<DeviceConfigurationType>,
    email: Option<EmailConfigurationType>,
    sms: Option<SmsConfigurationType>,
    tags: Option<BTreeMap<String, String>>,
    admin_create: Option<AdminCreateUserConfigType>,
    add_ons: Option<UserPoolAddOnsType>,
    recovery: Option<AccountRecoverySettingType>,
    tier: Option<String>,
}

macro_rules! given {
    ($input:expr) => {{
        let input = $input;
        Given {
            name: input.pool_name,
            policies: input.policies,
            deletion_protection: input.deletion_protection,
            lambda_config: input.lambda_config,
            auto_verified: input.auto_verified_attributes,
            sms_message: input.sms_verification_message,
            email_message: input.email_verification_message,
            email_subject: input.email_verification_subject,
            template: input.verification_message_template,
            sms_authentication: input.sms_authentication_message,
            mfa: input.mfa_configuration,
            updates: input.user_attribute_update_settings,
            devices: input.device_configuration,
            email: input.email_configuration,
            sms: input.sms_configuration,
            tags: input.user_pool_tags,
            admin_create: input.admin_create_user_config,
            add_ons: input.user_pool_add_ons,
            recovery: input.account_recovery_setting,
            tier: input.user_pool_tier,
        }
    }};
}

impl From<CreateUserPoolRequest> for Given {
    fn from(input: CreateUserPoolRequest) -> Given {
        given!(input)
    }
}

impl From<UpdateUserPoolRequest> for Given {
    fn from(input: UpdateUserPoolRequest) -> Given {
        given!(input)
    }
}

impl Given {
    /// The settings to store. Of `before` only what the API keeps is kept: name, tags and tier.
    pub(crate) fn settings(self, before: Option<&Settings>) -> Result<Settings, Error> {
        self.refuse_absent()?;
        let kept = before.cloned().unwrap_or_default();
        let tags = self.tags.clone().unwrap_or(kept.tags);
        tags::check(&tags)?;
        let tier = self.tier.clone().unwrap_or(kept.tier);
        Ok(Settings {
            name: self.name.clone().unwrap_or(kept.name),
            password: self.password_policy()?,
            deletion_protection: self.deletion_protection.as_deref() == Some("ACTIVE"),
            auto_verified: contacts(self.auto_verified.as_deref()),
            verify_before_update: self.verify_before_update()?,
            messages: self.messages(),
            admin_create: self.admin_create(),
            recovery: recovery(self.recovery)?,
            email: email(self.email),
            sms: self.sms.map(sms),
            tier: if tier.is_empty() { "ESSENTIALS".to_owned() } else { tier },
            tags,
        })
    }

    fn refuse_absent(&self) -> Result<(), Error> {
        if let Some(config) = &self.lambda_config
            && let Some(trigger) = first_member(config)
        {
            return Err(absent(format!("the LambdaConfig trigger {trigger}")));
        }
        if let Some(mfa) = self.mfa.as_deref().filter(|mfa| *mfa != "OFF") {
            return Err(absent(format!("MfaConfiguration {mfa}")));
        }
        if let Some(devices) = &self.devices
            && (devices.challenge_required_on_new_device == Some(true)
                || devices.device_only_remembered_on_user_prompt == Some(true))
        {
            return Err(absent("DeviceConfiguration"));
        }
        let security = self.add_ons.as_ref().and_then(|add_ons| add_ons.advanced_security_mode.as_deref());
        if let Some(mode) = security.filter(|mode| *mode != "OFF") {
            return Err(absent(format!("AdvancedSecurityMode {mode}")));
        }
        let by_link = self.template.as_ref().and_then(|template| template.default_email_option.as_deref());
        if by_link == Some("CONFIRM_WITH_LINK") {
            return Err(absent("DefaultEmailOption CONFIRM_WITH_LINK"));
        }
        self.refuse_absent_policies()?;
        refuse_absent_email(self.email.as_ref())
    }

    fn refuse_absent_policies(&self) -> Result<(), Error> {
        let Some(policies) = &self.policies else { return Ok(()) };
        let password = policies.password_policy.as_ref();
        if password.and_then(|policy| policy.password_history_size).is_some_and(|size| size > 0) {
            return Err(absent("PasswordHistorySize"));
        }
        let factors = policies.sign_in_policy.as_ref().and_then(|p| p.allowed_first_auth_factors.as_ref());
        match factors.and_then(|factors| factors.iter().find(|factor| *factor != "PASSWORD")) {
            Some(factor) => Err(absent(format!("AllowedFirstAuthFactors {factor}"))),
            None => Ok(()),
        }
    }

    fn password_policy(&self) -> Result<PasswordPolicy, Error> {
        let default = PasswordPolicy::default();
        let unused = self.admin_create.as_ref().and_then(|config| config.unused_account_validity_days);
        let given = self.policies.as_ref().and_then(|policies| policies.password_policy.as_ref());
        let days = given.and_then(|policy| policy.temporary_password_validity_days);
        if unused.is_some() && days.is_some() {
            return Err(Error::invalid(
                "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays",
            ));
        }
        let days = days.or(unused).filter(|days| *days > 0).and_then(|days| u16::try_from(days).ok());
        let temporary_days = days.unwrap_or(default.temporary_days);
        let Some(given) = given else { return Ok(PasswordPolicy { temporary_days, ..default }) };
        let minimum = given.minimum_length.and_then(|length| u8::try_from(length).ok());
        // A policy that is given asks only for what it names.
        Ok(PasswordPolicy {
            minimum_length: minimum.unwrap_or(default.minimum_length),
            uppercase: given.require_uppercase.unwrap_or(false),
            lowercase: given.require_lowercase.unwrap_or(false),
            numbers: given.require_numbers.unwrap_or(false),
            symbols: given.require_symbols.unwrap_or(false),
            temporary_days,
        })
    }

    fn verify_before_update(&self) -> Result<BTreeSet<Contact>, Error> {
        let asked = self.updates.as_ref();
        let asked = contacts(
            asked.and_then(|updates| updates.attributes_require_verification_before_update.as_deref()),
        );
        if asked.is_subset(&contacts(self.auto_verified.as_deref())) {
            Ok(asked)
        } else {
            Err(Error::invalid(
                "Invalid settings: AttributesRequireVerificationBeforeUpdate must also be auto-verified.",
            ))
        }
    }

    fn messages(&self) -> Messages {
        let template = self.template.clone().unwrap_or_default();
        let invite =
            self.admin_create.clone().and_then(|config| config.invite_message_template).unwrap_or_default();
        Messages {
            sms: template.sms_message.or(self.sms_message.clone()),
            email: template.email_message.or(self.email_message.clone()),
            email_subject: template.email_subject.or(self.email_subject.clone()),
            email_by_link: template.email_message_by_link,
            email_subject_by_link: template.email_subject_by_link,
            sms_authentication: self.sms_authentication.clone(),
            invite_sms: invite.sms_message,
            invite_email: invite.email_message,
            invite_subject: invite.email_subject,
        }
    }

    fn admin_create(&self) -> AdminCreate {
        let config = self.admin_create.as_ref();
        let days = config.and_then(|config| config.unused_account_validity_days);
        AdminCreate {
            only: config.and_then(|config| config.allow_admin_create_user_only).unwrap_or(false),
            unused_days: days.and_then(|days| u16::try_from(days).ok()),
        }
    }
}

/// What only `CreateUserPool` gives.
pub(crate) fn fixed(input: &CreateUserPoolRequest) -> Result<Fixed, Error> {
    let aliases: BTreeSet<String> = input.alias_attributes.iter().flatten().cloned().collect();
    let username_attributes = contacts(input.username_attributes.as_deref());
    if !aliases.is_empty() && !username_attributes.is_empty() {
        return Err(Error::invalid(
            "Only one of the aliasAttributes or usernameAttributes can be set in a user pool.",
        ));
    }
    let configuration = input.username_configuration.as_ref();
    Ok(Fixed {
        aliases,
        username_attributes,
        case_sensitive: configuration.and_then(|configuration| configuration.case_sensitive),
    })
}

/// The schema of a new pool.
pub(crate) fn schema(given: Option<Vec<SchemaAttributeType>>) -> Result<Vec<AttributeSchema>, Error> {
    let mut all = schema::standard();
    for attribute in given.unwrap_or_default() {
        schema::add(&mut all, attribute_schema(attribute)?)?;
    }
    Ok(all)
}

/// One attribute of a schema.
pub(crate) fn attribute_schema(given: SchemaAttributeType) -> Result<AttributeSchema, Error> {
    let kind = match given.attribute_data_type.as_deref() {
        None => AttributeKind::String,
        Some(name) => AttributeKind::parse(name)
            .ok_or_else(|| Error::invalid(format!("Invalid AttributeDataType {name}.")))?,
    };
    let text = given.string_attribute_constraints.unwrap_or_default();
    let number = given.number_attribute_constraints.unwrap_or_default();
    let (min, max) = match kind {
        AttributeKind::Number => (number.min_value, number.max_value),
        _ => (text.min_length, text.max_length),
    };
    if let Some(bad) = [&min, &max].into_iter().flatten().find(|bound| bound.parse::<i128>().is_err()) {
        return Err(Error::invalid(format!("Invalid attribute constraint {bad}.")));
    }
    Ok(AttributeSchema {
        name: given.name.ok_or_else(|| Error::missing("Name"))?,
        kind,
        developer_only: given.developer_only_attribute.unwrap_or(false),
        mutable: given.mutable.unwrap_or(true),
        required: given.required.unwrap_or(false),
        min,
        max,
    })
}

/// A part of the API that Nephos does not have.
pub(crate) fn absent(what: impl Into<String>) -> Error {
    Error::NotImplemented(format!("cognito-idp {}", what.into()))
}

/// The name of the first member that is there.
pub(crate) fn first_member(shape: &dyn Shape) -> Option<&'static str> {
    let mut members = shape.schema().members.iter().enumerate();
    members.find(|(index, _)| shape.value(*index).is_some()).map(|(_, member)| member.name)
}

fn contacts(names: Option<&[String]>) -> BTreeSet<Contact> {
    names.unwrap_or_default().iter().filter_map(|name| Contact::parse(name)).collect()
}

fn recovery(given: Option<AccountRecoverySettingType>) -> Result<Option<Vec<Recovery>>, Error> {
    let Some(ways) = given.and_then(|given| given.recovery_mechanisms) else { return Ok(None) };
    let ways: Vec<Recovery> = ways
        .into_iter()
        .map(|way| Recovery {
            priority: way.priority.and_then(|priority| u8::try_from(priority).ok()).unwrap_or(1),
            contact: match way.name.as_deref() {
                Some("verified_email") => Some(Contact::Email),
                Some("verified_phone_number") => Some(Contact::PhoneNumber),
                _ => None,
            },
        })
        .collect();
    if ways.len() > 1 && ways.iter().any(|way| way.contact.is_none()) {
        return Err(Error::invalid(
            "Invalid account recovery setting parameter. Account Recovery Setting cannot use admin_only setting with any other recovery mechanisms.",
        ));
    }
    Ok(Some(ways))
}

fn refuse_absent_email(given: Option<&EmailConfigurationType>) -> Result<(), Error> {
    let Some(email) = given else { return Ok(()) };
    if email.email_sending_account.as_deref() == Some("DEVELOPER") {
        return Err(absent("EmailSendingAccount DEVELOPER"));
    }
    if email.configuration_set.is_some() {
        return Err(absent("the EmailConfiguration member ConfigurationSet"));
    }
    if email.from.is_some() { Err(absent("the EmailConfiguration member From")) } else { Ok(()) }
}

fn email(given: Option<EmailConfigurationType>) -> EmailSettings {
    let given = given.unwrap_or_default();
    EmailSettings { source_arn: given.source_arn, reply_to: given.reply_to_email_address }
}

fn sms(given: SmsConfigurationType) -> SmsSettings {
    SmsSettings {
        caller_arn: given.sns_caller_arn.unwrap_or_default(),
        external_id: given.external_id,
        region: given.sns_region,
    }
}
