//! A seed file: JSON or YAML, as its ending says.

use std::path::Path;

use nephos_iam::seed::Seed;

/// Reads a seed file. Unknown members are refused, so that a typing mistake is noticed.
pub fn read(path: &Path) -> Result<Seed, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("the seed file {shown}: {error}"))?;
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending {
        "json" => serde_json::from_str(&text).map_err(|error| format!("the seed file {shown}: {error}")),
        "yaml" | "yml" => {
            serde_yaml_ng::from_str(&text).map_err(|error| format!("the seed file {shown}: {error}"))
        }
        other => Err(format!("the seed file {shown}: expected .json, .yaml or .yml, got {other:?}")),
    }
}
