//! The platform's endpoint within sandboxes.
//!
//! The sandbox is built before the gateway, and the gateway needs the services that use the sandbox; so the sandbox
//! is given a slot that the gateway is put into later.

use std::net::TcpListener;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use nephos_core::ports::{ServeEndpoint, ServingGuard};
use tokio::sync::{Semaphore, oneshot};

use crate::serve::{Entrance, Gateway, Shared};

/// How long a function's running calls may go on when its sandbox is torn down.
const DRAIN: Duration = Duration::from_millis(200);

/// Serves the endpoint once a gateway was attached.
#[derive(Default)]
pub struct EndpointSlot {
    // Weak, because the gateway holds the services that hold this.
    gateway: OnceLock<Weak<Shared>>,
}

impl EndpointSlot {
    /// An empty slot.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Puts the gateway in. A second one is not taken.
    pub fn attach(&self, gateway: &Gateway) {
        if self.gateway.set(Arc::downgrade(&gateway.shared)).is_err() {
            tracing::error!("expected one gateway for this slot, got a second one");
        }
    }
}

impl ServeEndpoint for EndpointSlot {
    fn serve_endpoint(&self, listener: TcpListener) -> ServingGuard {
        match self.gateway.get().and_then(Weak::upgrade) {
            Some(shared) => Gateway { shared }.serve_endpoint(listener),
            None => {
                tracing::error!("a sandbox's endpoint was asked for before there is a gateway");
                ServingGuard::new(|| {})
            }
        }
    }
}

impl ServeEndpoint for Gateway {
    fn serve_endpoint(&self, listener: TcpListener) -> ServingGuard {
        let (stop, stopped) = oneshot::channel::<()>();
        let gateway = self.clone();
        self.shared.runtime.spawn(async move {
            let listener =
                listener.set_nonblocking(true).and_then(|()| tokio::net::TcpListener::from_std(listener));
            match listener {
                Ok(listener) => {
                    let shutdown = async {
                        // An error is the guard's drop, too.
                        let _ = stopped.await;
                    };
                    let permits = Arc::new(Semaphore::new(gateway.shared.config.limits.sandbox_connections));
                    gateway.serve_entrance(listener, Entrance::Sandbox, permits, shutdown, DRAIN).await;
                }
                Err(error) => tracing::error!(%error, "a sandbox's listener cannot be served"),
            }
        });
        ServingGuard::new(move || {
            let _ = stop.send(());
        })
    }
}
