//! The commands that talk to a running platform, one function each.

mod doctor;
mod new;

use std::io::Read;
use std::time::Duration;

use nephos_core::Clock;
use serde_json::{Value, json};

pub use doctor::doctor;
pub use new::new;

use crate::Failure;
use crate::args;
use crate::client::{Call, Credentials};
use crate::stack::Stack;
use crate::style;
use crate::up::project::Project;
use crate::up::{self, tail::Tail};

/// `nephos deploy`
pub async fn deploy(options: args::Deploy) -> Result<(), Failure> {
    let project = Project::read(&options.dir)?;
    let client = options.reach.client()?;
    let name = options.stack.clone().unwrap_or_else(|| project.stack_name());
    up::deploy(&project, &client, &name).await?;
    let outputs = Stack { client: &client, name: &name }.outputs().await?;
    if options.output == args::Output::Json {
        println!("{}", json!({ "stack": name, "outputs": outputs }));
    } else {
        outputs.iter().for_each(|(key, value)| println!("{key}={value}"));
    }
    Ok(())
}

/// `nephos delete`
pub async fn delete(options: args::Delete) -> Result<(), Failure> {
    let client = options.reach.client()?;
    let stack = Stack { client: &client, name: &options.stack };
    if stack.status().await?.is_none() {
        return Err(format!("there is no stack {}", options.stack));
    }
    stack.delete().await?;
    eprintln!("{} {} is deleted", style::green("✓"), options.stack);
    Ok(())
}

/// `nephos env`
pub fn env(options: &args::Env) -> Result<(), Failure> {
    let credentials = if options.dev {
        Credentials {
            access_key_id: "test".to_owned(),
            secret_access_key: "test".to_owned(),
            session_token: None,
        }
    } else {
        options.reach.root_credentials()?
    };
    let reach = &options.reach;
    let pairs = [
        ("AWS_ENDPOINT_URL", reach.endpoint.as_str()),
        ("AWS_REGION", reach.region.as_str()),
        ("AWS_DEFAULT_REGION", reach.region.as_str()),
        ("AWS_ACCESS_KEY_ID", credentials.access_key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.as_str()),
    ];
    if options.output == args::Output::Json {
        let map: serde_json::Map<String, Value> =
            pairs.map(|(name, value)| (name.to_owned(), json!(value))).into_iter().collect();
        println!("{}", Value::Object(map));
        return Ok(());
    }
    for (name, value) in pairs {
        println!("export {name}='{}'", value.replace('\'', "'\\''"));
    }
    // Another session's token must not go with these keys.
    println!("unset AWS_SESSION_TOKEN AWS_PROFILE");
    Ok(())
}

/// `nephos invoke`
pub async fn invoke(options: args::Invoke) -> Result<(), Failure> {
    let event = match options.event.as_str() {
        "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(|error| format!("standard input: {error}"))?;
            text
        }
        text => match text.strip_prefix('@') {
            Some(path) => std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?,
            None => text.to_owned(),
        },
    };
    let client = options.reach.client()?;
    let mut headers = vec![("content-type", "application/json".to_owned())];
    if options.tail {
        headers.push(("x-amz-log-type", "Tail".to_owned()));
    }
    let function = nephos_wire::form::encode(&options.function);
    let path = format!("/2015-03-31/functions/{function}/invocations");
    let answer = client
        .call(Call {
            service: "lambda",
            method: "POST",
            path,
            headers,
            body: event.into(),
            ..Call::default()
        })
        .await?;
    if let Some(log) = answer.headers.get("x-amz-log-result").and_then(|value| value.to_str().ok()) {
        let log = nephos_wire::text::from_base64(log).unwrap_or_default();
        eprint!("{}", String::from_utf8_lossy(&log));
    }
    let failed = answer.headers.contains_key("x-amz-function-error");
    if !answer.status.is_success() {
        return answer.json().map(drop);
    }
    println!("{}", String::from_utf8_lossy(&answer.body));
    if failed { Err("the function failed".to_owned()) } else { Ok(()) }
}

/// `nephos logs`
pub async fn logs(options: args::Logs) -> Result<(), Failure> {
    let client = options.reach.client()?;
    let group = match options.function.as_str() {
        group if group.starts_with('/') => group.to_owned(),
        function => format!("/aws/lambda/{function}"),
    };
    let back = Duration::from_secs(u64::from(options.since) * 60);
    let mut tail = Tail::new(group, Clock::system().now() - back);
    loop {
        for line in tail.fresh(&client).await? {
            println!("{line}");
        }
        if !options.follow {
            return Ok(());
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(400)) => {}
            () = crate::serve::stop_signal() => return Ok(()),
        }
    }
}

/// `nephos outbox`
pub async fn outbox(options: args::Outbox) -> Result<(), Failure> {
    let outbox = options.reach.client()?.platform("outbox").await?;
    if options.output == args::Output::Json {
        println!("{outbox}");
        return Ok(());
    }
    for message in outbox["messages"].as_array().into_iter().flatten().rev() {
        let text = |name: &str| message[name].as_str().unwrap_or_default();
        println!("to {}: {}\n{}\n", text("to"), text("subject"), text("body"));
    }
    Ok(())
}
