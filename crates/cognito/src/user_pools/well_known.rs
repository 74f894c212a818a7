//! The documents that those who verify a pool's tokens fetch: its key set, and the discovery document.

use nephos_core::Origin;
use nephos_store::Read;
use serde_json::{Value, json};

use super::pool_record::PoolRecord;
use super::{UserPools, secrets};
use crate::crypto::jwt;
use crate::error::Error;
use crate::keys;

impl UserPools {
    /// `jwks.json` or `openid-configuration` of a pool, as JSON; none where there is no such pool or document.
    ///
    /// The issuer is the one that tokens carry. The key set's address is on the host that the caller reached us by, so
    /// that a verifier finds it even where the issuer's name is AWS's.
    pub fn well_known(&self, origin: &Origin, pool: &str, document: &str) -> Result<Option<String>, Error> {
        self.store.read(|view| {
            let Some(pool) = view.record::<PoolRecord>(&keys::pool(pool))? else { return Ok(None) };
            match document {
                "jwks.json" => {
                    let mut set = Vec::new();
                    for record in secrets::signing_keys(view, &pool.id)? {
                        set.extend(jwt::public_jwk(&record.kid, &record.public()?));
                    }
                    Ok(Some(json!({ "keys": set }).to_string()))
                }
                "openid-configuration" => Ok(Some(self.discovery(origin, &pool).to_string())),
                _ => Ok(None),
            }
        })
    }

    fn discovery(&self, origin: &Origin, pool: &PoolRecord) -> Value {
        json!({
            "issuer": self.issuer_of(pool),
            "jwks_uri": format!("{}/{}/.well-known/jwks.json", origin.url(), pool.id),
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "token"],
            "scopes_supported": ["openid", "email", "phone", "profile"],
            "subject_types_supported": ["public"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        })
    }
}
