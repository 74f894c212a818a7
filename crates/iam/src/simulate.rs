//! Simulation: the same engine, asked about policies and keys that are given.

use std::collections::BTreeMap;
use std::sync::Arc;

use nephos_core::{AccountId, ContextKeys, Cx};

use crate::Iam;
use crate::directory;
use crate::error::{Error, not_found};
use crate::keys::Sort;
use crate::pages::Asked;
use crate::policy::{
    Caller, CallerKind, Decision, Kind, Policies, Policy, PolicyKind, PolicySet, Question, decide,
};
use crate::shapes::{
    ContextEntry, EvaluationResult, PermissionsBoundaryDecisionDetail, SimulateCustomPolicyRequest,
    SimulatePolicyResponse, SimulatePrincipalPolicyRequest, Statement,
};
use crate::subjects::Subject;

/// What is simulated.
struct Simulation {
    caller: Caller,
    identity: PolicySet,
    boundary: Option<PolicySet>,
    resource: Option<PolicySet>,
    keys: ContextKeys,
    owner: AccountId,
}

pub(crate) async fn custom(
    _: &Iam,
    cx: &Cx,
    input: SimulateCustomPolicyRequest,
) -> Result<SimulatePolicyResponse, Error> {
    let policies = documents("PolicyInputList", input.policy_input_list.as_deref())?;
    let bounds = input.permissions_boundary_policy_input_list.as_deref();
    let simulation = Simulation {
        caller: caller(cx, input.caller_arn.as_deref(), None),
        identity: PolicySet::new(policies),
        boundary: boundary(bounds)?,
        resource: resource_policy(input.resource_policy.as_deref())?,
        keys: context(input.context_entries.as_deref()),
        owner: owner(cx, input.resource_owner.as_deref()),
    };
    let asked = Asked::read(input.marker.as_deref(), input.max_items)?;
    Ok(simulation.run(input.action_names, input.resource_arns, asked))
}

pub(crate) async fn principal(
    iam: &Iam,
    cx: &Cx,
    input: SimulatePrincipalPolicyRequest,
) -> Result<SimulatePolicyResponse, Error> {
    let arn = input.policy_source_arn.unwrap_or_default();
    let found = [("user", Sort::User), ("group", Sort::Group), ("role", Sort::Role)]
        .into_iter()
        .find_map(|(noun, sort)| Some((sort, directory::named(&arn, noun)?)));
    let Some((sort, (_, _, name))) = found.filter(|(_, (account, ..))| *account == cx.account) else {
        return Err(Error::InvalidInput(format!(
            "Invalid Entity Arn: {arn} does not clearly define entity type and name."
        )));
    };
    let extra = documents("PolicyInputList", input.policy_input_list.as_deref())?;
    let (entity, subject) = iam.store.read(|view| {
        let entity = directory::find(view, cx.account, sort, &name)?;
        let entity = entity.ok_or_else(|| not_found(sort.noun(), &name))?;
        let subject = Subject::with(view, cx.account, &entity, extra.clone())?;
        Ok::<_, Error>((entity, subject))
    })?;
    let mut keys = context(input.context_entries.as_deref());
    if sort == Sort::User && keys.get("aws:username").is_none() {
        keys.set("aws:username", &entity.name);
    }
    for (key, value) in subject.tags {
        keys.set(&key, value);
    }
    let simulation = Simulation {
        caller: caller(cx, Some(input.caller_arn.as_deref().unwrap_or(&arn)), Some(&entity.id)),
        identity: subject.identity,
        boundary: match boundary(input.permissions_boundary_policy_input_list.as_deref())? {
            Some(given) => Some(given),
            None => subject.boundary,
        },
        resource: resource_policy(input.resource_policy.as_deref())?,
        keys,
        owner: owner(cx, input.resource_owner.as_deref()),
    };
    let asked = Asked::read(input.marker.as_deref(), input.max_items)?;
    Ok(simulation.run(input.action_names, input.resource_arns, asked))
}

type Sourced = (Arc<str>, Arc<Policy>);

/// Given documents, named as AWS names them.
fn documents(list: &str, given: Option<&[String]>) -> Result<Vec<Sourced>, Error> {
    let named = given.unwrap_or_default().iter().enumerate();
    named
        .map(|(at, text)| {
            let policy = Policy::parse(text, Kind::Identity)
                .map_err(|error| Error::InvalidInput(format!("Invalid Policy Input: {error}")))?;
            Ok((Arc::from(format!("{list}.{}", at + 1)), Arc::new(policy)))
        })
        .collect()
}

fn boundary(given: Option<&[String]>) -> Result<Option<PolicySet>, Error> {
    match given.unwrap_or_default() {
        [] => Ok(None),
        given => Ok(Some(PolicySet::new(documents("PermissionsBoundaryPolicyInputList", Some(given))?))),
    }
}

fn resource_policy(given: Option<&str>) -> Result<Option<PolicySet>, Error> {
    let Some(text) = given else { return Ok(None) };
    let policy = Policy::parse(text, Kind::Resource)
        .map_err(|error| Error::InvalidInput(format!("Invalid Resource Policy: {error}")))?;
    Ok(Some(PolicySet::of("ResourcePolicy", policy)))
}

fn context(entries: Option<&[ContextEntry]>) -> ContextKeys {
    let mut keys = ContextKeys::new();
    for entry in entries.unwrap_or_default() {
        if let Some(name) = &entry.context_key_name {
            keys.set_all(name, entry.context_key_values.clone().unwrap_or_default());
        }
    }
    keys
}

/// Who is simulated: a user or a role, by ARN.
fn caller(cx: &Cx, arn: Option<&str>, id: Option<&str>) -> Caller {
    let name = arn.map_or_else(|| cx.principal.display_name(), str::to_owned);
    let account = name.split(':').nth(4).and_then(|account| account.parse().ok()).unwrap_or(cx.account);
    let is_role = name.contains(":role/");
    Caller {
        kind: if is_role { CallerKind::Role } else { CallerKind::User },
        account: Some(account),
        role_arn: is_role.then(|| name.clone()),
        unique_id: id.map(str::to_owned),
        name,
    }
}

fn owner(cx: &Cx, given: Option<&str>) -> AccountId {
    let account = given.map(|arn| arn.split(':').nth(4).unwrap_or(arn));
    account.and_then(|account| account.parse().ok()).unwrap_or(cx.account)
}

impl Simulation {
    /// Every action on every resource; without resources, on `*`.
    fn run(
        &self,
        actions: Option<Vec<String>>,
        resources: Option<Vec<String>>,
        asked: Asked,
    ) -> SimulatePolicyResponse {
        let resources = resources.filter(|list| !list.is_empty()).unwrap_or_else(|| vec!["*".to_owned()]);
        let mut results = Vec::new();
        for (at, action) in actions.unwrap_or_default().iter().enumerate() {
            for (place, resource) in resources.iter().enumerate() {
                // The order of the question is the order of the answer.
                results.push((format!("{at:06}.{place:06}"), self.evaluate(action, resource)));
            }
        }
        let page = asked.of(results, |(order, _)| order);
        let is_truncated = page.is_truncated();
        SimulatePolicyResponse {
            evaluation_results: Some(page.items.into_iter().map(|(_, result)| result).collect()),
            is_truncated,
            marker: page.marker,
        }
    }

    fn evaluate(&self, action: &str, resource: &str) -> EvaluationResult {
        let question = Question::new(&self.caller, action, resource, &self.keys);
        let policies = Policies {
            identity: Some(&self.identity),
            boundary: self.boundary.as_ref(),
            resource: self.resource.as_ref(),
            ..Policies::default()
        };
        let decision = decide(&question, self.owner, policies);
        let matched = match &decision {
            Decision::Allowed { by, statement } => by.zip(statement.as_ref()),
            Decision::ExplicitDeny { by, statement } => Some((*by, statement)),
            Decision::ImplicitDeny { .. } => None,
        };
        let matched = matched.map(|(by, statement)| Statement {
            source_policy_id: Some(statement.source.to_string()),
            source_policy_type: Some(source_type(by, &statement.source).to_owned()),
            ..Statement::default()
        });
        let within = self.boundary.as_ref().map(|_| {
            let refused = match &decision {
                Decision::ExplicitDeny { by, .. } => *by == PolicyKind::Boundary,
                Decision::ImplicitDeny { missing } => *missing == PolicyKind::Boundary,
                Decision::Allowed { .. } => false,
            };
            PermissionsBoundaryDecisionDetail { allowed_by_permissions_boundary: Some(!refused) }
        });
        EvaluationResult {
            eval_action_name: Some(action.to_owned()),
            eval_resource_name: Some(resource.to_owned()),
            eval_decision: Some(word(&decision).to_owned()),
            matched_statements: Some(matched.into_iter().collect()),
            missing_context_values: Some(Vec::new()),
            permissions_boundary_decision_detail: within,
            eval_decision_details: Some(BTreeMap::new()),
            ..EvaluationResult::default()
        }
    }
}

fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Allowed { .. } => "allowed",
        Decision::ExplicitDeny { .. } => "explicitDeny",
        Decision::ImplicitDeny { .. } => "implicitDeny",
    }
}

fn source_type(by: PolicyKind, source: &str) -> &'static str {
    match by {
        PolicyKind::Resource | PolicyKind::Trust => "Resource Policy",
        PolicyKind::Boundary => "IAM Permissions Boundary Policy",
        _ if source.starts_with("arn:aws:iam::aws:") => "AWS Managed Policy",
        _ => "IAM Policy",
    }
}
