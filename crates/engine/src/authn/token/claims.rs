//! The claims of a token, typed. A claim with the wrong JSON type refuses the token; nothing is coerced.
//!
//! The whole payload is looked through for names that occur twice, at any depth: two readers that disagree about
//! which of them counts would see two different tokens.

use std::{collections::BTreeMap, fmt};

use protocol::json::{self, RawObject};
use serde::{
    Deserialize, Serialize,
    de::{Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;

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

impl Claims {
    /// Reads a payload: one JSON object whose names are distinct at every depth, with claims of the right types.
    pub(super) fn read(payload: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(payload).map_err(|_| "claims are not text")?;
        let object = RawObject::parse(text).map_err(|_| "claims are not an object with distinct names")?;
        object.iter().try_for_each(|(_, value)| distinct(value))?;
        serde_json::from_str(text).map_err(|_| "a claim has the wrong type")
    }
}

/// Refuses objects with a name that occurs twice, at every depth. The depth was limited when the text was split.
fn distinct(value: &RawValue) -> Result<(), &'static str> {
    if json::is_object(value) {
        let object = RawObject::parse(value).map_err(|_| "a name occurs twice inside a claim")?;
        object.iter().try_for_each(|(_, value)| distinct(value))
    } else if value.get().starts_with('[') {
        json::elements(value).unwrap_or_default().into_iter().try_for_each(distinct)
    } else {
        Ok(())
    }
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
    pub(super) fn has(&self, wanted: &str) -> bool {
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

/// Reads a list of texts, or a list of objects with an `id`; a mixture is refused, and so is anything else.
impl<'de> Deserialize<'de> for Teams {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TeamsVisitor)
    }
}

struct TeamsVisitor;

impl<'de> Visitor<'de> for TeamsVisitor {
    type Value = Teams;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, or a list of team ids")
    }

    fn visit_unit<E: Error>(self) -> Result<Teams, E> {
        Ok(Teams::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Teams, A::Error> {
        let mut ids = Vec::new();
        let mut as_objects = None;
        while let Some(Team { id, object }) = entries.next_element()? {
            if *as_objects.get_or_insert(object) != object {
                return Err(A::Error::custom("team ids are texts or objects, and not both"));
            }
            ids.push(id);
        }
        Ok(Teams::List(ids))
    }
}

/// One entry of the list, and whether it was an object.
struct Team {
    id: String,
    object: bool,
}

impl<'de> Deserialize<'de> for Team {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TeamVisitor)
    }
}

struct TeamVisitor;

impl<'de> Visitor<'de> for TeamVisitor {
    type Value = Team;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a team id")
    }

    fn visit_str<E: Error>(self, id: &str) -> Result<Team, E> {
        Ok(Team { id: id.to_owned(), object: false })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Team, A::Error> {
        #[derive(Deserialize)]
        struct Object {
            id: String,
        }
        let Object { id } = Object::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Team { id, object: true })
    }
}

/// Reads a claim that is an object or `null`. A derived reader would also take a list, value by value.
fn object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_any(ObjectVisitor(std::marker::PhantomData))
}

struct ObjectVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Some)
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
