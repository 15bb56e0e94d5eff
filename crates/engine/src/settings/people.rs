//! Settings of people: how they come in, how long they stay, what their passwords are like.
//!
//! Names and defaults are ContextForge's. One default differs: an administrator whose first password the operator
//! chose does not have to change it, because `/auth/login` enforces such changes here and would turn away every
//! script that logs in after an installation; a password that everybody knows has to be changed all the same.

use domain::{Env, Secret, Setting};

domain::settings! {
    /// Sessions: what a login gives.
    SessionSettings {
        /// Minutes without a request after which a session ends. Matters where it is less than TOKEN_EXPIRY.
        idle_minutes: u64 = "TOKEN_IDLE_TIMEOUT", default "60";
        /// Minutes that a session lasts at most, however often it is refreshed; 0 for no such end.
        max_lifetime_minutes: u64 = "SESSION_MAX_LIFETIME", default "480";
        /// Refreshes of one person in a minute.
        refresh_limit: u32 = "SESSION_REFRESH_RATE_LIMIT", default "10";
        /// Seconds before the end at which a page should warn; told by `/auth/validate`.
        warning_seconds: u64 = "SESSION_WARNING_TIME", default "60";
        /// Seconds before the end at which a page should refresh; told by `/auth/validate`.
        refresh_buffer_seconds: u64 = "SESSION_REFRESH_BUFFER", default "300";
        /// Notice when sessions are used, which TOKEN_IDLE_TIMEOUT needs.
        activity_tracking: bool = "SESSION_ACTIVITY_TRACKING", default "true";
        /// Key of the tokens against forged requests of pages; derived from AUTH_ENCRYPTION_SECRET when not set.
        csrf_secret: Option<Secret<String>> = "CSRF_SECRET_KEY";
        /// Seconds after which a page needs a new such token; the one before is good as long again.
        csrf_seconds: u64 = "CSRF_TOKEN_EXPIRY", default "3600";
    }
}

domain::settings! {
    /// What passwords are like, and what happens when one is lost.
    PasswordSettings {
        /// Hold new passwords against every rule. `false` leaves PASSWORD_MIN_LENGTH alone.
        policy_enabled: bool = "PASSWORD_POLICY_ENABLED", default "true";
        /// Characters of any password at least.
        min_length: usize = "PASSWORD_MIN_LENGTH", default "8";
        /// Refuse former passwords.
        prevent_reuse: bool = "PASSWORD_PREVENT_REUSE", default "true";
        /// How many former passwords are remembered.
        history_count: u32 = "PASSWORD_HISTORY_COUNT", default "5";
        /// Days after which a password has to be changed; 0 for never.
        max_age_days: u64 = "PASSWORD_MAX_AGE_DAYS", default "90";
        /// Refuse a login until a password that has to be changed is changed.
        change_enforced: bool = "PASSWORD_CHANGE_ENFORCEMENT_ENABLED", default "true";
        /// The password that guides print: whoever logs in with it has to change it.
        default_password: Secret<String> = "DEFAULT_USER_PASSWORD", default "changeme";
        /// Look for that password at each login.
        detect_default: bool = "DETECT_DEFAULT_PASSWORD_ON_LOGIN", default "true";
        /// Demand a change where it is found.
        change_default: bool = "REQUIRE_PASSWORD_CHANGE_FOR_DEFAULT_PASSWORD", default "true";
        /// Whether the first administrator has to change the password that PLATFORM_ADMIN_PASSWORD gives. A generated one need not be changed.
        change_bootstrap: bool = "ADMIN_REQUIRE_PASSWORD_CHANGE_ON_BOOTSTRAP", default "false";
        /// Let people who lost their password ask for a link. It is sent where SMTP is configured; without, an operator makes one with `contextforge user reset-password`.
        reset_enabled: bool = "PASSWORD_RESET_ENABLED", default "true";
        /// Minutes that such a link is good.
        reset_minutes: u64 = "PASSWORD_RESET_TOKEN_EXPIRY_MINUTES", default "60";
        /// Requests for a link, for one address and from one client, in the window below.
        reset_limit: u32 = "PASSWORD_RESET_RATE_LIMIT", default "5";
        /// Minutes of that window.
        reset_window_minutes: u64 = "PASSWORD_RESET_RATE_WINDOW_MINUTES", default "15";
    }
}

domain::settings! {
    /// Ways to come in.
    EntrySettings {
        /// Let anybody make an account. Otherwise administrators make them. With a mail server the account is opened by a
        /// link in a letter, and the answer is the same for every address; without one it counts at once, and an address
        /// that has an account already is refused, which shows that it has one.
        public_registration: bool = "PUBLIC_REGISTRATION_ENABLED", default "false";
        /// Never lock administrators out for failed logins, so that nobody can do that to them.
        protect_admins: bool = "PROTECT_ALL_ADMINS", default "true";
        /// Failed logins in a minute, for one account and from one client, before further ones are refused unread (429); 0 for no limit.
        login_limit: u32 = "RATE_LIMIT_LOGIN", default "10";
        /// Take Basic credentials for the REST API. They act as PLATFORM_ADMIN_EMAIL.
        api_basic: bool = "API_ALLOW_BASIC_AUTH", default "false";
        /// Take Basic credentials for `/docs`, `/redoc` and `/openapi.json`.
        docs_basic: bool = "DOCS_ALLOW_BASIC_AUTH", default "false";
        /// The user of Basic credentials.
        basic_user: String = "BASIC_AUTH_USER", default "admin";
        /// The password of Basic credentials.
        basic_password: Secret<String> = "BASIC_AUTH_PASSWORD", default "changeme";
    }
}

/// Everything about people.
#[derive(Debug, Clone)]
pub struct PeopleSettings {
    /// How long they stay.
    pub sessions: SessionSettings,
    /// Their passwords.
    pub passwords: PasswordSettings,
    /// How they come in.
    pub entry: EntrySettings,
}

impl PeopleSettings {
    /// What every section is for, and its settings.
    pub fn sections() -> [(&'static [&'static str], &'static [Setting]); 3] {
        [
            (SessionSettings::ABOUT, SessionSettings::REFERENCE),
            (PasswordSettings::ABOUT, PasswordSettings::REFERENCE),
            (EntrySettings::ABOUT, EntrySettings::REFERENCE),
        ]
    }

    /// Reads every section; what is wrong is noted in `env`, what is risky in `remarks`.
    pub fn read(env: &mut Env, production: bool, remarks: &mut Vec<String>) -> Option<Self> {
        let sessions = SessionSettings::read(env);
        let passwords = PasswordSettings::read(env);
        let entry = EntrySettings::read(env);
        let settings = Self { sessions: sessions?, passwords: passwords?, entry: entry? };
        let before = env.problems.len();
        settings.check(env, production, remarks);
        (env.problems.len() == before).then_some(settings)
    }

    fn check(&self, env: &mut Env, production: bool, remarks: &mut Vec<String>) {
        let sessions = &self.sessions;
        for (name, value) in [
            ("CSRF_TOKEN_EXPIRY", sessions.csrf_seconds),
            ("PASSWORD_RESET_TOKEN_EXPIRY_MINUTES", self.passwords.reset_minutes),
        ] {
            if value == 0 {
                env.problem(name, "must be at least 1");
            }
        }
        if sessions.max_lifetime_minutes == 0 {
            remarks.push("SESSION_MAX_LIFETIME=0: a stolen session can be refreshed for ever".to_owned());
        }
        if sessions.csrf_secret.as_ref().is_some_and(|secret| secret.expose().chars().count() < 32) {
            env.problem("CSRF_SECRET_KEY", "is shorter than 32 characters");
        }
        let entry = &self.entry;
        let password = entry.basic_password.expose();
        let weak = password == self.passwords.default_password.expose()
            || password.eq_ignore_ascii_case("changeme")
            || password.chars().count() < 12;
        if weak && (entry.api_basic || entry.docs_basic) {
            let why = "is a default or shorter than 12 characters, and Basic authentication is switched on";
            if production {
                env.problem("BASIC_AUTH_PASSWORD", why);
            } else {
                remarks.push(format!("BASIC_AUTH_PASSWORD {why}"));
            }
        }
        if production && entry.basic_user == "admin" && (entry.api_basic || entry.docs_basic) {
            remarks.push("BASIC_AUTH_USER is the default; choose another name".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)], production: bool) -> (bool, Vec<String>, Vec<String>) {
        let mut env = Env::new(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut remarks = Vec::new();
        let read = PeopleSettings::read(&mut env, production, &mut remarks).is_some();
        (read, env.problems.into_iter().map(|problem| problem.field).collect(), remarks)
    }

    #[test]
    fn weak_basic_credentials_do_not_start_in_production() {
        assert!(read(&[], true).0, "they are switched off");
        let on = [("API_ALLOW_BASIC_AUTH", "true")];
        assert_eq!(read(&on, true).1, ["BASIC_AUTH_PASSWORD"]);
        let (started, _, remarks) = read(&on, false);
        assert!(started && remarks[0].starts_with("BASIC_AUTH_PASSWORD"), "{remarks:?}");
        let strong = [("DOCS_ALLOW_BASIC_AUTH", "true"), ("BASIC_AUTH_PASSWORD", "a-long-enough-word")];
        assert!(read(&strong, true).0);
    }

    #[test]
    fn lifetimes_of_nothing_are_refused() {
        let zero = [("CSRF_TOKEN_EXPIRY", "0"), ("CSRF_SECRET_KEY", "short")];
        assert_eq!(read(&zero, false).1, ["CSRF_TOKEN_EXPIRY", "CSRF_SECRET_KEY"]);
        let (started, _, remarks) = read(&[("SESSION_MAX_LIFETIME", "0")], true);
        assert!(started && remarks[0].contains("for ever"), "as in ContextForge: {remarks:?}");
    }
}
