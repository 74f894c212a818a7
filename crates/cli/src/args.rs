//! The command line, with help that teaches.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// A serverless cloud in one binary, speaking the AWS APIs.
///
/// Start with `nephos up DIR`: it starts the platform, builds and deploys the application in DIR, prints its URL and
/// streams its logs. `eval "$(nephos env)"` points the aws command and every SDK at the platform.
#[derive(Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
pub struct Args {
    /// Say more: -v tells of each request, -vv of everything
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Run an application: start the platform if none runs, build, deploy, stream logs, redeploy what changes
    Up(Up),
    /// Run the platform alone
    Serve(Serve),
    /// Build and deploy an application to a running platform, through CloudFormation
    Deploy(Deploy),
    /// Delete a deployed stack and everything in it
    Delete(Delete),
    /// Start a new application from a template
    New(New),
    /// Print endpoint, region and credentials for a shell: eval "$(nephos env)"
    Env(Env),
    /// Call a function and print its answer
    Invoke(Invoke),
    /// Print a function's logs
    Logs(Logs),
    /// Print the messages that the platform sent to users, such as confirmation codes
    Outbox(Outbox),
    /// Say what this machine offers for isolation and runtimes, and how to mend what is missing
    Doctor(Doctor),
}

/// How to reach a platform.
#[derive(clap::Args, Clone, Default)]
pub struct Reach {
    /// The platform's address
    #[arg(long, env = "AWS_ENDPOINT_URL", value_name = "URL", default_value = "http://localhost:4566")]
    pub endpoint: String,
    /// The folder of the platform's state, which holds its root credentials
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The region
    #[arg(long, env = "AWS_REGION", default_value = "us-east-1")]
    pub region: String,
}

/// `nephos up`
#[derive(clap::Args)]
pub struct Up {
    /// The application's folder, which holds template.yaml
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// The stack's name; the folder's name if absent
    #[arg(long)]
    pub stack: Option<String>,
    /// Deploy once and keep serving, without watching the sources
    #[arg(long)]
    pub no_watch: bool,
    /// Deploy, print the outputs and stop
    #[arg(long)]
    pub once: bool,
    /// Mail server for confirmation codes: smtp://user:password@host:port
    #[arg(long, env = "NEPHOS_SMTP_URL", hide_env_values = true, value_name = "URL")]
    pub smtp: Option<String>,
    /// Sender of such mail
    #[arg(long, env = "NEPHOS_SMTP_FROM", default_value = "nephos@localhost", value_name = "ADDRESS")]
    pub smtp_from: String,
    #[command(flatten)]
    pub reach: Reach,
}

/// `nephos serve`
#[derive(clap::Args)]
pub struct Serve {
    /// The address to listen on; port 0 takes any free one
    #[arg(long, default_value = "127.0.0.1:4566", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// The folder of all state [default: $NEPHOS_DATA, else $XDG_DATA_HOME/nephos]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// For development: access key `test` with secret `test` works, and /_nephos/reset and /_nephos/clock are there.
    /// On loopback only
    #[arg(long)]
    pub dev: bool,
    /// Keep all state in memory
    #[arg(long, conflicts_with = "data")]
    pub memory: bool,
    /// Keep records in PostgreSQL, by a file that holds its URL
    #[arg(long, value_name = "FILE")]
    pub postgres_url_file: Option<PathBuf>,
    /// When a write counts as done: on the disk, or with the operating system (a power cut loses the last second)
    #[arg(long, value_enum, default_value = "strict")]
    pub durability: Durability,
    /// Whether policies refuse, or only record what they would have refused
    #[arg(long, value_enum, default_value = "enforce")]
    pub iam: Iam,
    /// A JSON or YAML file of accounts, users, access keys, roles and policies that should be there
    #[arg(long, value_name = "FILE")]
    pub seed: Option<PathBuf>,
    /// The account of a fresh installation
    #[arg(long, default_value = "000000000000")]
    pub account_id: String,
    /// The region of requests that name none
    #[arg(long, default_value = "us-east-1")]
    pub region: String,
    /// Write the port that was taken to this file, once requests are answered
    #[arg(long, value_name = "FILE")]
    pub port_file: Option<PathBuf>,
    /// A name besides localhost under which the platform is reached; may be repeated
    #[arg(long, value_name = "NAME")]
    pub public_name: Vec<String>,
    /// Listen without TLS on an address that others can reach
    #[arg(long)]
    pub insecure_http: bool,
    /// Mail server for confirmation codes: smtp://user:password@host:port
    #[arg(long, env = "NEPHOS_SMTP_URL", hide_env_values = true, value_name = "URL")]
    pub smtp: Option<String>,
    /// Sender of such mail
    #[arg(long, env = "NEPHOS_SMTP_FROM", default_value = "nephos@localhost", value_name = "ADDRESS")]
    pub smtp_from: String,
}

/// `nephos serve --durability`
#[derive(Clone, Copy, ValueEnum)]
pub enum Durability {
    /// On the disk
    Strict,
    /// With the operating system
    Relaxed,
}

/// `nephos serve --iam`
#[derive(Clone, Copy, ValueEnum)]
pub enum Iam {
    /// Refuse
    Enforce,
    /// Allow, and record
    Audit,
}

/// `nephos deploy`
#[derive(clap::Args)]
pub struct Deploy {
    /// The application's folder, which holds template.yaml
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// The stack's name; the folder's name if absent
    #[arg(long)]
    pub stack: Option<String>,
    /// How to print the outputs
    #[arg(long, value_enum, default_value = "text")]
    pub output: Output,
    #[command(flatten)]
    pub reach: Reach,
}

/// `--output`
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Text,
    /// For scripts
    Json,
}

/// `nephos delete`
#[derive(clap::Args)]
pub struct Delete {
    /// The stack's name
    pub stack: String,
    #[command(flatten)]
    pub reach: Reach,
}

/// `nephos new`
#[derive(clap::Args)]
pub struct New {
    /// The template: python, node or web
    #[arg(value_enum)]
    pub template: Starter,
    /// The new folder
    pub dir: PathBuf,
}

/// What a new application starts from.
#[derive(Clone, Copy, ValueEnum)]
pub enum Starter {
    /// A Python function with a URL and a table
    Python,
    /// A Node.js function with a URL
    Node,
    /// A static website
    Web,
}

/// `nephos env`
#[derive(clap::Args)]
pub struct Env {
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    pub output: Output,
    /// Use the well-known credentials of a platform that runs with --dev
    #[arg(long)]
    pub dev: bool,
    #[command(flatten)]
    pub reach: Reach,
}

/// `nephos invoke`
#[derive(clap::Args)]
pub struct Invoke {
    /// The function's name or ARN
    pub function: String,
    /// The event: JSON, @FILE, or - for standard input
    #[arg(default_value = "{}")]
    pub event: String,
    /// Print the function's log lines, too
    #[arg(long)]
    pub tail: bool,
    #[command(flatten)]
    pub reach: Reach,
}

/// `nephos logs`
#[derive(clap::Args)]
pub struct Logs {
    /// The function's name, or a log group that starts with /
    pub function: String,
    /// Go on printing new lines
    #[arg(short, long)]
    pub follow: bool,
    /// How far back to start, in minutes
    #[arg(long, default_value_t = 60, value_name = "MINUTES")]
    pub since: u32,
    #[command(flatten)]
    pub reach: Reach,
}

/// `nephos outbox`
#[derive(clap::Args)]
pub struct Outbox {
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    pub output: Output,
    #[command(flatten)]
    pub reach: Reach,
}

/// `nephos doctor`
#[derive(clap::Args)]
pub struct Doctor {
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    pub output: Output,
}
