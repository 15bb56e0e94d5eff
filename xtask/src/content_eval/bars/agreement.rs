//! P14: the seed profile is Python's reading of the contract's expressions. Asks a Python where there is one.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use anyhow::{Context, Result};
use content::Kind;

use super::{
    super::{data::Data, screen},
    Entry,
};

/// The expressions as the contract has them, each with the id of our rule.
const SCRIPT: &str = r#"
import json, re, sys
P = [("xss/script_tag", r"<script[^>]*>.*?</script>"), ("xss/event_handler_text", r"on\w+\s*="), ("xss/javascript_protocol", r"javascript:"),
     ("template/jinja", r"\{\{.*?\}\}|\{%.*?%\}"), ("template/mustache", r"\{\{.*?\}\}"), ("template/evaluation", r"\$\{.*?\}"),
     ("command/metacharacter", r"[;&|`$()]"), ("command/chain", r"&&|\|\||;"), ("command/backtick", r"`.*?`"),
     ("sql/keyword", r"(union|select|insert|update|delete|drop|create|alter)\s"), ("sql/comment", r"--|\#|/\*|\*/"), ("sql/concatenation", r"'\s*(or|and)\s*'")]
P = [(i, re.compile(p, re.I | re.S)) for i, p in P]
for line in sys.stdin.buffer:
    text = json.loads(line)
    print(" ".join(i for i, p in P if p.search(text)))
"#;

const MOST: usize = 5_000;

pub(super) fn measure(data: &Data) -> Result<Entry> {
    let payloads = [&data.crs, &data.libinjection, &data.payloadbox];
    let texts: Vec<&str> = data
        .documents
        .iter()
        .map(|document| document.text.as_str())
        .chain(payloads.into_iter().flatten().map(|row| row.text.as_str()))
        .collect();
    let step = (texts.len() / MOST).max(1);
    let texts: Vec<&str> = texts.into_iter().step_by(step).take(MOST).collect();
    let answers = if texts.is_empty() { None } else { python(&texts)? };
    let Some(answers) = answers else { return Ok(Entry::rate("P14", 0, 0, Some((100.0, true)))) };
    let seed = screen(&[("CONTENT_PATTERN_PROFILE", "seed"), ("CONTENT_PII_DETECTION_ENABLED", "false")])?;
    let agrees = |(text, answer): &(&&str, &str)| {
        let verdict = seed.screen(Kind::Resource, None, text);
        let mut ours: Vec<&str> = verdict.findings.iter().map(|finding| finding.rule.as_ref()).collect();
        let mut theirs: Vec<&str> = answer.split_whitespace().collect();
        ours.sort_unstable();
        theirs.sort_unstable();
        ours == theirs
    };
    let right = texts.iter().zip(answers.lines()).filter(agrees).count();
    Ok(Entry::rate("P14", right, texts.len(), Some((100.0, true))))
}

/// One line for each text; nothing where there is no Python.
fn python(texts: &[&str]) -> Result<Option<String>> {
    let mut command = Command::new("python3");
    command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else { return Ok(None) };
    let mut input = child.stdin.take().context("a pipe")?;
    let lines: String = texts.iter().map(|text| serde_json::Value::from(*text).to_string() + "\n").collect();
    // Written beside the reading, so that neither side waits for the other.
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output()?;
    drop(writer.join());
    Ok(Some(String::from_utf8(output.stdout)?))
}
