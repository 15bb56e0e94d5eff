//! Splitting an object text into members, and the checks on their names.

use std::{borrow::Cow, collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::JsonError;

/// Below this many members, comparing each with each is cheaper than hashing them.
const COMPARE_UP_TO: usize = 16;

type Member<'a> = (Cow<'a, str>, Cow<'a, RawValue>);

/// The members of one object text; whatever is not exactly one object is refused.
pub(super) fn split(text: &str) -> Result<Vec<Member<'_>>, JsonError> {
    let first = text.bytes().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    if first != Some(b'{') {
        // Malformed text is reported as such, whatever it begins with.
        serde_json::from_str::<&RawValue>(text).map_err(malformed)?;
        return Err(JsonError::NotAnObject);
    }
    let Members(members) = serde_json::from_str(text).map_err(malformed)?;
    match duplicate(&members) {
        Some(name) => Err(JsonError::Duplicate(name.to_owned())),
        None => Ok(members),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is the argument of map_err")]
fn malformed(error: serde_json::Error) -> JsonError {
    JsonError::Malformed(error.to_string())
}

fn duplicate<'m>(members: &'m [Member<'_>]) -> Option<&'m str> {
    if members.len() <= COMPARE_UP_TO {
        let mut rest = members;
        while let [(name, _), others @ ..] = rest {
            if others.iter().any(|(other, _)| other == name) {
                return Some(name);
            }
            rest = others;
        }
        return None;
    }
    let mut seen = HashSet::with_capacity(members.len());
    members.iter().map(|(name, _)| name.as_ref()).find(|name| !seen.insert(*name))
}

/// The known name that `found` equals when case is folded, unless it is that very name.
pub(super) fn imitates(found: &str, known: &[&'static str]) -> Option<&'static str> {
    if known.contains(&found) {
        return None;
    }
    let folded = |c: char| match c {
        'ſ' => 's',
        '\u{212A}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    known
        .iter()
        .copied()
        .find(|name| found.chars().map(folded).eq(name.chars().map(|c| c.to_ascii_lowercase())))
}

struct Members<'a>(Vec<Member<'a>>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(4);
        while let Some(Name(name)) = map.next_key()? {
            members.push((name, Cow::Borrowed(map.next_value::<&'de RawValue>()?)));
        }
        Ok(Members(members))
    }
}

/// A member name, borrowed unless it contains escapes (`"tools\/call"` is legal).
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Name(Cow::Owned(name.to_owned())))
    }
}
