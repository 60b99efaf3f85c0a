//! Mail: one message to one recipient, over the mail server of the operator.
//!
//! Promises: never in the clear but to a server on this machine or where the operator says so,
//! and then without a password; says at which step a server refused, in our own words; the same
//! Message-ID at every attempt, so that a mailbox may tell a repetition. Neither password nor
//! recipient of others is in an error or in `Debug`. Does not: retry, or keep connections.

use std::error::Error as _;
use std::time::{Duration, SystemTime};

use lettre::address::Address;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use nalabo_core::Timestamp;
use nalabo_core::alert_channel::{DeliveryErrorCode as Code, MailText};
use nalabo_core::id::NoticeId;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;
use uuid::Uuid;

use crate::deliveries::{AttemptFailure, Verdict};

/// All steps of one message together must be done in this time.
const DEADLINE: Duration = Duration::from_secs(20);
/// Each answer of the server.
const STEP: Duration = Duration::from_secs(10);

/// How the connection to the mail server is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SmtpTls {
    /// From the second line on, or not at all: STARTTLS, usually on port 587.
    #[default]
    Starttls,
    /// From the first byte: usually on port 465.
    Tls,
    /// Not at all: a relay on the same machine, usually on port 25.
    None,
}

impl SmtpTls {
    /// The usual port.
    const fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// The mail server of the operator.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// Its name.
    pub host: String,
    /// Its port, where it is not the usual one.
    pub port: Option<u16>,
    /// Who we are to it.
    pub username: Option<String>,
    /// And how it knows.
    pub password: Option<SecretString>,
    /// The sender, for example `NALABO <nalabo@example.org>`.
    pub from: String,
    /// How it is encrypted.
    pub tls: SmtpTls,
}

/// What is wrong with the settings of mail.
#[derive(Debug, thiserror::Error)]
pub enum SmtpRefusal {
    /// The sender is no address.
    #[error("NALABO_SMTP_FROM is not an e-mail address; write it as NALABO <nalabo@example.org>")]
    From,
    /// One without the other.
    #[error("NALABO_SMTP_USERNAME and NALABO_SMTP_PASSWORD belong together: set both or none")]
    HalfCredential,
    /// A password would travel in the clear.
    #[error(
        "NALABO_SMTP_TLS=none would send the password in the clear: take starttls or tls, or take \
         user and password out"
    )]
    PasswordInTheClear,
    /// The authorities cannot be read.
    #[error("NALABO_CA_FILE holds no certificate that can be read")]
    Authorities,
}

/// Sends mail.
#[derive(Debug)]
pub struct Mailer {
    settings: SmtpSettings,
    from: Mailbox,
    hello: ClientId,
    authorities: Vec<Certificate>,
}

/// One message.
pub(crate) struct MailMessage<'a> {
    pub id: NoticeId,
    /// Messages of one group of alerts stand together in a mailbox.
    pub thread: Option<Uuid>,
    pub to: &'a str,
    pub text: MailText,
    pub now: Timestamp,
}

/// `Auto-Submitted`, so that nobody's absence is reported to us.
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Mailer {
    /// Checks the settings; contacts nothing.
    pub fn new(settings: SmtpSettings, authorities_pem: Option<&str>) -> Result<Self, SmtpRefusal> {
        let from: Mailbox = settings.from.parse().map_err(|_| SmtpRefusal::From)?;
        match (settings.username.is_some(), settings.password.is_some()) {
            (true, true) if settings.tls == SmtpTls::None => {
                return Err(SmtpRefusal::PasswordInTheClear);
            }
            (true, true) | (false, false) => {}
            _ => return Err(SmtpRefusal::HalfCredential),
        }
        let authorities = authorities_pem
            .map(|pem| Certificate::from_pem(pem.as_bytes()).map_err(|_| SmtpRefusal::Authorities))
            .transpose()?
            .into_iter()
            .collect();
        let hello = ClientId::Domain(from.email.domain().to_owned());
        Ok(Self { settings, from, hello, authorities })
    }

    /// Host and port, for texts.
    pub fn place(&self) -> String {
        format!("{}:{}", self.settings.host, self.port())
    }

    fn port(&self) -> u16 {
        self.settings.port.unwrap_or_else(|| self.settings.tls.port())
    }

    /// Says hello to the server, and who we are: what the doctor wants to know.
    pub async fn greet(&self) -> Result<(), String> {
        let greeting = async {
            let mut connection = self.connect().await?;
            let _ = connection.quit().await;
            Ok(())
        };
        match timeout(DEADLINE, greeting).await {
            Ok(answer) => answer.map_err(|it: AttemptFailure| it.said),
            Err(_) => Err(self.silence().said),
        }
    }

    /// Sends one message; the status that took it.
    pub(crate) async fn send(&self, message: MailMessage<'_>) -> Result<u16, AttemptFailure> {
        let to: Address = message.to.parse().map_err(|_| {
            let said = "The stored e-mail address cannot be read.".to_owned();
            final_failure(Code::RecipientRefused, said, None)
        })?;
        let bytes = self.compose(&message, &to)?;
        match timeout(DEADLINE, self.deliver(to, &bytes)).await {
            Ok(answer) => answer,
            Err(_) => Err(self.silence()),
        }
    }

    fn compose(&self, message: &MailMessage<'_>, to: &Address) -> Result<Vec<u8>, AttemptFailure> {
        let domain = self.from.email.domain();
        let sent_at = SystemTime::from(message.now);
        let mut mail = lettre::Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.clone()))
            .subject(&message.text.subject)
            .message_id(Some(format!("<{}@{domain}>", message.id)))
            .date(sent_at)
            .header(AutoSubmitted);
        if let Some(thread) = message.thread {
            mail = mail.references(format!("<{thread}@{domain}>"));
        }
        let body = MultiPart::alternative_plain_html(
            message.text.plain.clone(),
            message.text.html.clone(),
        );
        let mail = mail.multipart(body).map_err(|_| {
            failure(Code::SmtpStatus, "The message could not be composed.".to_owned(), None)
        })?;
        Ok(mail.formatted())
    }

    async fn deliver(&self, to: Address, bytes: &[u8]) -> Result<u16, AttemptFailure> {
        let mut connection = self.connect().await?;
        let place = self.place();
        let sender = Mail::new(Some(self.from.email.clone()), Vec::new());
        connection.command(sender).await.map_err(|error| {
            self.refused(
                &error,
                Code::SmtpStatus,
                format!("{place} does not let us send as {}", self.from.email),
            )
        })?;
        connection.command(Rcpt::new(to, Vec::new())).await.map_err(|error| {
            let mut it = self.refused(
                &error,
                Code::RecipientRefused,
                format!("{place} does not take this recipient"),
            );
            // A mailbox that is not there does not come to be by asking again.
            if error.is_permanent() {
                it.verdict = Verdict::Final;
            }
            it
        })?;
        let not_taken = |error: &SmtpError| {
            self.refused(error, Code::SmtpStatus, format!("{place} does not take the message"))
        };
        connection.command(Data).await.map_err(|it| not_taken(&it))?;
        let taken = connection.message(bytes).await.map_err(|it| not_taken(&it))?;
        // It is taken; how the connection ends changes nothing.
        let _ = connection.quit().await;
        Ok(taken.code().into())
    }

    /// A connection that is encrypted and signed in, as the settings say.
    async fn connect(&self) -> Result<AsyncSmtpConnection, AttemptFailure> {
        let (settings, place) = (&self.settings, self.place());
        let wrapped = match settings.tls {
            SmtpTls::Tls => Some(self.tls()?),
            SmtpTls::Starttls | SmtpTls::None => None,
        };
        let server = (settings.host.as_str(), self.port());
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(STEP), &self.hello, wrapped, None)
                .await
                .map_err(|it| self.unreached(&it))?;
        if settings.tls == SmtpTls::Starttls {
            if !connection.can_starttls() {
                let said = format!(
                    "{place} does not offer STARTTLS; NALABO_SMTP_TLS says how it is encrypted."
                );
                return Err(failure(Code::Tls, said, None));
            }
            connection
                .starttls(self.tls()?, &self.hello)
                .await
                .map_err(|it| self.unreached(&it))?;
        }
        if let (Some(user), Some(password)) = (&settings.username, &settings.password) {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await.map_err(
                |it| {
                    self.refused(
                        &it,
                        Code::SmtpAuth,
                        format!("{place} refuses the user or the password"),
                    )
                },
            )?;
        }
        Ok(connection)
    }

    fn tls(&self) -> Result<TlsParameters, AttemptFailure> {
        let mut builder = TlsParameters::builder(self.settings.host.clone());
        for it in &self.authorities {
            builder = builder.add_root_certificate(it.clone());
        }
        builder.build_rustls().map_err(|_| {
            let said = "NALABO finds no certificate authorities on its system.".to_owned();
            failure(Code::Tls, said, None)
        })
    }

    /// The server was not reached, or not in a way to be trusted.
    fn unreached(&self, error: &SmtpError) -> AttemptFailure {
        let place = self.place();
        let io = std::iter::successors(error.source(), |it| (*it).source())
            .find_map(|it| it.downcast_ref::<std::io::Error>());
        let is_tls = error.is_tls()
            || io.is_some_and(|it| it.get_ref().is_some_and(|it| it.is::<rustls::Error>()));
        if is_tls {
            let said = format!(
                "{place} shows no certificate that is to be trusted; name a private authority in \
                 NALABO_CA_FILE, and compare NALABO_SMTP_HOST with the name in it."
            );
            return failure(Code::Tls, said, None);
        }
        match io.map(std::io::Error::kind) {
            Some(std::io::ErrorKind::ConnectionRefused) => {
                let said = format!("{place} refuses connections: nothing listens on that port.");
                failure(Code::Refused, said, None)
            }
            _ if error.is_timeout() => self.silence(),
            _ if error.status().is_some() => {
                self.refused(error, Code::SmtpStatus, format!("{place} does not serve us"))
            }
            _ => {
                let said = format!("{place} is not reached, or cut the connection.");
                failure(Code::Reset, said, None)
            }
        }
    }

    /// The server said no, or nothing, at a later step.
    fn refused(&self, error: &SmtpError, code: Code, said: String) -> AttemptFailure {
        match error.status() {
            Some(status) => {
                let number = u16::from(status);
                failure(code, format!("{said} ({number})."), Some(number))
            }
            None if error.is_timeout() => self.silence(),
            None if error.is_client() => failure(code, format!("{said}."), None),
            None => failure(Code::Reset, format!("{} cut the connection.", self.place()), None),
        }
    }

    fn silence(&self) -> AttemptFailure {
        let said = format!("{} did not answer in time.", self.place());
        failure(Code::Timeout, said, None)
    }
}

fn failure(code: Code, said: String, response_status: Option<u16>) -> AttemptFailure {
    AttemptFailure { code, said, response_status, verdict: Verdict::Retry }
}

fn final_failure(code: Code, said: String, response_status: Option<u16>) -> AttemptFailure {
    AttemptFailure { verdict: Verdict::Final, ..failure(code, said, response_status) }
}

/// Reads an e-mail address that a person typed, in the plain form that every server takes.
pub(crate) fn address_parse(text: &str) -> Option<String> {
    let address: Address = text.trim().parse().ok()?;
    let text = address.to_string();
    (text.is_ascii() && text.len() <= 254).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> SmtpSettings {
        SmtpSettings {
            host: "mail.example".to_owned(),
            port: None,
            username: Some("nalabo".to_owned()),
            password: Some("smtp-secret-password".into()),
            from: "NALABO <nalabo@example.org>".to_owned(),
            tls: SmtpTls::Starttls,
        }
    }

    #[test]
    fn settings_that_would_give_the_password_away_are_refused() {
        let clear = SmtpSettings { tls: SmtpTls::None, ..settings() };
        assert!(matches!(Mailer::new(clear, None), Err(SmtpRefusal::PasswordInTheClear)));
        let half = SmtpSettings { password: None, ..settings() };
        assert!(matches!(Mailer::new(half, None), Err(SmtpRefusal::HalfCredential)));
        let from = SmtpSettings { from: "nobody".to_owned(), ..settings() };
        assert!(matches!(Mailer::new(from, None), Err(SmtpRefusal::From)));
        let mailer = Mailer::new(settings(), None).expect("good settings");
        assert_eq!(mailer.place(), "mail.example:587");
        assert!(!format!("{mailer:?}").contains("secret"), "{mailer:?}");
    }

    #[test]
    fn an_address_is_read_as_every_server_takes_it() {
        assert_eq!(address_parse(" ada@example.org ").as_deref(), Some("ada@example.org"));
        for bad in ["", "ada", "ada@", "a b@example.org", "ada@example.org\r\nBcc: x@y.z", "é@x.fr"]
        {
            assert_eq!(address_parse(bad), None, "{bad:?}");
        }
    }
}
