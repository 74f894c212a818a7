//! Sign-in without showing the password: `USER_SRP_AUTH` and its `PASSWORD_VERIFIER` challenge.
//!
//! The key that the client must prove is worked out when the challenge is made and travels sealed in the secret block,
//! so that nothing is stored for sign-ins that are never finished. Users who don't exist get a challenge like any
//! other where the client hides who exists: stable salt, equal work, and a failure at the second step.

use std::collections::BTreeMap;
use std::time::Duration;

use nephos_core::{Cx, Timestamp};
use nephos_store::{Read, Tx};
use serde::{Deserialize, Serialize};

use super::attempts::{self, Subject};
use super::auth::{Proven, SignIn, Step, settle};
use super::auth_password::Named;
use super::client_record::Flow;
use super::pool_record::PoolRecord;
use super::secrets::PoolSecrets;
use super::sign_ins::NewSignIn;
use super::strings::{self, Carried, Kind, Use};
use super::user_record::{self, PasswordRecord, UserRecord, UserStatus};
use super::{UserPools, credentials, secret_hash, secrets};
use crate::crypto::srp::{self, ClientPublic, Proof, SALT_BYTES, Verifier};
use crate::crypto::{base64, from_base64, hmac, srp_timestamp};
use crate::error::Error;
use crate::keys;

/// How far a proof's timestamp may be from now.
const SKEW: Duration = Duration::from_secs(300);

/// What a secret block holds.
#[derive(Serialize, Deserialize)]
struct Block {
    client: String,
    /// `USER_ID_FOR_SRP`, which is the stored username.
    username: String,
    /// The user; none where the name is nobody's.
    user: Option<BlockUser>,
    key: [u8; 16],
}

#[derive(Serialize, Deserialize)]
struct BlockUser {
    sub: String,
    generation: String,
}

/// What the client sent to finish.
struct Answer<'a> {
    block: Vec<u8>,
    signature: Vec<u8>,
    timestamp: &'a str,
}

impl UserPools {
    pub(crate) async fn begin_srp(&self, sign_in: SignIn<'_>) -> Result<Step, Error> {
        if !sign_in.client.allows(Flow::UserSrp) {
            return Err(Error::invalid("USER_SRP_AUTH is not enabled for the client."));
        }
        let name = sign_in.parameters.required("USERNAME")?;
        let public = sign_in.parameters.required("SRP_A")?;
        let hash = sign_in.parameters.optional("SECRET_HASH");
        secret_hash::check(&self.vault, &sign_in.client, hash, &[name])?;
        let public = ClientPublic::parse(public).ok_or_else(|| Error::invalid("Invalid SRP_A value."))?;
        let named = self.named(&sign_in, name)?;
        let secrets = self.store.read(|view| secrets::read(view, &self.vault, &sign_in.pool.id))?;
        let (username, user, verifier) = match named.user {
            Some((user, password)) => self.known(&sign_in.pool, user, password)?,
            None => nobody(&sign_in.pool, &secrets, name),
        };
        let salt = verifier.salt_hex();
        let challenge = self.workers.run(move || srp::challenge(&verifier, &public)).await?;
        let content = Block {
            client: sign_in.client.id.clone(),
            username: username.clone(),
            user,
            key: *challenge.key,
        };
        let life = (sign_in.cx.now(), sign_in.client.session_life());
        let block = strings::seal(&secrets, Kind::SecretBlock, content, life)?;
        let parameters = [
            ("SALT", salt),
            ("SRP_B", challenge.public_hex.clone()),
            ("SECRET_BLOCK", base64(&block)),
            ("USERNAME", username.clone()),
            ("USER_ID_FOR_SRP", username),
        ];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value));
        Ok(Step::Challenge {
            name: "PASSWORD_VERIFIER",
            session: None,
            parameters: BTreeMap::from(parameters),
        })
    }

    fn known(
        &self,
        pool: &PoolRecord,
        user: UserRecord,
        password: PasswordRecord,
    ) -> Result<(String, Option<BlockUser>, Verifier), Error> {
        let verifier = credentials::verifier(&self.vault, &pool.id, &user.sub, &password)?;
        let proven = BlockUser { sub: user.sub, generation: password.generation };
        Ok((user.username, Some(proven), verifier))
    }

    pub(crate) async fn finish_srp(&self, sign_in: SignIn<'_>) -> Result<Step, Error> {
        let parameters = &sign_in.parameters;
        let name = parameters.required("USERNAME")?;
        let answer = Answer {
            block: from_base64(parameters.required("PASSWORD_CLAIM_SECRET_BLOCK")?).unwrap_or_default(),
            signature: from_base64(parameters.required("PASSWORD_CLAIM_SIGNATURE")?).unwrap_or_default(),
            timestamp: parameters.required("TIMESTAMP")?,
        };
        secret_hash::check(&self.vault, &sign_in.client, parameters.optional("SECRET_HASH"), &[name])?;
        check_timestamp(sign_in.cx, answer.timestamp)?;
        let secrets = self.store.read(|view| secrets::read(view, &self.vault, &sign_in.pool.id))?;
        let block: Carried<Block> = strings::open(&secrets, Kind::SecretBlock, &answer.block)
            .filter(|block: &Carried<Block>| block.content.client == sign_in.client.id)
            .ok_or_else(Error::wrong_password)?;
        self.check_name(&sign_in.pool, &block.content, name)?;
        let (new, now) = (NewSignIn::new(), sign_in.cx.now());
        let (proven, user) = self
            .store
            .transact("cognito srp", |tx| prove(tx, &sign_in, &secrets, (&block, &answer), (&new, now)))
            .await?;
        match (proven, user, block.content.user) {
            (Proven::SignedIn, Some(user), _) => self.signed_in(&sign_in, &user, new, now),
            (Proven::NewPassword, Some(user), Some(proven)) => {
                self.ask_new_password(&sign_in, &user, proven.generation, now)
            }
            (Proven::Refused(error), ..) => Err(error),
            _ => Err(Error::wrong_password()),
        }
    }

    /// `USERNAME` must name the user whom the challenge was made for, by username or by an alias.
    fn check_name(&self, pool: &PoolRecord, block: &Block, name: &str) -> Result<(), Error> {
        if pool.canonical(name) == pool.canonical(&block.username) {
            return Ok(());
        }
        let found = self.store.read(|view| user_record::find(view, pool, name))?;
        let same = found.zip(block.user.as_ref()).is_some_and(|(found, user)| found.sub == user.sub);
        if same { Ok(()) } else { Err(Error::wrong_password()) }
    }
}

/// Stable answers for a name that is nobody's.
fn nobody(pool: &PoolRecord, secrets: &PoolSecrets, name: &str) -> (String, Option<BlockUser>, Verifier) {
    let canonical = pool.canonical(name);
    let seed = |label: &[u8]| hmac(&*secrets.decoys(), &[label, canonical.as_bytes()]);
    let username = if pool.usernames_are_contacts() { uuid_of(&seed(b"username")) } else { name.to_owned() };
    let verifier = Verifier::decoy(seed(b"salt")[..SALT_BYTES].to_vec(), &seed(b"verifier"));
    (username, None, verifier)
}

fn uuid_of(bytes: &[u8; 32]) -> String {
    let mut hex = nephos_core::random::hex(&bytes[..16]);
    hex.replace_range(12..13, "4");
    let variant = char::from(b"89ab"[usize::from(bytes[8] & 3)]);
    hex.replace_range(16..17, &variant.to_string());
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// The client's clock is the real one, whatever the platform's was moved to.
fn check_timestamp(cx: &Cx, text: &str) -> Result<(), Error> {
    let at = srp_timestamp::parse(text)
        .ok_or_else(|| Error::invalid("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english."))?;
    let near = |now: Timestamp| now - at <= SKEW && at - now <= SKEW;
    if near(cx.now()) || near(cx.now() - cx.platform.clock.offset()) {
        Ok(())
    } else {
        Err(Error::wrong_password())
    }
}

/// Spends the block, and checks the proof against the user as of now. What it writes is committed in every case.
fn prove(
    tx: &mut Tx,
    sign_in: &SignIn<'_>,
    secrets: &PoolSecrets,
    (block, answer): (&Carried<Block>, &Answer<'_>),
    (new, now): (&NewSignIn, Timestamp),
) -> Result<(Proven, Option<UserRecord>), Error> {
    let pool = &sign_in.pool;
    let refused = |error| Ok((Proven::Refused(error), None));
    if block.spend(tx, now)? != Use::First {
        return refused(Error::wrong_password());
    }
    let content = &block.content;
    let canonical = pool.canonical(&content.username);
    let found = current(tx, pool, &canonical, content)?;
    let subject = match &content.user {
        Some(_) => Subject::user(&canonical),
        None => Subject::unknown(&*secrets.decoys(), &canonical),
    };
    if let Err(error) = attempts::refuse_locked(tx, pool, &subject, now) {
        return refused(error);
    }
    let proof = Proof {
        pool: pool.short_id(),
        username: &content.username,
        secret_block: &answer.block,
        timestamp: answer.timestamp,
    };
    let holds = proof.holds(&content.key, &answer.signature);
    let Some(Named { user: Some((user, password)), .. }) = found.filter(|_| holds) else {
        attempts::failed(tx, pool, &subject, now)?;
        return refused(Error::wrong_password());
    };
    if user.status == UserStatus::ResetRequired {
        return refused(Error::PasswordResetRequired);
    }
    let proven = settle(tx, sign_in, &user, &password, (new, now))?;
    Ok((proven, Some(user)))
}

/// The user of the block with the password of the block, if both are still as they were.
fn current(tx: &Tx, pool: &PoolRecord, canonical: &str, block: &Block) -> Result<Option<Named>, Error> {
    let Some(expected) = &block.user else { return Ok(None) };
    let user: Option<UserRecord> = tx.record(&keys::user(&pool.id, canonical))?;
    let password: Option<PasswordRecord> = tx.record(&keys::password(&pool.id, canonical))?;
    let both = user.zip(password);
    let same = both
        .filter(|(user, password)| user.sub == expected.sub && password.generation == expected.generation);
    Ok(same.map(|both| Named { user: Some(both), subject: Subject::user(canonical) }))
}
