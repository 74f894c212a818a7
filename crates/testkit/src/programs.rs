//! The workspace's own programs, which stand beside the test binary.

use std::path::{Path, PathBuf};

/// How they are built.
const BUILD: &str = "cargo build -p nephos -p nephos-sandbox --bins";

/// `nephos`. `NEPHOS_BINARY` names another one.
pub fn nephos() -> PathBuf {
    match std::env::var_os("NEPHOS_BINARY") {
        Some(path) => existing(PathBuf::from(path)),
        None => existing(place_of("nephos")),
    }
}

/// Where the sandbox's helper is, or would be.
pub fn sandbox_helper() -> PathBuf {
    place_of("nephos-sandbox-helper")
}

/// Panics, with the mend, unless the program is there.
pub fn existing(path: PathBuf) -> PathBuf {
    assert!(path.exists(), "expected the program {}; build it with `{BUILD}`", path.display());
    path
}

/// `target/debug/NAME`, seen from `target/debug/deps/it-0123456789abcdef`.
fn place_of(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap_or(Path::new("."));
    folder.join(name)
}
