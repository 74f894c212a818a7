//! Mail to a real server.

use lettre::message::header::ContentType;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};
use nephos_core::ports::Message;

use crate::config::Smtp;

/// Sends mail through a server.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: lettre::message::Mailbox,
}

impl Mailer {
    /// A mailer. The error never shows the URL, which may hold a password.
    pub fn new(smtp: &Smtp) -> Result<Mailer, String> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&smtp.url).map_err(|_| {
            "expected a mail server such as smtp://user:password@host:587?tls=required".to_owned()
        })?;
        let from =
            smtp.from.parse().map_err(|_| format!("expected a sender's address, got {:?}", smtp.from))?;
        Ok(Mailer { transport: transport.timeout(Some(std::time::Duration::from_secs(20))).build(), from })
    }

    /// Sends one message.
    pub async fn send(&self, message: &Message) -> Result<(), String> {
        let to = message.to.parse().map_err(|_| "the recipient's address is malformed".to_owned())?;
        let kind = if message.body.contains("</") { ContentType::TEXT_HTML } else { ContentType::TEXT_PLAIN };
        let mail = Mail::builder()
            .from(self.from.clone())
            .to(to)
            .subject(&message.subject)
            .header(kind)
            .body(message.body.clone())
            .map_err(|error| error.to_string())?;
        self.transport.send(mail).await.map(drop).map_err(|error| error.to_string())
    }
}
