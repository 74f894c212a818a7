//! A form's fields, up to the file.

use nephos_core::Fault;
use nephos_wire::Body;

use crate::error::Error;
use crate::form_upload::multipart::{Event, Malformed, PartHead, Scanner};

/// What may come before the file's contents: fields, heads and delimiters.
pub const MAX_FIELDS_BYTES: u64 = 20_480;

/// What stands for the file's name in any field.
const FILENAME: &str = "${filename}";

/// A body that is a form, read up to some point.
pub struct Incoming {
    /// The bytes that are still to come.
    pub body: Body,
    /// What has come.
    pub scanner: Scanner,
}

/// The fields of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    /// A form of fields as they came. Several of one name are one, with commas between the values.
    pub fn new(given: Vec<(String, String)>, filename: Option<&str>) -> Form {
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in given {
            match fields.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                Some((_, values)) => {
                    values.push(',');
                    values.push_str(&value);
                }
                None => fields.push((name, value)),
            }
        }
        // S3 leaves the variable as it is where the file's part has no name at all.
        if let Some(filename) = filename.map(base_name) {
            let is_signed = |name: &str| name.eq_ignore_ascii_case("policy");
            for (_, value) in fields.iter_mut().filter(|(name, _)| !is_signed(name)) {
                *value = value.replace(FILENAME, filename);
            }
        }
        Form { fields }
    }

    /// A field's value, whatever the case of its name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        field.map(|(_, value)| value.as_str())
    }

    /// All fields in the order in which they came.
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// The object's key.
    pub fn key(&self) -> Result<&str, Error> {
        match self.get("key") {
            None => Err(missing("key")),
            Some("") => Err(Error::argument("User key must have a length greater than 0.", "key", "")),
            Some(key) => Ok(key),
        }
    }
}

/// A field that is not there.
pub fn missing(name: &str) -> Error {
    let text = format!(
        "Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
    );
    Error::argument(text, name, "")
}

/// A file's name without the folders that some browsers send with it.
fn base_name(filename: &str) -> &str {
    filename.rsplit(['/', '\\']).next().unwrap_or_default()
}

fn is_file(head: &PartHead) -> bool {
    head.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("file"))
}

fn too_long() -> Error {
    // S3 spells it like this.
    let text = "Your POST request fields preceeding the upload file was too large.";
    let fault = Fault::new("MaxPostPreDataLengthExceeded", text);
    Error::Fault(Box::new(fault.member("MaxPostPreDataLengthBytes", MAX_FIELDS_BYTES.to_string())))
}

impl Incoming {
    /// A body that is to be a form.
    pub fn new(body: Body, boundary: &str) -> Incoming {
        Incoming { body, scanner: Scanner::new(boundary) }
    }

    /// Reads the fields up to the file, of which nothing is read.
    pub async fn form(&mut self) -> Result<Form, Error> {
        let (mut fields, mut current): (Vec<(String, String)>, _) = (Vec::new(), None);
        loop {
            match self.scanner.step()? {
                Event::Head(head) if is_file(&head) => {
                    self.within_bounds(self.scanner.consumed())?;
                    return Ok(Form::new(fields, head.filename.as_deref()));
                }
                Event::Head(head) => current = Some((head.name, Vec::new())),
                Event::Data(bytes) => {
                    self.within_bounds(self.scanner.consumed())?;
                    if let Some((_, value)) = &mut current {
                        value.extend_from_slice(&bytes);
                    }
                }
                Event::PartEnd => {
                    if let Some((Some(name), value)) = current.take() {
                        fields.push((name, String::from_utf8(value).map_err(|_| Malformed)?));
                    }
                }
                Event::End => {
                    let text = "POST requires exactly one file upload per request.";
                    return Err(Error::argument(text, "file", "0"));
                }
                Event::Starved => {
                    self.within_bounds(self.scanner.seen())?;
                    let chunk = self.body.chunk().await.ok_or(Malformed)??;
                    self.scanner.feed(&chunk);
                }
            }
        }
    }

    fn within_bounds(&self, bytes: u64) -> Result<(), Error> {
        if bytes > MAX_FIELDS_BYTES { Err(too_long()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)], filename: Option<&str>) -> Form {
        Form::new(fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(), filename)
    }

    #[test]
    fn names_are_found_in_any_case_and_values_joined() {
        let form = form(&[("KeY", "k"), ("x-amz-meta-tag", "Ninja"), ("X-Amz-Meta-Tag", "Stallman")], None);
        assert_eq!(form.get("key"), Some("k"));
        assert_eq!(form.get("x-amz-meta-tag"), Some("Ninja,Stallman"));
        assert_eq!(form.fields().len(), 2);
        assert_eq!(form.get("acl"), None);
    }

    #[test]
    fn the_files_name_is_filled_in() {
        let fields =
            [("key", "in/${filename}"), ("Content-Disposition", "${filename}"), ("Policy", "${filename}")];
        for (filename, name) in [("a.txt", "a.txt"), ("C:\\dir\\a b.txt", "a b.txt"), ("/d/é", "é"), ("", "")]
        {
            let form = form(&fields, Some(filename));
            assert_eq!(form.get("key"), Some(format!("in/{name}").as_str()));
            assert_eq!(form.get("content-disposition"), Some(name));
            assert_eq!(form.get("policy"), Some("${filename}"));
        }
        assert_eq!(form(&fields, None).get("key"), Some("in/${filename}"));
    }

    #[test]
    fn a_form_needs_a_key() {
        assert!(form(&[("key", "k")], None).key().is_ok());
        for bad in [form(&[], None), form(&[("key", "${filename}")], Some(""))] {
            assert_eq!(bad.key().unwrap_err().code_and_status(), ("InvalidArgument", 400));
        }
    }
}
