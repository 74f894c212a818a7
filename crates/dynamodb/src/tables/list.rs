//! ListTables.

use nephos_core::Cx;
use nephos_store::{Key, Range, Read};

use crate::names::TableName;
use crate::shapes::{ListTablesInput, ListTablesOutput};
use crate::{DynamoDb, Error, keys};

/// The most names of a page.
const MAX_NAMES: usize = 100;

/// `ListTables`
pub async fn list_tables(db: &DynamoDb, cx: &Cx, input: ListTablesInput) -> Result<ListTablesOutput, Error> {
    let limit = input.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(MAX_NAMES);
    let of = TableName {
        account: cx.account,
        region: cx.region.clone(),
        name: input.exclusive_start_table_name.unwrap_or_default(),
    };
    let mut range = Range::prefix(&keys::tables(&of));
    if !of.name.is_empty() {
        range = range.after(&keys::table(&of));
    }
    let mut names = Vec::new();
    db.store.read(|view| {
        view.scan(&range.clone().limit(limit + 1), &mut |key, _| {
            names.push(name_in(&Key::from_bytes(key)));
            std::ops::ControlFlow::Continue(())
        })
    })?;
    let mut names = names.into_iter().collect::<Result<Vec<_>, _>>()?;
    let more = names.len() > limit;
    names.truncate(limit);
    let last = names.last().filter(|_| more).cloned();
    Ok(ListTablesOutput { table_names: Some(names), last_evaluated_table_name: last })
}

fn name_in(key: &Key) -> Result<String, nephos_store::StoreError> {
    let mut reader = key.reader();
    reader.text()?;
    reader.u8()?;
    reader.text()?;
    reader.text()?;
    Ok(reader.text()?.to_string())
}
