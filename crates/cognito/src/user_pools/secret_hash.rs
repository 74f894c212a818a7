//! `SECRET_HASH`: the proof that a call comes from an application that knows its client's secret.

use super::client_record::ClientRecord;
use crate::crypto;
use crate::error::Error;
use crate::seal::Vault;

/// Opens a client's secret.
pub(crate) fn secret(vault: &Vault, client: &ClientRecord) -> Result<Option<String>, Error> {
    let Some(sealed) = &client.secret else { return Ok(None) };
    let opened = vault.open("client-secret", &[&client.id], sealed)?;
    let text = String::from_utf8(opened.to_vec());
    text.map(Some)
        .map_err(|_| Error::Internal("expected a client secret in text, got other bytes".to_owned()))
}

/// Seals a client's secret.
pub(crate) fn seal(vault: &Vault, client: &str, secret: &str) -> Result<String, Error> {
    vault.seal("client-secret", &[client], secret.as_bytes())
}

/// Checks the hash over any one of `names`, which all name the user.
pub(crate) fn check(
    vault: &Vault,
    client: &ClientRecord,
    given: Option<&str>,
    names: &[&str],
) -> Result<(), Error> {
    let refused = || Error::NotAuthorized(format!("Unable to verify secret hash for client {}", client.id));
    match (secret(vault, client)?, given) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(refused()),
        (Some(_), None) => Err(Error::NotAuthorized(format!(
            "Client {} is configured with secret but SECRET_HASH was not received",
            client.id
        ))),
        (Some(secret), Some(given)) => {
            let right = |name: &&str| {
                let expected = crypto::hmac(secret.as_bytes(), &[name.as_bytes(), client.id.as_bytes()]);
                crypto::equal(crypto::base64(&expected).as_bytes(), given.as_bytes())
            };
            if names.iter().any(right) { Ok(()) } else { Err(refused()) }
        }
    }
}

/// Checks the secret itself, where an operation takes that.
pub(crate) fn check_plain(vault: &Vault, client: &ClientRecord, given: Option<&str>) -> Result<bool, Error> {
    let expected = secret(vault, client)?;
    Ok(match (&expected, given) {
        (None, None) => true,
        (Some(expected), Some(given)) => crypto::equal(expected.as_bytes(), given.as_bytes()),
        _ => false,
    })
}
