//! Users.

use nephos_core::{AccountId, Cx, Principal};
use nephos_store::{Range, Read, Tx};

use crate::Iam;
use crate::access_keys;
use crate::attachments::{self, boundary_shape};
use crate::directory;
use crate::error::Error;
use crate::keys::{self, Sort, Use};
use crate::pages::Asked;
use crate::records::Entity;
use crate::shapes::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, Unit, UpdateUserRequest, User,
};
use crate::tags;

const MAX_USERS: usize = 5000;

/// A user with everything.
pub(crate) fn shape(account: AccountId, user: &Entity) -> User {
    User {
        permissions_boundary: boundary_shape(user.boundary.as_deref()),
        tags: tags::write(&user.tags),
        ..brief(account, user)
    }
}

/// A user as lists show it.
pub(crate) fn brief(account: AccountId, user: &Entity) -> User {
    User {
        path: Some(user.path.clone()),
        user_name: Some(user.name.clone()),
        user_id: Some(user.id.clone()),
        arn: Some(user.arn(account).to_string()),
        create_date: Some(user.created),
        ..User::default()
    }
}

/// Refuses a name that is taken, and more than the account may have.
pub(crate) fn check_new<R: Read>(
    tx: &R,
    account: AccountId,
    sort: Sort,
    name: &str,
    quota: (&str, usize),
) -> Result<(), Error> {
    if tx.get(&keys::entity(account, sort, name))?.is_some() {
        let (first, rest) = sort.noun().split_at(1);
        let noun = format!("{}{rest}", first.to_uppercase());
        return Err(Error::EntityAlreadyExists(format!("{noun} with name {name} already exists.")));
    }
    let mut count = 0;
    tx.scan(&Range::prefix(&keys::entities(account, sort)), &mut |_, _| {
        count += 1;
        std::ops::ControlFlow::Continue(())
    })?;
    match count < quota.1 {
        true => Ok(()),
        false => Err(Error::LimitExceeded(format!("Cannot exceed quota for {}: {}", quota.0, quota.1))),
    }
}

pub(crate) async fn create(
    iam: &Iam,
    cx: &Cx,
    input: CreateUserRequest,
) -> Result<CreateUserResponse, Error> {
    let name = input.user_name.unwrap_or_default();
    let mut user = Entity::new(Sort::User, &name, input.path.as_deref().unwrap_or("/"), cx.now());
    user.tags = tags::read(input.tags.as_deref())?;
    user.boundary = input.permissions_boundary;
    iam.write("iam.create_user", cx.account, |tx| {
        check_new(tx, cx.account, Sort::User, &name, ("UsersPerAccount", MAX_USERS))?;
        attachments::use_boundary(tx, cx.account, &user)?;
        Ok(tx.put_record(keys::entity(cx.account, Sort::User, &name), &user)?)
    })
    .await?;
    Ok(CreateUserResponse { user: Some(shape(cx.account, &user)) })
}

pub(crate) async fn get(iam: &Iam, cx: &Cx, input: GetUserRequest) -> Result<GetUserResponse, Error> {
    let user = match access_keys::owner(cx, input.user_name.as_deref())? {
        Some(name) => {
            let user = iam.store.read(|view| directory::get(view, cx.account, Sort::User, &name))?;
            shape(cx.account, &user)
        }
        None => root(cx),
    };
    Ok(GetUserResponse { user: Some(user) })
}

/// The root user, who is no entity.
fn root(cx: &Cx) -> User {
    let principal = Principal::Root { account: cx.account };
    User {
        user_id: Some(cx.account.to_string()),
        arn: principal.arn().map(|arn| arn.to_string()),
        path: Some("/".to_owned()),
        user_name: Some("root".to_owned()),
        create_date: Some(nephos_core::Timestamp::from_secs(0)),
        ..User::default()
    }
}

pub(crate) async fn list(iam: &Iam, cx: &Cx, input: ListUsersRequest) -> Result<ListUsersResponse, Error> {
    let prefix = input.path_prefix.unwrap_or_else(|| "/".to_owned());
    let asked = Asked::read(input.marker.as_deref(), input.max_items)?;
    let all = keys::entities(cx.account, Sort::User);
    let page = iam.store.read(|view| {
        asked.records(view, &all, |user: &Entity| &user.name, |user| user.path.starts_with(&prefix))
    })?;
    let is_truncated = page.is_truncated();
    let users = page.items.iter().map(|user| brief(cx.account, user)).collect();
    Ok(ListUsersResponse { users: Some(users), is_truncated, marker: page.marker })
}

/// A user's new name or path. Its id, keys, policies and groups stay.
pub(crate) async fn update(iam: &Iam, cx: &Cx, input: UpdateUserRequest) -> Result<Unit, Error> {
    let name = input.user_name.unwrap_or_default();
    iam.write("iam.update_user", cx.account, |tx| {
        let user = directory::get(tx, cx.account, Sort::User, &name)?;
        let mut renamed = user.clone();
        renamed.path = input.new_path.clone().unwrap_or(renamed.path);
        renamed.name = input.new_user_name.clone().unwrap_or(renamed.name);
        move_entity(tx, cx.account, &user, &renamed)?;
        for key in access_keys::owned(tx, cx.account, Some(&user.name))? {
            tx.delete(keys::owned_key(cx.account, Some(&user.name), &key.id));
            let moved = crate::records::AccessKey { user: Some(renamed.name.clone()), ..key };
            crate::bootstrap::put_access_key(tx, cx.account, &moved)?;
        }
        for group in &user.groups {
            tx.delete(keys::member(cx.account, group, &user.name));
            tx.put(keys::member(cx.account, group, &renamed.name), Vec::new());
        }
        Ok(())
    })
    .await?;
    Ok(Unit {})
}

/// Moves an entity to another name, with the indexes of its policies.
pub(crate) fn move_entity(tx: &mut Tx, account: AccountId, old: &Entity, new: &Entity) -> Result<(), Error> {
    let sort = old.sort;
    if !old.name.eq_ignore_ascii_case(&new.name) {
        check_new(tx, account, sort, &new.name, ("entities", usize::MAX))?;
    }
    tx.delete(keys::entity(account, sort, &old.name));
    tx.put_record(keys::entity(account, sort, &new.name), new)?;
    for arn in &old.attached {
        tx.delete(keys::used_by(account, arn, Use::Attached, sort, &old.name));
        tx.put(keys::used_by(account, arn, Use::Attached, sort, &new.name), Vec::new());
    }
    if let Some(arn) = &old.boundary {
        tx.delete(keys::used_by(account, arn, Use::Boundary, sort, &old.name));
        tx.put(keys::used_by(account, arn, Use::Boundary, sort, &new.name), Vec::new());
    }
    Ok(())
}

pub(crate) async fn delete(iam: &Iam, cx: &Cx, input: DeleteUserRequest) -> Result<Unit, Error> {
    let name = input.user_name.unwrap_or_default();
    iam.write("iam.delete_user", cx.account, |tx| {
        let user = directory::get(tx, cx.account, Sort::User, &name)?;
        check_bare(&user)?;
        let conflict =
            |what: &str| Error::DeleteConflict(format!("Cannot delete entity, must {what} first."));
        if !access_keys::owned(tx, cx.account, Some(&name))?.is_empty() {
            return Err(conflict("delete access keys"));
        }
        if !user.groups.is_empty() {
            return Err(conflict("remove user from all groups"));
        }
        attachments::drop_boundary(tx, cx.account, &user);
        tx.delete(keys::entity(cx.account, Sort::User, &name));
        Ok(())
    })
    .await?;
    Ok(Unit {})
}

/// Nothing is deleted while policies are on it.
pub(crate) fn check_bare(entity: &Entity) -> Result<(), Error> {
    let conflict =
        |what: &str| Err(Error::DeleteConflict(format!("Cannot delete entity, must {what} first.")));
    if !entity.attached.is_empty() {
        return conflict("detach all policies");
    }
    if !entity.inline.is_empty() {
        return conflict("delete policies");
    }
    Ok(())
}
