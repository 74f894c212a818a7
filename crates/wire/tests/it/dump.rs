//! Values as JSON by the model's own names, whatever the protocol: moments in milliseconds, bytes in base64. What
//! botocore reads and writes is compared in this form.

use nephos_core::Timestamp;
use nephos_wire::{Shape, TimestampFormat, Type, Value, Writer};
use serde_json::{Map, Value as Json, json};

/// Writes one value.
#[derive(Default)]
struct Dump(Json);

/// A structure as JSON.
pub fn dump(shape: &dyn Shape) -> Json {
    let mut members = Map::new();
    for (index, member) in shape.schema().members.iter().enumerate() {
        if let Some(value) = shape.value(index) {
            members.insert(member.name.to_owned(), one(value, member.ty));
        }
    }
    Json::Object(members)
}

fn one(value: &dyn Value, ty: &'static Type) -> Json {
    let mut dump = Dump::default();
    value.write(ty, &mut dump);
    dump.0
}

impl Writer for Dump {
    fn string(&mut self, _: &'static Type, value: &str) {
        self.0 = json!(value);
    }
    fn boolean(&mut self, _: &'static Type, value: bool) {
        self.0 = json!(value);
    }
    fn integer(&mut self, _: &'static Type, value: i64) {
        self.0 = json!(value);
    }
    fn double(&mut self, _: &'static Type, value: f64) {
        self.0 = if value.is_finite() { json!(value) } else { json!(nephos_wire::text::double(value)) };
    }
    fn blob(&mut self, _: &'static Type, value: &[u8]) {
        self.0 = json!(nephos_wire::text::base64(value));
    }
    fn timestamp(&mut self, _: &'static Type, value: Timestamp, _: Option<TimestampFormat>) {
        self.0 = json!(value.millis());
    }
    fn structure(&mut self, _: &'static Type, value: &dyn Shape) {
        self.0 = dump(value);
    }
    fn list(&mut self, _: &'static Type, length: usize, member: &mut dyn FnMut(usize, &mut dyn Writer)) {
        let members = (0..length).map(|index| {
            let mut dump = Dump::default();
            member(index, &mut dump);
            dump.0
        });
        self.0 = Json::Array(members.collect());
    }
    fn map(&mut self, ty: &'static Type, entries: &mut dyn FnMut(&mut dyn FnMut(&str, &dyn Value))) {
        let mut map = Map::new();
        entries(&mut |key, value| {
            map.insert(key.to_owned(), one(value, nephos_wire::shape::element(ty)));
        });
        self.0 = Json::Object(map);
    }
}
