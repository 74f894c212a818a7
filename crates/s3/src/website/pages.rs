//! The HTML that a website shows for an error without an error document.

use http::StatusCode;

use crate::error::Error;

/// What is said of an error: its code, its text and its members.
#[derive(Debug, Clone)]
pub struct Told {
    /// The HTTP status.
    pub status: StatusCode,
    /// The code.
    pub code: String,
    /// The text.
    pub message: String,
    /// The members of the error.
    pub members: Vec<(&'static str, String)>,
}

impl Told {
    /// What is said of `error`. Internal detail is not.
    pub fn of(error: Error) -> Told {
        let members = error.members();
        let fault = nephos_core::Fault::from(error);
        Told {
            status: StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: fault.code,
            message: fault.message,
            members,
        }
    }

    /// A method that websites do not know.
    pub fn method(method: &str) -> Told {
        Told {
            status: StatusCode::METHOD_NOT_ALLOWED,
            code: "MethodNotAllowed".to_owned(),
            message: "The specified method is not allowed against this resource.".to_owned(),
            members: vec![("Method", method.to_owned()), ("ResourceType", "OBJECT".to_owned())],
        }
    }

    fn items(&self) -> String {
        let mut items = String::new();
        let told = [("Code", &self.code), ("Message", &self.message)];
        for (name, value) in told.into_iter().chain(self.members.iter().map(|(name, value)| (*name, value))) {
            items.push_str(&format!("<li>{name}: {}</li>\n", escape(value)));
        }
        items
    }
}

/// The page of an error; `second` is what happened to the error document.
pub fn render(told: &Told, second: Option<&Told>, request_id: &str, host_id: &str) -> String {
    let title = format!("{} {}", told.status.as_u16(), told.status.canonical_reason().unwrap_or_default());
    let mut page = format!(
        "<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n<ul>\n{}<li>RequestId: {}</li>\n<li>HostId: {}</li>\n</ul>\n",
        told.items(),
        escape(request_id),
        escape(host_id),
    );
    if let Some(second) = second {
        page.push_str(&format!(
            "<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n{}</ul>\n",
            second.items(),
        ));
    }
    page.push_str("<hr/>\n</body>\n</html>\n");
    page
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_tell_the_error_and_nothing_more() {
        let told = Told::of(Error::NoSuchKey("<script>".into()));
        let page = render(&told, Some(&Told::of(Error::denied())), "id", "host");
        assert!(page.contains("<h1>404 Not Found</h1>"), "{page}");
        assert!(
            page.contains("<li>Code: NoSuchKey</li>\n<li>Message: The specified key does not exist.</li>")
        );
        assert!(page.contains("<li>Key: &lt;script&gt;</li>"), "{page}");
        assert!(page.contains("Custom Error Document</h3>\n<ul>\n<li>Code: AccessDenied</li>"), "{page}");
        assert!(!page.contains("<script>"));
    }

    #[test]
    fn internal_detail_stays_inside() {
        let store = nephos_store::StoreError::Corrupt("a secret".into());
        let page = render(&Told::of(store.into()), None, "id", "host");
        assert!(page.contains("InternalError") && !page.contains("secret"), "{page}");
    }
}
