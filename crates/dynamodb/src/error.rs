//! What can go wrong, and the one mapping to the wire.

use nephos_core::fault::Fault;
use nephos_store::StoreError;

use crate::value::{Item, json};

/// A failure of an operation. The texts are AWS's own.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is not valid.
    #[error("{0}")]
    Validation(String),
    /// A table or index does not exist.
    #[error("{0}")]
    ResourceNotFound(String),
    /// A table of which the backups were asked does not exist.
    #[error("{0}")]
    TableNotFound(String),
    /// A table exists already, or is being changed.
    #[error("{0}")]
    ResourceInUse(String),
    /// The condition was not met. Holds the item, where the caller wants it.
    #[error("The conditional request failed")]
    ConditionalCheckFailed(Option<Item>),
    /// A transaction did not happen: a reason for each action.
    #[error("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes(.0))]
    TransactionCanceled(Vec<Reason>),
    /// Others kept writing the same items.
    #[error("Transaction is ongoing for the item")]
    TransactionConflict,
    /// A client's token was used for another request before.
    #[error("The provided idempotency token has been used with different parameters")]
    IdempotentParameterMismatch,
    /// A limit of the account or table.
    #[error("{0}")]
    LimitExceeded(String),
    /// What Nephos does not have.
    #[error("{0}")]
    NotImplemented(String),
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] nephos_core::Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why one action of a transaction did or did not stand in its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// `None`, `ConditionalCheckFailed`, `ValidationError`, ...
    pub code: &'static str,
    /// The text; none where the action was fine.
    pub message: Option<String>,
    /// The item, where the action asked for it.
    pub item: Option<Item>,
}

impl Reason {
    /// An action that did not stand in the way.
    pub const NONE: Reason = Reason { code: "None", message: None, item: None };

    /// An action that cannot be carried out as it is.
    pub fn validation(message: impl Into<String>) -> Reason {
        Reason { code: "ValidationError", message: Some(message.into()), item: None }
    }

    /// An action whose condition was not met.
    pub fn condition(item: Option<Item>) -> Reason {
        let message = Error::ConditionalCheckFailed(None).to_string();
        Reason { code: "ConditionalCheckFailed", message: Some(message), item }
    }

    fn json(&self) -> String {
        let mut out = b"{\"Code\":".to_vec();
        nephos_wire::json::push_string(&mut out, self.code);
        if let Some(message) = &self.message {
            out.extend_from_slice(b",\"Message\":");
            nephos_wire::json::push_string(&mut out, message);
        }
        if let Some(item) = &self.item {
            out.extend_from_slice(b",\"Item\":");
            json::write_item(item.view(), &mut out);
        }
        out.push(b'}');
        String::from_utf8_lossy(&out).into_owned()
    }
}

fn codes(reasons: &[Reason]) -> String {
    reasons.iter().map(|reason| reason.code).collect::<Vec<_>>().join(", ")
}

impl Error {
    /// A table that the data plane does not find.
    pub fn not_found() -> Error {
        Error::ResourceNotFound("Requested resource not found".to_owned())
    }

    /// A table that the control plane does not find.
    pub fn table_not_found(name: &str) -> Error {
        Error::ResourceNotFound(format!("Requested resource not found: Table: {name} not found"))
    }

    /// `One or more parameter values were invalid: ...`
    pub fn parameters(message: impl std::fmt::Display) -> Error {
        Error::Validation(format!("One or more parameter values were invalid: {message}"))
    }

    /// `The provided key element does not match the schema`
    pub fn key_mismatch() -> Error {
        Error::Validation("The provided key element does not match the schema".to_owned())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        let message = error.to_string();
        let code = match &error {
            Error::Validation(_) => "ValidationException",
            Error::ResourceNotFound(_) => "ResourceNotFoundException",
            Error::TableNotFound(_) => "TableNotFoundException",
            Error::ResourceInUse(_) => "ResourceInUseException",
            Error::ConditionalCheckFailed(_) => "ConditionalCheckFailedException",
            Error::TransactionCanceled(_) => "TransactionCanceledException",
            Error::TransactionConflict => "TransactionConflictException",
            Error::IdempotentParameterMismatch => "IdempotentParameterMismatchException",
            Error::LimitExceeded(_) => "LimitExceededException",
            Error::NotImplemented(_) => return Fault::new("NotImplemented", message).status(501),
            Error::Denied(denied) => return denied.clone().into(),
            Error::Store(StoreError::Conflict { .. }) => {
                return Fault::from(Error::TransactionConflict);
            }
            Error::Store(StoreError::TooLarge { .. }) => {
                let text =
                    "The items of the request and their index entries are larger than one transaction can be";
                return Fault::new("ValidationException", text);
            }
            Error::Store(failure) => {
                tracing::error!(error = %failure, "the store failed");
                return Fault::new("InternalServerError", "Internal server error").status(500);
            }
        };
        let fault = Fault::new(code, message);
        match error {
            Error::ConditionalCheckFailed(Some(item)) => fault.json_member("Item", item_json(&item)),
            Error::TransactionCanceled(reasons) => {
                let reasons: Vec<String> = reasons.iter().map(Reason::json).collect();
                // The SDKs read the text of this one under its capital name.
                let text = fault.message.clone();
                fault
                    .member("Message", text)
                    .json_member("CancellationReasons", format!("[{}]", reasons.join(",")))
            }
            _ => fault,
        }
    }
}

fn item_json(item: &Item) -> String {
    let mut out = Vec::new();
    json::write_item(item.view(), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use nephos_core::fault::FaultMember;

    use super::*;
    use crate::value::{AttributeValue, Attributes};

    #[test]
    fn a_cancelled_transaction_lists_a_reason_for_each_action() {
        let item = Item::encode(&Attributes::from([("pk".to_owned(), AttributeValue::S("a".into()))]));
        let fault =
            Fault::from(Error::TransactionCanceled(vec![Reason::NONE, Reason::condition(Some(item))]));
        assert_eq!(
            fault.message,
            "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]"
        );
        let reasons = r#"[{"Code":"None"},{"Code":"ConditionalCheckFailed","Message":"The conditional request failed","Item":{"pk":{"S":"a"}}}]"#;
        assert!(fault.members.contains(&("CancellationReasons", FaultMember::Json(reasons.to_owned()))));
    }

    #[test]
    fn the_stores_own_failures_are_not_told() {
        let fault = Fault::from(Error::Store(StoreError::Corrupt("row of alice".into())));
        assert_eq!((fault.status, fault.code.as_str()), (500, "InternalServerError"));
        assert!(!fault.message.contains("alice"));
    }
}
