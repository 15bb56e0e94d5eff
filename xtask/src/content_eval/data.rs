//! The labelled files, read through `gzip`; a file that is absent is an empty set.

use std::{path::Path, process::Command};

use anyhow::{Context, Result};
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

fn rows<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Vec<T>> {
    let path = folder.join(format!("{name}.jsonl.gz"));
    if !path.exists() {
        return Ok(Vec::new());
    }
    let output =
        Command::new("gzip").arg("-dc").arg(&path).output().context("gzip is needed to read the data")?;
    let text = String::from_utf8(output.stdout).with_context(|| format!("{} is not text", path.display()))?;
    let parse =
        |line: &str| serde_json::from_str(line).with_context(|| format!("{}: {line:.80}", path.display()));
    text.lines().map(parse).collect()
}
