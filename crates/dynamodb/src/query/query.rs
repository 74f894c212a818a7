//! Query.

use nephos_core::Cx;
use nephos_store::{Key, Range};

use super::page::{self, Page};
use super::plan::Wanted;
use super::target::Target;
use crate::choices::Select;
use crate::expr::raw::Comparator;
use crate::expr::{Condition, KeyConditions, Parameter, RangeTest};
use crate::items::capacity::Named;
use crate::items::request::{Given, all_used, in_expression, placeholders, projection, valid};
use crate::keys::{EntryKey, PartitionRange};
use crate::names::TableName;
use crate::records::KeyAttribute;
use crate::schema::KeyFault;
use crate::shapes::{QueryInput, QueryOutput};
use crate::value::{AttributeValue, Attributes, Layer};
use crate::{DynamoDb, Error, legacy};

const LAYER: Layer = Layer::Bare;

/// A query whose parameters are checked as far as they can be without the table.
struct Request {
    conditions: KeyConditions,
    start: Option<Attributes>,
    forward: bool,
    wanted: Wanted,
}

/// `Query`
pub async fn query(db: &DynamoDb, cx: &Cx, mut input: QueryInput) -> Result<QueryOutput, Error> {
    let request = parse(&mut input)?;
    let given = input.table_name.unwrap_or_default();
    let name = TableName::resolve(cx, &given.0);
    let counts_only = request.wanted.select == Some(Select::Count);
    let page = db.store.read(|view| {
        let index = request.wanted.index.as_deref();
        let target = Target::find(db, view, &name, index, request.wanted.consistent)?;
        let range = request.range(&target)?;
        let plan = request.wanted.plan(&target)?;
        page::read(view, &target, &range, &plan)
    })?;
    let Page { items, count, scanned, position, usage } = page;
    Ok(QueryOutput {
        items: (!counts_only).then_some(items),
        count: i32::try_from(count).ok(),
        scanned_count: i32::try_from(scanned).ok(),
        last_evaluated_key: position.map(Into::into),
        consumed_capacity: usage.report(&given, input.return_consumed_capacity.as_ref(), Named::Neither),
    })
}

fn parse(input: &mut QueryInput) -> Result<Request, Error> {
    given(input).check(LAYER)?;
    let layer_fault = |fault| Error::Validation(LAYER.word(fault));
    let operator = input.conditional_operator.as_ref();
    let legacy_filter = input.query_filter.take().map(|filter| legacy::filter(filter, operator, LAYER));
    let legacy_filter = legacy_filter.transpose().map_err(layer_fault)?;
    let start = input.exclusive_start_key.take().map(|key| valid(Some(key), LAYER)).transpose()?;
    if input.key_conditions.is_none() && input.key_condition_expression.is_none() {
        return Err(Error::Validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
                .to_owned(),
        ));
    }
    let (names, values) = (input.expression_attribute_names.take(), input.expression_attribute_values.take());
    let placeholders = placeholders(names, values, LAYER)?;
    let conditions = match input.key_condition_expression.as_deref() {
        Some(text) => KeyConditions::parse(text, &placeholders)
            .map_err(in_expression(Parameter::KeyCondition, LAYER))?,
        None => legacy::key_conditions(input.key_conditions.take().unwrap_or_default(), LAYER)
            .map_err(layer_fault)?,
    };
    let filter = input
        .filter_expression
        .as_deref()
        .map(|text| Condition::parse(text, Parameter::Filter, &placeholders));
    let filter = filter.transpose().map_err(in_expression(Parameter::Filter, LAYER))?;
    let attributes = input.attributes_to_get.as_deref();
    let projection = projection(input.projection_expression.as_deref(), attributes, &placeholders, LAYER)?;
    all_used(&placeholders, LAYER)?;
    let wanted = Wanted {
        select: input.select.clone(),
        projection,
        legacy: input.attributes_to_get.is_some(),
        legacy_filter: legacy_filter.is_some(),
        filter: filter.or(legacy_filter),
        index: input.index_name.clone(),
        consistent: input.consistent_read == Some(true),
        limit: input.limit,
    };
    // A Select that does not fit is worded in the envelope, unlike anything else of Query's.
    wanted.check(Layer::Enveloped)?;
    Ok(Request { conditions, start, forward: input.scan_index_forward != Some(false), wanted })
}

/// `KeyConditions` may stand beside expressions that are none for keys.
fn given(input: &QueryInput) -> OwnedGiven {
    let key_expression = input.key_condition_expression.is_some();
    OwnedGiven {
        expressions: [
            (Parameter::Projection, input.projection_expression.is_some()),
            (Parameter::Filter, input.filter_expression.is_some()),
            (Parameter::KeyCondition, key_expression),
        ],
        legacy: [
            ("AttributesToGet", input.attributes_to_get.is_some()),
            ("QueryFilter", input.query_filter.is_some()),
            ("ConditionalOperator", input.conditional_operator.is_some()),
            ("KeyConditions", input.key_conditions.is_some() && key_expression),
        ],
        names: input.expression_attribute_names.is_some(),
        values: input.expression_attribute_values.is_some(),
    }
}

struct OwnedGiven {
    expressions: [(Parameter, bool); 3],
    legacy: [(&'static str, bool); 4],
    names: bool,
    values: bool,
}

impl OwnedGiven {
    fn check(&self, layer: Layer) -> Result<(), Error> {
        let OwnedGiven { expressions, legacy, names, values } = self;
        Given { expressions, legacy, names: *names, values: *values }.check(layer)
    }
}

impl Request {
    /// The rows that the query goes over.
    fn range(&self, target: &Target) -> Result<Range, Error> {
        let partition = self.partition(target)?;
        let rows = target.rows();
        let mut range = partition.under(&rows);
        if let Some(start) = &self.start {
            let at = self.start_row(target, start, &partition)?;
            range = if self.forward { range.after(&row(&rows, &at)) } else { range.before(&row(&rows, &at)) };
        }
        self.no_keys_in_filter(target)?;
        Ok(if self.forward { range } else { range.reverse() })
    }

    /// The part of the target that the key conditions name.
    fn partition(&self, target: &Target) -> Result<PartitionRange, Error> {
        let key = target.key();
        let (conditions, attributes) = (self.conditions.0.len(), key.attributes().count());
        if conditions > attributes {
            return Err(Error::Validation(format!(
                "The number of query conditions ({conditions}) exceeds the number of key attributes defined in the \
                 schema ({attributes})"
            )));
        }
        let hash =
            key.hash.iter().map(|attribute| self.hash_value(attribute)).collect::<Result<Vec<_>, _>>()?;
        if let Some(unknown) = self.conditions.0.keys().find(|name| !key.has(name)) {
            // The condition that names no key attribute stands where one on the sort key would.
            return Err(missed(key.range.first().map_or(unknown.as_str(), |attribute| &attribute.name)));
        }
        let prefix = EntryKey::partition(hash.iter().copied());
        self.sort_range(&key.range, prefix)
    }

    fn hash_value(&self, attribute: &KeyAttribute) -> Result<&AttributeValue, Error> {
        let Some(test) = self.conditions.0.get(&attribute.name) else {
            return Err(missed(&attribute.name));
        };
        check_test(attribute, test)?;
        test.equal_to().ok_or_else(|| Error::Validation("Query key condition not supported".to_owned()))
    }

    fn sort_range(&self, schema: &[KeyAttribute], mut prefix: EntryKey) -> Result<PartitionRange, Error> {
        let named: Vec<_> =
            schema.iter().map(|attribute| (attribute, self.conditions.0.get(&attribute.name))).collect();
        let last = named.iter().rposition(|(_, test)| test.is_some());
        if let Some(last) = last {
            let gap = named[..last].iter().find(|(_, test)| test.and_then(RangeTest::equal_to).is_none());
            if let Some((attribute, _)) = gap {
                return Err(Error::Validation(format!(
                    "RANGE key attributes {} must have equality conditions specified in the query because a condition \
                     is present on key attribute {}",
                    attribute.name, named[last].0.name
                )));
            }
        }
        let mut range = PartitionRange::all(&prefix);
        for (attribute, test) in named {
            let Some(test) = test else { break };
            check_test(attribute, test)?;
            range = tested(&prefix, test);
            if let Some(value) = test.equal_to() {
                prefix = prefix.with([value]);
            }
        }
        Ok(range)
    }

    fn start_row(
        &self,
        target: &Target,
        start: &Attributes,
        partition: &PartitionRange,
    ) -> Result<EntryKey, Error> {
        let fault = |text: &str| Error::Validation(text.to_owned());
        let at = target.row_at(start).map_err(|key_fault| match key_fault {
            KeyFault::Extra | KeyFault::Missing(_) => fault("The provided starting key is invalid"),
            other => Error::Validation(format!("The provided starting key is invalid: {}", other.in_key())),
        })?;
        let same_partition = target.key().hash.iter().all(|attribute| {
            let test = self.conditions.0.get(&attribute.name);
            test.and_then(RangeTest::equal_to) == start.get(&attribute.name)
        });
        if !same_partition {
            return Err(fault(
                "The provided starting key is outside query boundaries based on provided conditions",
            ));
        }
        if !partition.contains(&at) {
            return Err(fault("The provided starting key does not match the range key predicate"));
        }
        Ok(at)
    }

    fn no_keys_in_filter(&self, target: &Target) -> Result<(), Error> {
        let Some(filter) = &self.wanted.filter else { return Ok(()) };
        let mut named = None;
        filter.for_each_path(&mut |path| {
            if target.key().has(&path.root) {
                named.get_or_insert_with(|| path.root.clone());
            }
        });
        let Some(name) = named else { return Ok(()) };
        let parameter = if self.wanted.legacy_filter { "QueryFilter" } else { "Filter Expression" };
        Err(Error::Validation(format!(
            "{parameter} can only contain non-primary key attributes: Primary key attribute: {name}"
        )))
    }
}

fn row(rows: &Key, at: &EntryKey) -> Key {
    rows.clone().raw(at.bytes())
}

fn missed(name: &str) -> Error {
    Error::Validation(format!("Query condition missed key schema element: {name}"))
}

/// The values of a key condition must be of the key's type, and not empty.
fn check_test(attribute: &KeyAttribute, test: &RangeTest) -> Result<(), Error> {
    if test.kinds().any(|kind| kind != attribute.kind.kind()) {
        return Err(Error::parameters("Condition parameter type does not match schema type"));
    }
    if let Some(value) = test.equal_to().filter(|value| value.size() == 0) {
        return Err(KeyFault::Empty { name: attribute.name.clone(), kind: value.kind() }.in_key());
    }
    Ok(())
}

fn tested(prefix: &EntryKey, test: &RangeTest) -> PartitionRange {
    let all = PartitionRange::all(prefix);
    match test {
        RangeTest::Compare(Comparator::Less, value) => all.to(prefix, value, false),
        RangeTest::Compare(Comparator::LessOrEqual, value) => all.to(prefix, value, true),
        RangeTest::Compare(Comparator::Greater, value) => all.from(prefix, value, false),
        RangeTest::Compare(Comparator::GreaterOrEqual, value) => all.from(prefix, value, true),
        RangeTest::Compare(_, value) => PartitionRange::all(&prefix.clone().with([&**value])),
        RangeTest::Between(low, high) => all.from(prefix, low, true).to(prefix, high, true),
        RangeTest::BeginsWith(start) => PartitionRange::begins_with(prefix, start),
    }
}
