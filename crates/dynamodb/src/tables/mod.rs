//! Tables: made, described, changed, deleted; their expiry and their tags.
//!
//! A change of a table is one transaction on its record, so that every write either knows the change or is made again.
//! What a change sets going (filling a new index, removing what a deleted table left) is a job in the same transaction.
//!
//! Reading order: [`definition`] (keys and indexes as they are asked for), [`create`], [`describe`], [`update`].

pub mod cache;
pub mod create;
pub mod definition;
pub mod delete;
pub mod describe;
pub mod expiry;
pub mod fixed;
pub mod indexes;
pub mod list;
pub mod settings;
pub mod tags;
pub mod update;

use nephos_core::{Cx, random};
use nephos_store::{Read, StoreError, Tx};

use crate::names::{GivenName, TableName};
use crate::records::{JobRecord, TableRecord, Work};
use crate::{DynamoDb, Error, keys};

/// A number for a table, index or job. Numbers are never used again: of so many, none comes twice.
pub(crate) fn new_id() -> u64 {
    u64::from_be_bytes(random::bytes())
}

/// The table that a call of the control plane is about.
pub(crate) fn named(cx: &Cx, given: Option<&GivenName>) -> TableName {
    TableName::resolve(cx, given.map_or("", |given| given.0.as_str()))
}

/// The record of a table, as the control plane misses it.
pub(crate) fn record(read: &impl Read, name: &TableName) -> Result<TableRecord, Error> {
    read.record(&keys::table(name))?.ok_or_else(|| Error::table_not_found(&name.name))
}

/// Adds a job to a transaction.
pub(crate) fn add_job(tx: &mut Tx, table: &TableRecord, work: Work) -> Result<(), StoreError> {
    tx.put_record(keys::job(new_id()), &JobRecord::new(table, work))
}

impl DynamoDb {
    /// Changes a table's record in one transaction; `change` returns what the caller wants to know besides. The record
    /// as it is afterwards comes back too.
    pub(crate) async fn change_table<T>(
        &self,
        transaction: &'static str,
        name: &TableName,
        change: impl Fn(&mut Tx, &mut TableRecord) -> Result<T, Error>,
    ) -> Result<(TableRecord, T), Error> {
        let outcome = self.store.transact(transaction, |tx| {
            let mut table = record(tx, name)?;
            let told = change(tx, &mut table)?;
            tx.put_record(keys::table(name), &table)?;
            Ok::<_, Error>((table, told))
        });
        let outcome = outcome.await?;
        self.tables.forget(name);
        self.job.notify_one();
        Ok(outcome)
    }
}
