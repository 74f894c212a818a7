//! A request's context: who calls, from where, and what policies may ask about it.

use std::sync::Arc;

use http::HeaderMap;
use http::header::{REFERER, USER_AGENT};
use nephos_core::{ContextKeys, Cx, Origin, Principal, Region, RequestId};
use nephos_sigv4::Placement;

use crate::authn::Signed;
use crate::host;
use crate::serve::{Connection, Shared};

/// What is known of a request before its caller is.
pub(crate) struct Seen<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) connection: &'a Connection,
    pub(crate) id: &'a RequestId,
    pub(crate) headers: &'a HeaderMap,
}

impl Seen<'_> {
    /// The context for a caller of a service. URLs in the answer are built on the platform's own name, not on that of
    /// the bucket or service that was addressed.
    pub(crate) fn context(&self, principal: Arc<Principal>, region: Region, keys: ContextKeys) -> Cx {
        let host = host::only_host(self.headers).unwrap_or_default();
        let base = host::base_of(host, &self.shared.config.public_names);
        self.context_at(base, principal, region, keys)
    }

    /// The context for a visitor of a place, whose links lead to the place itself.
    pub(crate) fn context_of_place(&self, principal: Arc<Principal>, region: Region) -> Cx {
        let host = host::only_host(self.headers).unwrap_or_default();
        self.context_at(host, principal, region, self.keys())
    }

    fn context_at(
        &self,
        authority: &str,
        principal: Arc<Principal>,
        region: Region,
        keys: ContextKeys,
    ) -> Cx {
        let config = &self.shared.config;
        Cx {
            account: principal.account().unwrap_or(config.account),
            principal,
            region,
            request_id: self.id.clone(),
            origin: Origin { scheme: config.scheme, authority: authority.to_owned() },
            keys: Arc::new(keys),
            deadline: None,
            platform: Arc::clone(&self.shared.platform),
        }
    }

    /// The condition keys of the request itself.
    pub(crate) fn keys(&self) -> ContextKeys {
        let mut keys = ContextKeys::new();
        keys.set("aws:sourceip", self.connection.peer.ip().to_canonical().to_string());
        let is_secure = self.shared.config.scheme == "https";
        keys.set("aws:securetransport", if is_secure { "true" } else { "false" });
        for (key, name) in [("aws:useragent", USER_AGENT), ("aws:referer", REFERER)] {
            if let Some(value) = self.headers.get(name) {
                keys.set(key, String::from_utf8_lossy(value.as_bytes()));
            }
        }
        keys
    }

    /// The same with what S3's policies may ask about the signature.
    pub(crate) fn s3_keys(&self, signed: Option<Signed>) -> ContextKeys {
        let mut keys = self.keys();
        if let Some(signed) = signed {
            keys.set(
                "s3:authtype",
                match signed.placement {
                    Placement::Header => "REST-HEADER",
                    Placement::Query => "REST-QUERY-STRING",
                },
            );
            keys.set("s3:signatureversion", signed.version);
            if let Some(age_millis) = signed.age_millis {
                keys.set("s3:signatureage", age_millis.to_string());
            }
        }
        if let Some(hash) = self.headers.get("x-amz-content-sha256") {
            keys.set("s3:x-amz-content-sha256", String::from_utf8_lossy(hash.as_bytes()));
        }
        keys
    }
}
