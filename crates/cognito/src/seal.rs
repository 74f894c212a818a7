//! Sealing at rest: what the store keeps of secrets is encrypted under the platform's master key.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::error::Error;

/// Encrypts and authenticates secrets under the platform's master key. `aad` says what the secret is and whose, so
/// that one row's secret can't be put in another's place.
pub trait Seal: Send + Sync {
    /// Seals `plain`; none where the cipher refuses.
    fn seal(&self, aad: &[u8], plain: &[u8]) -> Option<Vec<u8>>;

    /// Opens what was sealed with the same `aad`; none if it was changed, moved or sealed under another master key.
    fn open(&self, aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>>;
}

/// The sealer, as the rest of the crate uses it: text in records is base64.
#[derive(Clone)]
pub(crate) struct Vault(Arc<dyn Seal>);

impl Vault {
    pub(crate) fn new(seal: Arc<dyn Seal>) -> Vault {
        Vault(seal)
    }

    /// Seals `plain` as the secret `kind` of `owner`.
    pub(crate) fn seal(&self, kind: &str, owner: &[&str], plain: &[u8]) -> Result<String, Error> {
        let sealed = self.0.seal(&aad(kind, owner), plain);
        let sealed =
            sealed.ok_or_else(|| Error::Internal(format!("expected a sealed {kind}, the sealer refused")))?;
        Ok(crate::crypto::base64(&sealed))
    }

    /// Opens what [`Vault::seal`] sealed as the same kind of the same owner.
    pub(crate) fn open(&self, kind: &str, owner: &[&str], sealed: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        let opened =
            crate::crypto::from_base64(sealed).and_then(|sealed| self.0.open(&aad(kind, owner), &sealed));
        opened.ok_or_else(|| {
            Error::Internal(format!("expected a sealed {kind} that the master key opens, it does not"))
        })
    }
}

fn aad(kind: &str, owner: &[&str]) -> Vec<u8> {
    let mut parts = vec![b"cognito".as_slice(), kind.as_bytes()];
    parts.extend(owner.iter().map(|part| part.as_bytes()));
    crate::crypto::framed(&parts)
}
