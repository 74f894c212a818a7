//! What a query or scan keeps of what it reads: `Select`, projection and filter, checked against the target.

use super::target::Target;
use crate::Error;
use crate::choices::Select;
use crate::expr::{Condition, Projection};
use crate::items::get::{check_path, check_paths};
use crate::value::Layer;

/// What is done with each entry.
pub struct Plan {
    /// Which entries are kept.
    pub filter: Option<Condition>,
    /// What is returned of those.
    pub output: Output,
    /// Whether reads cost whole units.
    pub consistent: bool,
    /// The most entries to look at.
    pub limit: Option<usize>,
}

/// What is returned of an entry.
pub enum Output {
    /// Nothing but that there is one.
    Count,
    /// What the table or index holds.
    Held,
    /// Parts of that.
    Parts(Projection),
    /// The whole item, or parts of it, looked up in the table for an entry of a local index.
    Fetched(Option<Projection>),
}

/// `Select` as the request has it, before the target is known.
pub struct Wanted {
    /// `Select`
    pub select: Option<Select>,
    /// The projection.
    pub projection: Option<Projection>,
    /// Which parameter that came in.
    pub legacy: bool,
    /// The filter.
    pub filter: Option<Condition>,
    /// Whether that came as `QueryFilter` or `ScanFilter`.
    pub legacy_filter: bool,
    /// The index.
    pub index: Option<String>,
    /// `ConsistentRead`
    pub consistent: bool,
    /// `Limit`
    pub limit: Option<i32>,
}

impl Wanted {
    /// Refuses a `Select` that does not go with the other parameters. Query words it in the envelope, Scan does not.
    pub fn check(&self, layer: Layer) -> Result<(), Error> {
        let fault = |message: String| Err(Error::Validation(layer.word(message)));
        if self.projection.is_some() {
            let parameter = if self.legacy { "AttributesToGet" } else { "ProjectionExpression" };
            let what = match &self.select {
                None | Some(Select::SpecificAttributes) => return Ok(()),
                Some(Select::Count) => "only the Count",
                Some(other) => other.as_str(),
            };
            return fault(format!("Cannot specify the {parameter} when choosing to get {what}"));
        }
        match self.select {
            Some(Select::SpecificAttributes) => fault(
                "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
                    .to_owned(),
            ),
            Some(Select::AllProjectedAttributes) if self.index.is_none() => {
                fault("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Fits what is wanted to the target.
    pub fn plan(self, target: &Target) -> Result<Plan, Error> {
        check_paths(&target.table, self.projection.as_ref())?;
        let mut outcome = Ok(());
        if let Some(filter) = &self.filter {
            filter.for_each_path(&mut |path| {
                if outcome.is_ok() {
                    outcome = check_path(&target.table, path);
                }
            });
        }
        outcome?;
        let limit = self.limit.and_then(|limit| usize::try_from(limit).ok());
        let (filter, consistent) = (self.filter, self.consistent);
        Ok(Plan { filter, output: output(self.select, self.projection, target)?, consistent, limit })
    }
}

fn output(select: Option<Select>, projection: Option<Projection>, target: &Target) -> Result<Output, Error> {
    if select == Some(Select::Count) {
        return Ok(Output::Count);
    }
    if let Some(projection) = projection {
        let lacking: Vec<&str> =
            projection.roots().iter().filter(|root| !target.holds(root)).map(String::as_str).collect();
        return match (lacking.is_empty(), target.index()) {
            (false, Some(index)) if target.is_global() => Err(Error::parameters(format!(
                "Global secondary index {} does not project [{}]",
                index.name,
                lacking.join(", ")
            ))),
            (false, _) => Ok(Output::Fetched(Some(projection))),
            (true, _) => Ok(Output::Parts(projection)),
        };
    }
    match (select, target.index()) {
        (Some(Select::AllAttributes), Some(index)) if !target.holds_all() => {
            if target.is_global() {
                return Err(Error::parameters(format!(
                    "Select type ALL_ATTRIBUTES is not supported for global secondary index {} because its projection \
                     type is not ALL",
                    index.name
                )));
            }
            Ok(Output::Fetched(None))
        }
        _ => Ok(Output::Held),
    }
}
