//! Answers of upstreams without invisible and terminal control characters, where `CONTENT_CLEAN_RESULTS` asks for it.
//!
//! Otherwise, and where there is nothing to take out, an answer stays the bytes that it was.

use content::cleaning;
use serde_json::value::RawValue;
use upstream::call::Outcome;

use crate::Engine;

/// Whether answers to a method are cleaned: what tools say and prompts are meant for models and people. Resources are
/// data, which may well have such characters.
pub(super) fn wanted(engine: &Engine, method: &str) -> bool {
    engine.settings().content.clean_results && matches!(method, "tools/call" | "prompts/get")
}

/// The outcome, cleaned.
pub(super) fn cleaned(outcome: Outcome) -> Outcome {
    let result = outcome?;
    let clean = cleaning::json(result.get()).and_then(|text| RawValue::from_string(text).ok());
    Ok(clean.unwrap_or(result))
}
