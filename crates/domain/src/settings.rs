//! Settings: declared once, read with every problem reported, documented from the same words.
//!
//! A crate declares its section with [`settings!`](crate::settings!); the binary fills an [`Env`] from the process environment and
//! reads all sections before it reports, so that an operator sees every mistake in one start.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    str::FromStr,
};

use crate::{error::Problem, secret::Secret};

/// What the reference table says of one setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The name of the environment variable.
    pub env: &'static str,
    /// The type that it is parsed to.
    pub kind: &'static str,
    /// The default; `None` where there is none.
    pub default: Option<&'static str>,
    /// What it does.
    pub doc: &'static [&'static str],
}

/// The variables that the process was started with, and what was wrong with those read so far.
#[derive(Debug, Default)]
pub struct Env {
    vars: BTreeMap<String, Secret<String>>,
    asked: BTreeSet<String>,
    /// Everything that was wrong.
    pub problems: Vec<Problem>,
}

impl Env {
    /// Takes the variables. Names count without regard to case, as in ContextForge.
    pub fn new(vars: impl IntoIterator<Item = (String, String)>) -> Self {
        let vars =
            vars.into_iter().map(|(name, value)| (name.to_ascii_uppercase(), Secret::new(value))).collect();
        Self { vars, ..Self::default() }
    }

    /// The text of a variable, if it is set and not blank.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.asked.insert(name.to_owned());
        self.vars.get(name).map(|value| value.expose().clone()).filter(|value| !value.trim().is_empty())
    }

    /// Sets a variable that is not set, for example from a generated secret.
    pub fn set_default(&mut self, name: &str, value: String) {
        self.vars.entry(name.to_owned()).or_insert_with(|| Secret::new(value));
    }

    /// Reads one setting. A problem is noted and gives `None`.
    pub fn read<T: Value>(&mut self, name: &str, default: Option<&str>) -> Option<T> {
        let raw = self.text(name).or_else(|| default.map(str::to_owned));
        match T::parse(raw.as_deref()) {
            Ok(value) => Some(value),
            Err(message) => {
                self.problem(name, message);
                None
            }
        }
    }

    /// Notes that a setting is wrong.
    pub fn problem(&mut self, name: &str, message: impl Into<String>) {
        self.problems.push(Problem { field: name.to_owned(), message: message.into() });
    }

    /// The names that are set and that nothing asked for.
    pub fn unasked(&self) -> impl Iterator<Item = &str> {
        self.vars.keys().filter(|name| !self.asked.contains(*name)).map(String::as_str)
    }
}

/// A type that a setting can have.
pub trait Value: Sized {
    /// Parses the text; `None` where the variable is not set and has no default.
    fn parse(raw: Option<&str>) -> Result<Self, String>;
}

fn required<T: FromStr<Err: Display>>(raw: Option<&str>) -> Result<T, String> {
    raw.ok_or("is required")?.trim().parse().map_err(|e: T::Err| e.to_string())
}

macro_rules! plain_values { ($($t:ty),*) => { $(impl Value for $t { fn parse(raw: Option<&str>) -> Result<Self, String> { required(raw) } })* } }
plain_values!(u16, u32, u64, usize, i64, f64, std::net::IpAddr);

impl Value for String {
    fn parse(raw: Option<&str>) -> Result<Self, String> {
        Ok(raw.ok_or("is required")?.to_owned())
    }
}

impl Value for Secret<String> {
    fn parse(raw: Option<&str>) -> Result<Self, String> {
        Ok(Self::new(raw.ok_or("is required")?.to_owned()))
    }
}

impl Value for bool {
    /// The words that ContextForge accepts.
    fn parse(raw: Option<&str>) -> Result<Self, String> {
        match raw.ok_or("is required")?.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" | "t" | "y" => Ok(true),
            "false" | "0" | "no" | "off" | "f" | "n" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        }
    }
}

impl<T: Value> Value for Option<T> {
    fn parse(raw: Option<&str>) -> Result<Self, String> {
        raw.map(|text| T::parse(Some(text))).transpose()
    }
}

/// A list, written as JSON (`["a","b"]`) or with commas (`a,b`), as in ContextForge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List<T>(pub Vec<T>);

impl<T: FromStr<Err: Display>> Value for List<T> {
    fn parse(raw: Option<&str>) -> Result<Self, String> {
        let text = raw.unwrap_or_default().trim();
        let words: Vec<String> = if text.starts_with('[') {
            serde_json::from_str(text).map_err(|e| format!("must be a JSON list of texts: {e}"))?
        } else {
            text.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
        };
        let parsed = words.iter().map(|word| word.parse().map_err(|e: T::Err| format!("{word:?}: {e}")));
        parsed.collect::<Result<_, _>>().map(Self)
    }
}

/// Declares one section of the settings: the struct, its reader and its reference table.
///
/// ```
/// domain::settings! {
///     /// Where the gateway listens.
///     Listen {
///         /// Address to bind.
///         host: std::net::IpAddr = "HOST", default "127.0.0.1";
///         /// Port to bind.
///         port: u16 = "PORT", default "4444";
///         /// File with the TLS certificate chain.
///         certificate: Option<String> = "CERT_FILE";
///     }
/// }
/// let mut env = domain::Env::new([("PORT".to_owned(), "80".to_owned())]);
/// assert_eq!(Listen::read(&mut env).map(|listen| listen.port), Some(80));
/// ```
#[macro_export]
macro_rules! settings {
    ($(#[doc = $sdoc:literal])* $name:ident { $( $(#[doc = $doc:literal])* $field:ident : $ty:ty = $env:literal $(, default $def:literal)? ; )* }) => {
        $(#[doc = $sdoc])*
        #[derive(Debug, Clone)]
        pub struct $name { $( $(#[doc = $doc])* pub $field: $ty, )* }

        impl $name {
            /// The reference table of this section.
            pub const REFERENCE: &'static [$crate::Setting] = &[ $( $crate::Setting {
                env: $env, kind: stringify!($ty), default: $crate::settings!(@default $($def)?), doc: &[$($doc),*],
            }, )* ];
            /// What the section is for.
            pub const ABOUT: &'static [&'static str] = &[$($sdoc),*];

            /// Reads every field, so that all problems are noted in `env`.
            pub fn read(env: &mut $crate::Env) -> Option<Self> {
                $( let $field = env.read::<$ty>($env, $crate::settings!(@default $($def)?)); )*
                Some(Self { $( $field: $field?, )* })
            }
        }
    };
    (@default) => { None };
    (@default $def:literal) => { Some($def) };
}

#[cfg(test)]
#[expect(unreachable_pub, reason = "settings! makes public items")]
mod tests {
    use super::*;

    crate::settings! {
        /// A section.
        Section {
            /// A number.
            number: u16 = "NUMBER", default "7";
            /// A list.
            list: List<u16> = "LIST";
            /// A switch.
            switch: bool = "SWITCH", default "true";
            /// A secret.
            secret: Secret<String> = "SECRET";
        }
    }

    fn env(vars: &[(&str, &str)]) -> Env {
        Env::new(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        let mut env = env(&[("NUMBER", "many"), ("SWITCH", "perhaps"), ("LIST", "1,x"), ("OTHER", "1")]);
        assert!(Section::read(&mut env).is_none());
        let fields: Vec<_> = env.problems.iter().map(|problem| problem.field.as_str()).collect();
        let declared: Vec<_> = Section::REFERENCE.iter().map(|setting| setting.env).collect();
        assert_eq!(fields, declared);
        assert_eq!((Section::ABOUT, Section::REFERENCE[0].default), (&[" A section."][..], Some("7")));
        assert_eq!(env.unasked().collect::<Vec<_>>(), ["OTHER"]);
    }

    #[test]
    fn lists_are_json_or_commas_and_names_ignore_case() {
        let mut env = env(&[("list", "[\"1\", \"2\"]"), ("secret", "s")]);
        let section = Section::read(&mut env).expect("nothing is wrong");
        assert_eq!((section.number, section.list.clone(), section.switch), (7, List(vec![1, 2]), true));
        assert_eq!(section.secret.expose(), "s");
        assert!(!format!("{section:?}").contains("\"s\""), "a secret does not print itself");
    }
}
