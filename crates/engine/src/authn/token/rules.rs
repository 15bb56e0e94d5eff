//! What the claims of a token must be, apart from its signature: in time, for this gateway, for this environment.
//!
//! `exp` is exact. `nbf` and `iat` may lie a few seconds in the future (`JWT_LEEWAY_SECONDS`), since clocks of
//! issuers differ. Which check failed goes to the log only.

use domain::Timestamp;

use super::Claims;
use crate::settings::{AuthSettings, Environment, TokenEnvironment};

/// The checks as configured.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) settings: AuthSettings,
    pub(super) environment: Environment,
}

impl Rules {
    /// Whether claims count now; why not, for the log.
    pub(super) fn check(&self, claims: &Claims, now: Timestamp) -> Result<(), &'static str> {
        self.in_time(claims, now.seconds())?;
        if self.settings.require_jti && claims.jti.as_deref().is_none_or(str::is_empty) {
            return Err("no jti");
        }
        let ours = claims.iss.as_ref() == Some(&self.settings.jwt_issuer);
        if self.settings.jwt_issuer_verification && !ours {
            return Err("wrong iss");
        }
        let audience = &self.settings.jwt_audience;
        let meant = || claims.aud.as_ref().is_some_and(|aud| aud.has(audience));
        if self.settings.jwt_audience_verification && !meant() {
            return Err("wrong aud");
        }
        if !matches!(claims.token_use.as_deref(), None | Some("session" | "api")) {
            return Err("unknown token_use");
        }
        self.in_environment(claims, ours)
    }

    fn in_time(&self, claims: &Claims, now: i64) -> Result<(), &'static str> {
        let soon = now.saturating_add(i64::from(self.settings.jwt_leeway_seconds));
        match claims.exp {
            Some(exp) if exp <= now => return Err("expired"),
            None if self.settings.require_token_expiration => return Err("no exp"),
            _ => {}
        }
        if claims.nbf.is_some_and(|nbf| nbf > soon) {
            return Err("not valid yet");
        }
        if claims.iat.is_some_and(|iat| iat > soon) {
            return Err("issued in the future");
        }
        Ok(())
    }

    fn in_environment(&self, claims: &Claims, ours: bool) -> Result<(), &'static str> {
        match (&claims.env, self.settings.require_token_environment) {
            (Some(env), _) if self.settings.validate_environment && env != self.environment.as_str() => {
                Err("made for another environment")
            }
            (None, TokenEnvironment::All) => Err("no env"),
            (None, TokenEnvironment::Gateway) if ours => Err("no env, and it is the gateway's own"),
            _ => Ok(()),
        }
    }
}
