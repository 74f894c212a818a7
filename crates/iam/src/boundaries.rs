//! Permissions boundaries of users and roles.

use nephos_core::Cx;

use crate::Iam;
use crate::attachments::{drop_boundary, use_boundary};
use crate::directory;
use crate::error::Error;
use crate::keys::{self, Sort};
use crate::shapes::{
    DeleteRolePermissionsBoundaryRequest, DeleteUserPermissionsBoundaryRequest,
    PutRolePermissionsBoundaryRequest, PutUserPermissionsBoundaryRequest, Unit,
};

async fn set(
    iam: &Iam,
    cx: &Cx,
    sort: Sort,
    name: Option<String>,
    arn: Option<String>,
) -> Result<Unit, Error> {
    let name = name.unwrap_or_default();
    iam.write("iam.set_boundary", cx.account, |tx| {
        let mut entity = directory::get(tx, cx.account, sort, &name)?;
        if arn.is_none() && entity.boundary.is_none() {
            return Err(Error::NoSuchEntity(format!(
                "The {} {name} does not have a permissions boundary.",
                sort.noun()
            )));
        }
        drop_boundary(tx, cx.account, &entity);
        entity.boundary.clone_from(&arn);
        use_boundary(tx, cx.account, &entity)?;
        Ok(tx.put_record(keys::entity(cx.account, sort, &name), &entity)?)
    })
    .await?;
    Ok(Unit {})
}

pub(crate) async fn put_user(
    iam: &Iam,
    cx: &Cx,
    input: PutUserPermissionsBoundaryRequest,
) -> Result<Unit, Error> {
    set(iam, cx, Sort::User, input.user_name, input.permissions_boundary).await
}

pub(crate) async fn put_role(
    iam: &Iam,
    cx: &Cx,
    input: PutRolePermissionsBoundaryRequest,
) -> Result<Unit, Error> {
    set(iam, cx, Sort::Role, input.role_name, input.permissions_boundary).await
}

pub(crate) async fn delete_user(
    iam: &Iam,
    cx: &Cx,
    input: DeleteUserPermissionsBoundaryRequest,
) -> Result<Unit, Error> {
    set(iam, cx, Sort::User, input.user_name, None).await
}

pub(crate) async fn delete_role(
    iam: &Iam,
    cx: &Cx,
    input: DeleteRolePermissionsBoundaryRequest,
) -> Result<Unit, Error> {
    set(iam, cx, Sort::Role, input.role_name, None).await
}
