//! Groups, and who is in them.

use nephos_core::{AccountId, Cx};
use nephos_store::{KeyReader, Range, Read};

use crate::Iam;
use crate::directory;
use crate::error::Error;
use crate::keys::{self, Sort};
use crate::pages::Asked;
use crate::records::Entity;
use crate::shapes::{
    AddUserToGroupRequest, CreateGroupRequest, CreateGroupResponse, DeleteGroupRequest, GetGroupRequest,
    GetGroupResponse, Group, ListGroupsForUserRequest, ListGroupsForUserResponse, ListGroupsRequest,
    ListGroupsResponse, RemoveUserFromGroupRequest, Unit, UpdateGroupRequest,
};
use crate::users::{self, check_bare, check_new, move_entity};

const MAX_GROUPS: usize = 300;
const MAX_GROUPS_OF_USER: usize = 10;

fn shape(account: AccountId, group: &Entity) -> Group {
    Group {
        path: Some(group.path.clone()),
        group_name: Some(group.name.clone()),
        group_id: Some(group.id.clone()),
        arn: Some(group.arn(account).to_string()),
        create_date: Some(group.created),
    }
}

/// The users in a group.
fn members<R: Read>(tx: &R, account: AccountId, group: &str) -> Result<Vec<Entity>, Error> {
    let prefix = keys::members(account, group);
    let mut users = Vec::new();
    for (key, _) in tx.range(&Range::prefix(&prefix))? {
        let lower = KeyReader::new(&key.as_bytes()[prefix.as_bytes().len()..]).text()?;
        users.extend(tx.record::<Entity>(&keys::entity(account, Sort::User, &lower))?);
    }
    Ok(users)
}

pub(crate) async fn create(
    iam: &Iam,
    cx: &Cx,
    input: CreateGroupRequest,
) -> Result<CreateGroupResponse, Error> {
    let name = input.group_name.unwrap_or_default();
    let group = Entity::new(Sort::Group, &name, input.path.as_deref().unwrap_or("/"), cx.now());
    iam.write("iam.create_group", cx.account, |tx| {
        check_new(tx, cx.account, Sort::Group, &name, ("GroupsPerAccount", MAX_GROUPS))?;
        Ok(tx.put_record(keys::entity(cx.account, Sort::Group, &name), &group)?)
    })
    .await?;
    Ok(CreateGroupResponse { group: Some(shape(cx.account, &group)) })
}

pub(crate) async fn get(iam: &Iam, cx: &Cx, input: GetGroupRequest) -> Result<GetGroupResponse, Error> {
    let name = input.group_name.unwrap_or_default();
    let (group, users) = iam.store.read(|view| {
        let group = directory::get(view, cx.account, Sort::Group, &name)?;
        Ok::<_, Error>((group, members(view, cx.account, &name)?))
    })?;
    let page = Asked::read(input.marker.as_deref(), input.max_items)?.of(users, |user| &user.name);
    let is_truncated = page.is_truncated();
    Ok(GetGroupResponse {
        group: Some(shape(cx.account, &group)),
        users: Some(page.items.iter().map(|user| users::brief(cx.account, user)).collect()),
        is_truncated,
        marker: page.marker,
    })
}

pub(crate) async fn list(iam: &Iam, cx: &Cx, input: ListGroupsRequest) -> Result<ListGroupsResponse, Error> {
    let prefix = input.path_prefix.unwrap_or_else(|| "/".to_owned());
    let asked = Asked::read(input.marker.as_deref(), input.max_items)?;
    let all = keys::entities(cx.account, Sort::Group);
    let page = iam.store.read(|view| {
        asked.records(view, &all, |group: &Entity| &group.name, |group| group.path.starts_with(&prefix))
    })?;
    let is_truncated = page.is_truncated();
    let groups = page.items.iter().map(|group| shape(cx.account, group)).collect();
    Ok(ListGroupsResponse { groups: Some(groups), is_truncated, marker: page.marker })
}

pub(crate) async fn list_for_user(
    iam: &Iam,
    cx: &Cx,
    input: ListGroupsForUserRequest,
) -> Result<ListGroupsForUserResponse, Error> {
    let name = input.user_name.unwrap_or_default();
    let groups = iam.store.read(|view| {
        let user = directory::get(view, cx.account, Sort::User, &name)?;
        let mut groups = Vec::new();
        for group in &user.groups {
            groups.extend(directory::find(view, cx.account, Sort::Group, group)?);
        }
        Ok::<_, Error>(groups)
    })?;
    let page = Asked::read(input.marker.as_deref(), input.max_items)?.of(groups, |group| &group.name);
    let is_truncated = page.is_truncated();
    let groups = page.items.iter().map(|group| shape(cx.account, group)).collect();
    Ok(ListGroupsForUserResponse { groups: Some(groups), is_truncated, marker: page.marker })
}

pub(crate) async fn update(iam: &Iam, cx: &Cx, input: UpdateGroupRequest) -> Result<Unit, Error> {
    let name = input.group_name.unwrap_or_default();
    iam.write("iam.update_group", cx.account, |tx| {
        let group = directory::get(tx, cx.account, Sort::Group, &name)?;
        let mut renamed = group.clone();
        renamed.path = input.new_path.clone().unwrap_or(renamed.path);
        renamed.name = input.new_group_name.clone().unwrap_or(renamed.name);
        move_entity(tx, cx.account, &group, &renamed)?;
        for mut user in members(tx, cx.account, &group.name)? {
            tx.delete(keys::member(cx.account, &group.name, &user.name));
            tx.put(keys::member(cx.account, &renamed.name, &user.name), Vec::new());
            user.groups.iter_mut().filter(|g| **g == group.name).for_each(|g| g.clone_from(&renamed.name));
            tx.put_record(keys::entity(cx.account, Sort::User, &user.name), &user)?;
        }
        Ok(())
    })
    .await?;
    Ok(Unit {})
}

pub(crate) async fn delete(iam: &Iam, cx: &Cx, input: DeleteGroupRequest) -> Result<Unit, Error> {
    let name = input.group_name.unwrap_or_default();
    iam.write("iam.delete_group", cx.account, |tx| {
        let group = directory::get(tx, cx.account, Sort::Group, &name)?;
        if !members(tx, cx.account, &name)?.is_empty() {
            let text = "Cannot delete entity, must remove users from group first.";
            return Err(Error::DeleteConflict(text.to_owned()));
        }
        check_bare(&group)?;
        tx.delete(keys::entity(cx.account, Sort::Group, &name));
        Ok(())
    })
    .await?;
    Ok(Unit {})
}

pub(crate) async fn add_user(iam: &Iam, cx: &Cx, input: AddUserToGroupRequest) -> Result<Unit, Error> {
    let group = input.group_name.unwrap_or_default();
    let name = input.user_name.unwrap_or_default();
    iam.write("iam.add_user_to_group", cx.account, |tx| {
        directory::get(tx, cx.account, Sort::Group, &group)?;
        let mut user = directory::get(tx, cx.account, Sort::User, &name)?;
        if !user.groups.contains(&group) {
            if user.groups.len() >= MAX_GROUPS_OF_USER {
                let quota = format!("Cannot exceed quota for GroupsPerUser: {MAX_GROUPS_OF_USER}");
                return Err(Error::LimitExceeded(quota));
            }
            user.groups.push(group.clone());
            tx.put(keys::member(cx.account, &group, &name), Vec::new());
            tx.put_record(keys::entity(cx.account, Sort::User, &name), &user)?;
        }
        Ok(())
    })
    .await?;
    Ok(Unit {})
}

pub(crate) async fn remove_user(
    iam: &Iam,
    cx: &Cx,
    input: RemoveUserFromGroupRequest,
) -> Result<Unit, Error> {
    let group = input.group_name.unwrap_or_default();
    let name = input.user_name.unwrap_or_default();
    iam.write("iam.remove_user_from_group", cx.account, |tx| {
        directory::get(tx, cx.account, Sort::Group, &group)?;
        let mut user = directory::get(tx, cx.account, Sort::User, &name)?;
        user.groups.retain(|known| *known != group);
        tx.delete(keys::member(cx.account, &group, &name));
        Ok(tx.put_record(keys::entity(cx.account, Sort::User, &name), &user)?)
    })
    .await?;
    Ok(Unit {})
}
