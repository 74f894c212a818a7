//! Putting back a deployment that failed.

use serde_json::Value;

use super::{Deployment, Undo};
use crate::error::Error;
use crate::records::{ResourceRecord, StackRecord};

impl Deployment<'_> {
    /// Puts everything back as it was `before`, and says why.
    pub(super) async fn roll_back(&mut self, before: StackRecord, reason: String) -> Result<(), Error> {
        let creating = self.verb == "CREATE";
        let prefix = if creating { "ROLLBACK" } else { "UPDATE_ROLLBACK" };
        let text = if creating { format!("{reason}Rollback requested by user.") } else { reason };
        self.stack_status(&format!("{prefix}_IN_PROGRESS"), Some(text)).await?;
        let mut clean = true;
        while let Some(undo) = self.undo.pop() {
            clean &= self.put_back(undo).await?;
        }
        // A resource whose creation failed has nothing to delete.
        self.stack
            .resources
            .retain(|name, record| before.resources.contains_key(name) || !record.physical_id.is_empty());
        if !clean {
            return self.stack_status(&format!("{prefix}_FAILED"), None).await;
        }
        if !creating {
            self.stack_status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", None).await?;
            (self.stack.template, self.stack.parameters) = (before.template, before.parameters);
            (self.stack.tags, self.stack.outputs) = (before.tags, before.outputs);
        }
        self.stack_status(&format!("{prefix}_COMPLETE"), None).await
    }

    async fn put_back(&mut self, undo: Undo) -> Result<bool, Error> {
        match undo {
            Undo::Created(name) => {
                let Some(record) = self.stack.resources.remove(&name) else { return Ok(true) };
                let record = ResourceRecord { retain: false, ..record };
                self.delete(&name, &record).await
            }
            Undo::Replaced(name, former) => {
                let replacement = self.stack.resources.insert(name.clone(), former);
                match replacement {
                    Some(record) => self.delete(&name, &ResourceRecord { retain: false, ..record }).await,
                    None => Ok(true),
                }
            }
            Undo::Updated(name, former) => self.give_back(&name, former).await,
        }
    }

    /// Updates a resource back to its former properties.
    async fn give_back(&mut self, name: &str, former: ResourceRecord) -> Result<bool, Error> {
        let Some(current) = self.stack.resources.get(name).cloned() else { return Ok(true) };
        let mut record = former;
        self.resource_status(name, &mut record, "UPDATE_IN_PROGRESS", None).await?;
        let result = self.call(name, "UPDATE", &record, Some(&current)).await;
        let (status, reason) = match &result {
            Ok(_) => ("UPDATE_COMPLETE", None),
            Err(fault) => ("UPDATE_FAILED", Some(fault.message.clone())),
        };
        if let Ok(made) = &result {
            record.physical_id.clone_from(&made.physical_id);
            let attributes: Vec<(String, Value)> = made.attributes.clone().into_iter().collect();
            record.attributes.extend(attributes);
        }
        self.resource_status(name, &mut record, status, reason).await?;
        self.stack.resources.insert(name.to_owned(), record);
        Ok(result.is_ok())
    }
}
