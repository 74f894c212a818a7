//! Cognito's secrets, sealed under the platform's master key.

use nephos_cognito::Seal;
use nephos_core::random;
use nephos_iam::seal::{Place, Sealed, Sealer};
use zeroize::Zeroizing;

/// The adapter between the two crates, which do not know each other.
pub struct CognitoSeal(pub Sealer);

impl Seal for CognitoSeal {
    fn seal(&self, aad: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        let row = random::hex(aad);
        let sealed = self.0.seal(place(&row), plain).ok()?;
        serde_json::to_vec(&sealed).ok()
    }

    fn open(&self, aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let row = random::hex(aad);
        let sealed: Sealed = serde_json::from_slice(sealed).ok()?;
        self.0.open(place(&row), &sealed).ok()
    }
}

fn place(row: &str) -> Place<'_> {
    Place { table: "cognito", row, column: "secret" }
}
