//! Layer 1: how large a text may be. Bytes, not characters, and checked before anything reads the text.

use domain::{Error, Problem, Result};

use crate::{settings::ContentSettings, verdict::Kind};

const RESOURCE_RANGE: (u64, u64) = (1_024, 10 * 1_024 * 1_024);
const PROMPT_RANGE: (u64, u64) = (512, 1_024 * 1_024);

/// The limits in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    resource: u64,
    prompt: u64,
}

impl Sizes {
    /// Takes the limits; a limit outside its range is a problem of the configuration.
    pub fn new(settings: &ContentSettings) -> Result<Self, Vec<Problem>> {
        let limits = [
            ("CONTENT_MAX_RESOURCE_SIZE", settings.max_resource_size, RESOURCE_RANGE),
            ("CONTENT_MAX_PROMPT_SIZE", settings.max_prompt_size, PROMPT_RANGE),
        ];
        let problems: Vec<Problem> = limits
            .into_iter()
            .filter(|(_, value, (least, most))| !(least..=most).contains(&value))
            .map(|(field, _, (least, most))| Problem {
                field: field.to_owned(),
                message: format!("must be between {least} and {most} bytes"),
            })
            .collect();
        let sizes = Self { resource: settings.max_resource_size, prompt: settings.max_prompt_size };
        if problems.is_empty() { Ok(sizes) } else { Err(problems) }
    }

    /// The limit for a kind of text. Definitions and metadata have limits of their own where they are parsed.
    pub const fn limit(&self, kind: Kind) -> Option<u64> {
        match kind {
            Kind::Resource => Some(self.resource),
            Kind::Prompt => Some(self.prompt),
            Kind::Tool | Kind::Metadata => None,
        }
    }

    /// Refuses a text above its limit and says both numbers.
    pub fn check(&self, kind: Kind, content: &[u8]) -> Result<()> {
        let actual = u64::try_from(content.len()).unwrap_or(u64::MAX);
        let what = match kind {
            Kind::Prompt => "Prompt template",
            _ => "Resource content",
        };
        match self.limit(kind) {
            Some(limit) if actual > limit => Err(Error::TooLarge { what, limit, actual }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    #[test]
    fn limits_are_bytes_and_inclusive() {
        let sizes = Sizes::new(&settings(&[])).unwrap();
        assert!(sizes.check(Kind::Resource, &vec![b'a'; 102_400]).is_ok());
        let error = sizes.check(Kind::Resource, &vec![b'a'; 102_401]).unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 102_400, actual: 102_401, .. }), "{error}");
        assert!(sizes.check(Kind::Prompt, "é".repeat(5_120).as_bytes()).is_ok());
        let error = sizes.check(Kind::Prompt, "é".repeat(5_121).as_bytes()).unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 10_240, actual: 10_242, .. }), "{error}");
        assert!(sizes.check(Kind::Tool, &vec![b'a'; 1 << 20]).is_ok(), "definitions have their own limits");
    }

    #[test]
    fn limits_have_ranges() {
        for (name, wrong) in [
            ("CONTENT_MAX_RESOURCE_SIZE", ["1023", "10485761"]),
            ("CONTENT_MAX_PROMPT_SIZE", ["511", "1048577"]),
        ] {
            for value in wrong {
                let problems = Sizes::new(&settings(&[(name, value)])).unwrap_err();
                assert_eq!(problems.len(), 1);
                assert_eq!(problems[0].field, name);
            }
        }
        let ends = [("CONTENT_MAX_RESOURCE_SIZE", "1024"), ("CONTENT_MAX_PROMPT_SIZE", "1048576")];
        assert!(Sizes::new(&settings(&ends)).is_ok());
    }
}
