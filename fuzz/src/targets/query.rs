//! Forms of the query protocol. The first byte chooses the operation.

use nephos_wire::xml::XmlWriter;
use nephos_wire::{form, query};

use crate::dynamic::Dynamic;
use crate::targets::choose;

/// Reads a form as an operation's input, and writes it as an answer.
pub fn run(data: &[u8]) {
    for model in [&nephos_iam::shapes::MODEL, &nephos_cloudformation::shapes::MODEL] {
        let (operation, body) = choose(model.operations, data);
        let mut read = Dynamic::new(operation.input);
        if query::read(&form::parse(&String::from_utf8_lossy(body)), &mut read).is_ok() {
            let mut writer = XmlWriter::for_query();
            writer.members(&read);
            assert!(writer.finish().starts_with("<?xml"));
        }
    }
}
