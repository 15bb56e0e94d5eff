//! What this process remembers of people between requests: tries, uses of sessions, and whom a proxy vouched for.
//!
//! Nothing here is needed after a restart, and nothing here decides what another replica would decide differently
//! for longer than the sequences take.

use std::time::Duration;

use super::{activity::Activity, limiter::Limiter, outbox::Outbox};
use crate::{authn::Admitted, settings::Settings};

const MINUTE: Duration = Duration::from_mins(1);

/// What is remembered.
pub(crate) struct PeopleState {
    /// Failed logins, by account and by client.
    pub(crate) logins: Limiter,
    /// Requests for reset links, by address and by client.
    pub(crate) resets: Limiter,
    /// Mails about invitations, by address.
    pub(crate) invitations: Limiter,
    /// Registrations, by client.
    pub(crate) registrations: Limiter,
    /// Refreshes, by person.
    pub(crate) refreshes: Limiter,
    /// When sessions were used.
    pub(crate) activity: Activity,
    /// People who came in without a token, and the identity sequence that they were looked up under.
    pub(crate) recognised: moka::sync::Cache<String, (i64, Admitted)>,
    /// Letters on their way.
    pub(crate) outbox: Outbox,
}

impl PeopleState {
    /// For these settings.
    pub(crate) fn new(settings: &Settings, mailer: Option<upstream::mail::Mailer>) -> Self {
        let people = &settings.people;
        let window = Duration::from_secs(people.passwords.reset_window_minutes.saturating_mul(60).max(60));
        Self {
            logins: Limiter::new(people.entry.login_limit, MINUTE),
            resets: Limiter::new(people.passwords.reset_limit, window),
            invitations: Limiter::new(people.passwords.reset_limit, window),
            registrations: Limiter::new(people.entry.login_limit, MINUTE),
            refreshes: Limiter::new(people.sessions.refresh_limit, MINUTE),
            activity: Activity::new(&people.sessions, settings.auth.token_expiry),
            recognised: moka::sync::Cache::builder().max_capacity(10_000).build(),
            outbox: Outbox::new(mailer),
        }
    }
}
