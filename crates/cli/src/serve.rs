//! `nephos serve`, and the platform inside `nephos up`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nephos_core::{AccountId, Region};
use nephos_iam::Mode;
use nephos_server::data::DataDir;
use nephos_server::{App, Config, Engine, Smtp};
use nephos_store::Durability;

use crate::Failure;
use crate::args::{self, Serve};
use crate::style;

/// Runs the platform until it is told to stop.
pub async fn run(options: Serve) -> Result<(), Failure> {
    let port_file = options.port_file.clone();
    let app = App::start(config(options)?).await.map_err(|error| error.to_string())?;
    tell(&app);
    if let Some(path) = port_file {
        write_port(&path, app.address().port())?;
    }
    stop_signal().await;
    eprintln!("stopping: running requests may end");
    app.stop().await;
    Ok(())
}

fn config(options: Serve) -> Result<Config, Failure> {
    let engine = match &options.postgres_url_file {
        None => Engine::Embedded,
        Some(path) => {
            let url =
                std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            Engine::Postgres(url.trim().to_owned())
        }
    };
    let data = (!options.memory).then(|| options.data.clone().unwrap_or_else(DataDir::default_path));
    Ok(Config {
        listen: options.listen,
        data,
        engine,
        durability: match options.durability {
            args::Durability::Strict => Durability::Strict,
            args::Durability::Relaxed => Durability::Relaxed,
        },
        dev: options.dev,
        iam_mode: match options.iam {
            args::Iam::Enforce => Mode::Enforce,
            args::Iam::Audit => Mode::Audit,
        },
        account: options.account_id.parse::<AccountId>().map_err(|error| format!("--account-id: {error}"))?,
        region: options.region.parse::<Region>().map_err(|error| format!("--region: {error}"))?,
        seed: options.seed,
        public_names: options.public_name,
        insecure_http: options.insecure_http,
        smtp: smtp(options.smtp, options.smtp_from),
        ..Config::default()
    })
}

fn smtp(url: Option<String>, from: String) -> Option<Smtp> {
    url.map(|url| Smtp { url, from })
}

/// Starts the platform inside this process, for `nephos up`.
pub async fn start_inside(
    port: u16,
    data: PathBuf,
    region: &str,
    mail: (Option<String>, String),
) -> Result<Arc<App>, Failure> {
    let mut config = Config { data: Some(data), smtp: smtp(mail.0, mail.1), ..Config::default() };
    config.listen.set_port(port);
    config.region = region.parse().map_err(|error| format!("--region: {error}"))?;
    App::start(config).await.map(Arc::new).map_err(|error| error.to_string())
}

fn tell(app: &App) {
    eprintln!("{} at http://localhost:{}", style::green("nephos is ready"), app.address().port());
    if app.config().dev {
        eprintln!(
            "{}",
            style::dim("  --dev: access key `test` with secret `test`; never for data that matters")
        );
    } else {
        eprintln!("{}", style::dim("  eval \"$(nephos env)\" points the aws command and every SDK here"));
    }
}

/// The port, in one step, so that whoever polls the file never reads half of it.
fn write_port(path: &Path, port: u16) -> Result<(), Failure> {
    let failed = |error: std::io::Error| format!("--port-file {}: {error}", path.display());
    let part = path.with_extension("part");
    std::fs::write(&part, format!("{port}\n")).map_err(failed)?;
    std::fs::rename(&part, path).map_err(failed)
}

/// Waits for Ctrl-C or a request to end.
pub async fn stop_signal() {
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(signal) => signal,
        Err(_) => return drop(tokio::signal::ctrl_c().await),
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
