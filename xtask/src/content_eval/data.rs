//! The labelled files; a file that is absent or empty is an empty set.

use std::{io::Read, path::Path};

use anyhow::{Context, Result, bail};
use flate2::read::MultiGzDecoder;
use serde::{Deserialize, de::DeserializeOwned};

/// An attack or a benign value of the same kind of place.
#[derive(Debug, Deserialize)]
pub(super) struct Payload {
    #[serde(rename = "payload")]
    pub(super) text: String,
    #[serde(default)]
    pub(super) family: String,
    #[serde(default)]
    pub(super) cat: String,
    #[serde(default)]
    pub(super) label: String,
    #[serde(default)]
    pub(super) pl: u8,
    #[serde(default)]
    pub(super) complete: Option<bool>,
}

/// The definition of a tool.
#[derive(Debug, Deserialize)]
pub(super) struct Tool {
    pub(super) description: String,
    pub(super) json: String,
}

/// A document.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
    pub(super) src: String,
    pub(super) path: String,
    pub(super) mime: String,
    pub(super) text: String,
}

/// A text whose personal data is marked; places are characters.
#[derive(Debug, Deserialize)]
pub(super) struct Marked {
    pub(super) text: String,
    pub(super) spans: Vec<(String, usize, usize)>,
}

/// Text that tries to instruct a model, or does not.
#[derive(Debug, Deserialize)]
pub(super) struct Instruction {
    pub(super) label: String,
    pub(super) text: String,
}

/// The description of a poisoned tool.
#[derive(Debug, Deserialize)]
pub(super) struct Poisoned {
    #[serde(alias = "description")]
    pub(super) text: String,
}

/// An e-mail address and what it is.
#[derive(Debug, Deserialize)]
pub(super) struct Address {
    pub(super) address: String,
    pub(super) category: String,
}

/// Everything.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) crs: Vec<Payload>,
    pub(super) libinjection: Vec<Payload>,
    pub(super) payloadbox: Vec<Payload>,
    pub(super) tools: Vec<Tool>,
    pub(super) documents: Vec<Document>,
    pub(super) marked: Vec<Marked>,
    pub(super) instructions: Vec<Instruction>,
    /// Descriptions that give orders to models; a set of this kind need not be there.
    pub(super) poisoned: Vec<Poisoned>,
    pub(super) addresses: Vec<Address>,
}

impl Data {
    pub(super) fn read(folder: &Path) -> Result<Self> {
        if !folder.is_dir() {
            bail!("there is no folder {}", folder.display());
        }
        Ok(Self {
            crs: rows(folder, "attacks_crs")?,
            libinjection: rows(folder, "attacks_libinjection")?,
            payloadbox: rows(folder, "attacks_payloadbox_xss")?,
            tools: rows(folder, "benign_tools")?,
            documents: rows(folder, "benign_docs")?,
            marked: rows(folder, "pii_presidio")?,
            instructions: rows(folder, "prompt_injection")?,
            poisoned: rows(folder, "tool_poisoning")?,
            addresses: rows(folder, "email_isemail")?,
        })
    }
}

/// The rows of `NAME.jsonl.gz`, or of `NAME.jsonl`. A file that is absent or empty is an empty set.
fn rows<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Vec<T>> {
    let (packed, plain) = (folder.join(format!("{name}.jsonl.gz")), folder.join(format!("{name}.jsonl")));
    let path = if packed.exists() { packed } else { plain };
    if !path.exists() {
        return Ok(Vec::new());
    }
    let shown = path.display();
    let bytes = std::fs::read(&path).with_context(|| format!("{shown} cannot be read"))?;
    let bytes = if path.extension() == Some("gz".as_ref()) { unpacked(&path, &bytes)? } else { bytes };
    let text = String::from_utf8(bytes).with_context(|| format!("{shown} is not text in UTF-8"))?;
    let lines = (1_usize..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    // The text of a row is not shown: it can be an attack on the terminal.
    lines
        .map(|(number, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("{shown}, line {number}, is not a row of this set"))
        })
        .collect()
}

fn unpacked(path: &Path, bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    if !bytes.is_empty() {
        // Half a file would be measured as if it were all of it.
        let read = MultiGzDecoder::new(bytes).read_to_end(&mut out);
        read.with_context(|| format!("{} is not a whole gzip file", path.display()))?;
    }
    Ok(out)
}
