//! Under `--dev` anyone who can reach the port knows a working key, so a web page could drive the platform through
//! its visitor's browser. Two checks stop that: the `Host` must be one of ours (a DNS name that an attacker points at
//! 127.0.0.1 is not), and a request that a browser makes for a page must be for a page of ours.

use http::HeaderMap;
use http::Method;
use http::header::ORIGIN;
use nephos_wire::Place;

use crate::host;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Guarded {
    /// The host is not one of ours.
    #[error(
        "Nephos runs with well-known credentials (--dev), so it answers only to localhost and its own names, not to {host:?}. \
         Start it without --dev, or add the name with --public-name."
    )]
    Host {
        /// The name that was used.
        host: String,
    },
    /// A page of another site asks.
    #[error(
        "Nephos runs with well-known credentials (--dev), so it refuses requests that a browser makes for pages of other sites, such as {origin:?}. \
         Serve the page from localhost, or start Nephos without --dev."
    )]
    Origin {
        /// The page's origin, or what the browser says of it.
        origin: String,
    },
}

/// Checks the host's name, as [`host::name_of`] gives it.
pub fn check_host(name: &str, public_names: &[String]) -> Result<(), Guarded> {
    // AWS's own names arrive where a tool goes through us as a proxy; nobody can make them point to this machine.
    // As the origin of a page they are everybody's, and do not pass.
    let aws = ["amazonaws.com", "on.aws", "amazoncognito.com"];
    if is_ours(name, public_names) || aws.iter().any(|base| is_below(name, base)) {
        return Ok(());
    }
    Err(Guarded::Host { host: name.to_owned() })
}

fn is_ours(name: &str, public_names: &[String]) -> bool {
    is_loopback(name) || is_below(name, "localhost") || public_names.iter().any(|base| is_below(name, base))
}

fn is_below(name: &str, base: &str) -> bool {
    name == base || name.strip_suffix(base).is_some_and(|rest| rest.ends_with('.'))
}

fn is_loopback(name: &str) -> bool {
    name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Checks who makes a browser ask. `place` is where the request goes, if to a place.
pub fn check_origin(
    method: &Method,
    headers: &HeaderMap,
    place: Option<Place>,
    public_names: &[String],
) -> Result<(), Guarded> {
    if is_navigation_to_a_page(method, headers, place) {
        return Ok(());
    }
    if let Some(origin) = headers.get(ORIGIN) {
        let text = String::from_utf8_lossy(origin.as_bytes());
        let host = text.split_once("://").map_or("", |(_, rest)| rest);
        if headers.get_all(ORIGIN).iter().count() == 1 && is_ours(&host::name_of(host), public_names) {
            return Ok(());
        }
        return Err(Guarded::Origin { origin: text.into_owned() });
    }
    match headers.get("sec-fetch-site").map(|value| value.as_bytes()) {
        None | Some(b"same-origin" | b"same-site" | b"none") => Ok(()),
        Some(other) => Err(Guarded::Origin { origin: String::from_utf8_lossy(other).into_owned() }),
    }
}

/// Following a link to a website, and coming back from another identity provider to the sign-in pages, is what pages
/// are for; neither acts with an access key.
fn is_navigation_to_a_page(method: &Method, headers: &HeaderMap, place: Option<Place>) -> bool {
    let navigates = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    match place {
        Some(Place::Website) => navigates && matches!(*method, Method::GET | Method::HEAD),
        Some(Place::SignIn) => navigates && matches!(*method, Method::GET | Method::POST),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_names_pass() {
        let public = ["cloud.example.org".to_owned()];
        for good in [
            "localhost",
            "b.s3.localhost",
            "127.0.0.1",
            "127.1.2.3",
            "::1",
            "sts.amazonaws.com",
            "cloud.example.org",
            "b.s3.cloud.example.org",
        ] {
            assert_eq!(check_host(good, &public), Ok(()), "{good}");
        }
        for bad in ["evil.example", "localhost.evil.example", "evillocalhost", "10.0.0.1", "", "example.org"]
        {
            assert!(check_host(bad, &public).is_err(), "{bad}");
        }
    }

    fn asked(list: &[(&'static str, &'static str)], method: Method, place: Option<Place>) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(*name, http::HeaderValue::from_static(value));
        }
        check_origin(&method, &headers, place, &[]).is_ok()
    }

    #[test]
    fn only_our_pages_may_ask() {
        assert!(asked(&[], Method::POST, None));
        assert!(asked(&[("origin", "http://localhost:4566")], Method::POST, None));
        let ours = [("origin", "http://b.s3-website.localhost:4566"), ("sec-fetch-site", "cross-site")];
        assert!(asked(&ours, Method::POST, None));
        assert!(asked(&[("sec-fetch-site", "none")], Method::GET, None));
        for bad in [
            "http://evil.example",
            "null",
            "",
            "http://localhost.evil.example",
            "http://b.s3.amazonaws.com",
            "file://",
        ] {
            let headers: &[(&'static str, &'static str)] = &[("origin", bad)];
            assert!(!asked(headers, Method::POST, None), "{bad}");
        }
        assert!(!asked(&[("sec-fetch-site", "cross-site")], Method::GET, None));
        let twice = [("origin", "http://localhost"), ("origin", "http://evil.example")];
        assert!(!asked(&twice, Method::POST, None));
    }

    #[test]
    fn links_lead_to_websites_and_back_to_sign_in_and_nowhere_else() {
        let link = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
        assert!(asked(&link, Method::GET, Some(Place::Website)));
        assert!(asked(&link, Method::GET, Some(Place::SignIn)));
        assert!(!asked(&link, Method::GET, Some(Place::FunctionUrl)));
        assert!(!asked(&link, Method::GET, Some(Place::Platform)));
        assert!(!asked(&link, Method::GET, None));
        let form = [("origin", "https://idp.example"), ("sec-fetch-mode", "navigate")];
        assert!(asked(&form, Method::POST, Some(Place::SignIn)));
        assert!(!asked(&form, Method::POST, Some(Place::Website)));
        assert!(!asked(&form, Method::POST, None));
    }
}
