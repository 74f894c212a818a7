//! Which operation a REST request means: method, path template, literal query, and the members that must be there.

use std::cmp::Reverse;

use http::{HeaderMap, Method};

use crate::form;
use crate::schema::{Location, Operation, ServiceModel};

/// What a path is found to mean.
#[derive(Debug)]
pub enum Found {
    /// An operation, with the values of its path's labels.
    Operation(&'static Operation, Vec<(&'static str, String)>),
    /// An operation of the public model that Nephos does not have.
    Absent(&'static str),
    /// Nothing: the path's encoding is not that of a text.
    Malformed,
    /// Nothing.
    Nothing,
}

/// Finds the operation of a REST service. `path` is percent-encoded; for S3 it is in path style.
///
/// Of the templates that fit, those with most literal parts are meant. Among them the members that must be in the
/// query string or a header decide: `PUT /bucket/key` is UploadPart with `partNumber` and `uploadId`, CopyObject
/// with `x-amz-copy-source`, else PutObject. Where all of them miss something, the one that misses least is meant,
/// so that it can say what.
pub fn rest(
    model: &'static ServiceModel,
    method: &Method,
    path: &str,
    query: &[(String, String)],
    headers: &HeaderMap,
) -> Found {
    if form::decode_path_strictly(path).is_none() {
        return Found::Malformed;
    }
    let fitting = model.operations.iter().filter(|operation| operation.method == method.as_str());
    let fitting = fitting.filter_map(|operation| {
        let (labels, literal) = matches(operation.uri, path, query)?;
        let (given, missing) = required(operation, query, headers);
        Some(((literal, Reverse(missing), given), operation, labels))
    });
    // Of equals the first: the model lists what is to be used before what is deprecated.
    let best = fitting.reduce(|best, other| if other.0 > best.0 { other } else { best });
    let absent = model.absent.iter().filter(|a| a.method == method.as_str());
    let absent = absent.filter_map(|a| Some((matches(a.uri, path, query)?.1, a.name)));
    let absent = absent.max_by_key(|(literal, _)| *literal);
    match (best, absent) {
        // An absent operation wins only by a literal part that the known one lacks.
        (Some(((literal, ..), ..)), Some((other, name))) if other > literal => Found::Absent(name),
        (Some((_, operation, labels)), _) => Found::Operation(operation, labels),
        (None, Some((_, name))) => Found::Absent(name),
        (None, None) => Found::Nothing,
    }
}

/// How many of the members that must be in the query string or a header are there, and how many are not.
fn required(operation: &Operation, query: &[(String, String)], headers: &HeaderMap) -> (usize, usize) {
    let (mut given, mut missing) = (0, 0);
    for member in operation.input.members.iter().filter(|member| member.required) {
        let present = match member.location {
            Location::Query => query.iter().any(|(name, _)| name == member.wire),
            Location::Header => headers.contains_key(member.wire),
            _ => continue,
        };
        given += usize::from(present);
        missing += usize::from(!present);
    }
    (given, missing)
}

/// The labels' values, and how many literal parts the template has.
fn matches(
    template: &'static str,
    path: &str,
    query: &[(String, String)],
) -> Option<(Vec<(&'static str, String)>, usize)> {
    let (template, literal_query) = template.split_once('?').unwrap_or((template, ""));
    let mut literal = 0;
    for part in literal_query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let found = query.iter().any(|(n, v)| n == name && (value.is_empty() || v == value));
        if !found {
            return None;
        }
        literal += 1;
    }
    let mut labels = Vec::new();
    let mut rest = path.strip_prefix('/').unwrap_or(path);
    let mut parts = template.strip_prefix('/').unwrap_or(template).split('/').peekable();
    while let Some(part) = parts.next() {
        let label = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        if let Some(greedy) = label.and_then(|label| label.strip_suffix('+')) {
            if rest.is_empty() {
                return None;
            }
            // What follows a greedy label is literal: it must end the path.
            let tail: String = parts.map(|part| format!("/{part}")).collect();
            let value = rest.strip_suffix(tail.as_str()).filter(|value| !value.is_empty())?;
            labels.push((greedy, form::decode_path(value)));
            return Some((labels, literal + usize::from(!tail.is_empty())));
        }
        let (segment, more) = rest.split_once('/').unwrap_or((rest, ""));
        match label {
            Some(_) if segment.is_empty() => return None,
            Some(label) => labels.push((label, form::decode_path(segment))),
            None if segment == part => literal += usize::from(!part.is_empty()),
            None => return None,
        }
        // `/bucket/` is `/bucket`, and a template's trailing slash is not a segment.
        if parts.peek().is_none() && !more.is_empty() {
            return None;
        }
        rest = more;
    }
    Some((labels, literal))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(template: &'static str, path: &str, query: &str) -> Option<Vec<(&'static str, String)>> {
        matches(template, path, &form::parse(query)).map(|(labels, _)| labels)
    }

    #[test]
    fn templates_match_whole_paths() {
        assert_eq!(labels("/a/{X}", "/a/b", ""), Some(vec![("X", "b".to_owned())]));
        assert_eq!(labels("/a/{X}", "/a/b/", ""), Some(vec![("X", "b".to_owned())]));
        assert_eq!(labels("/a/{X}", "/a/b/c", ""), None);
        assert_eq!(labels("/a/{X}", "/a", ""), None);
        assert_eq!(labels("/a/{X}/c", "/a/b%2Fb/c", ""), Some(vec![("X", "b/b".to_owned())]));
        assert_eq!(labels("/a/", "/a", ""), Some(vec![]));
    }

    #[test]
    fn greedy_labels_take_slashes_and_queries_select() {
        assert_eq!(
            labels("/{B}/{K+}?uploads", "/b/k/l%20m//", "uploads"),
            Some(vec![("B", "b".to_owned()), ("K", "k/l m//".to_owned())])
        );
        assert_eq!(labels("/{B}/{K+}?uploads", "/b/k", "prefix=x"), None);
        assert_eq!(labels("/{B}/{K+}", "/b/", ""), None);
        assert_eq!(labels("/{B}?list-type=2", "/b", "list-type=1"), None);
        assert_eq!(labels("/t/{Arn+}/x", "/t/a:b/c/x", ""), Some(vec![("Arn", "a:b/c".to_owned())]));
    }
}
