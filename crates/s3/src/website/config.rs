//! A bucket's website configuration: parsed once, then trusted.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How many routing rules a website may have.
pub const MAX_RULES: usize = 50;

const BAD_PROTOCOL: &str = "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.";

/// A website.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Website {
    /// Every request goes to another host.
    Elsewhere {
        /// The host.
        host: String,
        /// The protocol, where it is not the request's own.
        protocol: Option<Protocol>,
    },
    /// Pages of the bucket.
    Pages(Pages),
}

/// How a bucket's objects become pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pages {
    /// The object that stands for a folder, such as `index.html`.
    pub index: String,
    /// The object that is shown for errors.
    pub error: Option<String>,
    /// Redirects, the first that fits deciding.
    pub rules: Vec<Rule>,
}

/// `http` or `https`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    /// `http`
    Http,
    /// `https`
    Https,
}

impl Protocol {
    /// Reads the API's name.
    pub fn parse(name: &str) -> Result<Protocol, Error> {
        match name {
            "http" => Ok(Protocol::Http),
            "https" => Ok(Protocol::Https),
            _ => Err(Error::request(BAD_PROTOCOL)),
        }
    }

    /// The API's name, which is the URL's scheme.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Http => "http",
            Protocol::Https => "https",
        }
    }
}

/// One routing rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// How the key must begin.
    pub prefix: Option<String>,
    /// Which error the request must meet.
    pub error: Option<u16>,
    /// The host to go to, where it is not the request's own.
    pub host: Option<String>,
    /// The protocol, where it is not the request's own.
    pub protocol: Option<Protocol>,
    /// The status of the redirect.
    pub code: Option<u16>,
    /// What the key becomes.
    pub rewrite: Option<Rewrite>,
}

/// What a redirect does to the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rewrite {
    /// The prefix that the rule asks for is replaced.
    Prefix(String),
    /// All of it is replaced.
    Whole(String),
}

/// A rule as it was sent.
#[derive(Debug, Clone, Default)]
pub struct RawRule {
    /// `KeyPrefixEquals`.
    pub prefix: Option<String>,
    /// `HttpErrorCodeReturnedEquals`.
    pub error: Option<String>,
    /// Whether there is a `Condition` at all.
    pub has_condition: bool,
    /// `HostName`.
    pub host: Option<String>,
    /// `Protocol`.
    pub protocol: Option<String>,
    /// `HttpRedirectCode`.
    pub code: Option<String>,
    /// `ReplaceKeyPrefixWith`.
    pub replace_prefix: Option<String>,
    /// `ReplaceKeyWith`.
    pub replace_whole: Option<String>,
}

impl Website {
    /// Checks a redirect of everything.
    pub fn elsewhere(host: Option<String>, protocol: Option<&str>) -> Result<Website, Error> {
        let host = host.filter(|host| !host.is_empty()).ok_or(Error::MalformedXml)?;
        Ok(Website::Elsewhere { host, protocol: protocol.map(Protocol::parse).transpose()? })
    }

    /// Checks pages.
    pub fn pages(
        index: Option<String>,
        error: Option<String>,
        rules: Vec<RawRule>,
    ) -> Result<Website, Error> {
        let index = index.ok_or_else(|| {
            let text = "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty";
            Error::argument(text, "IndexDocument", "null")
        })?;
        if index.is_empty() || index.contains('/') {
            return Err(Error::argument(
                "The IndexDocument Suffix is not well formed",
                "IndexDocument",
                index,
            ));
        }
        if error.as_ref().is_some_and(String::is_empty) {
            return Err(Error::MalformedXml);
        }
        if rules.len() > MAX_RULES {
            return Err(Error::request(format!(
                "{} routing rules provided, the number of routing rules in a website configuration is limited to {MAX_RULES}.",
                rules.len()
            )));
        }
        let rules = rules.into_iter().map(Rule::parse).collect::<Result<_, _>>()?;
        Ok(Website::Pages(Pages { index, error, rules }))
    }
}

impl Rule {
    fn parse(raw: RawRule) -> Result<Rule, Error> {
        let unconditional = raw.prefix.is_none() && raw.error.is_none();
        if raw.has_condition && unconditional {
            return Err(Error::request(
                "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.",
            ));
        }
        let protocol = raw.protocol.as_deref().map(Protocol::parse).transpose()?;
        let rewrite = match (raw.replace_prefix, raw.replace_whole) {
            (Some(_), Some(_)) => {
                return Err(Error::request(
                    "You can only define ReplaceKeyPrefix or ReplaceKey but not both.",
                ));
            }
            (Some(prefix), None) => Some(Rewrite::Prefix(prefix)),
            (None, Some(whole)) => Some(Rewrite::Whole(whole)),
            (None, None) => None,
        };
        if raw.host.is_none() && protocol.is_none() && rewrite.is_none() && raw.code.is_none() {
            return Err(Error::MalformedXml);
        }
        let error = raw.error.map(|code| status(&code, 400..600, "error", "4XX or 5XX")).transpose()?;
        let code = raw.code.map(|code| status(&code, 301..400, "redirect", "3XX except 300")).transpose()?;
        Ok(Rule { prefix: raw.prefix, error, host: raw.host, protocol, code, rewrite })
    }
}

fn status(text: &str, valid: std::ops::Range<u16>, kind: &str, expected: &str) -> Result<u16, Error> {
    let code = text.parse().ok().filter(|code| valid.contains(code));
    code.ok_or_else(|| {
        let text =
            format!("The provided HTTP {kind} code ({text}) is not valid. Valid codes are {expected}.");
        Error::request(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(raw: RawRule) -> Result<Website, Error> {
        Website::pages(Some("index.html".into()), None, vec![raw])
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn rules_are_parsed() {
        let raw = RawRule {
            prefix: some("docs/"),
            has_condition: true,
            replace_prefix: some("documents/"),
            ..RawRule::default()
        };
        let Website::Pages(pages) = with(raw).unwrap() else { panic!("expected pages") };
        assert_eq!(pages.rules[0].rewrite, Some(Rewrite::Prefix("documents/".into())));
        assert_eq!(pages.rules[0].prefix.as_deref(), Some("docs/"));
    }

    #[test]
    fn unlawful_websites_are_refused() {
        assert!(Website::pages(None, None, vec![]).is_err());
        assert!(Website::pages(some("a/index.html"), None, vec![]).is_err());
        assert!(Website::pages(some(""), None, vec![]).is_err());
        assert!(
            Website::pages(some("i"), None, vec![RawRule { host: some("h"), ..RawRule::default() }; 51])
                .is_err()
        );
        assert!(Website::elsewhere(None, None).is_err());
        assert!(Website::elsewhere(some("h"), Some("ftp")).is_err());
        let base = RawRule { host: some("h"), ..RawRule::default() };
        for bad in [
            RawRule::default(),
            RawRule { has_condition: true, ..base.clone() },
            RawRule { protocol: some("ftp"), ..base.clone() },
            RawRule { code: some("300"), ..base.clone() },
            RawRule { code: some("404"), ..base.clone() },
            RawRule { error: some("302"), has_condition: true, ..base.clone() },
            RawRule { replace_prefix: some("a"), replace_whole: some("b"), ..base },
        ] {
            assert!(with(bad.clone()).is_err(), "{bad:?}");
        }
    }
}
