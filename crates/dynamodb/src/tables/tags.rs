//! TagResource, UntagResource, ListTagsOfResource.

use nephos_core::Cx;

use super::settings;
use crate::names::TableName;
use crate::shapes::{
    ListTagsOfResourceInput, ListTagsOfResourceOutput, Tag, TagResourceInput, Unit, UntagResourceInput,
};
use crate::{DynamoDb, Error};

/// The table that an ARN names.
pub(crate) fn table_of(arn: Option<&str>) -> Result<TableName, Error> {
    let arn = arn.unwrap_or_default();
    TableName::from_arn(arn).ok_or_else(|| {
        Error::Validation(format!("Invalid TableArn: Invalid ResourceArn provided as input {arn}"))
    })
}

fn not_found(arn: Option<&str>) -> impl Fn(Error) -> Error {
    let arn = arn.unwrap_or_default().to_owned();
    move |error| match error {
        Error::ResourceNotFound(_) => {
            Error::ResourceNotFound(format!("Requested resource not found: ResourcArn: {arn} not found"))
        }
        other => other,
    }
}

/// `TagResource`
pub async fn tag_resource(db: &DynamoDb, _: &Cx, input: TagResourceInput) -> Result<Unit, Error> {
    let arn = input.resource_arn.as_deref();
    let name = table_of(arn)?;
    let tags = settings::tags(input.tags.as_deref())?;
    let change = db.change_table("tag-table", &name, |_, table| {
        table.tags.extend(tags.clone());
        if table.tags.len() > settings::MAX_TAGS {
            return Err(Error::LimitExceeded(format!(
                "Too many tags: a table has at most {}",
                settings::MAX_TAGS
            )));
        }
        Ok(())
    });
    change.await.map_err(not_found(arn))?;
    Ok(Unit {})
}

/// `UntagResource`
pub async fn untag_resource(db: &DynamoDb, _: &Cx, input: UntagResourceInput) -> Result<Unit, Error> {
    let arn = input.resource_arn.as_deref();
    let name = table_of(arn)?;
    let keys = input.tag_keys.unwrap_or_default();
    let change = db.change_table("untag-table", &name, |_, table| {
        table.tags.retain(|key, _| !keys.contains(key));
        Ok(())
    });
    change.await.map_err(not_found(arn))?;
    Ok(Unit {})
}

/// `ListTagsOfResource`: all of them are one page.
pub async fn list_tags_of_resource(
    db: &DynamoDb,
    _: &Cx,
    input: ListTagsOfResourceInput,
) -> Result<ListTagsOfResourceOutput, Error> {
    let arn = input.resource_arn.as_deref();
    let name = table_of(arn)?;
    let table = db.store.read(|view| super::record(view, &name)).map_err(not_found(arn))?;
    let tag = |(key, value)| Tag { key: Some(key), value: Some(value) };
    Ok(ListTagsOfResourceOutput { tags: Some(table.tags.into_iter().map(tag).collect()), next_token: None })
}
