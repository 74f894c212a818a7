//! Settings as `CreateUserPoolClient` and `UpdateUserPoolClient` give them, made into what is stored, and back.

use std::time::Duration;

use super::client_record::{ClientRecord, ClientSettings, Flow, Rotation, Validity};
use super::pool_record::PoolRecord;
use super::pool_settings::absent;
use super::shapes::{
    CreateUserPoolClientRequest, RefreshTokenRotationType, TokenValidityUnitsType,
    UpdateUserPoolClientRequest, UserPoolClientType,
};
use crate::error::Error;

/// What both operations give.
pub(crate) struct Given {
    name: Option<String>,
    refresh_validity: Option<i32>,
    access_validity: Option<i32>,
    id_validity: Option<i32>,
    units: Option<TokenValidityUnitsType>,
    read: Option<Vec<String>>,
    write: Option<Vec<String>>,
    flows: Option<Vec<String>>,
    providers: Option<Vec<String>>,
    callback_urls: Option<Vec<String>>,
    logout_urls: Option<Vec<String>>,
    default_redirect: Option<String>,
    oauth_flows: Option<Vec<String>>,
    oauth_scopes: Option<Vec<String>>,
    oauth: Option<bool>,
    analytics: bool,
    prevent_existence: Option<String>,
    revocation: Option<bool>,
    propagate_context: Option<bool>,
    session_minutes: Option<i32>,
    rotation: Option<RefreshTokenRotationType>,
}

macro_rules! given {
    ($input:expr) => {{
        let input = $input;
        Given {
            name: input.client_name,
            refresh_validity: input.refresh_token_validity,
            access_validity: input.access_token_validity,
            id_validity: input.id_token_validity,
            units: input.token_validity_units,
            read: input.read_attributes,
            write: input.write_attributes,
            flows: input.explicit_auth_flows,
            providers: input.supported_identity_providers,
            callback_urls: input.callback_urls,
            logout_urls: input.logout_urls,
            default_redirect: input.default_redirect_uri,
            oauth_flows: input.allowed_o_auth_flows,
            oauth_scopes: input.allowed_o_auth_scopes,
            oauth: input.allowed_o_auth_flows_user_pool_client,
            analytics: input.analytics_configuration.is_some(),
            prevent_existence: input.prevent_user_existence_errors,
            revocation: input.enable_token_revocation,
            propagate_context: input.enable_propagate_additional_user_context_data,
            session_minutes: input.auth_session_validity,
            rotation: input.refresh_token_rotation,
        }
    }};
}

impl From<CreateUserPoolClientRequest> for Given {
    fn from(input: CreateUserPoolClientRequest) -> Given {
        given!(input)
    }
}

impl From<UpdateUserPoolClientRequest> for Given {
    fn from(input: UpdateUserPoolClientRequest) -> Given {
        given!(input)
    }
}

impl Given {
    /// The settings to store; the name is `before`'s where none is given.
    pub(crate) fn settings(
        self,
        pool: &PoolRecord,
        before: Option<&ClientSettings>,
    ) -> Result<ClientSettings, Error> {
        self.refuse_absent()?;
        self.check_names(pool)?;
        let units = self.units.clone().unwrap_or_default();
        let number =
            |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok()).filter(|value| *value > 0);
        Ok(ClientSettings {
            name: self.name.or(before.map(|before| before.name.clone())).unwrap_or_default(),
            refresh_validity: Validity { value: number(self.refresh_validity), unit: units.refresh_token },
            access_validity: Validity { value: number(self.access_validity), unit: units.access_token },
            id_validity: Validity { value: number(self.id_validity), unit: units.id_token },
            units_given: self.units.is_some(),
            read: self.read.unwrap_or_default(),
            write: self.write.unwrap_or_default(),
            flows: self.flows.unwrap_or_default(),
            providers: self.providers.unwrap_or_default(),
            callback_urls: self.callback_urls.unwrap_or_default(),
            logout_urls: self.logout_urls.unwrap_or_default(),
            default_redirect: self.default_redirect,
            hide_users: self.prevent_existence.map(|mode| mode == "ENABLED"),
            revocation: self.revocation.unwrap_or(true),
            propagate_context: self.propagate_context.unwrap_or(false),
            session_minutes: self.session_minutes.and_then(|minutes| u8::try_from(minutes).ok()).unwrap_or(3),
            rotation: self.rotation.map(|rotation| Rotation {
                enabled: rotation.feature.as_deref() == Some("ENABLED"),
                grace_seconds: rotation
                    .retry_grace_period_seconds
                    .and_then(|seconds| u8::try_from(seconds).ok())
                    .unwrap_or(0),
            }),
        })
    }

    fn refuse_absent(&self) -> Result<(), Error> {
        let some = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
        if self.oauth == Some(true) || some(&self.oauth_flows) || some(&self.oauth_scopes) {
            return Err(absent("OAuth flows of user pool clients (AllowedOAuthFlows)"));
        }
        if self.analytics { Err(absent("AnalyticsConfiguration")) } else { Ok(()) }
    }

    fn check_names(&self, pool: &PoolRecord) -> Result<(), Error> {
        let flows = self.flows.iter().flatten();
        let modern = flows.clone().filter(|flow| flow.starts_with("ALLOW_")).count();
        if modern != 0 && modern != flows.count() {
            return Err(Error::invalid(
                "You can't mix ALLOW_ prefixed ExplicitAuthFlows with the legacy values ADMIN_NO_SRP_AUTH, CUSTOM_AUTH_FLOW_ONLY and USER_PASSWORD_AUTH.",
            ));
        }
        if let Some(provider) = self.providers.iter().flatten().find(|provider| *provider != "COGNITO") {
            return Err(Error::invalid(format!(
                "The provider {provider} does not exist for User Pool {}.",
                pool.id
            )));
        }
        for (list, text) in [(&self.read, "read"), (&self.write, "write")] {
            if list.iter().flatten().any(|name| pool.attribute(name).is_none()) {
                return Err(Error::invalid(format!(
                    "Invalid {text} attributes specified while creating a client"
                )));
            }
        }
        Ok(())
    }
}

/// Checks what follows from several settings together.
pub(crate) fn check(client: &ClientRecord) -> Result<(), Error> {
    let day = Duration::from_secs(86_400);
    let short = Duration::from_secs(300)..=day;
    let long = Duration::from_secs(3600)..=day * 3650;
    let good = short.contains(&client.access_life())
        && short.contains(&client.id_life())
        && long.contains(&client.refresh_life());
    if !good {
        return Err(Error::invalid("Invalid range for token validity."));
    }
    let asks_for_refresh = !client.settings.flows.is_empty() && client.allows(Flow::Refresh);
    if client.rotates().is_some() && asks_for_refresh {
        return Err(Error::invalid(
            "Refresh token rotation cannot be enabled together with ALLOW_REFRESH_TOKEN_AUTH.",
        ));
    }
    Ok(())
}

/// A client as answers show it.
pub(crate) fn view(client: &ClientRecord, secret: Option<String>) -> UserPoolClientType {
    let settings = &client.settings;
    let some = |list: &Vec<String>| Some(list.clone()).filter(|list| !list.is_empty());
    let number = |validity: &Validity| validity.value.and_then(|value| i32::try_from(value).ok());
    let hide = |hide: bool| if hide { "ENABLED" } else { "LEGACY" }.to_owned();
    UserPoolClientType {
        user_pool_id: Some(client.pool.clone()),
        client_name: Some(settings.name.clone()),
        client_id: Some(client.id.clone()),
        client_secret: secret,
        last_modified_date: Some(client.modified),
        creation_date: Some(client.created),
        refresh_token_validity: Some(number(&settings.refresh_validity).unwrap_or(30)),
        access_token_validity: number(&settings.access_validity),
        id_token_validity: number(&settings.id_validity),
        token_validity_units: Some(TokenValidityUnitsType {
            access_token: settings.access_validity.unit.clone(),
            id_token: settings.id_validity.unit.clone(),
            refresh_token: settings.refresh_validity.unit.clone(),
        }),
        read_attributes: some(&settings.read),
        write_attributes: some(&settings.write),
        explicit_auth_flows: some(&settings.flows),
        supported_identity_providers: some(&settings.providers),
        callback_urls: some(&settings.callback_urls),
        logout_urls: some(&settings.logout_urls),
        default_redirect_uri: settings.default_redirect.clone(),
        allowed_o_auth_flows_user_pool_client: Some(false),
        prevent_user_existence_errors: settings.hide_users.map(hide),
        enable_token_revocation: Some(settings.revocation),
        enable_propagate_additional_user_context_data: Some(settings.propagate_context),
        auth_session_validity: Some(settings.session_minutes.into()),
        refresh_token_rotation: settings.rotation.as_ref().map(|rotation| RefreshTokenRotationType {
            feature: Some(if rotation.enabled { "ENABLED" } else { "DISABLED" }.to_owned()),
            retry_grace_period_seconds: Some(rotation.grace_seconds.into()),
        }),
        ..UserPoolClientType::default()
    }
}
