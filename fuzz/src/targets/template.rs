//! CloudFormation's and SAM's templates, in YAML and JSON.

use nephos_cloudformation::sam;
use nephos_cloudformation::template::{Template, check, order};

/// Reads a template, and what is derived of it.
pub fn run(data: &[u8]) {
    let Ok(template) = Template::parse(&String::from_utf8_lossy(data)) else { return };
    look(&template);
    if let Ok(transformed) = sam::transform(template) {
        look(&transformed);
    }
}

fn look(template: &Template) {
    let _ = check::structure(template);
    check::unknown_property(template);
    order::dependencies(template);
    let _ = order::creation_order(template);
}
