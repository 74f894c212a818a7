//! The folder of all state: private to its owner, with a format version.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The layout that this version writes.
const FORMAT: &str = "1";

/// The data folder.
#[derive(Debug, Clone)]
pub struct DataDir(PathBuf);

/// Why a data folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The file system refused.
    #[error("the data folder {path}: {cause}")]
    Io {
        /// The path.
        path: String,
        /// Why.
        cause: io::Error,
    },
    /// Others may read it.
    #[error(
        "the data folder {path} may be read by others (mode {mode:o}); expected 0700, run chmod 700 {path}"
    )]
    Exposed {
        /// The path.
        path: String,
        /// Its permissions.
        mode: u32,
    },
    /// Another version wrote it.
    #[error("the data folder {path} has format {found}, this version reads format {FORMAT}")]
    Format {
        /// The path.
        path: String,
        /// What it has.
        found: String,
    },
}

impl DataDir {
    /// Opens the folder, making it where it is missing.
    pub fn open(path: &Path) -> Result<DataDir, DataError> {
        let shown = || path.display().to_string();
        let io = |cause| DataError::Io { path: shown(), cause };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io)?;
        let mode = fs::metadata(path).map_err(io)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(DataError::Exposed { path: shown(), mode });
        }
        let version = path.join("format");
        match fs::read_to_string(&version) {
            Ok(found) if found.trim() == FORMAT => {}
            Ok(found) => return Err(DataError::Format { path: shown(), found: found.trim().to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::write(&version, format!("{FORMAT}\n")).map_err(io)?;
            }
            Err(error) => return Err(io(error)),
        }
        Ok(DataDir(path.to_owned()))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A folder inside.
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Where state goes unless the operator says otherwise: `$NEPHOS_DATA`, `$XDG_DATA_HOME/nephos`,
    /// `~/.local/share/nephos`.
    pub fn default_path() -> PathBuf {
        let variable =
            |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        variable("NEPHOS_DATA")
            .or_else(|| variable("XDG_DATA_HOME").map(|dir| dir.join("nephos")))
            .or_else(|| variable("HOME").map(|dir| dir.join(".local/share/nephos")))
            .unwrap_or_else(|| PathBuf::from(".nephos"))
    }
}
