//! The roles of an identity pool.

use std::collections::BTreeMap;

use nephos_core::Cx;
use nephos_store::Tx;

use super::pool_record::{Choice, Mapping, Roles, Rule, Test};
use super::shapes::{
    GetIdentityPoolRolesInput, GetIdentityPoolRolesResponse, MappingRule, RoleMapping,
    RulesConfigurationType, SetIdentityPoolRolesInput, Unit,
};
use super::{IdentityPools, need, own_pool};
use crate::error::Error;
use crate::keys;

/// The most rules of one provider.
const MAX_RULES: usize = 25;

/// `SetIdentityPoolRoles`
pub(crate) async fn set(
    pools: &IdentityPools,
    cx: &Cx,
    input: SetIdentityPoolRolesInput,
) -> Result<Unit, Error> {
    let id = need(input.identity_pool_id, "IdentityPoolId")?;
    let by_kind = need(input.roles, "Roles")?;
    if by_kind.keys().any(|kind| kind != "authenticated" && kind != "unauthenticated") {
        return Err(Error::invalid("Roles must be authenticated or unauthenticated."));
    }
    let given = input.role_mappings.unwrap_or_default();
    let mappings: BTreeMap<String, Mapping> =
        given.into_iter().map(|(name, given)| Ok((name, mapping(given)?))).collect::<Result<_, Error>>()?;
    let roles = Roles { by_kind, mappings };
    let set = |tx: &mut Tx| {
        let mut pool = own_pool(tx, cx, &id)?;
        pool.roles = roles.clone();
        Ok::<(), Error>(tx.put_record(keys::identity_pool(&id), &pool)?)
    };
    pools.store.transact("cognito set roles", set).await?;
    Ok(Unit::default())
}

fn mapping(given: RoleMapping) -> Result<Mapping, Error> {
    let choice = match given.r#type.as_deref() {
        Some("Rules") => {
            let rules = given.rules_configuration.and_then(|configuration| configuration.rules);
            let rules =
                rules.ok_or_else(|| Error::invalid("Rules are required for a mapping of type Rules."))?;
            if rules.len() > MAX_RULES {
                return Err(Error::LimitExceeded(format!("A provider can have up to {MAX_RULES} rules.")));
            }
            Choice::Rules(rules.into_iter().map(rule).collect::<Result<_, _>>()?)
        }
        _ => Choice::Token,
    };
    let deny_ambiguous = given.ambiguous_role_resolution.map(|resolution| resolution == "Deny");
    if deny_ambiguous.is_none() {
        return Err(Error::invalid("AmbiguousRoleResolution is required for role mappings."));
    }
    Ok(Mapping { deny_ambiguous, choice })
}

fn rule(given: MappingRule) -> Result<Rule, Error> {
    let test = given.match_type.as_deref().and_then(Test::parse);
    Ok(Rule {
        claim: need(given.claim, "Claim")?,
        test: need(test, "MatchType")?,
        value: need(given.value, "Value")?,
        role_arn: need(given.role_arn, "RoleARN")?,
    })
}

/// `GetIdentityPoolRoles`
pub(crate) async fn get(
    pools: &IdentityPools,
    cx: &Cx,
    input: GetIdentityPoolRolesInput,
) -> Result<GetIdentityPoolRolesResponse, Error> {
    let id = need(input.identity_pool_id, "IdentityPoolId")?;
    let pool = pools.store.read(|read| own_pool(read, cx, &id))?;
    let mappings: BTreeMap<String, RoleMapping> =
        pool.roles.mappings.into_iter().map(|(name, mapping)| (name, view(mapping))).collect();
    Ok(GetIdentityPoolRolesResponse {
        identity_pool_id: Some(pool.id),
        roles: Some(pool.roles.by_kind),
        role_mappings: Some(mappings).filter(|mappings| !mappings.is_empty()),
    })
}

fn view(mapping: Mapping) -> RoleMapping {
    let (kind, rules) = match mapping.choice {
        Choice::Token => ("Token", None),
        Choice::Rules(rules) => ("Rules", Some(rules)),
    };
    let rules = rules.map(|rules| RulesConfigurationType {
        rules: Some(
            rules
                .into_iter()
                .map(|rule| MappingRule {
                    claim: Some(rule.claim),
                    match_type: Some(rule.test.name().to_owned()),
                    value: Some(rule.value),
                    role_arn: Some(rule.role_arn),
                })
                .collect(),
        ),
    });
    let resolution = |deny: bool| if deny { "Deny" } else { "AuthenticatedRole" }.to_owned();
    RoleMapping {
        r#type: Some(kind.to_owned()),
        ambiguous_role_resolution: mapping.deny_ambiguous.map(resolution),
        rules_configuration: rules,
    }
}
