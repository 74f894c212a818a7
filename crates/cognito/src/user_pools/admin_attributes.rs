//! What administrators do with users' attributes.

use nephos_core::Cx;
use nephos_store::Tx;

use super::UserPools;
use super::admin_users::Named;
use super::attributes::{self, By, Given};
use super::contact::Contact;
use super::shapes::{
    AdminDeleteUserAttributesRequest, AdminDeleteUserAttributesResponse, AdminUpdateUserAttributesRequest,
    AdminUpdateUserAttributesResponse,
};
use super::{need, user_view};
use crate::crypto::codes::six_digits;
use crate::error::Error;

/// `AdminUpdateUserAttributes`
pub(crate) async fn update(
    pools: &UserPools,
    cx: &Cx,
    input: AdminUpdateUserAttributesRequest,
) -> Result<AdminUpdateUserAttributesResponse, Error> {
    let named = Named::new(input.user_pool_id, input.username)?;
    change(pools, cx, &named, &user_view::given(input.user_attributes)?).await?;
    Ok(AdminUpdateUserAttributesResponse::default())
}

/// `AdminDeleteUserAttributes`
pub(crate) async fn delete(
    pools: &UserPools,
    cx: &Cx,
    input: AdminDeleteUserAttributesRequest,
) -> Result<AdminDeleteUserAttributesResponse, Error> {
    let named = Named::new(input.user_pool_id, input.username)?;
    let names = need(input.user_attribute_names, "UserAttributeNames")?;
    let given: Given = names.into_iter().map(|name| (name, String::new())).collect();
    change(pools, cx, &named, &given).await?;
    Ok(AdminDeleteUserAttributesResponse::default())
}

async fn change(pools: &UserPools, cx: &Cx, named: &Named, given: &Given) -> Result<(), Error> {
    let codes = Contact::ALL.map(|_| six_digits());
    let change = |tx: &mut Tx| {
        let (pool, user) = named.find(tx, cx)?;
        attributes::check(&pool, given, By::Admin)?;
        let sent = pools.change(tx, (&pool, &user), given, &codes, cx.now())?;
        Ok::<_, Error>((pool, user, sent))
    };
    let (pool, user, sent) = pools.store.transact("cognito update attributes", change).await?;
    pools.send_all(cx, (&pool, &user), &sent).await.map(drop)
}
