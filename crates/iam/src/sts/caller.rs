//! Who am I, and whose key is this.

use nephos_core::Cx;

use super::Sts;
use super::shapes::{
    GetAccessKeyInfoRequest, GetAccessKeyInfoResponse, GetCallerIdentityRequest, GetCallerIdentityResponse,
};
use crate::access_keys::account_of;
use crate::error::Error;

pub(crate) async fn identity(
    _: &Sts,
    cx: &Cx,
    _: GetCallerIdentityRequest,
) -> Result<GetCallerIdentityResponse, Error> {
    Ok(GetCallerIdentityResponse {
        user_id: Some(cx.principal.user_id()),
        account: Some(cx.account.to_string()),
        arn: cx.principal.arn().map(|arn| arn.to_string()),
    })
}

pub(crate) async fn access_key_info(
    sts: &Sts,
    _: &Cx,
    input: GetAccessKeyInfoRequest,
) -> Result<GetAccessKeyInfoResponse, Error> {
    let id = input.access_key_id.unwrap_or_default();
    let stored = sts.iam.store.read(|view| crate::directory::access_key(view, &id))?;
    let account = stored.map(|key| key.account);
    let account =
        account.or_else(|| sts.iam.dev_account(&id).or_else(|| account_of(&id)).map(|a| a.to_string()));
    match account {
        Some(account) => Ok(GetAccessKeyInfoResponse { account: Some(account) }),
        None => Err(Error::Validation(format!("{id} is not a valid access key ID."))),
    }
}
