//! The platform's health, for people, scripts and containers.

use http::{Method, StatusCode};
use nephos_wire::Response;
use serde_json::{Value, json};

use crate::answer;
use crate::serve::Shared;

/// Answers `/_nephos/health`, or `/_localstack/health` in the form that migration scripts poll.
pub(crate) fn answer(shared: &Shared, method: &Method, localstack: bool) -> Response {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return answer::plain(StatusCode::METHOD_NOT_ALLOWED, "expected GET or HEAD");
    }
    let services = shared.health.get_or_init(|| services(shared));
    let version = env!("CARGO_PKG_VERSION");
    if localstack {
        let health = json!({ "services": services, "edition": "community", "version": version });
        return answer::json(StatusCode::OK, &health);
    }
    let health = json!({
        "status": "running",
        "version": version,
        "services": services,
        "counters": counters(shared),
        "unknown_operations": shared.metrics.unknown(),
    });
    answer::json(StatusCode::OK, &health)
}

fn services(shared: &Shared) -> Value {
    let names = shared.registry.entries().iter().map(|entry| entry.model.name);
    Value::Object(names.map(|name| (name.to_owned(), json!("running"))).collect())
}

fn counters(shared: &Shared) -> Value {
    let m = &shared.metrics;
    json!({
        "connections": m.connections.get(),
        "connections_total": m.connections_total.get(),
        "timeouts": m.timeouts.get(),
        "running": m.running.get(),
        "requests": m.requests.get(),
        "client_errors": m.client_errors.get(),
        "server_errors": m.server_errors.get(),
        "unauthenticated": m.unauthenticated.get(),
        "guarded": m.guarded.get(),
        "shed": m.shed.get(),
    })
}
