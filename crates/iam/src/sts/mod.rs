//! STS: temporary credentials.
//!
//! `assume` holds what all ways into a role share; `web_identity`, `sessions` and `caller` are the operations beside
//! AssumeRole; [`token`] is what a session token is made of.

mod access;
pub mod api;
pub(crate) mod assume;
mod caller;
mod sessions;
pub mod shapes;
pub(crate) mod token;
mod web_identity;

use std::sync::Arc;

use crate::Iam;

/// STS, over the same records and keys as IAM.
pub struct Sts {
    iam: Arc<Iam>,
}

impl Sts {
    /// STS over an IAM.
    pub fn new(iam: Arc<Iam>) -> Sts {
        Sts { iam }
    }
}

nephos_wire::service!(Sts, &shapes::MODEL, api::ROWS);
