//! XML documents: what is read of one is written and read back the same. The first byte chooses the operation.

use nephos_wire::xml::{self, XmlWriter};
use nephos_wire::{Operation, Shape};

use crate::dynamic::Dynamic;
use crate::targets::choose;

/// Reads a document as an operation's output, which for S3 covers all its documents.
pub fn run(data: &[u8]) {
    let (operation, body) = choose(nephos_s3::MODEL.operations, data);
    for schema in [operation.output, operation.input] {
        let payload = schema.payload.map(|index| &schema.members[index].ty.kind);
        let schema = match payload {
            Some(nephos_wire::Kind::Structure(inner)) => inner,
            _ => schema,
        };
        let mut read = Dynamic::new(schema);
        if xml::read(body, &mut read).is_ok() {
            let written = write(&read);
            let mut again = Dynamic::new(schema);
            xml::read(written.as_bytes(), &mut again).expect("what was written is read");
            assert_eq!(write(&again), written);
        }
    }
    let _: &&Operation = operation;
}

fn write(shape: &dyn Shape) -> String {
    let mut writer = XmlWriter::default();
    writer.element("Root", Some("http://s3.amazonaws.com/doc/2006-03-01/"), shape);
    writer.finish()
}
