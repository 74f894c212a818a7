//! Where a website's redirects go.

use crate::website::config::{Pages, Protocol, Rewrite, Rule};
use nephos_wire::form::encode_path;

/// The address that a request came to.
#[derive(Debug, Clone, Copy)]
pub struct Here<'a> {
    /// The protocol.
    pub scheme: &'a str,
    /// Host and port.
    pub host: &'a str,
    /// What stands before the key in the path, where the host is not the website's own.
    pub base: &'a str,
    /// The query string.
    pub query: &'a str,
}

/// A redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The status.
    pub code: u16,
    /// The `Location`.
    pub location: String,
}

impl Here<'_> {
    /// The URL of a key, on another host or here.
    fn url(&self, protocol: Option<Protocol>, host: Option<&str>, key: &str) -> String {
        let scheme = match protocol {
            Some(protocol) => protocol.name(),
            None => self.scheme,
        };
        let base = if host.is_some() { "" } else { self.base };
        let host = host.unwrap_or(self.host);
        // A replacement may bring its own query string, so only plain keys are percent-encoded.
        let (path, own) = key.split_once('?').map_or((key, None), |(path, own)| (path, Some(own)));
        let query = match own {
            Some(own) => format!("?{own}"),
            None if self.query.is_empty() => String::new(),
            None => format!("?{}", self.query),
        };
        format!("{scheme}://{host}{base}/{}{query}", encode_path(path))
    }

    /// Where everything goes.
    pub fn elsewhere(&self, host: &str, protocol: Option<Protocol>, key: &str) -> Target {
        Target { code: 301, location: self.url(protocol, Some(host), key) }
    }
}

impl Pages {
    /// The redirect of a key before it is looked up: rules that wait for no error.
    pub fn before(&self, key: &str, here: Here<'_>) -> Option<Target> {
        let rule = self.rules.iter().find(|rule| rule.error.is_none() && rule.fits(key))?;
        Some(rule.target(key, here))
    }

    /// The redirect of a key that met an error.
    pub fn after(&self, key: &str, status: u16, here: Here<'_>) -> Option<Target> {
        let rule = self.rules.iter().find(|rule| rule.error == Some(status) && rule.fits(key))?;
        Some(rule.target(key, here))
    }
}

impl Rule {
    fn fits(&self, key: &str) -> bool {
        self.prefix.as_deref().is_none_or(|prefix| key.starts_with(prefix))
    }

    fn target(&self, key: &str, here: Here<'_>) -> Target {
        let key = match &self.rewrite {
            None => key.to_owned(),
            Some(Rewrite::Whole(whole)) => whole.clone(),
            Some(Rewrite::Prefix(new)) => {
                let old = self.prefix.as_deref().unwrap_or_default();
                format!("{new}{}", key.strip_prefix(old).unwrap_or(key))
            }
        };
        let location = here.url(self.protocol, self.host.as_deref(), &key);
        Target { code: self.code.unwrap_or(301), location }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Here<'static> = Here { scheme: "http", host: "site.localhost:4566", base: "", query: "" };

    fn pages(rules: Vec<Rule>) -> Pages {
        Pages { index: "index.html".into(), error: None, rules }
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn prefixes_are_replaced_before_the_look_up() {
        let rule = Rule {
            prefix: some("docs/"),
            rewrite: Some(Rewrite::Prefix("documents/".into())),
            ..Rule::default()
        };
        let pages = pages(vec![rule]);
        let target = pages.before("docs/a b.html", HERE).unwrap();
        assert_eq!(target.location, "http://site.localhost:4566/documents/a%20b.html");
        assert_eq!(target.code, 301);
        assert_eq!(pages.before("other", HERE), None);
        assert_eq!(pages.after("docs/a", 404, HERE), None);
    }

    #[test]
    fn errors_are_sent_elsewhere() {
        let rule = Rule {
            error: Some(404),
            host: some("example.com"),
            protocol: Some(Protocol::Https),
            code: Some(302),
            rewrite: Some(Rewrite::Prefix("report-404/".into())),
            ..Rule::default()
        };
        let pages = pages(vec![rule]);
        assert_eq!(pages.before("x", HERE), None);
        assert_eq!(pages.after("x", 403, HERE), None);
        let target = pages.after("x", 404, HERE).unwrap();
        assert_eq!((target.code, target.location.as_str()), (302, "https://example.com/report-404/x"));
    }

    #[test]
    fn the_base_and_the_query_stay_where_they_belong() {
        let whole = Rule { rewrite: Some(Rewrite::Whole("gone.html".into())), ..Rule::default() };
        let here = Here { base: "/_website/b", query: "q=1", ..HERE };
        let target = pages(vec![whole]).before("x", here).unwrap();
        assert_eq!(target.location, "http://site.localhost:4566/_website/b/gone.html?q=1");
        let api = Rule {
            host: some("api.example.com"),
            rewrite: Some(Rewrite::Prefix("resize?key=".into())),
            ..Rule::default()
        };
        let target = pages(vec![api]).before("a.png", here).unwrap();
        assert_eq!(target.location, "http://api.example.com/resize?key=a.png");
        assert_eq!(here.elsewhere("www.x.org", None, "a/b").location, "http://www.x.org/a/b?q=1");
    }
}
