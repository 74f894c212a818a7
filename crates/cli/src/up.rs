//! `nephos up`: start, build, deploy, show, and go on with what changes.

pub mod build;
pub mod package;
pub mod project;
mod site;
pub mod tail;
mod watch;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nephos_server::App;

use crate::Failure;
use crate::args::{Reach, Up};
use crate::client::Client;
use crate::serve;
use crate::stack::{Deployed, Stack};
use crate::style;
use project::Project;

/// Runs an application until it is told to stop.
pub async fn run(options: Up) -> Result<(), Failure> {
    let project = Project::read(&options.dir)?;
    let name = options.stack.clone().unwrap_or_else(|| project.stack_name());
    let started = Instant::now();
    let (inside, client) = platform(&options).await?;
    let result = deploy_and_follow(&options, &project, &client, &name, started).await;
    if let Some(app) = inside {
        app.stop().await;
    }
    result
}

async fn deploy_and_follow(
    options: &Up,
    project: &Project,
    client: &Client,
    name: &str,
    started: Instant,
) -> Result<(), Failure> {
    let url = deploy(project, client, name).await?;
    if let Some(url) = &url {
        println!("{url}");
        eprintln!("\n  {} {}  {}", style::bold("Ready:"), style::bold(url), took(started));
    }
    if options.once {
        return Ok(());
    }
    eprintln!("  {}\n", style::dim("logs follow; Ctrl-C stops"));
    let stack = Stack { client, name };
    tokio::select! {
        result = tail::follow(client, &stack) => result,
        result = watch::follow(project, client, name), if !options.no_watch => result,
        () = serve::stop_signal() => Ok(()),
    }
}

/// A running platform, or one started inside this process.
async fn platform(options: &Up) -> Result<(Option<Arc<App>>, Client), Failure> {
    let reach: &Reach = &options.reach;
    if let Ok(client) = reach.client()
        && client.is_up().await
    {
        eprintln!("{}", style::dim(&format!("using the platform at {}", client.endpoint())));
        return Ok((None, client));
    }
    let port = local_port(&reach.endpoint)?;
    let mail = (options.smtp.clone(), options.smtp_from.clone());
    let app = serve::start_inside(port, reach.data(), &reach.region, mail).await?;
    let endpoint = format!("http://localhost:{}", app.address().port());
    let client = Client::new(&endpoint, &reach.region, reach.root_credentials()?)?;
    eprintln!("{} at {endpoint}", style::green("nephos is ready"));
    Ok((Some(app), client))
}

fn local_port(endpoint: &str) -> Result<u16, Failure> {
    let local = ["http://localhost:", "http://127.0.0.1:"];
    let port =
        local.iter().find_map(|prefix| endpoint.strip_prefix(prefix)?.trim_end_matches('/').parse().ok());
    port.ok_or_else(|| {
        format!("no platform answers at {endpoint}, and one can be started on this machine only")
    })
}

/// Builds and deploys everything; gives the website's URL.
pub async fn deploy(project: &Project, client: &Client, name: &str) -> Result<Option<String>, Failure> {
    let started = Instant::now();
    eprintln!("{}", style::bold("building"));
    let built = build::all(project).await?;
    eprintln!(
        "{} {}",
        style::bold("deploying"),
        style::dim(&format!("stack {name}, built in {}", seconds(started)))
    );
    let template = package::template(project, client, &built).await?;
    let stack = Stack { client, name };
    match stack.deploy(&template).await? {
        Deployed::Unchanged => eprintln!("  {}", style::dim("the stack is as it was")),
        Deployed::Changed => {}
    }
    let outputs = stack.outputs().await?;
    if let Some(site) = &project.site {
        site::put(project, site, client, &stack, &outputs).await?;
    }
    Ok(outputs.get("WebsiteURL").cloned())
}

/// `1.2 s`, or milliseconds below one second.
pub fn seconds(since: Instant) -> String {
    let elapsed = since.elapsed();
    if elapsed < Duration::from_secs(1) {
        format!("{} ms", elapsed.as_millis())
    } else {
        format!("{:.1} s", elapsed.as_secs_f64())
    }
}

fn took(since: Instant) -> String {
    style::dim(&format!("({})", seconds(since)))
}

/// A path as it is shown.
pub fn shown(path: &Path) -> String {
    path.display().to_string()
}
