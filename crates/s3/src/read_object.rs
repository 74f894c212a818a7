//! Whole objects for other parts of the platform, and the cross-origin rules for the gateway.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use nephos_core::ports::ReadObject;
use nephos_core::{BoxFuture, Cx, Fault};
use nephos_wire::{Body, BucketCors, Response};

use crate::access::{admit, refusal, to_object, with_existing_tags};
use crate::cors;
use crate::error::Error;
use crate::{MODEL, S3};

impl S3 {
    async fn whole(&self, cx: &Cx, name: &str, key: &str, max_bytes: u64) -> Result<Bytes, Error> {
        let bucket = self.bucket(name)?;
        admit(cx, &bucket, None)?;
        let access = with_existing_tags(self, &bucket, key, to_object("s3:GetObject", &bucket, key))?;
        cx.authorize(&access).map_err(|denied| refusal(cx, denied))?;
        let found = self.store.read(|view| self.find(view, bucket.id, key, true))?;
        let found = found.ok_or_else(|| self.absent(cx, &bucket, key))?;
        let size = found.object.size;
        if size > max_bytes {
            return Err(Error::EntityTooLarge { proposed: size, limit: max_bytes });
        }
        Ok(self.open(found, 0..size).await?.collect(max_bytes).await?)
    }
}

impl ReadObject for S3 {
    fn read_object<'a>(
        &'a self,
        cx: &'a Cx,
        bucket: &'a str,
        key: &'a str,
        max_bytes: u64,
    ) -> BoxFuture<'a, Result<Bytes, Fault>> {
        Box::pin(async move { self.whole(cx, bucket, key, max_bytes).await.map_err(Fault::from) })
    }
}

/// Answers a preflight request by a bucket's rules.
pub fn preflight(s3: &S3, name: &str, has_key: bool, headers: &HeaderMap) -> Result<HeaderMap, Error> {
    let resource_type = if has_key { "OBJECT" } else { "BUCKET" };
    let bucket = s3.store.read(|view| s3.catalog.find(view, name))?;
    let Some(bucket) = bucket else {
        return Err(Error::Cors {
            bad_request: false,
            message: "CORSResponse: Bucket not found".to_owned(),
            method: String::new(),
            resource_type,
        });
    };
    cors::preflight(bucket.cors.as_deref(), headers, resource_type)
}

impl BucketCors for S3 {
    fn preflight<'a>(
        &'a self,
        cx: &'a Cx,
        bucket: &'a str,
        key: Option<&'a str>,
        headers: &'a HeaderMap,
    ) -> BoxFuture<'a, Response> {
        let answer = match preflight(self, bucket, key.is_some(), headers) {
            Ok(headers) => {
                let mut response = Response::new(Body::Empty);
                *response.status_mut() = StatusCode::OK;
                *response.headers_mut() = headers;
                response
            }
            Err(error) => nephos_wire::fault::response(&MODEL, &Fault::from(error), &cx.request_id),
        };
        Box::pin(std::future::ready(answer))
    }

    fn answer_headers<'a>(
        &'a self,
        _: &'a Cx,
        bucket: &'a str,
        method: &'a Method,
        headers: &'a HeaderMap,
    ) -> BoxFuture<'a, HeaderMap> {
        let found = self.store.read(|view| self.catalog.find(view, bucket)).ok().flatten();
        let rules = found.as_ref().and_then(|bucket| bucket.cors.as_deref()).unwrap_or_default();
        Box::pin(std::future::ready(cors::answer_headers(rules, method.as_str(), headers)))
    }
}
