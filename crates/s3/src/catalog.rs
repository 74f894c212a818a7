//! Buckets by name. Reading one costs a look into the store; parsing it is saved while its bytes are the same, so the
//! cache can never be out of date.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use nephos_store::{Read, StoreError, Tx, record};

use crate::S3;
use crate::error::Error;
use crate::keys;
use crate::names::BucketName;
use crate::records::Bucket;

/// How many parsed buckets are remembered.
const MAX_KNOWN: usize = 4096;

/// Parsed buckets.
#[derive(Debug, Default)]
pub struct Catalog {
    known: RwLock<HashMap<String, (Bytes, Arc<Bucket>)>>,
}

impl Catalog {
    /// The bucket of that name, if there is one.
    pub fn find(&self, from: &impl Read, name: &str) -> Result<Option<Arc<Bucket>>, StoreError> {
        let Some(bytes) = from.get(&keys::bucket(name))? else { return Ok(None) };
        if let Some((known, bucket)) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(name)
            && *known == bytes
        {
            return Ok(Some(Arc::clone(bucket)));
        }
        let bucket = Arc::new(record::decode::<Bucket>(&bytes)?);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(name.to_owned(), (bytes, Arc::clone(&bucket)));
        Ok(Some(bucket))
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The bucket of that name; a fault if there is none.
    pub fn get(&self, from: &impl Read, name: &str) -> Result<Arc<Bucket>, Error> {
        match self.find(from, name)? {
            Some(bucket) => Ok(bucket),
            None => {
                BucketName::parse(name)?;
                Err(Error::NoSuchBucket(name.to_owned()))
            }
        }
    }
}

impl S3 {
    /// The bucket of that name.
    pub(crate) fn bucket(&self, name: &str) -> Result<Arc<Bucket>, Error> {
        self.store.read(|view| self.catalog.get(view, name))
    }

    /// Changes a bucket's record in a transaction of its own.
    pub(crate) async fn change_bucket(
        &self,
        transaction: &'static str,
        name: &str,
        change: impl Fn(&mut Bucket) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.store
            .transact(transaction, |tx: &mut Tx| {
                let mut bucket = (*self.catalog.get(tx, name)?).clone();
                change(&mut bucket)?;
                tx.put_record(keys::bucket(name), &bucket)?;
                Ok(())
            })
            .await
    }
}
