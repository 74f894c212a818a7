//! DeleteTable: gone at once, its rows removed in the background.

use nephos_core::Cx;

use super::{add_job, describe, named, record};
use crate::records::Work;
use crate::shapes::{DeleteTableInput, DeleteTableOutput};
use crate::{DynamoDb, Error, keys};

/// `DeleteTable`
pub async fn delete_table(
    db: &DynamoDb,
    cx: &Cx,
    input: DeleteTableInput,
) -> Result<DeleteTableOutput, Error> {
    let name = named(cx, input.table_name.as_ref());
    let deleting = db.store.transact("delete-table", |tx| {
        let table = record(tx, &name)?;
        if table.deletion_protection {
            return Err(Error::Validation(
                "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection \
                 first."
                    .to_owned(),
            ));
        }
        tx.delete(keys::table(&name));
        tx.delete(keys::expiring_table(table.id));
        add_job(tx, &table, Work::ReclaimItems)?;
        if table.expiry.is_some() {
            add_job(tx, &table, Work::ReclaimExpiries)?;
        }
        for index in table.indexes() {
            add_job(tx, &table, Work::ReclaimEntries { index: index.id })?;
        }
        Ok(table)
    });
    let table = deleting.await?;
    db.tables.forget(&name);
    db.job.notify_one();
    Ok(DeleteTableOutput { table_description: Some(describe::being_deleted(&table)) })
}
