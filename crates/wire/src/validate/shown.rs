//! Values in error texts, roughly as Java prints them.

use nephos_core::Timestamp;

use crate::schema::{TimestampFormat, Type};
use crate::shape::{Shape, Value, Writer};

use super::push_lower_first;

/// How much of a value is shown, in bytes. AWS shows values of any length; ours has a bound, because a request of
/// many megabytes must not come back ten times over.
const MAX_SHOWN: usize = 32 << 10;

/// Writes a value as text, or finds that it must not be shown.
#[derive(Default)]
pub(super) struct Shown {
    text: String,
    sensitive: bool,
}

impl Shown {
    /// A value of type `ty`; `None` if it is sensitive or holds what is.
    pub(super) fn render(ty: &'static Type, value: &dyn Fn(&mut Shown)) -> Option<String> {
        let mut shown = Shown { text: String::new(), sensitive: ty.rules.sensitive };
        if !shown.sensitive {
            value(&mut shown);
        }
        (!shown.sensitive).then_some(shown.text)
    }

    fn full(&self) -> bool {
        self.sensitive || self.text.len() >= MAX_SHOWN
    }

    fn push(&mut self, ty: &'static Type, text: &str) {
        self.sensitive |= ty.rules.sensitive;
        self.plain(text);
    }

    fn plain(&mut self, text: &str) {
        let mut end = text.len().min(MAX_SHOWN.saturating_sub(self.text.len()));
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.text.push_str(&text[..end]);
    }

    fn part(&mut self, first: &mut bool, name: &str) {
        self.plain(if std::mem::take(first) { "" } else { ", " });
        self.plain(name);
    }
}

impl Writer for Shown {
    fn string(&mut self, ty: &'static Type, value: &str) {
        self.push(ty, value);
    }

    fn boolean(&mut self, ty: &'static Type, value: bool) {
        self.push(ty, if value { "true" } else { "false" });
    }

    fn integer(&mut self, ty: &'static Type, value: i64) {
        self.push(ty, &value.to_string());
    }

    fn double(&mut self, ty: &'static Type, value: f64) {
        self.push(ty, &crate::text::double(value));
    }

    fn blob(&mut self, ty: &'static Type, value: &[u8]) {
        self.push(ty, &format!("java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", value.len()));
    }

    fn timestamp(&mut self, ty: &'static Type, value: Timestamp, _: Option<TimestampFormat>) {
        self.push(ty, &value.iso8601());
    }

    fn structure(&mut self, ty: &'static Type, value: &dyn Shape) {
        self.push(ty, ty.name);
        self.plain("(");
        let mut first = true;
        for (index, member) in value.schema().members.iter().enumerate() {
            let mut name = String::new();
            push_lower_first(&mut name, member.name);
            self.part(&mut first, &(name + "="));
            match value.value(index) {
                Some(value) if !self.full() => value.write(member.ty, self),
                Some(_) => {}
                None => self.plain("null"),
            }
        }
        self.plain(")");
    }

    fn list(&mut self, ty: &'static Type, count: usize, member: &mut dyn FnMut(usize, &mut dyn Writer)) {
        self.push(ty, "[");
        let mut first = true;
        for index in 0..count {
            if self.full() {
                break;
            }
            self.part(&mut first, "");
            member(index, self);
        }
        self.plain("]");
    }

    fn map(&mut self, ty: &'static Type, entries: &mut dyn FnMut(&mut dyn FnMut(&str, &dyn Value))) {
        self.push(ty, "{");
        let mut first = true;
        if let crate::Kind::Map { key, .. } = ty.kind {
            self.sensitive |= key.rules.sensitive;
        }
        entries(&mut |key, value| {
            if !self.full() {
                self.part(&mut first, key);
                self.plain("=");
                value.write(crate::shape::element(ty), self);
            }
        });
        self.plain("}");
    }
}
