//! Layer 3: attack patterns.
//!
//! A text is cut into places (prose, code, field), each place is read in all its views, and each rule weighs what it
//! finds by the place. Two profiles: `structural` knows grammars, `seed` is the contract's list.

mod cache;
mod custom;
mod fingerprint;
mod harmless;
mod html;
mod markup;
mod needs;
mod place;
mod rewritten;
mod rule;
mod script;
mod seed;
mod shell;
mod sql;
mod structural;
mod template;
mod windows;

use std::collections::BTreeMap;

pub(crate) use cache::CleanTexts;
pub(crate) use custom::Custom;
use domain::Problem;

use crate::{
    settings::{ContentSettings, Mode, NamedPattern, PatternMerge, PatternProfile},
    verdict::{Family, Finding, Kind, Severity},
};

/// How the text says it is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mime {
    /// CommonMark: its code is known as such.
    Markdown,
    /// JSON: its strings are read, its syntax is not.
    Json,
    /// HTML: elements of a page are its purpose, script is not.
    Html,
    /// Anything else: nothing is exempt.
    Other,
}

impl Mime {
    /// Reads a media type; parameters and case do not count. What is not known is exempt from nothing.
    pub fn parse(mime: Option<&str>) -> Self {
        let essence =
            mime.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "text/markdown" | "text/x-markdown" => Self::Markdown,
            "text/html" | "application/xhtml+xml" => Self::Html,
            "application/json" | "text/json" => Self::Json,
            json if json.ends_with("+json") => Self::Json,
            _ => Self::Other,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Json => "json",
            Self::Html => "html",
            Self::Other => "other",
        }
    }
}

/// The rules that the settings ask for.
#[derive(Debug)]
pub(crate) struct Patterns {
    mode: Mode,
    structural: Option<structural::Structural>,
    seed: Option<seed::Seed>,
    custom: Custom,
    allowed: Vec<String>,
}

impl Patterns {
    pub(crate) fn new(settings: &ContentSettings, problems: &mut Vec<Problem>) -> Self {
        let profile = settings.pattern_profile;
        let replaced = settings.blocked_patterns_mode == PatternMerge::Replace
            && !settings.blocked_patterns.0.is_empty();
        let structural = !replaced && profile != PatternProfile::Seed;
        let seed = !replaced && profile != PatternProfile::Structural;
        let named = |(index, regex): (usize, &String)| NamedPattern {
            name: format!("blocked_{index}"),
            regex: regex.clone(),
        };
        let own: Vec<NamedPattern> = settings.blocked_patterns.0.iter().enumerate().map(named).collect();
        Self {
            mode: settings.pattern_mode,
            structural: structural.then(|| structural::Structural::new(settings.decode_depth)),
            seed: seed.then(seed::Seed::new),
            custom: Custom::new(Family::Custom, "CONTENT_BLOCKED_PATTERNS", &own, problems),
            allowed: settings.allowlist.0.clone(),
        }
    }

    /// Everything found in a text as it was sent.
    pub(crate) fn scan(&self, kind: Kind, mime: Mime, text: &str) -> Vec<Finding> {
        let mut found = self.scan_decoded(kind, mime, text);
        if let Some(seed) = &self.seed {
            found.extend(seed.scan(kind, text).into_iter().filter(|finding| self.counts(finding)));
        }
        found
    }

    /// Everything found in what a text stands for. The expressions of the contract read a text to the letter.
    pub(crate) fn scan_decoded(&self, kind: Kind, mime: Mime, text: &str) -> Vec<Finding> {
        let mut found = Vec::new();
        if let Some(structural) = &self.structural {
            found.extend(structural.scan(self.mode, kind, mime, text));
        }
        found.extend(self.custom.scan(text));
        found.retain(|finding| self.counts(finding));
        found
    }

    fn counts(&self, finding: &Finding) -> bool {
        !self.allowed.iter().any(|id| *id == finding.rule)
    }
}

/// Whether the findings of any family add up to a refusal.
pub(crate) fn refuses(findings: &[Finding]) -> bool {
    let mut scores: BTreeMap<Family, u32> = BTreeMap::new();
    for finding in findings {
        *scores.entry(finding.family).or_default() += finding.severity.score();
    }
    scores.values().any(|score| *score >= Severity::THRESHOLD)
}
