//! The entry point: one text in, one verdict out, the same for every door.
//!
//! Sizes are checked apart ([`crate::Sizes`]), before anything reads the text.

use std::borrow::Cow;

use domain::Problem;

use crate::{
    patterns::{self, CleanTexts, Mime, Patterns},
    pii::Pii,
    settings::{ContentSettings, Mode},
    text::whole,
    verdict::{Action, Family, Finding, Kind, Severity, Verdict},
};

/// Content security as the settings ask for it. Make one and share it.
#[derive(Debug)]
pub struct Screen {
    patterns: Option<Patterns>,
    pattern_mode: Mode,
    pii: Option<Pii>,
    pii_mode: Mode,
    longest: u64,
    clean: Option<CleanTexts>,
}

impl Screen {
    /// Compiles the rules. Patterns of the operator that do not compile, or not to linear time, are the problems; the
    /// screen works without them, so that the caller decides whether to start.
    pub fn new(settings: &ContentSettings) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let patterns = settings.pattern_enabled.then(|| Patterns::new(settings, &mut problems));
        let pii = settings.pii_enabled.then(|| Pii::new(settings, &mut problems));
        let caches = settings.cache_enabled && settings.cache_size > 0;
        let screen = Self {
            patterns,
            pattern_mode: settings.pattern_mode,
            pii,
            pii_mode: settings.pii_mode,
            longest: settings.max_scan_size,
            clean: caches.then(|| CleanTexts::new(settings.cache_size, &format!("{settings:?}"))),
        };
        (screen, problems)
    }

    /// Reads a text. `mime` is the media type as submitted.
    pub fn screen(&self, kind: Kind, mime: Option<&str>, text: &str) -> Verdict {
        let mime = Mime::parse(mime);
        let key = self.clean.as_ref().map(|clean| (clean, clean.key(kind, mime, text)));
        if let Some((clean, key)) = &key
            && clean.knows(key)
        {
            return Verdict::CLEAN;
        }
        let verdict = self.read(kind, mime, text);
        if let Some((clean, key)) = key
            && verdict.findings.is_empty()
        {
            clean.remember(key);
        }
        verdict
    }

    fn read(&self, kind: Kind, mime: Mime, text: &str) -> Verdict {
        // Texts may be configured larger than what is read in a bounded time; ContextForge refuses those as well.
        let too_large = u64::try_from(text.len()).unwrap_or(u64::MAX) > self.longest;
        let stands_for = if too_large { None } else { whole(text) };
        let inside = |scan: &dyn Fn(&str) -> Vec<Finding>| {
            let found = stands_for.as_deref().map(scan).unwrap_or_default();
            // What is in it is somewhere in the text as it was sent.
            found.into_iter().map(|finding| Finding { span: 0..text.len(), ..finding }).collect::<Vec<_>>()
        };
        let mut action = Action::Allow;
        let mut findings = Vec::new();
        if let Some(patterns) = &self.patterns {
            let mut found = if too_large { vec![unread()] } else { patterns.scan(kind, mime, text) };
            found.extend(inside(&|text| patterns.scan_decoded(kind, mime, text)));
            action = action.max(outcome(self.pattern_mode, patterns::refuses(&found), &found));
            findings.extend(found);
        }
        if let Some(pii) = &self.pii {
            let mut found = if too_large { vec![unread()] } else { pii.scan(self.pii_mode, mime, text) };
            found.extend(inside(&|text| pii.scan(self.pii_mode, mime, text)));
            let refused = found.iter().any(|finding| finding.severity == Severity::Critical);
            action = action.max(outcome(self.pii_mode, refused, &found));
            findings.extend(found);
        }
        findings.sort_by(|a, b| (a.span.start, &a.rule).cmp(&(b.span.start, &b.rule)));
        findings.dedup();
        Verdict { findings, action }
    }
}

/// What is said of a text that is too large to read, by both layers.
fn unread() -> Finding {
    Finding {
        family: Family::Custom,
        rule: Cow::Borrowed("content_too_large_to_scan"),
        severity: Severity::Critical,
        span: 0..0,
        message: Cow::Borrowed("Larger than CONTENT_PATTERN_MAX_SCAN_SIZE"),
    }
}

fn outcome(mode: Mode, refused: bool, findings: &[Finding]) -> Action {
    match (mode, refused) {
        _ if findings.is_empty() => Action::Allow,
        (Mode::Strict | Mode::Moderate, true) => Action::Block,
        _ => Action::Log,
    }
}

#[cfg(test)]
mod tests;
