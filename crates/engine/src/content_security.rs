//! Content security before anything is stored: the one place where the engine asks `content`.
//!
//! What is submitted is refused as a whole, with every finding of every field; sizes come first, before anything is
//! read. Each finding is logged in the contract's record format and counted; those of one submission make one audit
//! record, in a transaction of its own, because a submission that is refused has none. No finding holds the text
//! that it is about.

mod violations;

use std::sync::OnceLock;

use content::{Action, ContentSettings, Finding, Kind, Screen, Sizes, Verdict};
use domain::{Caller, Error, Problem, Result, violation::Violation};

pub use content::csp::{self, SANDBOX};

pub(crate) use self::violations::listed;
pub use self::violations::{Recorded, list};
use crate::Engine;

/// The rules that settings ask for, compiled once.
#[derive(Debug)]
pub struct ContentSecurity {
    /// Compiled when something is submitted for the first time: a start does not wait for it.
    screen: OnceLock<Screen>,
    settings: ContentSettings,
    sizes: Sizes,
}

/// One text of a submission.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a> {
    /// The field that it came in.
    pub(crate) field: &'a str,
    /// What it is for.
    pub(crate) kind: Kind,
    /// Its media type, where it has one.
    pub(crate) mime: Option<&'a str>,
    /// What it says.
    pub(crate) value: &'a str,
}

impl<'a> Text<'a> {
    /// A name or description.
    pub(crate) fn metadata(field: &'a str, text: Option<&'a str>) -> Option<Self> {
        text.map(|value| Self { field, kind: Kind::Metadata, mime: None, value })
    }

    /// Tags: they may be numbers of people as well.
    pub(crate) fn tags(tags: Option<&'a [String]>) -> impl Iterator<Item = Self> {
        tags.unwrap_or_default().iter().filter_map(|tag| Self::metadata("tags", Some(tag)))
    }
}

/// What a submission is about: the kind of thing and its id or name.
pub(crate) type Subject<'a> = (&'static str, &'a str);

/// A finding with the field that it is in and what is done about it.
struct Found<'a> {
    field: &'a str,
    action: Action,
    finding: Finding,
}

/// A fresh nonce for one HTML answer.
pub fn nonce() -> Result<csp::Nonce> {
    let mut random = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| Error::internal("no random numbers"))?;
    Ok(csp::Nonce::new(random))
}

impl ContentSecurity {
    pub(crate) fn new(settings: &ContentSettings) -> Result<Self> {
        let sizes = Sizes::new(settings).map_err(Error::Invalid)?;
        Ok(Self { screen: OnceLock::new(), settings: settings.clone(), sizes })
    }

    /// The rules of the settings.
    pub(crate) fn screen(&self) -> &Screen {
        // Patterns that do not compile were reported with the configuration; the screen works without them.
        self.screen.get_or_init(|| Screen::new(&self.settings).0)
    }
}

/// Everything that is wrong with the options of content security. The first list is wrong anywhere; the second is
/// about expressions of the operator, without which the screen works.
pub fn problems(settings: &ContentSettings) -> (Vec<Problem>, Vec<Problem>) {
    // Our own expressions compile; that is tested.
    let own = settings.blocked_patterns.0.is_empty() && settings.pii_patterns.custom.is_empty();
    let patterns = if own { Vec::new() } else { Screen::new(settings).1 };
    (Sizes::new(settings).err().unwrap_or_default(), patterns)
}

/// Refuses a submission that content security does not let pass.
pub(crate) async fn screen(
    engine: &Engine,
    actor: &str,
    caller: &Caller,
    subject: Subject<'_>,
    texts: impl IntoIterator<Item = Text<'_>> + Send,
) -> Result<()> {
    let texts: Vec<Text<'_>> = texts.into_iter().collect();
    for text in &texts {
        if let Err(error) = engine.content().sizes.check(text.kind, text.value.as_bytes()) {
            violations::too_large(engine, actor, caller, subject, &error).await?;
            return Err(error);
        }
    }
    let found: Vec<Found<'_>> = texts.iter().flat_map(|text| read(engine, text)).collect();
    if found.is_empty() {
        return Ok(());
    }
    let refused = found.iter().any(|found| found.action == Action::Block);
    violations::record(engine, actor, caller, subject, &found).await?;
    if refused { Err(Error::Content(found.iter().map(Found::violation).collect())) } else { Ok(()) }
}

fn read<'a>(engine: &Engine, text: &Text<'a>) -> Vec<Found<'a>> {
    let Verdict { findings, action } = engine.content().screen().screen(text.kind, text.mime, text.value);
    findings.into_iter().map(|finding| Found { field: text.field, action, finding }).collect()
}

impl Found<'_> {
    fn violation(&self) -> Violation {
        Violation {
            field: self.field.to_owned(),
            family: self.finding.family.as_str(),
            rule: self.finding.rule.to_string(),
            start: self.finding.span.start,
            end: self.finding.span.end,
            message: self.finding.message.to_string(),
        }
    }
}
