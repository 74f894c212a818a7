//! The query protocol's requests, as clients encode them: `A.B.member.1=...`.

use nephos_core::Timestamp;
use nephos_wire::text::TextWriter;
use nephos_wire::{Kind, Shape, TimestampFormat, Type, Value, Writer};

/// Collects parameters; `prefix` is the name of the value that comes next.
#[derive(Default)]
struct FormWriter {
    prefix: String,
    pairs: Vec<(String, String)>,
}

/// A structure as the parameters of a form.
pub fn form(shape: &dyn Shape) -> Vec<(String, String)> {
    let mut writer = FormWriter::default();
    writer.members(shape);
    writer.pairs
}

impl FormWriter {
    fn members(&mut self, shape: &dyn Shape) {
        for (index, member) in shape.schema().members.iter().enumerate() {
            let Some(value) = shape.value(index) else { continue };
            let outer = self.prefix.len();
            if outer > 0 {
                self.prefix.push('.');
            }
            self.prefix.push_str(member.wire);
            value.write(member.ty, self);
            self.prefix.truncate(outer);
        }
    }

    fn scalar(&mut self, ty: &'static Type, value: &dyn Value) {
        let text = TextWriter::render(value, ty, TimestampFormat::Iso8601);
        self.pairs.push((self.prefix.clone(), text));
    }

    fn within(&mut self, suffix: &str, write: impl FnOnce(&mut Self)) {
        let outer = self.prefix.len();
        self.prefix.push_str(suffix);
        write(self);
        self.prefix.truncate(outer);
    }

    /// What is empty is sent as `Name=`.
    fn empty(&mut self) {
        self.pairs.push((self.prefix.clone(), String::new()));
    }
}

impl Writer for FormWriter {
    fn string(&mut self, ty: &'static Type, value: &str) {
        self.scalar(ty, &value.to_owned());
    }
    fn boolean(&mut self, ty: &'static Type, value: bool) {
        self.scalar(ty, &value);
    }
    fn integer(&mut self, ty: &'static Type, value: i64) {
        self.scalar(ty, &value);
    }
    fn double(&mut self, ty: &'static Type, value: f64) {
        self.scalar(ty, &value);
    }
    fn blob(&mut self, ty: &'static Type, value: &[u8]) {
        self.scalar(ty, &bytes::Bytes::copy_from_slice(value));
    }
    fn timestamp(&mut self, ty: &'static Type, value: Timestamp, _: Option<TimestampFormat>) {
        self.scalar(ty, &value);
    }

    fn structure(&mut self, _: &'static Type, value: &dyn Shape) {
        let before = self.pairs.len();
        self.members(value);
        if self.pairs.len() == before {
            self.empty();
        }
    }

    fn list(&mut self, ty: &'static Type, length: usize, member: &mut dyn FnMut(usize, &mut dyn Writer)) {
        let infix = match ty.kind {
            Kind::List { name, flattened: false, .. } => format!(".{name}"),
            _ => String::new(),
        };
        for index in 0..length {
            self.within(&format!("{infix}.{}", index + 1), |writer| member(index, writer));
        }
        if length == 0 {
            self.empty();
        }
    }

    fn map(&mut self, ty: &'static Type, entries: &mut dyn FnMut(&mut dyn FnMut(&str, &dyn Value))) {
        let Kind::Map { key_name, value_name, flattened, value: value_type, .. } = ty.kind else { return };
        let infix = if flattened { "" } else { ".entry" };
        let mut number = 0;
        entries(&mut |key, value| {
            number += 1;
            self.within(&format!("{infix}.{number}.{key_name}"), |writer| {
                writer.pairs.push((writer.prefix.clone(), key.to_owned()));
            });
            self.within(&format!("{infix}.{number}.{value_name}"), |writer| value.write(value_type, writer));
        });
        if number == 0 {
            self.empty();
        }
    }
}
