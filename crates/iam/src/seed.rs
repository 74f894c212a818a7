//! Seeds: accounts, users, roles and policies that tests and continuous integration want to be there from the start.
//!
//! A seed is applied at every start: what it names is made, or brought to what it says; what it does not name stays.

use std::collections::BTreeMap;

use nephos_core::{AccountId, Timestamp};
use nephos_store::{Read as _, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Iam;
use crate::attachments::{attach_in, drop_boundary, use_boundary};
use crate::bootstrap::put_access_key;
use crate::directory;
use crate::error::Error;
use crate::inline::put_in;
use crate::keys::{self, Sort};
use crate::policies::{check_document, new_policy};
use crate::records::{Entity, RoleFacts};
use crate::roles::{DEFAULT_SESSION_SECONDS, bind_trust};

/// What should be there. Unknown members are an error, so that a typing mistake is noticed.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Seed {
    /// The accounts.
    pub accounts: Vec<SeedAccount>,
}

/// An account.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedAccount {
    /// The account id: 12 digits.
    pub id: String,
    /// The display name.
    #[serde(default)]
    pub name: Option<String>,
    /// Access keys of the root user.
    #[serde(default)]
    pub root_access_keys: Vec<SeedKey>,
    /// Managed policies. They come first, so that users and roles can name them.
    #[serde(default)]
    pub policies: Vec<SeedPolicy>,
    /// Groups. They come before users, for the same reason.
    #[serde(default)]
    pub groups: Vec<SeedEntity>,
    /// Users.
    #[serde(default)]
    pub users: Vec<SeedEntity>,
    /// Roles.
    #[serde(default)]
    pub roles: Vec<SeedEntity>,
}

/// An access key. No `Debug`: it holds a secret.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedKey {
    /// The id: 16 to 128 letters, digits and underscores.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: String,
}

/// A managed policy.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedPolicy {
    /// The name.
    pub name: String,
    /// The path; `/` if absent.
    #[serde(default = "root_path")]
    pub path: String,
    /// The document: an object, or its JSON as text.
    pub document: Value,
}

/// A user, group or role.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedEntity {
    /// The name.
    pub name: String,
    /// The path; `/` if absent.
    #[serde(default = "root_path")]
    pub path: String,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Inline policies by name: objects, or their JSON as text.
    #[serde(default)]
    pub inline_policies: BTreeMap<String, Value>,
    /// ARNs of managed policies.
    #[serde(default)]
    pub managed_policies: Vec<String>,
    /// ARN of the permissions boundary.
    #[serde(default)]
    pub permissions_boundary: Option<String>,
    /// A user's access keys.
    #[serde(default)]
    pub access_keys: Vec<SeedKey>,
    /// A user's groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// A role's trust policy.
    #[serde(default)]
    pub assume_role_policy: Option<Value>,
    /// A role's longest session; an hour if absent.
    #[serde(default)]
    pub max_session_seconds: Option<i32>,
}

fn root_path() -> String {
    "/".to_owned()
}

fn refuse(what: String) -> Error {
    Error::InvalidInput(format!("seed: {what}"))
}

/// A document given as an object or as text.
fn document(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl Iam {
    /// Applies a seed, account by account.
    pub async fn seed(&self, seed: &Seed) -> Result<(), Error> {
        let now = self.clock.now();
        for account in &seed.accounts {
            let id: AccountId = account.id.parse().map_err(|error| refuse(format!("{error}")))?;
            self.write("iam.seed", id, |tx| self.seed_account(tx, id, account, now)).await?;
        }
        Ok(())
    }

    fn seed_account(
        &self,
        tx: &mut Tx,
        id: AccountId,
        account: &SeedAccount,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut record = directory::account(tx, id)?;
        record.name = account.name.clone().or(record.name);
        tx.put_record(keys::account(id), &record)?;
        for policy in &account.policies {
            seed_policy(tx, id, policy, now)?;
        }
        self.seed_keys(tx, id, None, &account.root_access_keys, now)?;
        for (sort, entities) in
            [(Sort::Group, &account.groups), (Sort::User, &account.users), (Sort::Role, &account.roles)]
        {
            for entity in entities {
                seed_entity(tx, id, sort, entity, now)?;
            }
        }
        for user in &account.users {
            self.seed_keys(tx, id, Some(&user.name), &user.access_keys, now)?;
        }
        // Trust policies may name any of the account's users and roles, so they are checked when all are there.
        for role in &account.roles {
            let mut role = directory::get(tx, id, Sort::Role, &role.name)?;
            if let Some(facts) = &mut role.role {
                facts.bound_trust = bind_trust(tx, &facts.trust)?;
            }
            tx.put_record(keys::entity(id, Sort::Role, &role.name), &role)?;
        }
        Ok(())
    }

    fn seed_keys(
        &self,
        tx: &mut Tx,
        account: AccountId,
        user: Option<&str>,
        seeds: &[SeedKey],
        now: Timestamp,
    ) -> Result<(), Error> {
        for seed in seeds {
            let id = &seed.access_key_id;
            check_access_key(id)?;
            if let Some(known) = directory::access_key(tx, id)?
                && (known.account != account.as_str() || known.user.as_deref() != user)
            {
                return Err(refuse(format!("access key {id} already belongs to someone else")));
            }
            let key = self.sealed_key(account, user, id, &seed.secret_access_key, now)?;
            put_access_key(tx, account, &key)?;
        }
        Ok(())
    }
}

/// A seeded id must not be taken for an account or for the development key.
fn check_access_key(id: &str) -> Result<(), Error> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if (16..=128).contains(&id.len()) && id.bytes().all(legal) {
        return Ok(());
    }
    Err(refuse(format!("expected an access key id of 16 to 128 letters, digits and underscores, got {id:?}")))
}

fn check_name(name: &str) -> Result<(), Error> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@-_".contains(&b);
    if (1..=64).contains(&name.len()) && name.bytes().all(legal) {
        return Ok(());
    }
    Err(refuse(format!("expected a name of 1 to 64 letters, digits and any of +=,.@-_, got {name:?}")))
}

fn check_path(path: &str) -> Result<(), Error> {
    let legal = |b: u8| (b'!'..=b'~').contains(&b);
    if path == "/"
        || (path.len() <= 512 && path.starts_with('/') && path.ends_with('/') && path.bytes().all(legal))
    {
        return Ok(());
    }
    Err(refuse(format!("expected a path that begins and ends with a slash, got {path:?}")))
}

fn seed_policy(tx: &mut Tx, account: AccountId, seed: &SeedPolicy, now: Timestamp) -> Result<(), Error> {
    check_name(&seed.name)?;
    check_path(&seed.path)?;
    let document = document(&seed.document);
    check_document(&document)?;
    let key = keys::policy(account, &seed.name);
    let mut policy = match tx.record::<crate::records::ManagedPolicy>(&key)? {
        Some(known) if known.path == seed.path => known,
        Some(known) => {
            return Err(refuse(format!("policy {} exists under path {}", known.name, known.path)));
        }
        None => new_policy(&seed.name, &seed.path, &document, now),
    };
    let default = policy.default_version;
    policy.versions.iter_mut().filter(|version| version.number == default).for_each(|version| {
        version.document.clone_from(&document);
    });
    Ok(tx.put_record(key, &policy)?)
}

fn seed_entity(
    tx: &mut Tx,
    account: AccountId,
    sort: Sort,
    seed: &SeedEntity,
    now: Timestamp,
) -> Result<(), Error> {
    check_name(&seed.name)?;
    check_path(&seed.path)?;
    check_members(sort, seed)?;
    let known: Option<Entity> = tx.record(&keys::entity(account, sort, &seed.name))?;
    let mut entity = known.unwrap_or_else(|| Entity::new(sort, &seed.name, &seed.path, now));
    drop_boundary(tx, account, &entity);
    entity.tags = seed.tags.clone().into_iter().collect();
    entity.boundary.clone_from(&seed.permissions_boundary);
    for (name, value) in &seed.inline_policies {
        put_in(&mut entity, name, &document(value))?;
    }
    for arn in &seed.managed_policies {
        attach_in(tx, account, &mut entity, arn)?;
    }
    for group in seed.groups.iter().filter(|group| !entity.groups.contains(group)).collect::<Vec<_>>() {
        directory::get(tx, account, Sort::Group, group)?;
        tx.put(keys::member(account, group, &seed.name), Vec::new());
        entity.groups.push(group.clone());
    }
    if let Some(trust) = &seed.assume_role_policy {
        let seconds = seed.max_session_seconds.unwrap_or(DEFAULT_SESSION_SECONDS);
        entity.role = Some(RoleFacts {
            trust: document(trust),
            bound_trust: String::new(),
            description: None,
            max_session_seconds: seconds,
        });
    }
    use_boundary(tx, account, &entity)?;
    Ok(tx.put_record(keys::entity(account, sort, &seed.name), &entity)?)
}

/// What only users, or only roles, can have.
fn check_members(sort: Sort, seed: &SeedEntity) -> Result<(), Error> {
    let user_only = !seed.access_keys.is_empty() || !seed.groups.is_empty();
    let role_only = seed.assume_role_policy.is_some() || seed.max_session_seconds.is_some();
    let session = seed.max_session_seconds.unwrap_or(DEFAULT_SESSION_SECONDS);
    let wrong = match sort {
        Sort::User => role_only,
        Sort::Group => user_only || role_only || seed.permissions_boundary.is_some(),
        Sort::Role => user_only || seed.assume_role_policy.is_none(),
    };
    if wrong {
        return Err(refuse(format!(
            "{} {} has members of another sort, or lacks its trust policy",
            sort.noun(),
            seed.name
        )));
    }
    match (3600..=43_200).contains(&session) {
        true => Ok(()),
        false => Err(refuse(format!("expected max_session_seconds of 3600 to 43200, got {session}"))),
    }
}
