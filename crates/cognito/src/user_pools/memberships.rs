//! Who is in which group.

use nephos_core::Cx;
use nephos_store::{Range, Read, Tx};

use super::admin_users::Named;
use super::group_record::{GroupRecord, MAX_GROUPS_OF_USER};
use super::shapes::{
    AdminAddUserToGroupRequest, AdminListGroupsForUserRequest, AdminListGroupsForUserResponse,
    AdminRemoveUserFromGroupRequest, ListUsersInGroupRequest, ListUsersInGroupResponse, Unit,
};
use super::user_record::UserRecord;
use super::{UserPools, groups, need, own_pool, user_view};
use crate::error::Error;
use crate::{keys, paging};

/// `AdminAddUserToGroup`
pub(crate) async fn add(
    pools: &UserPools,
    cx: &Cx,
    input: AdminAddUserToGroupRequest,
) -> Result<Unit, Error> {
    let named = Named::new(input.user_pool_id, input.username)?;
    let group = need(input.group_name, "GroupName")?;
    let add = |tx: &mut Tx| {
        let (pool, user) = named.find(tx, cx)?;
        groups::existing(tx, &pool, &group)?;
        let canonical = pool.canonical(&user.username);
        let memberships = keys::memberships(&pool.id, &canonical);
        let own = memberships.clone().text(&group);
        let full =
            tx.range(&Range::prefix(&memberships).limit(MAX_GROUPS_OF_USER))?.len() == MAX_GROUPS_OF_USER;
        if full && tx.get(&own)?.is_none() {
            return Err(Error::LimitExceeded("Exceeded groups per user limit.".to_owned()));
        }
        tx.put(own, Vec::new());
        tx.put(keys::members(&pool.id, &group).text(&canonical), Vec::new());
        Ok(())
    };
    pools.store.transact("cognito add to group", add).await?;
    Ok(Unit::default())
}

/// `AdminRemoveUserFromGroup`
pub(crate) async fn remove(
    pools: &UserPools,
    cx: &Cx,
    input: AdminRemoveUserFromGroupRequest,
) -> Result<Unit, Error> {
    let named = Named::new(input.user_pool_id, input.username)?;
    let group = need(input.group_name, "GroupName")?;
    let remove = |tx: &mut Tx| {
        let (pool, user) = named.find(tx, cx)?;
        groups::existing(tx, &pool, &group)?;
        let canonical = pool.canonical(&user.username);
        tx.delete(keys::memberships(&pool.id, &canonical).text(&group));
        tx.delete(keys::members(&pool.id, &group).text(&canonical));
        Ok::<(), Error>(())
    };
    pools.store.transact("cognito remove from group", remove).await?;
    Ok(Unit::default())
}

/// `AdminListGroupsForUser`
pub(crate) async fn groups_of_user(
    pools: &UserPools,
    cx: &Cx,
    input: AdminListGroupsForUserRequest,
) -> Result<AdminListGroupsForUserResponse, Error> {
    let named = Named::new(input.user_pool_id, input.username)?;
    let size = paging::size(input.limit, 60);
    pools.store.read(|read| {
        let (pool, user) = named.find(read, cx)?;
        let prefix = keys::memberships(&pool.id, &pool.canonical(&user.username));
        let page = paging::page(read, &prefix, input.next_token.as_deref(), size)?;
        let mut found = Vec::with_capacity(page.rows.len());
        for (name, _) in page.rows {
            let group: Option<GroupRecord> = (&read).record(&keys::group(&pool.id, &name))?;
            found.extend(group.map(|group| groups::view(&pool.id, group)));
        }
        Ok(AdminListGroupsForUserResponse { groups: Some(found), next_token: page.next })
    })
}

/// `ListUsersInGroup`
pub(crate) async fn users_in_group(
    pools: &UserPools,
    cx: &Cx,
    input: ListUsersInGroupRequest,
) -> Result<ListUsersInGroupResponse, Error> {
    let (pool, group) = (need(input.user_pool_id, "UserPoolId")?, need(input.group_name, "GroupName")?);
    let size = paging::size(input.limit, 60);
    pools.store.read(|read| {
        let pool = own_pool(read, cx, &pool)?;
        groups::existing(read, &pool, &group)?;
        let page = paging::page(read, &keys::members(&pool.id, &group), input.next_token.as_deref(), size)?;
        let mut users = Vec::with_capacity(page.rows.len());
        for (canonical, _) in page.rows {
            let user: Option<UserRecord> = (&read).record(&keys::user(&pool.id, &canonical))?;
            users.extend(user.map(|user| user_view::user(&user, |_| true)));
        }
        Ok(ListUsersInGroupResponse { users: Some(users), next_token: page.next })
    })
}
