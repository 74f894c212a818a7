//! Scan, whole or in segments.

use nephos_core::Cx;
use nephos_store::Range;

use super::page::{self, Page};
use super::plan::Wanted;
use super::target::Target;
use crate::choices::Select;
use crate::expr::{Condition, Parameter};
use crate::items::capacity::Named;
use crate::items::request::{Given, all_used, in_expression, placeholders, projection};
use crate::keys;
use crate::names::TableName;
use crate::schema::KeyFault;
use crate::shapes::{ScanInput, ScanOutput};
use crate::value::{Attributes, Layer};
use crate::{DynamoDb, Error, legacy};

const LAYER: Layer = Layer::Older;

/// A segment of a parallel scan.
#[derive(Clone, Copy)]
struct Segment {
    number: u32,
    total: u32,
}

/// `Scan`
pub async fn scan(db: &DynamoDb, cx: &Cx, mut input: ScanInput) -> Result<ScanOutput, Error> {
    let (wanted, start, segment) = parse(&mut input)?;
    let given = input.table_name.unwrap_or_default();
    let name = TableName::resolve(cx, &given.0);
    let counts_only = wanted.select == Some(Select::Count);
    let page = db.store.read(|view| {
        let target = Target::find(db, view, &name, wanted.index.as_deref(), wanted.consistent)?;
        let range = range(&target, start.as_ref(), segment)?;
        let plan = wanted.plan(&target)?;
        page::read(view, &target, &range, &plan)
    })?;
    let Page { items, count, scanned, position, usage } = page;
    Ok(ScanOutput {
        items: (!counts_only).then_some(items),
        count: i32::try_from(count).ok(),
        scanned_count: i32::try_from(scanned).ok(),
        last_evaluated_key: position.map(Into::into),
        consumed_capacity: usage.report(&given, input.return_consumed_capacity.as_ref(), Named::Neither),
    })
}

type Parsed = (Wanted, Option<Attributes>, Option<Segment>);

fn parse(input: &mut ScanInput) -> Result<Parsed, Error> {
    Given {
        expressions: &[
            (Parameter::Projection, input.projection_expression.is_some()),
            (Parameter::Filter, input.filter_expression.is_some()),
        ],
        legacy: &[
            ("AttributesToGet", input.attributes_to_get.is_some()),
            ("ScanFilter", input.scan_filter.is_some()),
            ("ConditionalOperator", input.conditional_operator.is_some()),
        ],
        names: input.expression_attribute_names.is_some(),
        values: input.expression_attribute_values.is_some(),
    }
    .check(LAYER)?;
    let operator = input.conditional_operator.as_ref();
    let legacy_filter = input.scan_filter.take().map(|filter| legacy::filter(filter, operator, LAYER));
    let legacy_filter = legacy_filter.transpose().map_err(Error::Validation)?;
    let start = input.exclusive_start_key.take().map(|key| key.into_valid(LAYER)).transpose();
    let start = start.map_err(|fault| invalid_start(&fault))?;
    let segment = segment(input.segment, input.total_segments)?;
    let (names, values) = (input.expression_attribute_names.take(), input.expression_attribute_values.take());
    let placeholders = placeholders(names, values, LAYER)?;
    let attributes = input.attributes_to_get.as_deref();
    let projection = projection(input.projection_expression.as_deref(), attributes, &placeholders, LAYER)?;
    let filter = input
        .filter_expression
        .as_deref()
        .map(|text| Condition::parse(text, Parameter::Filter, &placeholders));
    let filter = filter.transpose().map_err(in_expression(Parameter::Filter, LAYER))?;
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
    wanted.check(LAYER)?;
    Ok((wanted, start, segment))
}

fn invalid_start(fault: &str) -> Error {
    Error::Validation(format!("The provided starting key is invalid: {fault}"))
}

fn segment(number: Option<i32>, total: Option<i32>) -> Result<Option<Segment>, Error> {
    let fault = |text: String| Err(Error::Validation(text));
    match (number, total) {
        (None, None) => Ok(None),
        (Some(_), None) => fault(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is \
             present"
                .to_owned(),
        ),
        (None, Some(_)) => fault(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is \
             present"
                .to_owned(),
        ),
        (Some(number), Some(total)) if number >= total => fault(format!(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {number} is \
             not less than TotalSegments: {total}"
        )),
        (Some(number), Some(total)) => {
            Ok(Some(Segment { number: number.unsigned_abs(), total: total.unsigned_abs() }))
        }
    }
}

fn range(target: &Target, start: Option<&Attributes>, segment: Option<Segment>) -> Result<Range, Error> {
    let rows = target.rows();
    let range = match segment {
        Some(Segment { number, total }) => keys::segment(&rows, number, total),
        None => Range::prefix(&rows),
    };
    let Some(start) = start else { return Ok(range) };
    let at = target.row_at(start).map_err(|fault| match fault {
        KeyFault::Extra | KeyFault::Missing(_) if target.index().is_some() => {
            Error::Validation("The provided starting key is invalid".to_owned())
        }
        other => invalid_start(&other.in_key().to_string()),
    })?;
    if let Some(Segment { number, total }) = segment
        && !keys::in_segment(at.hash(), number, total)
    {
        return Err(invalid_start(&format!(
            "Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: {total} \
             Segment: {number}"
        )));
    }
    Ok(range.after(&rows.raw(at.bytes())))
}
