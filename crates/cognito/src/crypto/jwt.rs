//! JSON Web Tokens, RS256 and nothing else: no `none`, no shared-secret algorithm, no key named by the token but by
//! an id that is looked up among our own.

use serde_json::{Map, Value, json};

use super::rsa::{self, KeyError, SigningKey};
use super::{base64url, from_base64url};

/// The longest token that is looked at.
pub(crate) const MAX_BYTES: usize = 16 * 1024;

/// A token's claims.
pub(crate) type Claims = Map<String, Value>;

/// Signs claims.
pub(crate) fn sign(key: &SigningKey, claims: &Claims) -> Result<String, KeyError> {
    let header = json!({ "kid": key.kid(), "alg": "RS256" });
    let payload = Value::Object(claims.clone());
    let body =
        format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(payload.to_string().as_bytes()));
    let signature = key.sign(body.as_bytes())?;
    Ok(format!("{body}.{}", base64url(&signature)))
}

/// A token that was taken apart and whose signature is still to be checked.
pub(crate) struct Unverified<'a> {
    kid: String,
    signed: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart. Refuses every algorithm but RS256 and headers that ask for extensions.
    pub(crate) fn parse(token: &'a str) -> Option<Unverified<'a>> {
        if token.len() > MAX_BYTES {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let header: Map<String, Value> = serde_json::from_slice(&from_base64url(header)?).ok()?;
        if header.get("alg").and_then(Value::as_str) != Some("RS256") || header.contains_key("crit") {
            return None;
        }
        let kid = header.get("kid").and_then(Value::as_str)?.to_owned();
        Some(Unverified { kid, signed, payload, signature: from_base64url(signature)? })
    }

    /// The id of the key that the token says it was signed with.
    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    /// The `iss` that the token claims, for finding out who would have to verify it. Proves nothing.
    pub(crate) fn claimed_issuer(&self) -> Option<String> {
        let claims: Claims = serde_json::from_slice(&from_base64url(self.payload)?).ok()?;
        claims.get("iss").and_then(Value::as_str).map(str::to_owned)
    }

    /// The claims, if the signature is `public`'s (PKCS #1).
    pub(crate) fn verify(&self, public: &[u8]) -> Option<Claims> {
        if !rsa::verify(public, self.signed.as_bytes(), &self.signature) {
            return None;
        }
        serde_json::from_slice(&from_base64url(self.payload)?).ok()
    }
}

/// A public key as a member of a JSON Web Key Set.
pub(crate) fn public_jwk(kid: &str, public: &[u8]) -> Option<Value> {
    let (modulus, exponent) = rsa::public_numbers(public)?;
    Some(json!({
        "alg": "RS256", "e": base64url(exponent), "kid": kid, "kty": "RSA", "n": base64url(modulus), "use": "sig",
    }))
}

#[cfg(test)]
mod tests {
    use super::super::rsa::NewKey;
    use super::*;

    fn claims() -> Claims {
        json!({ "sub": "ann", "exp": 5 }).as_object().cloned().unwrap()
    }

    #[test]
    fn a_token_verifies_and_any_change_to_it_does_not() {
        let made = NewKey::generate().unwrap();
        let token = sign(&SigningKey::new(&made.kid, &made.private).unwrap(), &claims()).unwrap();
        let read = Unverified::parse(&token).unwrap();
        assert_eq!(read.kid(), made.kid);
        assert_eq!(read.verify(&made.public), Some(claims()));
        let parts: Vec<&str> = token.split('.').collect();
        let forged = base64url(json!({ "sub": "bob", "exp": 5 }).to_string().as_bytes());
        let swapped = format!("{}.{forged}.{}", parts[0], parts[2]);
        assert_eq!(Unverified::parse(&swapped).unwrap().verify(&made.public), None);
        assert_eq!(read.verify(&NewKey::generate().unwrap().public), None);
    }

    #[test]
    fn other_algorithms_and_malformed_tokens_are_refused() {
        let payload = base64url(b"{}");
        for header in [
            r#"{"alg":"none","kid":"k"}"#,
            r#"{"alg":"HS256","kid":"k"}"#,
            r#"{"alg":"rs256","kid":"k"}"#,
            r#"{"alg":"RS256"}"#,
            r#"{"alg":"RS256","kid":7}"#,
            r#"{"alg":"RS256","kid":"k","crit":["x"]}"#,
            r"[]",
        ] {
            let token = format!("{}.{payload}.AAAA", base64url(header.as_bytes()));
            assert!(Unverified::parse(&token).is_none(), "{header}");
        }
        for bad in ["", "a", "a.b", "a.b.c", "...", &"a".repeat(MAX_BYTES + 1)] {
            assert!(Unverified::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_key_set_carries_modulus_and_exponent() {
        let made = NewKey::generate().unwrap();
        let jwk = public_jwk(&made.kid, &made.public).unwrap();
        assert_eq!((jwk["e"].as_str(), jwk["kty"].as_str()), (Some("AQAB"), Some("RSA")));
        assert_eq!(jwk["n"].as_str().map(str::len), Some(342));
    }
}
