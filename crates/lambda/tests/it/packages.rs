use nephos_lambda::shapes::{self as s, op};

use crate::harness::{Harness, python, zip_of};

trials! { hostile_packages_are_refused, code_is_read_only_and_shared, unpacked_code_comes_back, unused_code_goes }

async fn hostile_packages_are_refused() {
    let h = Harness::new();
    let refused = |zip: bytes::Bytes| {
        h.create_with("f", "provided.al2023", "x", &[], move |input| {
            input.code = Some(s::FunctionCode { zip_file: Some(zip), ..Default::default() });
        })
    };
    let climbing = refused(zip_of(&[("../../evil", "x")])).await.unwrap_err();
    assert_eq!(climbing.code, "InvalidParameterValueException");
    assert!(climbing.message.contains("leaves the package"), "{climbing}");
    let no_zip = refused("hello".into()).await.unwrap_err();
    assert!(no_zip.message.starts_with("Could not unzip uploaded file."), "{no_zip}");
    assert_eq!(
        refused(bytes::Bytes::new()).await.unwrap_err().message,
        "Uploaded file must be a non-empty zip"
    );
    // A directory that admits to more than is allowed is believed.
    let mut zip = zip_of(&[("bomb", &"0".repeat(300_000))]).to_vec();
    let size = 300_000_u32.to_le_bytes();
    for at in 0..zip.len() - 4 {
        if zip[at..at + 4] == size {
            zip[at..at + 4].copy_from_slice(&262_144_001_u32.to_le_bytes());
        }
    }
    let bomb = refused(zip.into()).await.unwrap_err();
    assert_eq!(bomb.message, "Unzipped size must be smaller than 262144000 bytes");
}

async fn code_is_read_only_and_shared() {
    let h = Harness::new();
    let code = r#"
import os
def handler(event, context):
    out = []
    for path in ["/var/task/app.py", "/var/task/new", "/var/runtime/new"]:
        try:
            open(path, "a").write("x")
            out.append("written")
        except OSError as error:
            out.append(error.strerror)
    open("/tmp/ok", "w").write("x")
    return out
"#;
    h.create("f", &python(), "app.handler", &[("app.py", code)]).await;
    let out = h.invoke("f", "{}").await.ok();
    assert!(out.as_array().unwrap().iter().all(|text| text != "written"), "{out}");
}

async fn unpacked_code_comes_back() {
    let mut place = None;
    let h = Harness::with(|config| place = Some(config.dir.join("code")));
    h.create("f", &python(), "app.handler", &[("app.py", "def handler(event, context): return 1\n")]).await;
    for entry in std::fs::read_dir(place.unwrap()).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        std::fs::remove_dir_all(entry.path()).unwrap();
    }
    assert_eq!(h.invoke("f", "{}").await.ok(), 1);
}

async fn unused_code_goes() {
    let h = Harness::new();
    h.create("f", "provided.al2023", "x", &[("a", "1")]).await;
    let blobs = |h: &Harness| nephos_lambda::referenced_blobs(&h.lambda).unwrap();
    let before = blobs(&h);
    let update = s::UpdateFunctionCodeRequest {
        function_name: Some("f".into()),
        zip_file: Some(zip_of(&[("a", "2")])),
        ..Default::default()
    };
    h.call::<op::UpdateFunctionCode>(update).await.unwrap();
    let after = blobs(&h);
    assert!(before.is_disjoint(&after));
    assert_eq!((before.len(), after.len()), (1, 1));
}
