//! What a screening says: findings with a place, and what to do about them.
//!
//! A finding never carries the text that it is about: an answer that repeats an attack reflects it, and a log that
//! repeats personal data leaks it.

use std::{borrow::Cow, ops::Range};

/// What the text is for. Which rules hold depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The content of a resource.
    Resource,
    /// The template of a prompt; template syntax is its purpose.
    Prompt,
    /// The definition of a tool or a part of it: name, description, schema.
    Tool,
    /// A name or description of anything else.
    Metadata,
}

impl Kind {
    /// The word that answers and logs use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Prompt => "prompt",
            Self::Tool => "tool",
            Self::Metadata => "metadata",
        }
    }
}

/// The kind of attack or data that a rule looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Script that a browser would run.
    Xss,
    /// Expressions that a template engine or interpreter would evaluate.
    Template,
    /// Shell commands.
    Command,
    /// SQL that breaks out of a statement.
    Sql,
    /// Paths that leave their folder or name the system's secrets.
    Path,
    /// Addresses that make a server call itself or its cloud.
    Request,
    /// Personal data.
    Pii,
    /// A pattern that the operator wrote.
    Custom,
    /// Text that a reader does not see.
    Hidden,
    /// Orders to a model in a description.
    Poison,
    /// A schema or definition beyond its bounds.
    Schema,
}

impl Family {
    /// The first part of a rule's id.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Xss => "xss",
            Self::Template => "template",
            Self::Command => "command",
            Self::Sql => "sql",
            Self::Path => "path",
            Self::Request => "ssrf",
            Self::Pii => "pii",
            Self::Custom => "custom",
            Self::Hidden => "hidden",
            Self::Poison => "poison",
            Self::Schema => "schema",
        }
    }
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Reported; never a reason to refuse.
    Notice,
    /// Half a reason: two different ones of a family refuse.
    Warning,
    /// A reason to refuse.
    Critical,
}

impl Severity {
    /// The score, as in the OWASP core rule set; the threshold is [`Severity::THRESHOLD`].
    pub const fn score(self) -> u32 {
        match self {
            Self::Notice => 0,
            Self::Warning => 3,
            Self::Critical => 5,
        }
    }

    /// The sum of scores within a family from which a text is refused.
    pub const THRESHOLD: u32 = 5;
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub family: Family,
    /// The id of the rule, for example `xss/script_element`.
    pub rule: Cow<'static, str>,
    /// How much it weighs.
    pub severity: Severity,
    /// Where it stands in the text as given, in bytes, on character boundaries.
    pub span: Range<usize>,
    /// What a person should know, without the text itself.
    pub message: Cow<'static, str>,
}

impl Finding {
    /// The name in logs: the contract writes `xss_script_tag` where the rule is `xss/script_tag`.
    pub fn violation_type(&self) -> String {
        self.rule.replace('/', "_")
    }
}

/// What to do with the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Nothing to say.
    Allow,
    /// Let it pass and write the findings down.
    Log,
    /// Refuse it.
    Block,
}

impl Action {
    /// The word of the log record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allowed",
            Self::Log => "logged",
            Self::Block => "blocked",
        }
    }
}

/// The outcome of a screening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Everything found, in the order of the text.
    pub findings: Vec<Finding>,
    /// What to do.
    pub action: Action,
}

impl Verdict {
    /// The verdict on a text in which nothing was found.
    pub const CLEAN: Self = Self { findings: Vec::new(), action: Action::Allow };
}
