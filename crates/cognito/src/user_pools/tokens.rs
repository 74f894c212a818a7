//! Id and access tokens: their claims, and their minting.

use nephos_core::{Timestamp, random};
use nephos_store::Read;
use serde_json::{Value, json};

use super::client_record::ClientRecord;
use super::group_record::{self, GroupRecord};
use super::pool_record::PoolRecord;
use super::secrets;
use super::shapes::AuthenticationResultType;
use super::user_record::UserRecord;
use super::{UserPools, any_pool};
use crate::crypto::jwt::{self, Claims, Unverified};
use crate::error::Error;
use crate::keys;
use crate::signing::{KeyUse, SigningKeyRecord};

/// The scope of tokens that a sign-in through the API gives, and that calls about oneself need.
pub(crate) const SELF_SCOPE: &str = "aws.cognito.signin.user.admin";

/// For whom tokens are minted.
pub(crate) struct Grant<'a> {
    /// The pool.
    pub(crate) pool: &'a PoolRecord,
    /// The client.
    pub(crate) client: &'a ClientRecord,
    /// The user.
    pub(crate) user: &'a UserRecord,
    /// The sign-in's id.
    pub(crate) origin_jti: &'a str,
    /// When the user showed the password.
    pub(crate) auth_time: Timestamp,
}

impl UserPools {
    /// Mints both tokens. The refresh token, if any, is put in as it is.
    pub(crate) fn mint(
        &self,
        grant: &Grant<'_>,
        refresh_token: Option<String>,
        now: Timestamp,
    ) -> Result<AuthenticationResultType, Error> {
        let canonical = grant.pool.canonical(&grant.user.username);
        let (groups, records) = self.store.read(|view| {
            let groups = group_record::of_user(view, grant.pool, &canonical)?;
            Ok::<_, Error>((groups, secrets::signing_keys(view, &grant.pool.id)?))
        })?;
        let issuer = self.issuer_of(grant.pool);
        let shared = self.shared_claims(grant, &issuer, &groups, now);
        let id = self.sign(&records, KeyUse::Id, id_claims(grant, &shared, &groups, now))?;
        let access = self.sign(&records, KeyUse::Access, access_claims(grant, &shared, now))?;
        Ok(AuthenticationResultType {
            access_token: Some(access),
            id_token: Some(id),
            expires_in: i32::try_from(grant.client.access_life().as_secs()).ok(),
            token_type: Some("Bearer".to_owned()),
            refresh_token,
            new_device_metadata: None,
        })
    }

    /// The claims that both tokens carry.
    fn shared_claims(
        &self,
        grant: &Grant<'_>,
        issuer: &str,
        groups: &[GroupRecord],
        now: Timestamp,
    ) -> Claims {
        let mut claims = Claims::new();
        let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        set("sub", json!(grant.user.sub));
        set("iss", json!(issuer));
        set("event_id", json!(random::uuid()));
        set("auth_time", json!(grant.auth_time.secs()));
        set("iat", json!(now.secs()));
        if grant.client.settings.revocation {
            set("origin_jti", json!(grant.origin_jti));
        }
        if !groups.is_empty() {
            set("cognito:groups", groups.iter().map(|group| json!(group.name)).collect());
        }
        claims
    }

    fn sign(&self, records: &[SigningKeyRecord], usage: KeyUse, claims: Claims) -> Result<String, Error> {
        let record = records.iter().find(|record| record.usage == usage).ok_or_else(|| {
            Error::Internal(format!("expected a pool with a key for {usage:?} tokens, it has none"))
        })?;
        let key = self.signers.ready(&self.vault, record)?;
        Ok(jwt::sign(&key, &claims)?)
    }
}

fn access_claims(grant: &Grant<'_>, shared: &Claims, now: Timestamp) -> Claims {
    let mut claims = shared.clone();
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    set("client_id", json!(grant.client.id));
    set("username", json!(grant.user.username));
    set("scope", json!(SELF_SCOPE));
    set("token_use", json!("access"));
    set("version", json!(2));
    set("jti", json!(random::uuid()));
    set("exp", json!((now + grant.client.access_life()).secs()));
    claims
}

fn id_claims(grant: &Grant<'_>, shared: &Claims, groups: &[GroupRecord], now: Timestamp) -> Claims {
    let mut claims = Claims::new();
    let readable = grant.user.attributes.iter().filter(|(name, _)| grant.client.reads(name));
    for (name, value) in readable {
        claims.insert(name.clone(), attribute_claim(name, value));
    }
    // What the pool vouches for comes last: no attribute can take its place.
    claims.extend(shared.clone());
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    set("aud", json!(grant.client.id));
    set("cognito:username", json!(grant.user.username));
    set("token_use", json!("id"));
    set("jti", json!(random::uuid()));
    set("exp", json!((now + grant.client.id_life()).secs()));
    let roles: Vec<&str> = groups.iter().filter_map(|group| group.role_arn.as_deref()).collect();
    if !roles.is_empty() {
        set("cognito:roles", json!(roles));
    }
    if let Some(role) = group_record::preferred_role(groups) {
        set("cognito:preferred_role", json!(role));
    }
    claims
}

fn attribute_claim(name: &str, value: &str) -> Value {
    match name {
        "email_verified" | "phone_number_verified" => json!(value == "true"),
        "updated_at" => value.parse::<i64>().map_or_else(|_| json!(value), Value::from),
        "address" => json!({ "formatted": value }),
        _ => json!(value),
    }
}

/// A token of a pool's, whose signature and issuer were verified.
pub(crate) struct Verified {
    /// The pool.
    pub(crate) pool: PoolRecord,
    /// What the key that signed it is for.
    pub(crate) usage: KeyUse,
    /// The claims.
    pub(crate) claims: Claims,
}

impl Verified {
    /// A claim that is text.
    pub(crate) fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim).and_then(Value::as_str)
    }

    /// A claim that is a moment in seconds.
    pub(crate) fn moment(&self, claim: &str) -> Option<Timestamp> {
        self.claims.get(claim).and_then(Value::as_i64).map(Timestamp::from_secs)
    }

    /// Whether it is an id token, by its key and by its own word.
    pub(crate) fn is_id(&self) -> bool {
        self.usage == KeyUse::Id && self.text("token_use") == Some("id")
    }

    /// Whether it is an access token, by its key and by its own word.
    pub(crate) fn is_access(&self) -> bool {
        self.usage == KeyUse::Access && self.text("token_use") == Some("access")
    }
}

impl UserPools {
    /// The user of a verified id token.
    pub(crate) fn user_of(&self, read: &dyn Read, token: &Verified) -> Result<Option<UserRecord>, Error> {
        let canonical = token.pool.canonical(token.text("cognito:username").unwrap_or_default());
        let user: Option<UserRecord> = (&read).record(&keys::user(&token.pool.id, &canonical))?;
        Ok(user.filter(|user| token.text("sub") == Some(&user.sub)))
    }

    /// Verifies that a token is one of ours, of whatever pool. Times and purpose are the caller's to check.
    pub(crate) fn verify(&self, read: &dyn Read, token: &str) -> Result<Option<Verified>, Error> {
        let Some(unverified) = Unverified::parse(token) else { return Ok(None) };
        let record: Option<SigningKeyRecord> = (&read).record(&keys::signing_key(unverified.kid()))?;
        let Some(record) = record else { return Ok(None) };
        let Some(claims) = unverified.verify(&record.public()?) else { return Ok(None) };
        let verified = Verified { pool: any_pool(read, &record.owner)?, usage: record.usage, claims };
        let issuer = self.issuer_of(&verified.pool);
        Ok(Some(verified).filter(|verified| verified.text("iss") == Some(issuer.as_str())))
    }
}
