//! Mail, through the one server that the operator names. The only other way out of the process than [`crate::egress`];
//! its address is configuration and never comes from a request.
//!
//! Nobody waits for a delivery: a server that is slow or gone costs a log line, not a request.

use std::time::Duration;

use domain::{Env, Error, Result, Secret};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};

/// How long a delivery may take.
const PATIENCE: Duration = Duration::from_secs(20);

domain::settings! {
    /// The mail server, for links that reset passwords and for invitations.
    MailSettings {
        /// Send mail.
        enabled: bool = "SMTP_ENABLED", default "false";
        /// Name of the mail server.
        host: Option<String> = "SMTP_HOST";
        /// Its port.
        port: u16 = "SMTP_PORT", default "587";
        /// User to log in as.
        user: Option<String> = "SMTP_USER";
        /// Password to log in with.
        password: Option<Secret<String>> = "SMTP_PASSWORD";
        /// Address that mail comes from.
        from_email: Option<String> = "SMTP_FROM_EMAIL";
        /// Name that mail comes from.
        from_name: String = "SMTP_FROM_NAME", default "ContextForge";
        /// Begin in the clear and demand TLS (STARTTLS).
        use_tls: bool = "SMTP_USE_TLS", default "true";
        /// TLS from the first byte, as on port 465; takes precedence.
        use_ssl: bool = "SMTP_USE_SSL", default "false";
    }
}

impl MailSettings {
    /// Reads the section, and checks that what is switched on can work.
    pub fn read_checked(env: &mut Env, production: bool, remarks: &mut Vec<String>) -> Option<Self> {
        let settings = Self::read(env)?;
        if !settings.enabled {
            return Some(settings);
        }
        let before = env.problems.len();
        if settings.host.is_none() {
            env.problem("SMTP_HOST", "is required where SMTP_ENABLED is on");
        }
        let from = settings.from_email.as_deref().map(|text| domain::name::email("SMTP_FROM_EMAIL", text));
        match from {
            None => env.problem("SMTP_FROM_EMAIL", "is required where SMTP_ENABLED is on"),
            Some(Err(problem)) => env.problem("SMTP_FROM_EMAIL", problem.message),
            Some(Ok(_)) => {}
        }
        if !settings.use_tls && !settings.use_ssl {
            let why = "is off, and SMTP_USE_SSL too: links that reset passwords travel in the clear";
            if production {
                env.problem("SMTP_USE_TLS", why);
            } else {
                remarks.push(format!("SMTP_USE_TLS {why}"));
            }
        }
        (env.problems.len() == before).then_some(settings)
    }
}

/// Sends mail. Cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mailer {
    /// The mailer of these settings; none where mail is switched off.
    pub fn new(settings: &MailSettings) -> Result<Option<Self>> {
        let (true, Some(host), Some(from)) = (settings.enabled, &settings.host, &settings.from_email) else {
            return Ok(None);
        };
        let parameters = || TlsParameters::new(host.clone()).map_err(Error::internal);
        let tls = match (settings.use_ssl, settings.use_tls) {
            (true, _) => Tls::Wrapper(parameters()?),
            (false, true) => Tls::Required(parameters()?),
            (false, false) => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(settings.port)
            .timeout(Some(PATIENCE))
            .tls(tls);
        if let (Some(user), Some(password)) = (&settings.user, &settings.password) {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().clone()));
        }
        let address =
            from.parse().map_err(|_| Error::invalid("SMTP_FROM_EMAIL", "must be an e-mail address"))?;
        let from = Mailbox::new(Some(settings.from_name.clone()), address);
        Ok(Some(Self { transport: builder.build(), from }))
    }

    /// Sends a plain text. The error names no address and repeats nothing of the text.
    #[crate::boxed]
    pub async fn send(&self, to: &str, subject: &str, text: &Secret<String>) -> Result<()> {
        let to = to.parse().map_err(|_| Error::upstream("the address is none that mail can be sent to"))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(text.expose().clone())
            .map_err(|_| Error::upstream("the message could not be written"))?;
        let sending = tokio::time::timeout(PATIENCE, self.transport.send(message)).await;
        let late = |_| Error::Upstream { message: "the mail server took too long".to_owned(), timeout: true };
        match sending.map_err(late)? {
            Ok(_) => Ok(()),
            Err(error) => {
                // What a server says may repeat the recipient; it goes to the log alone.
                tracing::debug!(%error, "the mail server refused");
                Err(Error::upstream("the mail server did not take the message"))
            }
        }
    }
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mailer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)], production: bool) -> Result<MailSettings, Vec<String>> {
        let mut env = Env::new(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let settings = MailSettings::read_checked(&mut env, production, &mut Vec::new());
        settings.ok_or_else(|| env.problems.into_iter().map(|problem| problem.field).collect())
    }

    #[test]
    fn mail_is_off_until_it_can_work() {
        assert!(Mailer::new(&read(&[], true).unwrap()).unwrap().is_none());
        assert_eq!(read(&[("SMTP_ENABLED", "true")], false).unwrap_err(), ["SMTP_HOST", "SMTP_FROM_EMAIL"]);
        let full =
            [("SMTP_ENABLED", "true"), ("SMTP_HOST", "mail.example.com"), ("SMTP_FROM_EMAIL", "a@b.c")];
        assert!(Mailer::new(&read(&full, true).unwrap()).unwrap().is_some());
        let mut clear = full.to_vec();
        clear.push(("SMTP_USE_TLS", "false"));
        assert!(read(&clear, false).is_ok());
        assert_eq!(read(&clear, true).unwrap_err(), ["SMTP_USE_TLS"]);
    }
}
