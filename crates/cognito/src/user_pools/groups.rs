//! Groups: made, looked at, changed, deleted.

use nephos_core::{Cx, Timestamp};
use nephos_store::{Range, Read, Tx};

use super::group_record::GroupRecord;
use super::pool_record::PoolRecord;
use super::shapes::{
    CreateGroupRequest, CreateGroupResponse, DeleteGroupRequest, GetGroupRequest, GetGroupResponse,
    GroupType, ListGroupsRequest, ListGroupsResponse, Unit, UpdateGroupRequest, UpdateGroupResponse,
};
use super::{UserPools, need, own_pool};
use crate::error::Error;
use crate::{keys, paging};

/// The most groups of one pool.
const MAX_GROUPS: usize = 10_000;
/// The most members that are taken out in one transaction when a group goes.
const BATCH: usize = 512;

/// A group that must be there.
pub(crate) fn existing(read: &dyn Read, pool: &PoolRecord, name: &str) -> Result<GroupRecord, Error> {
    let group = (&read).record(&keys::group(&pool.id, name))?;
    group.ok_or_else(|| Error::ResourceNotFound("Group not found.".to_owned()))
}

/// A group as answers show it.
pub(crate) fn view(pool: &str, group: GroupRecord) -> GroupType {
    GroupType {
        group_name: Some(group.name),
        user_pool_id: Some(pool.to_owned()),
        description: group.description,
        role_arn: group.role_arn,
        precedence: group.precedence.and_then(|precedence| i32::try_from(precedence).ok()),
        last_modified_date: Some(group.modified),
        creation_date: Some(group.created),
    }
}

fn precedence(given: Option<i32>) -> Option<u32> {
    given.and_then(|given| u32::try_from(given).ok())
}

/// `CreateGroup`
pub(crate) async fn create(
    pools: &UserPools,
    cx: &Cx,
    input: CreateGroupRequest,
) -> Result<CreateGroupResponse, Error> {
    let (pool, name) = (need(input.user_pool_id, "UserPoolId")?, need(input.group_name, "GroupName")?);
    let now: Timestamp = cx.now();
    let group = GroupRecord {
        name,
        description: input.description,
        role_arn: input.role_arn,
        precedence: precedence(input.precedence),
        created: now,
        modified: now,
    };
    let create = |tx: &mut Tx| {
        let pool = own_pool(tx, cx, &pool)?;
        let key = keys::group(&pool.id, &group.name);
        if tx.get(&key)?.is_some() {
            return Err(Error::GroupExists);
        }
        if tx.range(&Range::prefix(&keys::groups(&pool.id)).limit(MAX_GROUPS))?.len() >= MAX_GROUPS {
            return Err(Error::LimitExceeded("Exceeded group limit.".to_owned()));
        }
        Ok(tx.put_record(key, &group)?)
    };
    pools.store.transact("cognito create group", create).await?;
    Ok(CreateGroupResponse { group: Some(view(&pool, group)) })
}

/// `UpdateGroup`
pub(crate) async fn update(
    pools: &UserPools,
    cx: &Cx,
    input: UpdateGroupRequest,
) -> Result<UpdateGroupResponse, Error> {
    let (pool, name) = (need(input.user_pool_id, "UserPoolId")?, need(input.group_name, "GroupName")?);
    let update = |tx: &mut Tx| {
        let pool = own_pool(tx, cx, &pool)?;
        let before = existing(tx, &pool, &name)?;
        let after = GroupRecord {
            description: input.description.clone().or(before.description.clone()),
            role_arn: input.role_arn.clone().or(before.role_arn.clone()),
            precedence: precedence(input.precedence).or(before.precedence),
            modified: cx.now(),
            ..before
        };
        tx.put_record(keys::group(&pool.id, &name), &after)?;
        Ok::<_, Error>(after)
    };
    let group = pools.store.transact("cognito update group", update).await?;
    Ok(UpdateGroupResponse { group: Some(view(&pool, group)) })
}

/// `GetGroup`
pub(crate) async fn get(
    pools: &UserPools,
    cx: &Cx,
    input: GetGroupRequest,
) -> Result<GetGroupResponse, Error> {
    let (pool, name) = (need(input.user_pool_id, "UserPoolId")?, need(input.group_name, "GroupName")?);
    let group = pools.store.read(|read| existing(read, &own_pool(read, cx, &pool)?, &name))?;
    Ok(GetGroupResponse { group: Some(view(&pool, group)) })
}

/// `DeleteGroup`: the group goes last, so that a crash leaves one that can be deleted again.
pub(crate) async fn delete(pools: &UserPools, cx: &Cx, input: DeleteGroupRequest) -> Result<Unit, Error> {
    let (pool, name) = (need(input.user_pool_id, "UserPoolId")?, need(input.group_name, "GroupName")?);
    let batch = |tx: &mut Tx| {
        let pool = own_pool(tx, cx, &pool)?;
        existing(tx, &pool, &name)?;
        let members = keys::members(&pool.id, &name);
        let rows = paging::page(tx, &members, None, BATCH)?;
        for (member, _) in rows.rows {
            tx.delete(keys::memberships(&pool.id, &member).text(&name));
            tx.delete(members.clone().text(&member));
        }
        if rows.next.is_none() {
            tx.delete(keys::group(&pool.id, &name));
        }
        Ok::<bool, Error>(rows.next.is_some())
    };
    while pools.store.transact("cognito delete group", batch).await? {}
    Ok(Unit::default())
}

/// `ListGroups`
pub(crate) async fn list(
    pools: &UserPools,
    cx: &Cx,
    input: ListGroupsRequest,
) -> Result<ListGroupsResponse, Error> {
    let pool = need(input.user_pool_id, "UserPoolId")?;
    let size = paging::size(input.limit, 60);
    pools.store.read(|read| {
        let pool = own_pool(read, cx, &pool)?;
        let page = paging::page(read, &keys::groups(&pool.id), input.next_token.as_deref(), size)?;
        let mut groups = Vec::with_capacity(page.rows.len());
        for (_, value) in page.rows {
            groups.push(view(&pool.id, nephos_store::record::decode(&value)?));
        }
        Ok(ListGroupsResponse { groups: Some(groups), next_token: page.next })
    })
}
