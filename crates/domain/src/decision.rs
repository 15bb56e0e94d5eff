//! A decision as data: what was looked at, how it came out, and what would change it.
//!
//! Made by `engine::policy`, which alone decides; carried by [`crate::Error::Decided`] to the front doors, which give
//! it a number. The words are for people: they name permissions, teams and servers, never a row and never a secret.

use std::borrow::Cow;

use serde::Serialize;

use crate::permission::Permission;

/// How one step of a decision came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The step lets the request pass.
    Passed,
    /// The step refuses the request.
    Denied,
    /// The question does not touch the step.
    NotAsked,
    /// The step cannot be told to whoever asks.
    Unknown,
}

/// One step of a decision, told to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TraceStep {
    /// `credential`, `restriction`, `server_binding`, `role`, `token_cap`, `visibility`, `team`, `ownership`; and
    /// `object` and `server`, which are found before they are decided about.
    pub step: &'static str,
    /// How it came out.
    pub outcome: Outcome,
    /// Why, in a sentence.
    pub why: Cow<'static, str>,
    /// What would let the request pass; only where the step denies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Cow<'static, str>>,
}

impl TraceStep {
    /// Bytes that the step takes in memory, about.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.why.len() + self.change.as_ref().map_or(0, |change| change.len())
    }
}

/// A refusal, with everything that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// Who was refused: an e-mail address, or `anonymous`.
    pub email: String,
    /// What is said to whoever was refused.
    pub text: &'static str,
    /// The reason as a word of a fixed list; a label in metrics.
    pub reason: &'static str,
    /// The permission in question.
    pub needs: Option<Permission>,
    /// The steps, in order.
    pub trace: Vec<TraceStep>,
}
