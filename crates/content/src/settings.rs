//! The options of content security: ContextForge's names and the contract's defaults, and the few that are new.

use std::str::FromStr;

use domain::settings::Value;

domain::settings! {
    /// Content security: sizes, personal data and attack patterns in what is stored.
    ContentSettings {
        /// Largest resource content in bytes, 1 KB to 10 MB.
        max_resource_size: u64 = "CONTENT_MAX_RESOURCE_SIZE", default "102400";
        /// Largest prompt template in bytes, 512 B to 1 MB.
        max_prompt_size: u64 = "CONTENT_MAX_PROMPT_SIZE", default "10240";
        /// Look for personal data.
        pii_enabled: bool = "CONTENT_PII_DETECTION_ENABLED", default "true";
        /// `strict` refuses all personal data, `moderate` permits reserved and documentation values, `lenient` only logs.
        pii_mode: Mode = "CONTENT_PII_VALIDATION_MODE", default "strict";
        /// What counts as personal data: known names, regular expressions, or objects with `name` and `regex`, as a JSON list.
        pii_patterns: PiiPatterns = "CONTENT_PII_PATTERNS", default "[\"email\",\"ssn\",\"credit_card\",\"phone\",\"ip_address\"]";
        /// Look for attacks.
        pattern_enabled: bool = "CONTENT_PATTERN_DETECTION_ENABLED", default "true";
        /// `strict` reads code in Markdown as well, `moderate` treats it as inert, `lenient` only logs.
        pattern_mode: Mode = "CONTENT_PATTERN_VALIDATION_MODE", default "strict";
        /// Which rules: `structural` understands markup, SQL and shells; `seed` is the contract's twelve expressions; `both`.
        pattern_profile: PatternProfile = "CONTENT_PATTERN_PROFILE", default "structural";
        /// Remember verdicts on clean texts.
        cache_enabled: bool = "CONTENT_PATTERN_CACHE_ENABLED", default "true";
        /// How many verdicts are remembered.
        cache_size: u64 = "CONTENT_PATTERN_MAX_CACHE_SIZE", default "1000";
        /// Regular expressions that are refused as well, as a JSON list.
        blocked_patterns: BlockedPatterns = "CONTENT_BLOCKED_PATTERNS";
        /// Whether `CONTENT_BLOCKED_PATTERNS` is added to the profile (`append`) or takes its place (`replace`).
        blocked_patterns_mode: PatternMerge = "CONTENT_BLOCKED_PATTERNS_MODE", default "append";
        /// Texts above this many bytes are refused as too large to read for attacks.
        max_scan_size: u64 = "CONTENT_PATTERN_MAX_SCAN_SIZE", default "200000";
        /// How many rounds of percent signs, entities and escapes are undone for detection.
        decode_depth: u16 = "CONTENT_PATTERN_DECODE_DEPTH", default "2";
        /// Take invisible and terminal control characters out of what tools answer and out of prompts of upstreams.
        clean_results: bool = "CONTENT_CLEAN_RESULTS", default "false";
        /// Ids of rules that are not applied.
        allowlist: domain::settings::List<String> = "CONTENT_PATTERN_ALLOWLIST";
    }
}

macro_rules! choice {
    ($(#[doc = $doc:literal])* $name:ident { $( $(#[doc = $vdoc:literal])* $variant:ident = $word:literal ),* $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $( $(#[doc = $vdoc])* $variant, )* }

        impl $name {
            /// Every choice.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word of the setting.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                let word = text.trim().to_ascii_lowercase();
                let known = Self::ALL.iter().copied().find(|choice| choice.as_str() == word);
                known.ok_or_else(|| format!("must be one of {}", [$($word),*].join(", ")))
            }
        }

        impl Value for $name {
            fn parse(raw: Option<&str>) -> Result<Self, String> {
                raw.ok_or("is required")?.parse()
            }
        }
    };
}

choice! {
    /// How strict a layer is.
    Mode {
        /// Everything found is refused.
        Strict = "strict",
        /// What is found is refused unless its context makes it harmless.
        Moderate = "moderate",
        /// Everything found is logged, nothing refused.
        Lenient = "lenient",
    }
}

choice! {
    /// Which attack rules are applied.
    PatternProfile {
        /// Rules that understand markup, SQL, shells and templates.
        Structural = "structural",
        /// The twelve regular expressions of the contract, to the letter.
        Seed = "seed",
        /// Both.
        Both = "both",
    }
}

choice! {
    /// How the operator's patterns meet the profile.
    PatternMerge {
        /// They are added.
        Append = "append",
        /// They take its place.
        Replace = "replace",
    }
}

choice! {
    /// What happens to discovered tool definitions.
    PinMode {
        /// Definitions are followed as they change.
        Off = "off",
        /// The first one seen is approved, changes wait.
        Tofu = "tofu",
        /// Every definition waits for a person.
        Approve = "approve",
    }
}

/// A regular expression with a name for reports.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct NamedPattern {
    /// The name; the second part of the rule's id.
    pub name: String,
    /// The expression.
    pub regex: String,
}

/// The operator's attack patterns: a JSON list of expressions, or one expression as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlockedPatterns(pub Vec<String>);

impl Value for BlockedPatterns {
    fn parse(raw: Option<&str>) -> Result<Self, String> {
        let text = raw.unwrap_or_default().trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        // An expression may begin with a bracket as well (`[a-z]+secret`), so a text that is no list is one expression.
        let list = serde_json::from_str(text).unwrap_or_else(|_| vec![text.to_owned()]);
        Ok(Self(list))
    }
}

/// Known kinds of personal data and the operator's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PiiPatterns {
    /// Names of known kinds, as written.
    pub known: Vec<String>,
    /// Further expressions.
    pub custom: Vec<NamedPattern>,
}

/// The kinds that have a detector.
pub(crate) const KNOWN_PII: [&str; 5] = ["email", "ssn", "credit_card", "phone", "ip_address"];

impl Value for PiiPatterns {
    fn parse(raw: Option<&str>) -> Result<Self, String> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Item {
            Text(String),
            Named(NamedPattern),
        }
        let text = raw.unwrap_or_default().trim();
        let items: Vec<Item> = if text.starts_with('[') {
            serde_json::from_str(text)
                .map_err(|e| format!("must be a JSON list of texts and objects: {e}"))?
        } else {
            text.split(',')
                .filter(|word| !word.trim().is_empty())
                .map(|word| Item::Text(word.trim().to_owned()))
                .collect()
        };
        let mut patterns = Self::default();
        for (index, item) in items.into_iter().enumerate() {
            match item {
                Item::Text(name) if KNOWN_PII.contains(&name.as_str()) => patterns.known.push(name),
                Item::Text(regex) => {
                    patterns.custom.push(NamedPattern { name: format!("custom_{index}"), regex });
                }
                Item::Named(named) => patterns.custom.push(named),
            }
        }
        Ok(patterns)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn settings(vars: &[(&str, &str)]) -> ContentSettings {
        let mut env =
            domain::Env::new(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let settings = ContentSettings::read(&mut env);
        assert!(env.problems.is_empty(), "{:?}", env.problems);
        settings.unwrap()
    }

    #[test]
    fn defaults_are_the_contracts() {
        let settings = settings(&[]);
        assert_eq!((settings.max_resource_size, settings.max_prompt_size), (102_400, 10_240));
        assert_eq!((settings.pii_enabled, settings.pii_mode), (true, Mode::Strict));
        assert_eq!((settings.pattern_enabled, settings.pattern_mode), (true, Mode::Strict));
        assert_eq!(settings.pattern_profile, PatternProfile::Structural);
        assert_eq!((settings.cache_enabled, settings.cache_size), (true, 1_000));
        assert_eq!(settings.pii_patterns.known, KNOWN_PII);
        assert!(settings.blocked_patterns.0.is_empty() && settings.pii_patterns.custom.is_empty());
    }

    #[test]
    fn personal_data_may_be_named_written_or_both() {
        let text = r#"["email", "EMP-\\d{6}", {"name": "badge", "regex": "B\\d{4}"}]"#;
        let patterns = settings(&[("CONTENT_PII_PATTERNS", text)]).pii_patterns;
        assert_eq!(patterns.known, ["email"]);
        let names: Vec<_> = patterns.custom.iter().map(|custom| custom.name.as_str()).collect();
        assert_eq!(names, ["custom_1", "badge"]);
        assert_eq!(patterns.custom[0].regex, r"EMP-\d{6}");
    }

    #[test]
    fn a_blocked_pattern_may_stand_alone() {
        let read = |text: &str| settings(&[("CONTENT_BLOCKED_PATTERNS", text)]).blocked_patterns.0;
        assert_eq!(read(r#"["a{1,2}", "b"]"#), ["a{1,2}", "b"]);
        assert_eq!(read("[a-z]{2,3}x"), ["[a-z]{2,3}x"]);
    }

    #[test]
    fn a_wrong_word_names_the_right_ones() {
        assert_eq!("STRICT".parse(), Ok(Mode::Strict));
        assert_eq!("hard".parse::<Mode>().unwrap_err(), "must be one of strict, moderate, lenient");
    }
}
