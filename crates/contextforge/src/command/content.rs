//! `content`: the screening of the gateway, on files and without a gateway.

use std::{
    io::{IsTerminal, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use content::{Action, ContentSettings, Finding, Kind, Screen, Sizes};
use serde_json::{Value, json};

use super::{advise, say};
use crate::{
    cli::{Content, ContentKind},
    config,
};

/// Files between two words about progress.
const STEP: usize = 100;

/// What became of one file.
struct Scanned {
    path: PathBuf,
    action: Action,
    findings: Vec<Finding>,
    /// Why nothing was read of it.
    problem: Option<String>,
    text: String,
}

/// Scans files; gives 1 where one of them would be refused.
pub(super) fn run(command: Content) -> anyhow::Result<ExitCode> {
    let Content::Scan { files, kind, mime, output } = command;
    let settings = config::content_settings()?;
    let (screen, problems) = Screen::new(&settings);
    for problem in &problems {
        advise(&format!("{problem}; left out"));
    }
    let kind = match kind {
        ContentKind::Resource => Kind::Resource,
        ContentKind::Prompt => Kind::Prompt,
        ContentKind::Tool => Kind::Tool,
        ContentKind::Metadata => Kind::Metadata,
    };
    let scan = Scan { settings: &settings, screen: &screen, kind, mime: mime.as_deref() };
    let mut refused = 0_usize;
    let mut listed = Vec::new();
    for (done, file) in files.iter().enumerate() {
        if done > 0 && done % STEP == 0 && std::io::stderr().is_terminal() {
            advise(&format!("{done} of {} files", files.len()));
        }
        let scanned = scan.file(file)?;
        refused += usize::from(scanned.action == Action::Block);
        if output.json { listed.push(scanned.json()) } else { scanned.print() }
    }
    if output.json {
        say(&json!({ "ok": refused == 0, "files": listed }).to_string());
    } else {
        say(&format!("{} of {} files would be refused", refused, files.len()));
    }
    Ok(ExitCode::from(u8::from(refused > 0)))
}

struct Scan<'a> {
    settings: &'a ContentSettings,
    screen: &'a Screen,
    kind: Kind,
    mime: Option<&'a str>,
}

impl Scan<'_> {
    fn file(&self, path: &Path) -> anyhow::Result<Scanned> {
        let limit = Sizes::new(self.settings).ok().and_then(|sizes| sizes.limit(self.kind));
        let scanned = |action, findings, problem: Option<&str>, text| Scanned {
            path: path.to_owned(),
            action,
            findings,
            problem: problem.map(str::to_owned),
            text,
        };
        let bytes = read(path, limit).with_context(|| format!("cannot read {}", path.display()))?;
        if limit.is_some_and(|limit| u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit) {
            let text = format!("is larger than the limit of {} bytes", limit.unwrap_or_default());
            return Ok(scanned(Action::Block, Vec::new(), Some(&text), String::new()));
        }
        let Ok(text) = String::from_utf8(bytes) else {
            return Ok(scanned(Action::Block, Vec::new(), Some("is not UTF-8 text"), String::new()));
        };
        let mime = self.mime.or_else(|| media_type(path));
        let verdict = self.screen.screen(self.kind, mime, &text);
        Ok(scanned(verdict.action, verdict.findings, None, text))
    }
}

/// Reads one byte more than the limit at most: what is too large need not be read to say so.
fn read(path: &Path, limit: Option<u64>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = limit.unwrap_or(10 * 1024 * 1024).saturating_add(1);
    std::fs::File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn media_type(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "md" | "markdown" => Some("text/markdown"),
        "html" | "htm" => Some("text/html"),
        "json" => Some("application/json"),
        "xml" => Some("application/xml"),
        "svg" => Some("image/svg+xml"),
        "csv" => Some("text/csv"),
        "yaml" | "yml" => Some("application/yaml"),
        "txt" => Some("text/plain"),
        _ => None,
    }
}

impl Scanned {
    fn json(&self) -> Value {
        let findings = self.findings.iter().map(|finding| {
            let (line, column) = self.place(finding);
            json!({
                "family": finding.family.as_str(), "rule": finding.rule, "message": finding.message,
                "start": finding.span.start, "end": finding.span.end, "line": line, "column": column,
            })
        });
        json!({
            "file": self.path.display().to_string(), "action": self.action.as_str(), "problem": self.problem,
            "findings": findings.collect::<Vec<_>>(),
        })
    }

    fn print(&self) {
        let file = self.path.display();
        say(&format!("{file}: {}", self.action.as_str()));
        if let Some(problem) = &self.problem {
            say(&format!("  {problem}"));
        }
        for finding in &self.findings {
            let (line, column) = self.place(finding);
            say(&format!("  {file}:{line}:{column}: {}: {}", finding.rule, finding.message));
        }
    }

    /// Line and column of a finding, from 1.
    fn place(&self, finding: &Finding) -> (usize, usize) {
        let before = self.text.get(..finding.span.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
        (line, column)
    }
}
