//! `AKID/20260101/us-east-1/s3/aws4_request`: who signs, and for which day, region and service.

use std::borrow::Cow;

use crate::error::SignatureError;

/// The last element of every credential.
pub const TERMINATOR: &str = "aws4_request";

/// A credential, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential<'a> {
    text: Cow<'a, str>,
    // Where the access key ends and the elements of the scope start and end, in `text`.
    key_end: usize,
    date_end: usize,
    region_end: usize,
    service_end: usize,
}

impl<'a> Credential<'a> {
    /// Parses the five elements.
    pub fn parse(text: impl Into<Cow<'a, str>>) -> Result<Self, SignatureError> {
        let text = text.into();
        let mut slashes = [0; 4];
        let mut found = 0;
        for (at, _) in text.bytes().enumerate().filter(|(_, b)| *b == b'/') {
            if found < 4 {
                slashes[found] = at;
            }
            found += 1;
        }
        if found != 4 {
            return Err(SignatureError::CredentialShape { got: text.into_owned() });
        }
        let [key_end, date_end, region_end, service_end] = slashes;
        let credential = Credential { text, key_end, date_end, region_end, service_end };
        credential.validated()
    }

    /// A credential of its parts, for signing.
    pub fn new(access_key_id: &str, date: &str, region: &str, service: &str) -> Credential<'static> {
        let text = format!("{access_key_id}/{date}/{region}/{service}/{TERMINATOR}");
        let key_end = access_key_id.len();
        let date_end = key_end + 1 + date.len();
        let region_end = date_end + 1 + region.len();
        let service_end = region_end + 1 + service.len();
        Credential { text: Cow::Owned(text), key_end, date_end, region_end, service_end }
    }

    fn validated(self) -> Result<Self, SignatureError> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if self.access_key_id().is_empty() {
            return Err(SignatureError::EmptyAccessKey);
        }
        if &self.text[self.service_end + 1..] != TERMINATOR {
            let got = self.text[self.service_end + 1..].to_owned();
            return Err(SignatureError::ScopeTerminator { got });
        }
        if self.date().len() != 8 || !self.date().bytes().all(|b| b.is_ascii_digit()) {
            return Err(SignatureError::ScopeDateShape { got: self.date().to_owned() });
        }
        if self.region().is_empty() || !self.region().bytes().all(legal) {
            return Err(SignatureError::ScopeRegion);
        }
        if self.service().is_empty() || !self.service().bytes().all(legal) {
            return Err(SignatureError::CredentialShape { got: self.text.into_owned() });
        }
        Ok(self)
    }

    /// The whole credential.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The access key's id.
    pub fn access_key_id(&self) -> &str {
        &self.text[..self.key_end]
    }

    /// `date/region/service/aws4_request`.
    pub fn scope(&self) -> &str {
        &self.text[self.key_end + 1..]
    }

    /// The day, `20260101`.
    pub fn date(&self) -> &str {
        &self.text[self.key_end + 1..self.date_end]
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.text[self.date_end + 1..self.region_end]
    }

    /// The service.
    pub fn service(&self) -> &str {
        &self.text[self.region_end + 1..self.service_end]
    }

    /// The same, owning its text.
    pub fn into_owned(self) -> Credential<'static> {
        Credential { text: Cow::Owned(self.text.into_owned()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_has_five_elements() {
        let credential = Credential::parse("AKID/20260101/us-east-1/s3/aws4_request").unwrap();
        assert_eq!(credential.access_key_id(), "AKID");
        assert_eq!(credential.date(), "20260101");
        assert_eq!(credential.region(), "us-east-1");
        assert_eq!(credential.service(), "s3");
        assert_eq!(credential.scope(), "20260101/us-east-1/s3/aws4_request");
        assert_eq!(credential, Credential::new("AKID", "20260101", "us-east-1", "s3"));
    }

    #[test]
    fn each_bad_element_has_its_own_error() {
        type E = SignatureError;
        let parse = |text: &'static str| Credential::parse(text).unwrap_err();
        assert!(matches!(parse("AKID"), E::CredentialShape { .. }));
        assert!(matches!(parse("a/b/20260101/r1/s3/aws4_request"), E::CredentialShape { .. }));
        assert!(matches!(parse("/20260101/r1/s3/aws4_request"), E::EmptyAccessKey));
        assert!(matches!(parse("AKID/2026/r1/s3/aws4_request"), E::ScopeDateShape { .. }));
        assert!(matches!(parse("AKID/20260101//s3/aws4_request"), E::ScopeRegion));
        assert!(matches!(parse("AKID/20260101/r1/s3/aws5"), E::ScopeTerminator { .. }));
    }
}
