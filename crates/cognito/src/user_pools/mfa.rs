//! Second factors: there are none yet, and whoever asks for one is told so.

use nephos_core::Cx;

use super::pool_settings::absent;
use super::shapes::{
    GetUserPoolMfaConfigRequest, GetUserPoolMfaConfigResponse, SetUserPoolMfaConfigRequest,
    SetUserPoolMfaConfigResponse,
};
use super::{UserPools, need, own_pool};
use crate::error::Error;

/// `GetUserPoolMfaConfig`
pub(crate) async fn get(
    pools: &UserPools,
    cx: &Cx,
    input: GetUserPoolMfaConfigRequest,
) -> Result<GetUserPoolMfaConfigResponse, Error> {
    let id = need(input.user_pool_id, "UserPoolId")?;
    pools.store.read(|view| own_pool(view, cx, &id))?;
    Ok(GetUserPoolMfaConfigResponse {
        mfa_configuration: Some("OFF".to_owned()),
        ..GetUserPoolMfaConfigResponse::default()
    })
}

/// `SetUserPoolMfaConfig`
pub(crate) async fn set(
    pools: &UserPools,
    cx: &Cx,
    input: SetUserPoolMfaConfigRequest,
) -> Result<SetUserPoolMfaConfigResponse, Error> {
    let id = need(input.user_pool_id, "UserPoolId")?;
    pools.store.read(|view| own_pool(view, cx, &id))?;
    if let Some(mode) = input.mfa_configuration.as_deref().filter(|mode| *mode != "OFF") {
        return Err(absent(format!("MfaConfiguration {mode}")));
    }
    let totp = input.software_token_mfa_configuration.and_then(|config| config.enabled);
    for (asked, member) in [
        (input.sms_mfa_configuration.is_some(), "SmsMfaConfiguration"),
        (totp == Some(true), "SoftwareTokenMfaConfiguration"),
        (input.email_mfa_configuration.is_some(), "EmailMfaConfiguration"),
        (input.web_authn_configuration.is_some(), "WebAuthnConfiguration"),
    ] {
        if asked {
            return Err(absent(member));
        }
    }
    Ok(SetUserPoolMfaConfigResponse {
        mfa_configuration: Some("OFF".to_owned()),
        ..SetUserPoolMfaConfigResponse::default()
    })
}
