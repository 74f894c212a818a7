//! Inputs read from JSON against their constraints. The first byte chooses the service and the operation.

use nephos_wire::{json, validate};

use crate::dynamic::Dynamic;
use crate::targets::choose;

/// Validates what is read.
pub fn run(data: &[u8]) {
    for model in [&nephos_lambda::MODEL, &nephos_logs::MODEL, &nephos_iam::shapes::MODEL] {
        let (operation, body) = choose(model.operations, data);
        let mut input = Dynamic::new(operation.input);
        if json::read(body, &mut input).is_err() {
            continue;
        }
        if let Err(fault) = validate::validate(model, &input) {
            assert!(fault.message.contains(" validation error"), "{fault}");
            assert!(fault.message.len() < 1 << 20, "a text has a bound");
        }
    }
    let mut table = nephos_dynamodb::shapes::CreateTableInput::default();
    if json::read(data.get(1..).unwrap_or_default(), &mut table).is_ok() {
        let _ = validate::validate(&nephos_dynamodb::MODEL, &table);
    }
}
