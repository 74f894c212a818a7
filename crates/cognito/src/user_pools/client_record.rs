//! An app client as it is stored.

use std::time::Duration;

use nephos_core::Timestamp;
use nephos_store::Record;
use serde::{Deserialize, Serialize};

use crate::stamp;

/// An app client.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ClientRecord {
    /// 26 lower-case letters and digits.
    pub(crate) id: String,
    /// The pool.
    pub(crate) pool: String,
    /// The secret, sealed.
    pub(crate) secret: Option<String>,
    /// When it was made.
    #[serde(with = "stamp")]
    pub(crate) created: Timestamp,
    /// When it last changed.
    #[serde(with = "stamp")]
    pub(crate) modified: Timestamp,
    /// What `UpdateUserPoolClient` replaces.
    pub(crate) settings: ClientSettings,
}

impl Record for ClientRecord {
    const VERSION: u16 = 1;
}

/// What `UpdateUserPoolClient` replaces.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ClientSettings {
    /// The name.
    pub(crate) name: String,
    /// How long refresh tokens last.
    pub(crate) refresh_validity: Validity,
    /// How long access tokens last; absent is an hour.
    pub(crate) access_validity: Validity,
    /// How long id tokens last; absent is an hour.
    pub(crate) id_validity: Validity,
    /// Whether units were given at all, which answers repeat.
    pub(crate) units_given: bool,
    /// Attributes that the client may read; empty is all.
    pub(crate) read: Vec<String>,
    /// Attributes that the client may write; empty is all.
    pub(crate) write: Vec<String>,
    /// The flows as they were given; empty is the default.
    pub(crate) flows: Vec<String>,
    /// Identity providers by name.
    pub(crate) providers: Vec<String>,
    /// Where sign-in may return to.
    pub(crate) callback_urls: Vec<String>,
    /// Where sign-out may return to.
    pub(crate) logout_urls: Vec<String>,
    /// Where sign-in returns to by default.
    pub(crate) default_redirect: Option<String>,
    /// Whether answers hide which users exist; absent is no.
    pub(crate) hide_users: Option<bool>,
    /// Whether tokens can be revoked.
    pub(crate) revocation: bool,
    /// `EnablePropagateAdditionalUserContextData`.
    pub(crate) propagate_context: bool,
    /// How long a challenge may take, in minutes.
    pub(crate) session_minutes: u8,
    /// Whether refreshing exchanges the refresh token.
    pub(crate) rotation: Option<Rotation>,
}

/// A token's life as it was given.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Validity {
    /// The number; absent is the default.
    pub(crate) value: Option<u32>,
    /// `seconds`, `minutes`, `hours` or `days`; absent is the token's own default unit.
    pub(crate) unit: Option<String>,
}

impl Validity {
    /// The life, where `value` counts `default_unit`s unless a unit was given.
    pub(crate) fn duration(&self, default_unit: &str, default: Duration) -> Duration {
        let seconds: u64 = match self.unit.as_deref().unwrap_or(default_unit) {
            "seconds" => 1,
            "minutes" => 60,
            "hours" => 3600,
            _ => 86_400,
        };
        self.value.map_or(default, |value| Duration::from_secs(u64::from(value) * seconds))
    }
}

/// Exchange of refresh tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Rotation {
    /// Whether it is on.
    pub(crate) enabled: bool,
    /// How many seconds the old token still works.
    pub(crate) grace_seconds: u8,
}

/// A way to sign in that a client may allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// `USER_SRP_AUTH`
    UserSrp,
    /// `USER_PASSWORD_AUTH`
    UserPassword,
    /// `ADMIN_USER_PASSWORD_AUTH`
    AdminUserPassword,
    /// `REFRESH_TOKEN_AUTH`
    Refresh,
}

impl ClientRecord {
    /// Whether the client allows a flow.
    pub(crate) fn allows(&self, flow: Flow) -> bool {
        let flows = &self.settings.flows;
        let has = |name: &str| flows.iter().any(|flow| flow == name);
        // The older names never restrict SRP or refreshing, unless they say that only custom flows are allowed.
        let legacy = !flows.iter().any(|flow| flow.starts_with("ALLOW_"));
        match flow {
            Flow::UserSrp => has("ALLOW_USER_SRP_AUTH") || (legacy && !has("CUSTOM_AUTH_FLOW_ONLY")),
            Flow::UserPassword => has("ALLOW_USER_PASSWORD_AUTH") || has("USER_PASSWORD_AUTH"),
            Flow::AdminUserPassword => has("ALLOW_ADMIN_USER_PASSWORD_AUTH") || has("ADMIN_NO_SRP_AUTH"),
            Flow::Refresh => has("ALLOW_REFRESH_TOKEN_AUTH") || legacy,
        }
    }

    /// How long refresh tokens last.
    pub(crate) fn refresh_life(&self) -> Duration {
        self.settings.refresh_validity.duration("days", Duration::from_secs(30 * 86_400))
    }

    /// How long access tokens last.
    pub(crate) fn access_life(&self) -> Duration {
        self.settings.access_validity.duration("hours", Duration::from_secs(3600))
    }

    /// How long id tokens last.
    pub(crate) fn id_life(&self) -> Duration {
        self.settings.id_validity.duration("hours", Duration::from_secs(3600))
    }

    /// How long a challenge may take.
    pub(crate) fn session_life(&self) -> Duration {
        Duration::from_secs(60 * u64::from(self.settings.session_minutes))
    }

    /// Whether answers hide which users exist.
    pub(crate) fn hides_users(&self) -> bool {
        self.settings.hide_users == Some(true)
    }

    /// Whether refreshing exchanges the refresh token.
    pub(crate) fn rotates(&self) -> Option<Duration> {
        let rotation = self.settings.rotation.as_ref().filter(|rotation| rotation.enabled)?;
        Some(Duration::from_secs(u64::from(rotation.grace_seconds)))
    }

    /// Whether the client may read an attribute.
    pub(crate) fn reads(&self, attribute: &str) -> bool {
        permits(&self.settings.read, attribute)
    }

    /// Whether the client may write an attribute.
    pub(crate) fn writes(&self, attribute: &str) -> bool {
        let verified = matches!(attribute, "email_verified" | "phone_number_verified" | "sub" | "identities");
        !verified && permits(&self.settings.write, attribute)
    }
}

fn permits(list: &[String], attribute: &str) -> bool {
    let hidden = attribute.starts_with("dev:");
    !hidden && (list.is_empty() || attribute == "sub" || list.iter().any(|name| name == attribute))
}
