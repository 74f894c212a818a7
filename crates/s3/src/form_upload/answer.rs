//! What a browser is told of its upload: an empty page, a document, or where to go on.

use http::StatusCode;
use http::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LOCATION};
use nephos_wire::form::encode;
use nephos_wire::xml::XmlWriter;
use nephos_wire::{Body, Response};

use crate::form_upload::form::Form;
use crate::objects::ENCRYPTION;
use crate::records::Object;

/// The answer to an upload that is stored. `base` is the bucket's URL, without a slash at the end.
pub fn success(bucket: &str, base: &str, form: &Form, object: &Object) -> Response {
    let key = form.get("key").unwrap_or_default();
    let etag = object.quoted_etag();
    let location = format!("{base}/{}", encode(key));
    let mut response = Response::new(Body::Empty);
    let headers = response.headers_mut();
    put(headers, ETAG, &etag);
    describe(headers, object);
    if let Some(target) = redirect(form, bucket, key, &etag) {
        headers.insert(LOCATION, target);
        *response.status_mut() = StatusCode::SEE_OTHER;
        return response;
    }
    put(headers, LOCATION, &location);
    *response.status_mut() = match form.get("success_action_status").map(str::trim) {
        Some("200") => StatusCode::OK,
        Some("201") => StatusCode::CREATED,
        _ => StatusCode::NO_CONTENT,
    };
    if response.status() == StatusCode::CREATED {
        put(response.headers_mut(), CONTENT_TYPE, "application/xml");
        *response.body_mut() = Body::from(document(&location, bucket, key, &etag));
    }
    response
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// What every answer says of a new object.
fn describe(headers: &mut HeaderMap, object: &Object) {
    let checksum = object.answered_checksum();
    put(headers, HeaderName::from_static("x-amz-server-side-encryption"), ENCRYPTION);
    put(headers, HeaderName::from_static(checksum.algorithm.header()), &checksum.value);
    put(headers, HeaderName::from_static("x-amz-checksum-type"), checksum.coverage.name());
}

fn document(location: &str, bucket: &str, key: &str, etag: &str) -> String {
    let mut xml = XmlWriter::default();
    xml.open("PostResponse", None);
    for (name, text) in [("Location", location), ("Bucket", bucket), ("Key", key), ("ETag", etag)] {
        xml.leaf(name, text);
    }
    xml.close("PostResponse");
    xml.finish()
}

/// Where the form sends the browser, with bucket, key and ETag in the query. What is no absolute URL is ignored.
fn redirect(form: &Form, bucket: &str, key: &str, etag: &str) -> Option<HeaderValue> {
    let url = form.get("success_action_redirect").or_else(|| form.get("redirect"))?.trim();
    let rest = ["http://", "https://"].iter().find_map(|scheme| url.strip_prefix(scheme))?;
    if rest.is_empty() || rest.starts_with(['/', '?', '#']) {
        return None;
    }
    let (page, fragment) =
        url.split_once('#').map_or((url, String::new()), |(page, at)| (page, format!("#{at}")));
    let separator = if page.contains('?') { '&' } else { '?' };
    // Form coding has a plus sign for a space.
    let field = |text: &str| encode(text).replace("%20", "+");
    let told = format!("bucket={}&key={}&etag={}", field(bucket), field(key), field(etag));
    HeaderValue::from_str(&format!("{page}{separator}{told}{fragment}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Option<String> {
        let form = Form::new(vec![("success_action_redirect".to_owned(), url.to_owned())], None);
        redirect(&form, "b", "a/b c", "\"e\"").map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn redirects_tell_what_was_stored() {
        let told = "bucket=b&key=a%2Fb+c&etag=%22e%22";
        assert_eq!(target("http://app/done"), Some(format!("http://app/done?{told}")));
        assert_eq!(target(" https://app/done?x=1#top "), Some(format!("https://app/done?x=1&{told}#top")));
        for ignored in
            ["", "/done", "done", "http://", "http:///x", "javascript:alert(1)", "http://a/\r\nX: y"]
        {
            assert_eq!(target(ignored), None, "{ignored}");
        }
    }
}
