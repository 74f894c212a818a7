//! Which platform a command talks to, and as whom.

use std::path::PathBuf;

use nephos_iam::RootCredentials;
use nephos_server::data::DataDir;

use crate::Failure;
use crate::args::Reach;
use crate::client::{Client, Credentials};

impl Reach {
    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(DataDir::default_path)
    }

    /// The caller's credentials: the environment's, else the root user's from the data folder.
    pub fn credentials(&self) -> Result<Credentials, Failure> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if let (Some(access_key_id), Some(secret_access_key)) =
            (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"))
        {
            let session_token = variable("AWS_SESSION_TOKEN");
            return Ok(Credentials { access_key_id, secret_access_key, session_token });
        }
        self.root_credentials()
    }

    /// The root user's credentials from the data folder.
    pub fn root_credentials(&self) -> Result<Credentials, Failure> {
        let dir = self.data();
        let root = RootCredentials::read(&dir).map_err(|error| error.to_string())?;
        let root = root.ok_or_else(|| {
            format!(
                "there are no root credentials in {}; start the platform once, name its folder by --data, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
                dir.display()
            )
        })?;
        Ok(Credentials {
            access_key_id: root.access_key_id.clone(),
            secret_access_key: root.secret_access_key.clone(),
            session_token: None,
        })
    }

    /// A client.
    pub fn client(&self) -> Result<Client, Failure> {
        Client::new(&self.endpoint, &self.region, self.credentials()?)
    }
}
