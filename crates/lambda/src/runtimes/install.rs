//! Writing our own runtime programs below the data folder. A folder is named by all that it is made of, so a new release
//! of Nephos or another interpreter makes a new one and a folder in use never changes.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aws_lc_rs::digest;
use nephos_core::random;

use super::discover::SDK_PACKAGES;
use super::{Family, Interpreter, Ready};
use crate::Error;

const PYTHON_BOOTSTRAP: &str = include_str!("../../runtimes/python/bootstrap.py");
const PYTHON_RUNTIME: &str = include_str!("../../runtimes/python/nephos_runtime.py");
const NODE_RUNTIME: &str = include_str!("../../runtimes/nodejs/index.mjs");

/// Where the folder is shown inside.
const INSIDE: &str = "/var/runtime";

/// Makes an interpreter's runtime ready.
pub fn install(dir: &Path, interpreter: &Interpreter, sdk: Option<&Path>) -> Result<Ready, Error> {
    let folder = dir.join(folder_name(interpreter, sdk));
    if !folder.is_dir() {
        let scratch = dir.join(format!(".new-{}", random::hex(&random::bytes::<8>())));
        fill(&scratch, interpreter, sdk)?;
        if let Err(error) = fs::rename(&scratch, &folder) {
            fs::remove_dir_all(&scratch)?;
            // Somebody else was faster.
            if !folder.is_dir() {
                return Err(error.into());
            }
        }
    }
    Ok(Ready {
        program: program(interpreter),
        folder: Some(folder),
        host_paths: host_paths(interpreter, sdk),
    })
}

fn folder_name(interpreter: &Interpreter, sdk: Option<&Path>) -> String {
    let mut hash = digest::Context::new(&digest::SHA256);
    for part in [PYTHON_BOOTSTRAP, PYTHON_RUNTIME, NODE_RUNTIME] {
        hash.update(part.as_bytes());
    }
    hash.update(interpreter.executable.as_os_str().as_encoded_bytes());
    hash.update(sdk.map(|sdk| sdk.as_os_str().as_encoded_bytes()).unwrap_or_default());
    format!("{}-{}", interpreter.family, &random::hex(hash.finish().as_ref())[..16])
}

fn fill(folder: &Path, interpreter: &Interpreter, sdk: Option<&Path>) -> Result<(), Error> {
    fs::create_dir_all(folder)?;
    match interpreter.family {
        Family::Python(_) => {
            fs::write(folder.join("bootstrap.py"), PYTHON_BOOTSTRAP)?;
            fs::write(folder.join("nephos_runtime.py"), PYTHON_RUNTIME)?;
            compile(folder, interpreter)?;
            add_sdk(folder, interpreter, sdk)?;
        }
        Family::Node(_) => fs::write(folder.join("index.mjs"), NODE_RUNTIME)?,
        Family::Provided => {}
    }
    Ok(open_up(folder)?)
}

/// Runs the interpreter on trusted code, without anything that its user has set up.
fn run(interpreter: &Interpreter, arguments: &[&OsStr]) -> Result<(), Error> {
    let mut command = Command::new(&interpreter.executable);
    let output = command.args(["-I", "-S"]).args(arguments).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().last().unwrap_or_default();
    Err(Error::InvalidRuntime(format!("{} does not work: {last}", interpreter.executable.display())))
}

/// Compiles our module to bytecode that is taken without a look at its source: that takes milliseconds off every start.
fn compile(folder: &Path, interpreter: &Interpreter) -> Result<(), Error> {
    let script = "import py_compile, sys; py_compile.compile(sys.argv[1], dfile=sys.argv[2], doraise=True, \
                  invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)";
    let (module, inside) = (folder.join("nephos_runtime.py"), format!("{INSIDE}/nephos_runtime.py"));
    run(interpreter, &[OsStr::new("-c"), OsStr::new(script), module.as_os_str(), OsStr::new(&inside)])?;
    Ok(())
}

/// Functions run as a user of their own, who must be able to read all of it whatever mask this process has.
fn open_up(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)?.flatten() {
        let kind = entry.file_type()?;
        if kind.is_dir() {
            open_up(&entry.path())?;
        } else if kind.is_file() {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o644))?;
        }
    }
    Ok(())
}

/// The SDK stands beside the runtime, as it does at the service's own; other packages of the host stay out of sight. What
/// another version of Python has compiled is of no use here, and nothing can be compiled inside: so it is copied then,
/// without its data, and compiled.
fn add_sdk(folder: &Path, interpreter: &Interpreter, sdk: Option<&Path>) -> Result<(), Error> {
    let Some(sdk) = sdk else { return Ok(()) };
    let beside = folder.join("sdk");
    fs::create_dir(&beside)?;
    let version = interpreter.family.to_string();
    if sdk.components().any(|part| part.as_os_str() == version.as_str()) {
        return Ok(SDK_PACKAGES
            .iter()
            .try_for_each(|package| symlink(sdk.join(package), beside.join(package)))?);
    }
    SDK_PACKAGES.iter().try_for_each(|package| copy(&sdk.join(package), &beside.join(package)))?;
    let arguments = ["-q", "--invalidation-mode", "unchecked-hash", "-s"].map(OsStr::new);
    let places = [folder.as_os_str(), OsStr::new("-p"), OsStr::new(INSIDE), beside.as_os_str()];
    run(interpreter, &[&[OsStr::new("-m"), OsStr::new("compileall")], &arguments[..], &places[..]].concat())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(|_| ());
    }
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)?.flatten() {
        let (inner, name) = (entry.path(), entry.file_name());
        match name.to_str() {
            Some("__pycache__") => {}
            // Many megabytes that no interpreter compiles.
            Some("data") if inner.is_dir() => symlink(&inner, to.join(&name))?,
            _ => copy(&inner, &to.join(&name))?,
        }
    }
    Ok(())
}

fn program(interpreter: &Interpreter) -> Vec<String> {
    let executable = interpreter.executable.display().to_string();
    let words: Vec<String> = match interpreter.family {
        // No site module (its work is done at a fraction of the time), no bytecode written, every line out at once.
        Family::Python(_) => ["-S", "-B", "-u", "-X", "utf8"]
            .into_iter()
            .map(String::from)
            .chain([format!("{INSIDE}/bootstrap.py")])
            .collect(),
        Family::Node(_) => vec![format!("{INSIDE}/index.mjs")],
        Family::Provided => Vec::new(),
    };
    [vec![executable], words].concat()
}

fn host_paths(interpreter: &Interpreter, sdk: Option<&Path>) -> Vec<PathBuf> {
    let always = ["/usr", "/bin", "/lib", "/lib64"].map(PathBuf::from);
    let mut paths = always.to_vec();
    for path in [interpreter.prefix(), sdk].into_iter().flatten() {
        if !paths.iter().any(|shown| path.starts_with(shown)) {
            paths.push(path.to_owned());
        }
    }
    paths
}
