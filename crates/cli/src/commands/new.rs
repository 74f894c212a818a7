//! `nephos new`: a first application.

use std::path::Path;

use crate::Failure;
use crate::args::{New, Starter};
use crate::style;

const PYTHON: &[(&str, &str)] = &[
    ("template.yaml", include_str!("../../starters/python/template.yaml")),
    ("hello/app.py", include_str!("../../starters/python/hello/app.py")),
    (".gitignore", include_str!("../../starters/gitignore")),
];
const NODE: &[(&str, &str)] = &[
    ("template.yaml", include_str!("../../starters/node/template.yaml")),
    ("hello/index.mjs", include_str!("../../starters/node/hello/index.mjs")),
    (".gitignore", include_str!("../../starters/gitignore")),
];
const WEB: &[(&str, &str)] = &[
    ("template.yaml", include_str!("../../starters/web/template.yaml")),
    ("site/index.html", include_str!("../../starters/web/site/index.html")),
    (".gitignore", include_str!("../../starters/gitignore")),
];

/// Writes the files of a starter; nothing that is there already is touched.
pub fn new(options: &New) -> Result<(), Failure> {
    let files = match options.template {
        Starter::Python => PYTHON,
        Starter::Node => NODE,
        Starter::Web => WEB,
    };
    let dir = &options.dir;
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(format!("{} is not empty; name a new folder", dir.display()));
    }
    for (name, text) in files {
        let path = dir.join(name);
        let parent = path.parent().unwrap_or(dir);
        std::fs::create_dir_all(parent).map_err(|error| failed(parent, error))?;
        std::fs::write(&path, text).map_err(|error| failed(&path, error))?;
    }
    eprintln!("{} {}; run it with: nephos up {}", style::green("made"), dir.display(), dir.display());
    Ok(())
}
