//! GetObjectAttributes and GetObjectAcl.

use nephos_core::Cx;
use nephos_store::{Range, Read};

use crate::S3;
use crate::buckets::owner_id;
use crate::checksum_members::Carries;
use crate::error::Error;
use crate::keys;
use crate::objects::check_version;
use crate::parts::part_marker;
use crate::records::{Bucket, Content, Object, Part};
use crate::shapes::{
    Checksum, GetObjectAclOutput, GetObjectAclRequest, GetObjectAttributesOutput, GetObjectAttributesParts,
    GetObjectAttributesRequest, Grant, Grantee, ObjectPart, Owner,
};
use crate::uploads::page_size;

const KNOWN: [&str; 5] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

/// Tells what is asked of an object's attributes.
pub async fn get_object_attributes(
    s3: &S3,
    cx: &Cx,
    input: GetObjectAttributesRequest,
) -> Result<GetObjectAttributesOutput, Error> {
    check_version(input.version_id.as_deref())?;
    let asked: Vec<String> = input.object_attributes.clone().unwrap_or_default();
    if asked.is_empty() || asked.iter().any(|name| !KNOWN.contains(&name.as_str())) {
        return Err(Error::argument(
            "Invalid attribute name specified.",
            "x-amz-object-attributes",
            asked.join(","),
        ));
    }
    let (name, key) = (input.bucket.as_deref().unwrap_or_default(), input.key.as_deref().unwrap_or_default());
    let (bucket, found) = s3.store.read(|view| {
        let bucket = s3.catalog.get(view, name)?;
        let found = s3.find(view, bucket.id, key, false)?;
        Ok::<_, Error>((bucket, found))
    })?;
    let Some(found) = found else { return Err(s3.absent(cx, &bucket, key)) };
    let asks = |name: &str| asked.iter().any(|asked| asked == name);
    let object = &found.object;
    let mut output = GetObjectAttributesOutput {
        last_modified: Some(object.modified_secs()),
        etag: asks("ETag").then(|| object.etag.clone()),
        storage_class: asks("StorageClass").then(|| object.headers.storage_class().to_owned()),
        object_size: if asks("ObjectSize") { i64::try_from(object.size).ok() } else { None },
        ..GetObjectAttributesOutput::default()
    };
    if asks("Checksum") {
        let mut checksum = Checksum::default();
        checksum.carry_stored(&object.answered_checksum());
        output.checksum = Some(checksum);
    }
    if asks("ObjectParts") {
        output.object_parts = parts(s3, object, &input)?;
    }
    Ok(output)
}

/// A page of the parts; none for an object that was put whole.
fn parts(
    s3: &S3,
    object: &Object,
    input: &GetObjectAttributesRequest,
) -> Result<Option<GetObjectAttributesParts>, Error> {
    let Content::Parts(upload) = &object.content else { return Ok(None) };
    let size = page_size(input.max_parts, "max-parts")?;
    let marker = part_marker(input.part_number_marker)?;
    let (total, mut page) = s3.store.read(|view| {
        let manifest: Option<crate::records::Manifest> = view.record(&keys::manifest(upload))?;
        let range = Range::prefix(&keys::parts(upload)).after(&keys::part(upload, marker)).limit(size + 1);
        Ok::<_, Error>((manifest.map_or(0, |manifest| manifest.numbers.len()), view.records::<Part>(&range)?))
    })?;
    let truncated = page.len() > size;
    page.truncate(size);
    let listed = page.iter().map(|(row, part)| Ok((keys::part_number(row.as_bytes())?, part)));
    let listed: Vec<(u32, &Part)> = listed.collect::<Result<_, Error>>()?;
    let next =
        if truncated { listed.last().and_then(|(number, _)| i32::try_from(*number).ok()) } else { None };
    let carries = listed.iter().any(|(_, part)| part.checksum.is_some());
    Ok(Some(GetObjectAttributesParts {
        total_parts_count: i32::try_from(total).ok(),
        part_number_marker: i32::try_from(marker).ok(),
        next_part_number_marker: next,
        max_parts: i32::try_from(size).ok(),
        is_truncated: Some(truncated),
        // Parts are listed only where they have checksums of their own.
        parts: carries.then(|| listed.into_iter().map(object_part).collect()),
    }))
}

fn object_part((number, part): (u32, &Part)) -> ObjectPart {
    let mut shown = ObjectPart {
        part_number: i32::try_from(number).ok(),
        size: i64::try_from(part.size).ok(),
        ..ObjectPart::default()
    };
    if let Some((algorithm, value)) = &part.checksum {
        shown.carry(*algorithm, value);
    }
    shown
}

/// The grants of an object: its bucket's owner has everything.
pub async fn get_object_acl(
    s3: &S3,
    cx: &Cx,
    input: GetObjectAclRequest,
) -> Result<GetObjectAclOutput, Error> {
    check_version(input.version_id.as_deref())?;
    let (name, key) = (input.bucket.as_deref().unwrap_or_default(), input.key.as_deref().unwrap_or_default());
    let bucket = s3.bucket(name)?;
    if s3.store.read(|view| crate::objects::current(view, &bucket, key))?.is_none() {
        return Err(s3.absent(cx, &bucket, key));
    }
    let (owner, grants) = owner_grants(&bucket);
    Ok(GetObjectAclOutput { owner: Some(owner), grants: Some(grants), ..GetObjectAclOutput::default() })
}

/// The one grant that Nephos knows: full control for the bucket's owner.
pub fn owner_grants(bucket: &Bucket) -> (Owner, Vec<Grant>) {
    let id = owner_id(bucket.owner);
    let grantee =
        Grantee { id: Some(id.clone()), r#type: Some("CanonicalUser".to_owned()), ..Grantee::default() };
    let grant = Grant { grantee: Some(grantee), permission: Some("FULL_CONTROL".to_owned()) };
    (Owner { id: Some(id), ..Owner::default() }, vec![grant])
}
