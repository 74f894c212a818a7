//! JSON bodies: what is read is written and read back the same. The first byte chooses the operation; DynamoDB's
//! hand-written values are read and written, too.

use nephos_wire::{Operation, Shape, json};

use crate::dynamic::Dynamic;
use crate::targets::choose;

/// Reads a body as an operation's input.
pub fn run(data: &[u8]) {
    let (operation, body) = choose(nephos_lambda::MODEL.operations, data);
    if let Some(read) = read(operation, body) {
        let written = json::write(&read);
        let again = self::read(operation, &written).expect("what was written is read");
        assert_eq!(json::write(&again), written);
    }
    let mut item = nephos_dynamodb::shapes::PutItemInput::default();
    if json::read(body, &mut item).is_ok() {
        json::write(&item);
    }
}

fn read(operation: &'static Operation, body: &[u8]) -> Option<Dynamic> {
    let mut read = Dynamic::new(operation.input);
    json::read(body, &mut read).ok()?;
    assert_eq!(read.schema().name, operation.input.name);
    Some(read)
}
