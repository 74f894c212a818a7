//! Uploads by browsers' forms: `POST` of `multipart/form-data` to a bucket, its fields, and the file behind them.
//!
//! Nothing of the file is read before the fields are found good: the signature over the policy, the policy's conditions,
//! and whether the signer may put the object. The file then takes the road of every object, in one pass. What stands
//! behind the file is ignored. Reading order: [`multipart`], [`form`], [`admission`], [`request`], [`answer`].

mod admission;
mod answer;
mod file;
mod form;
mod multipart;
mod request;

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, Method};
use nephos_core::ports::Identify;
use nephos_core::{BoxFuture, Cx, Fault};
use nephos_sigv4::KeyCache;
use nephos_wire::service::authorize;
use nephos_wire::{Body, BucketCors, HostHandler, Response, Visit};

use crate::edge::stamp;
use crate::error::Error;
use crate::notifications::Happening;
use crate::put::{Put, carry_out, prepare};
use crate::{MODEL, S3, access};

use file::FilePart;
use form::{Form, Incoming};

/// Browsers' uploads to all buckets.
pub struct FormUploads {
    s3: Arc<S3>,
    identify: Arc<dyn Identify>,
    keys: KeyCache,
}

impl FormUploads {
    /// Uploads to the buckets of `s3`, by whom `identify` knows.
    pub fn new(s3: Arc<S3>, identify: Arc<dyn Identify>) -> FormUploads {
        FormUploads { s3, identify, keys: KeyCache::default() }
    }

    async fn upload(&self, cx: &Cx, visit: Visit) -> Result<Response, Error> {
        let Visit { name, base, headers, body, .. } = visit;
        let boundary = multipart::boundary(headers.get(CONTENT_TYPE));
        let mut incoming = Incoming::new(body, boundary.as_deref().unwrap_or_default());
        let ready = match boundary {
            Ok(_) => self.ready(cx, &name, &mut incoming).await,
            Err(malformed) => Err(malformed.into()),
        };
        let Ready { cx, form, put, sizes } = match ready {
            Ok(ready) => ready,
            Err(error) => {
                drain(incoming.body).await;
                return Err(error);
            }
        };
        let file = Body::stream(FilePart::new(incoming, sizes));
        let object = carry_out(&self.s3, &cx, &put, file, Happening::Post).await?;
        let url = format!("{}{}", cx.origin.url(), base.trim_end_matches('/'));
        Ok(answer::success(&name, &url, &form, &object))
    }

    /// Everything that must be right before the file is read.
    async fn ready(&self, cx: &Cx, bucket: &str, incoming: &mut Incoming) -> Result<Ready, Error> {
        self.s3.bucket(bucket)?;
        let form = incoming.form().await?;
        let admitted = admission::admit(&*self.identify, &self.keys, cx, bucket, &form).await?;
        let input = request::put_object(bucket, &form)?;
        let accesses = access::put_object(&self.s3, &admitted.cx, &input)?;
        authorize(&MODEL, &admitted.cx, accesses).map_err(|fault| Error::Fault(Box::new(fault)))?;
        let put = prepare(&self.s3, &input)?;
        Ok(Ready { cx: admitted.cx, form, put, sizes: admitted.sizes })
    }

    async fn cross_origin(&self, cx: &Cx, bucket: &str, headers: &HeaderMap) -> HeaderMap {
        if headers.contains_key(ORIGIN) {
            self.s3.answer_headers(cx, bucket, &Method::POST, headers).await
        } else {
            HeaderMap::new()
        }
    }
}

/// An upload whose file may be taken in.
struct Ready {
    /// The context of whoever signed.
    cx: Cx,
    form: Form,
    put: Put,
    /// The smallest and the largest file that the policy allows.
    sizes: Option<(u64, u64)>,
}

/// Reads on what a refused browser still sends, within reason: were the connection closed under its hands, it might
/// never show the answer.
async fn drain(mut body: Body) {
    const MAX_BYTES: u64 = 1 << 20;
    const MAX_WAIT: Duration = Duration::from_secs(2);
    let read = async {
        let mut left = MAX_BYTES;
        while let Some(Ok(chunk)) = body.chunk().await {
            left = left.saturating_sub(chunk.len() as u64);
            if left == 0 {
                break;
            }
        }
    };
    // Whether it came to its end or not, the answer goes out now.
    let _ = tokio::time::timeout(MAX_WAIT, read).await;
}

impl HostHandler for FormUploads {
    fn visit<'a>(&'a self, cx: &'a Cx, visit: Visit) -> BoxFuture<'a, Response> {
        Box::pin(async move {
            let (bucket, headers) = (visit.name.clone(), visit.headers.clone());
            let mut response = match self.upload(cx, visit).await {
                Ok(response) => response,
                Err(error) => self.refuse(cx, &Fault::from(error)),
            };
            response.headers_mut().extend(self.cross_origin(cx, &bucket, &headers).await);
            stamp(cx, response.headers_mut());
            response
        })
    }

    fn refuse(&self, cx: &Cx, fault: &Fault) -> Response {
        nephos_wire::fault::response(&MODEL, fault, &cx.request_id)
    }
}
