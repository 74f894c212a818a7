//! An identity pool as it is stored.

use std::collections::BTreeMap;

use nephos_core::{AccountId, Arn, Region};
use nephos_store::Record;
use serde::{Deserialize, Serialize};

/// An identity pool.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct IdentityPoolRecord {
    /// `region:uuid`
    pub(crate) id: String,
    /// The owning account.
    pub(crate) account: String,
    /// The region.
    pub(crate) region: String,
    /// What `UpdateIdentityPool` replaces.
    pub(crate) settings: Settings,
    /// What `SetIdentityPoolRoles` replaces.
    pub(crate) roles: Roles,
    /// Tags.
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for IdentityPoolRecord {
    const VERSION: u16 = 1;
}

/// What `UpdateIdentityPool` replaces.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// The name.
    pub(crate) name: String,
    /// Whether guests get identities.
    pub(crate) guests: bool,
    /// Whether `GetOpenIdToken` may be used; absent where it was not said, which means no.
    pub(crate) classic: Option<bool>,
    /// User pools whose users get identities.
    pub(crate) providers: Vec<Provider>,
}

/// A client of a user pool whose users get identities.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Provider {
    /// `cognito-idp.region.amazonaws.com/poolId`
    pub(crate) name: String,
    /// The client.
    pub(crate) client: String,
    /// Whether signing out ends what the token is good for; absent where it was not said.
    pub(crate) check_sign_out: Option<bool>,
}

/// Which roles identities get.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Roles {
    /// `authenticated` and `unauthenticated`.
    pub(crate) by_kind: BTreeMap<String, String>,
    /// By provider and client: `cognito-idp.region.amazonaws.com/poolId:client`.
    pub(crate) mappings: BTreeMap<String, Mapping>,
}

/// How a provider's users get their role.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Mapping {
    /// Whether the answer to no or several roles is none, rather than the authenticated one.
    pub(crate) deny_ambiguous: Option<bool>,
    /// How.
    pub(crate) choice: Choice,
}

/// By what a role is chosen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Choice {
    /// By the token's `cognito:preferred_role` and `cognito:roles`.
    Token,
    /// By the first rule that matches.
    Rules(Vec<Rule>),
}

/// A rule over a claim.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Rule {
    /// The claim.
    pub(crate) claim: String,
    /// How it is compared.
    pub(crate) test: Test,
    /// With what.
    pub(crate) value: String,
    /// The role for those who pass.
    pub(crate) role_arn: String,
}

/// How a claim is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Test {
    /// Is the value.
    Equals,
    /// Holds the value.
    Contains,
    /// Begins with the value.
    StartsWith,
    /// Is another value.
    NotEqual,
}

impl Test {
    /// The API's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Test::Equals => "Equals",
            Test::Contains => "Contains",
            Test::StartsWith => "StartsWith",
            Test::NotEqual => "NotEqual",
        }
    }

    /// Reads the API's name.
    pub(crate) fn parse(name: &str) -> Option<Test> {
        [Test::Equals, Test::Contains, Test::StartsWith, Test::NotEqual]
            .into_iter()
            .find(|t| t.name() == name)
    }
}

/// The ARN of an identity pool.
pub(crate) fn arn(region: &Region, account: AccountId, pool: &str) -> Arn {
    Arn::regional("cognito-identity", region, account, format!("identitypool/{pool}"))
}
