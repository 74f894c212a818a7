//! A user pool as answers show it.

use super::contact::Contact;
use super::pool_record::{PoolRecord, Settings};
use super::schema::{AttributeKind, AttributeSchema};
use super::shapes::{
    AccountRecoverySettingType, AdminCreateUserConfigType, EmailConfigurationType, LambdaConfigType,
    MessageTemplateType, NumberAttributeConstraintsType, PasswordPolicyType, RecoveryOptionType,
    SchemaAttributeType, SignInPolicyType, SmsConfigurationType, StringAttributeConstraintsType,
    UserAttributeUpdateSettingsType, UserPoolPolicyType, UserPoolType, UsernameConfigurationType,
    VerificationMessageTemplateType,
};
use crate::error::Error;

/// The whole pool; `users` is how many it has, as far as they were counted.
pub(crate) fn pool(pool: &PoolRecord, users: usize) -> Result<UserPoolType, Error> {
    let settings = &pool.settings;
    let messages = &settings.messages;
    let case_sensitive = pool.fixed.case_sensitive;
    Ok(UserPoolType {
        id: Some(pool.id.clone()),
        arn: Some(pool.arn()?.to_string()),
        name: Some(settings.name.clone()),
        policies: Some(policies(settings)),
        deletion_protection: Some(activity(settings.deletion_protection)),
        lambda_config: Some(LambdaConfigType::default()),
        last_modified_date: Some(pool.modified),
        creation_date: Some(pool.created),
        schema_attributes: Some(pool.schema.iter().map(attribute).collect()),
        auto_verified_attributes: names(settings.auto_verified.iter()),
        alias_attributes: Some(pool.fixed.aliases.iter().cloned().collect())
            .filter(|a: &Vec<_>| !a.is_empty()),
        username_attributes: names(pool.fixed.username_attributes.iter()),
        sms_verification_message: messages.sms.clone(),
        email_verification_message: messages.email.clone(),
        email_verification_subject: messages.email_subject.clone(),
        verification_message_template: Some(template(settings)),
        sms_authentication_message: messages.sms_authentication.clone(),
        user_attribute_update_settings: Some(UserAttributeUpdateSettingsType {
            attributes_require_verification_before_update: Some(
                names(settings.verify_before_update.iter()).unwrap_or_default(),
            ),
        }),
        mfa_configuration: Some("OFF".to_owned()),
        estimated_number_of_users: i32::try_from(users).ok(),
        email_configuration: Some(email(settings)),
        sms_configuration: settings.sms.as_ref().map(|sms| SmsConfigurationType {
            sns_caller_arn: Some(sms.caller_arn.clone()),
            external_id: sms.external_id.clone(),
            sns_region: sms.region.clone(),
        }),
        user_pool_tags: Some(settings.tags.clone()),
        admin_create_user_config: Some(admin_create(settings)),
        username_configuration: case_sensitive
            .map(|case_sensitive| UsernameConfigurationType { case_sensitive: Some(case_sensitive) }),
        account_recovery_setting: recovery(settings),
        user_pool_tier: Some(settings.tier.clone()),
        ..UserPoolType::default()
    })
}

fn activity(active: bool) -> String {
    if active { "ACTIVE" } else { "INACTIVE" }.to_owned()
}

fn names<'a>(contacts: impl Iterator<Item = &'a Contact>) -> Option<Vec<String>> {
    let names: Vec<String> = contacts.map(|contact| contact.attribute().to_owned()).collect();
    if names.is_empty() { None } else { Some(names) }
}

fn policies(settings: &Settings) -> UserPoolPolicyType {
    let policy = &settings.password;
    UserPoolPolicyType {
        password_policy: Some(PasswordPolicyType {
            minimum_length: Some(policy.minimum_length.into()),
            require_uppercase: Some(policy.uppercase),
            require_lowercase: Some(policy.lowercase),
            require_numbers: Some(policy.numbers),
            require_symbols: Some(policy.symbols),
            password_history_size: None,
            temporary_password_validity_days: Some(policy.temporary_days.into()),
        }),
        sign_in_policy: Some(SignInPolicyType {
            allowed_first_auth_factors: Some(vec!["PASSWORD".to_owned()]),
        }),
    }
}

/// An attribute of the schema.
pub(crate) fn attribute(schema: &AttributeSchema) -> SchemaAttributeType {
    let (min, max) = (schema.min.clone(), schema.max.clone());
    let (mut number, mut string) = (None, None);
    match schema.kind {
        AttributeKind::Number => {
            number = Some(NumberAttributeConstraintsType { min_value: min, max_value: max });
        }
        AttributeKind::String => {
            string = Some(StringAttributeConstraintsType { min_length: min, max_length: max });
        }
        AttributeKind::Boolean | AttributeKind::DateTime => {}
    }
    SchemaAttributeType {
        name: Some(schema.name.clone()),
        attribute_data_type: Some(schema.kind.name().to_owned()),
        developer_only_attribute: Some(schema.developer_only),
        mutable: Some(schema.mutable),
        required: Some(schema.required),
        number_attribute_constraints: number,
        string_attribute_constraints: string,
    }
}

fn template(settings: &Settings) -> VerificationMessageTemplateType {
    let messages = &settings.messages;
    VerificationMessageTemplateType {
        sms_message: messages.sms.clone(),
        email_message: messages.email.clone(),
        email_subject: messages.email_subject.clone(),
        email_message_by_link: messages.email_by_link.clone(),
        email_subject_by_link: messages.email_subject_by_link.clone(),
        default_email_option: Some("CONFIRM_WITH_CODE".to_owned()),
    }
}

fn email(settings: &Settings) -> EmailConfigurationType {
    EmailConfigurationType {
        source_arn: settings.email.source_arn.clone(),
        reply_to_email_address: settings.email.reply_to.clone(),
        email_sending_account: Some("COGNITO_DEFAULT".to_owned()),
        from: None,
        configuration_set: None,
    }
}

fn admin_create(settings: &Settings) -> AdminCreateUserConfigType {
    let messages = &settings.messages;
    let invite = MessageTemplateType {
        sms_message: messages.invite_sms.clone(),
        email_message: messages.invite_email.clone(),
        email_subject: messages.invite_subject.clone(),
    };
    AdminCreateUserConfigType {
        allow_admin_create_user_only: Some(settings.admin_create.only),
        unused_account_validity_days: Some(settings.password.temporary_days.into()),
        invite_message_template: Some(invite).filter(|invite| *invite != MessageTemplateType::default()),
    }
}

fn recovery(settings: &Settings) -> Option<AccountRecoverySettingType> {
    let ways = settings.recovery.as_ref()?.iter().map(|way| RecoveryOptionType {
        priority: Some(way.priority.into()),
        name: Some(way.name().to_owned()),
    });
    Some(AccountRecoverySettingType { recovery_mechanisms: Some(ways.collect()) })
}
