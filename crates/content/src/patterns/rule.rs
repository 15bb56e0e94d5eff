//! What a rule is, and how much its finding weighs in each place.
//!
//! Rules are byte expressions in linear time over small letters. They describe the grammar of an attack: a shape that
//! legitimate text of that place does not have. Known payloads are no rules.

use std::ops::Range;

use crate::verdict::{Family, Finding, Severity};

/// Where a piece of text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Prose, markup, or text of which nothing better is known.
    Prose,
    /// Code that is declared as such by CommonMark.
    Code,
    /// A short text that is no declared document: it can be a value that somebody interpolates.
    Field,
}

/// How telling a shape is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tier {
    /// An attack wherever it stands.
    Certain,
    /// An attack unless it stands in code, where it can be the subject.
    Shape,
    /// An attack in a short field; nothing in a document.
    Field,
    /// Half an attack in a short field.
    Hint,
}

impl Tier {
    pub(super) const fn severity(self, place: Place) -> Option<Severity> {
        match (self, place) {
            (Self::Certain, _) | (Self::Shape, Place::Prose | Place::Field) | (Self::Field, Place::Field) => {
                Some(Severity::Critical)
            }
            (Self::Hint, Place::Field) => Some(Severity::Warning),
            (Self::Shape, Place::Code) | (Self::Field | Self::Hint, _) => None,
        }
    }
}

/// Which rewritten texts a rule reads besides the decoded views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// None.
    Text,
    /// The one without SQL comments.
    Sql,
    /// The one without shell quoting.
    Shell,
}

/// One rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) family: Family,
    pub(super) tier: Tier,
    pub(super) sight: Sight,
    pub(super) message: &'static str,
    pub(super) pattern: &'static str,
}

impl Rule {
    /// A finding of this rule.
    pub(super) fn finding(&self, severity: Severity, span: Range<usize>) -> Finding {
        Finding { family: self.family, rule: self.id.into(), severity, span, message: self.message.into() }
    }

    /// Whether a match may go on over lines without end.
    pub(super) fn endless(&self) -> bool {
        self.pattern.starts_with("(?s)")
    }
}

/// The rules of one family in one place.
macro_rules! rules {
    ($name:ident: $family:ident, $sight:ident, $message:literal; $( $id:literal $tier:ident $pattern:expr; )*) => {
        pub(super) const $name: &[Rule] = &[ $( Rule {
            id: $id, family: Family::$family, tier: Tier::$tier, sight: Sight::$sight, message: $message, pattern: $pattern,
        }, )* ];
    };
}
pub(super) use rules;
