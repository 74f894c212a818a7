//! `AWS::Cognito::UserPool`, `UserPoolClient`, `IdentityPool` and `IdentityPoolRoleAttachment`.

use nephos_cognito::identity_pools::shapes::{self as identity, op as identity_op};
use nephos_cognito::user_pools::shapes::{self as users, op as users_op};
use nephos_core::{BoxFuture, Fault};
use serde_json::{Map, Value, json};

use super::{Call, Kind, Made, Making, gone, shape};

/// A user pool.
pub struct UserPool;

impl Kind for UserPool {
    fn name(&self) -> &'static str {
        "AWS::Cognito::UserPool"
    }

    fn grammar(&self) -> &'static str {
        "AccountRecoverySetting{RecoveryMechanisms[Name, Priority]},
         AdminCreateUserConfig{AllowAdminCreateUserOnly, InviteMessageTemplate{EmailMessage, EmailSubject, SMSMessage}, UnusedAccountValidityDays},
         AliasAttributes, AutoVerifiedAttributes, DeletionProtection, EmailVerificationMessage, EmailVerificationSubject,
         MfaConfiguration,
         Policies{PasswordPolicy{MinimumLength, PasswordHistorySize, RequireLowercase, RequireNumbers, RequireSymbols, RequireUppercase, TemporaryPasswordValidityDays}},
         Schema[AttributeDataType, DeveloperOnlyAttribute, Mutable, Name, NumberAttributeConstraints{MaxValue, MinValue}, Required, StringAttributeConstraints{MaxLength, MinLength}],
         UserPoolName, UserPoolTags, UsernameAttributes, UsernameConfiguration{CaseSensitive},
         VerificationMessageTemplate{DefaultEmailOption, EmailMessage, EmailSubject, SmsMessage}"
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["Arn", "ProviderName", "ProviderURL", "UserPoolId"]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["AliasAttributes", "Schema", "UsernameAttributes", "UsernameConfiguration"]
    }

    fn create<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let mut plain = without(call.properties, "UserPoolName");
            plain["PoolName"] = json!(call.name("UserPoolName", 128));
            let input: users::CreateUserPoolRequest = shape(&plain)?;
            let output = call.invoke::<users_op::CreateUserPool>(&call.services.user_pools, input).await?;
            let pool = output.user_pool.unwrap_or_default();
            let id = pool.id.unwrap_or_default();
            let provider = format!("cognito-idp.{}.amazonaws.com/{id}", call.cx.region);
            Ok(Made::new(id.clone())
                .with("Arn", pool.arn.unwrap_or_default())
                .with("ProviderURL", format!("https://{provider}"))
                .with("ProviderName", provider)
                .with("UserPoolId", id))
        })
    }

    fn update<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let mut plain = without(call.properties, "UserPoolName");
            for fixed in UserPool.replacing() {
                plain = without(&plain, fixed);
            }
            plain["UserPoolId"] = json!(call.physical_id());
            if let Some(name) = call.text("UserPoolName") {
                plain["PoolName"] = json!(name);
            }
            let input: users::UpdateUserPoolRequest = shape(&plain)?;
            call.invoke::<users_op::UpdateUserPool>(&call.services.user_pools, input).await?;
            Ok(call.made.cloned().unwrap_or_default())
        })
    }

    fn delete<'a>(&self, call: Call<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let input = users::DeleteUserPoolRequest { user_pool_id: Some(call.physical_id()) };
            gone(call.invoke::<users_op::DeleteUserPool>(&call.services.user_pools, input).await)
        })
    }
}

fn without(value: &Value, key: &str) -> Value {
    let mut map: Map<String, Value> = value.as_object().cloned().unwrap_or_default();
    map.remove(key);
    Value::Object(map)
}

/// A user pool's client.
pub struct UserPoolClient;

impl Kind for UserPoolClient {
    fn name(&self) -> &'static str {
        "AWS::Cognito::UserPoolClient"
    }

    fn grammar(&self) -> &'static str {
        "AccessTokenValidity, AuthSessionValidity, ClientName, EnableTokenRevocation, ExplicitAuthFlows, GenerateSecret,
         IdTokenValidity, PreventUserExistenceErrors, ReadAttributes, RefreshTokenValidity, SupportedIdentityProviders,
         TokenValidityUnits{AccessToken, IdToken, RefreshToken}, UserPoolId, WriteAttributes"
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["ClientId", "Name"]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["GenerateSecret", "UserPoolId"]
    }

    fn create<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let name = call.name("ClientName", 128);
            let mut plain = call.properties.clone();
            plain["ClientName"] = json!(name);
            let input: users::CreateUserPoolClientRequest = shape(&plain)?;
            let output =
                call.invoke::<users_op::CreateUserPoolClient>(&call.services.user_pools, input).await?;
            let id = output.user_pool_client.and_then(|client| client.client_id).unwrap_or_default();
            Ok(Made::new(id.clone()).with("ClientId", id).with("Name", name))
        })
    }

    fn update<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let mut plain = without(call.properties, "GenerateSecret");
            plain["ClientId"] = json!(call.physical_id());
            let input: users::UpdateUserPoolClientRequest = shape(&plain)?;
            call.invoke::<users_op::UpdateUserPoolClient>(&call.services.user_pools, input).await?;
            Ok(call.made.cloned().unwrap_or_default())
        })
    }

    fn delete<'a>(&self, call: Call<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let input = users::DeleteUserPoolClientRequest {
                user_pool_id: call.text("UserPoolId"),
                client_id: Some(call.physical_id()),
            };
            gone(call.invoke::<users_op::DeleteUserPoolClient>(&call.services.user_pools, input).await)
        })
    }
}

/// An identity pool.
pub struct IdentityPool;

impl Kind for IdentityPool {
    fn name(&self) -> &'static str {
        "AWS::Cognito::IdentityPool"
    }

    fn grammar(&self) -> &'static str {
        "AllowClassicFlow, AllowUnauthenticatedIdentities, CognitoIdentityProviders[ClientId, ProviderName, ServerSideTokenCheck],
         IdentityPoolName, IdentityPoolTags[Key, Value]"
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["Id", "Name"]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["IdentityPoolTags"]
    }

    fn create<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let name = call.name("IdentityPoolName", 128);
            let input: identity::CreateIdentityPoolInput = shape(&pool(&call, &name))?;
            let output =
                call.invoke::<identity_op::CreateIdentityPool>(&call.services.identity_pools, input).await?;
            let id = output.identity_pool_id.unwrap_or_default();
            Ok(Made::new(id.clone()).with("Id", id).with("Name", name))
        })
    }

    fn update<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let known = call.made.and_then(|made| made.attributes.get("Name").and_then(Value::as_str));
            let name = call.text("IdentityPoolName").or(known.map(str::to_owned)).unwrap_or_default();
            let mut plain = pool(&call, &name);
            plain["IdentityPoolId"] = json!(call.physical_id());
            let input: identity::IdentityPool = shape(&plain)?;
            call.invoke::<identity_op::UpdateIdentityPool>(&call.services.identity_pools, input).await?;
            Ok(call.made.cloned().unwrap_or_default().with("Name", name))
        })
    }

    fn delete<'a>(&self, call: Call<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let input = identity::DeleteIdentityPoolInput { identity_pool_id: Some(call.physical_id()) };
            gone(call.invoke::<identity_op::DeleteIdentityPool>(&call.services.identity_pools, input).await)
        })
    }
}

fn pool(call: &Call<'_>, name: &str) -> Value {
    let mut plain = without(call.properties, "IdentityPoolTags");
    plain["IdentityPoolName"] = json!(name);
    if call.property("IdentityPoolTags").is_some() {
        plain["IdentityPoolTags"] =
            Value::Object(call.tags_of("IdentityPoolTags").into_iter().map(|(k, v)| (k, json!(v))).collect());
    }
    plain
}

/// The roles of an identity pool.
pub struct IdentityPoolRoleAttachment;

impl Kind for IdentityPoolRoleAttachment {
    fn name(&self) -> &'static str {
        "AWS::Cognito::IdentityPoolRoleAttachment"
    }

    fn grammar(&self) -> &'static str {
        "IdentityPoolId, Roles"
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["Id"]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["IdentityPoolId"]
    }

    fn create<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let pool = call.required("IdentityPoolId")?;
            let mut input: identity::SetIdentityPoolRolesInput = shape(call.properties)?;
            input.roles.get_or_insert_default();
            call.invoke::<identity_op::SetIdentityPoolRoles>(&call.services.identity_pools, input).await?;
            Ok(Made::new(pool.clone()).with("Id", pool))
        })
    }

    fn update<'a>(&self, call: Call<'a>) -> Making<'a> {
        self.create(call)
    }

    fn delete<'a>(&self, call: Call<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let input = identity::SetIdentityPoolRolesInput {
                identity_pool_id: Some(call.physical_id()),
                roles: Some(std::collections::BTreeMap::new()),
                ..Default::default()
            };
            gone(call.invoke::<identity_op::SetIdentityPoolRoles>(&call.services.identity_pools, input).await)
        })
    }
}
