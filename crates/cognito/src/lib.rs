//! Cognito: user pools (`cognito-idp`) and identity pools (`cognito-identity`).
mod crypto;
