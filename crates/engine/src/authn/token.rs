//! JSON Web Tokens (RFC 7519): verified to typed claims, and minted.
//!
//! Exactly one algorithm is accepted, the configured one. A claim with the wrong JSON type refuses the token;
//! nothing is coerced. Which check failed is logged at debug level and never told to the caller.

use std::collections::BTreeMap;

use domain::{Clock, Error, Result, Secret, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::settings::{AuthSettings, Environment};

/// The claims that the gateway reads and writes. Others are ignored.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Claims {
    /// The user's id, or an e-mail address in tokens of older versions.
    pub sub: String,
    /// Issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// Audience; a list is accepted when it holds the configured one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aud: Option<Audience>,
    /// Issued at, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// Not before, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// Expiry, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// The token's id, by which it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// `session`, `api`, or absent in tokens of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_use: Option<String>,
    /// The environment that the token was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// Teams: absent, `null` and `[]` differ (contract, section 3).
    #[serde(default, skip_serializing_if = "Teams::is_absent")]
    pub teams: Teams,
    /// What the token is limited to.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "object")]
    pub scopes: Option<TokenScopes>,
    /// The person, in API and command-line tokens.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "object")]
    pub user: Option<TokenUser>,
    /// The e-mail address, in tokens of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The administrator flag, in tokens of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_admin: Option<bool>,
    /// The e-mail address once more, as the command line writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// When the session that this token continues began, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_start: Option<i64>,
    /// When the session was in use for certain, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_activity: Option<i64>,
}

/// `aud` is a text or a list of texts (RFC 7519, section 4.1.3).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Audience {
    fn has(&self, wanted: &str) -> bool {
        match self {
            Self::One(one) => one == wanted,
            Self::Many(many) => many.iter().any(|one| one == wanted),
        }
    }
}

/// The `teams` claim.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Teams {
    /// No such claim.
    #[default]
    Absent,
    /// `null`.
    Null,
    /// A list of team ids.
    List(Vec<String>),
}

impl Teams {
    fn is_absent(&self) -> bool {
        *self == Self::Absent
    }
}

impl Serialize for Teams {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent | Self::Null => serializer.serialize_none(),
            Self::List(ids) => ids.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Teams {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Entry {
            Id(String),
            Object { id: String },
        }
        let entries = Option::<Vec<Entry>>::deserialize(deserializer)?;
        Ok(entries.map_or(Self::Null, |entries| {
            let id = |entry| match entry {
                Entry::Id(id) | Entry::Object { id } => id,
            };
            Self::List(entries.into_iter().map(id).collect())
        }))
    }
}

/// Reads a claim that is an object or `null`. A derived reader would also take a list, value by value.
fn object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    match Option::<serde_json::Value>::deserialize(deserializer)? {
        None => Ok(None),
        Some(value @ serde_json::Value::Object(_)) => {
            serde_json::from_value(value).map(Some).map_err(serde::de::Error::custom)
        }
        Some(_) => Err(serde::de::Error::custom("must be an object")),
    }
}

/// The `scopes` claim.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TokenScopes {
    /// The only virtual server that the token is for.
    #[serde(default)]
    pub server_id: Option<String>,
    /// Permissions; empty means no further limit.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// Addresses and networks that the token may come from; empty means any.
    #[serde(default)]
    pub ip_restrictions: Vec<String>,
    /// When the token may be used; empty means always.
    #[serde(default)]
    pub time_restrictions: BTreeMap<String, serde_json::Value>,
    /// How often the token may be used; empty means no limit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub usage_limits: BTreeMap<String, serde_json::Value>,
}

/// The `user` claim.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TokenUser {
    /// E-mail address.
    pub email: String,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// Administrator flag; counts only together with the account's own.
    #[serde(default)]
    pub is_admin: bool,
    /// Who vouched: `local`, `api_token`, `cli`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_provider: Option<String>,
}

/// Verifies and mints tokens with the one configured algorithm.
pub struct TokenKeys {
    algorithm: Algorithm,
    decoding: DecodingKey,
    encoding: EncodingKey,
    audience: Option<String>,
    issuer: Option<String>,
    settings: AuthSettings,
    environment: Environment,
}

impl TokenKeys {
    /// Takes the keys from the settings.
    pub fn new(settings: &AuthSettings, environment: Environment) -> Result<Self> {
        let algorithm = match settings.jwt_algorithm.as_str() {
            "HS256" => Algorithm::HS256,
            "HS384" => Algorithm::HS384,
            "HS512" => Algorithm::HS512,
            _ => return Err(Error::invalid("JWT_ALGORITHM", "must be HS256, HS384 or HS512")),
        };
        let secret: &Secret<String> = &settings.jwt_secret_key;
        Ok(Self {
            algorithm,
            decoding: DecodingKey::from_secret(secret.expose().as_bytes()),
            encoding: EncodingKey::from_secret(secret.expose().as_bytes()),
            audience: settings.jwt_audience_verification.then(|| settings.jwt_audience.clone()),
            issuer: settings.jwt_issuer_verification.then(|| settings.jwt_issuer.clone()),
            settings: settings.clone(),
            environment,
        })
    }

    /// Verifies a token to its claims, or `Unauthenticated`.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims> {
        let refuse = |why: &str| {
            tracing::debug!(why, "token refused");
            Error::Unauthenticated("Invalid authentication credentials")
        };
        let header = jsonwebtoken::decode_header(token).map_err(|_| refuse("malformed header"))?;
        if header.jku.is_some() || header.jwk.is_some() || header.x5u.is_some() || header.x5c.is_some() {
            return Err(refuse("header names its own key"));
        }
        let mut validation = Validation::new(self.algorithm);
        // Times, issuer and audience are checked below, against our clock and with exact types.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        let data = jsonwebtoken::decode::<Claims>(token, &self.decoding, &validation)
            .map_err(|error| refuse(&format!("{:?}", error.kind())))?;
        self.check(&data.claims, now).map_err(refuse)?;
        Ok(data.claims)
    }

    fn check(&self, claims: &Claims, now: Timestamp) -> Result<(), &'static str> {
        let now = now.seconds();
        match claims.exp {
            Some(exp) if exp <= now => return Err("expired"),
            None if self.settings.require_token_expiration => return Err("no exp"),
            _ => {}
        }
        if claims.nbf.is_some_and(|nbf| nbf > now) {
            return Err("not valid yet");
        }
        if self.settings.require_jti && claims.jti.as_deref().is_none_or(str::is_empty) {
            return Err("no jti");
        }
        if self.issuer.as_ref().is_some_and(|issuer| claims.iss.as_ref() != Some(issuer)) {
            return Err("wrong iss");
        }
        if self
            .audience
            .as_ref()
            .is_some_and(|wanted| !claims.aud.as_ref().is_some_and(|aud| aud.has(wanted)))
        {
            return Err("wrong aud");
        }
        let other = |env: &String| env != self.environment.as_str();
        if self.settings.validate_environment && claims.env.as_ref().is_some_and(other) {
            return Err("made for another environment");
        }
        Ok(())
    }

    /// Signs claims. Issuer, audience, `iat`, a fresh `jti` and the environment are filled in where absent.
    pub fn mint(&self, mut claims: Claims, clock: &Clock) -> Result<Secret<String>> {
        let issued = clock.now().seconds();
        claims.iss.get_or_insert_with(|| self.settings.jwt_issuer.clone());
        claims.aud.get_or_insert_with(|| Audience::One(self.settings.jwt_audience.clone()));
        claims.iat.get_or_insert(issued);
        claims.jti.get_or_insert_with(new_token_id);
        if self.settings.embed_environment {
            claims.env.get_or_insert_with(|| self.environment.as_str().to_owned());
        }
        jsonwebtoken::encode(&Header::new(self.algorithm), &claims, &self.encoding)
            .map(Secret::new)
            .map_err(|_| Error::internal("the token could not be signed"))
    }
}

/// A fresh `jti`.
pub fn new_token_id() -> String {
    domain::id::UserId::random().as_str().to_owned()
}

#[cfg(test)]
mod tests;
