//! Forms in which ContextForge's clients give values: one text or many, tags as texts or objects.

use domain::{Error, Problem, Secret, Visibility};
use engine::ownership::Wish;
use serde::{Deserialize, Deserializer};

/// A list of texts, or one text with commas.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "TextsForm")]
pub(crate) struct Texts(pub(crate) Vec<String>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a list of texts, or one text with commas between")]
enum TextsForm {
    Many(Vec<String>),
    One(String),
}

impl From<TextsForm> for Texts {
    fn from(form: TextsForm) -> Self {
        match form {
            TextsForm::Many(texts) => Self(texts),
            TextsForm::One(text) => {
                let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
                Self(words.map(str::to_owned).collect())
            }
        }
    }
}

/// Tags: texts, or objects with a `label` or an `id`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Vec<TagForm>")]
pub(crate) struct Tags(pub(crate) Vec<String>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text, or an object with a label")]
enum TagForm {
    Text(String),
    Object { label: Option<String>, id: Option<String> },
}

impl From<Vec<TagForm>> for Tags {
    fn from(forms: Vec<TagForm>) -> Self {
        let text = |form| match form {
            TagForm::Text(text) => Some(text),
            TagForm::Object { label, id } => label.or(id),
        };
        Self(forms.into_iter().filter_map(text).collect())
    }
}

/// A secret text.
pub(crate) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret<String>>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
}

/// What a body says of ownership: in the wrapper, or in the object itself.
pub(crate) fn wish(
    visibility: Option<Visibility>,
    team_id: Option<String>,
    inner: (Option<Visibility>, Option<String>),
) -> Wish {
    Wish { visibility: visibility.or(inner.0), team_id: team_id.or(inner.1) }
}

/// Puts the name of the wrapper before the fields of an error.
pub(crate) fn inside(wrapper: &str, error: Error) -> Error {
    match error {
        Error::Invalid(problems) => {
            let moved =
                |problem: Problem| Problem { field: format!("{wrapper}.{}", problem.field), ..problem };
            Error::Invalid(problems.into_iter().map(moved).collect())
        }
        Error::Content(mut violations) => {
            for found in &mut violations {
                found.field = format!("{wrapper}.{}", found.field);
            }
            Error::Content(violations)
        }
        other => other,
    }
}

/// `?activate=` of the routes that switch things on and off.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Switch {
    /// On, which is the default, or off.
    #[serde(default = "on")]
    pub(crate) activate: bool,
}

fn on() -> bool {
    true
}

/// `?include_inactive=`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Inactive {
    /// Also what is switched off.
    pub(crate) include_inactive: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_as_lists_or_with_commas() {
        let of = |text: &str| serde_json::from_str::<Texts>(text).map(|texts| texts.0);
        assert_eq!(of(r#"["a","b"]"#).unwrap(), ["a", "b"]);
        assert_eq!(of(r#""a, b,""#).unwrap(), ["a", "b"]);
        assert!(of("7").unwrap_err().to_string().contains("list of texts"));
    }

    #[test]
    fn tags_come_as_texts_or_objects() {
        let tags: Tags = serde_json::from_str(r#"["a",{"id":"b","label":"B"},{"id":"c"}]"#).unwrap();
        assert_eq!(tags.0, ["a", "B", "c"]);
    }

    #[test]
    fn fields_of_a_wrapped_object_are_named_with_their_wrapper() {
        let Error::Invalid(problems) = inside("server", Error::invalid("name", "m")) else {
            panic!("invalid")
        };
        assert_eq!(problems[0].field, "server.name");
    }
}
