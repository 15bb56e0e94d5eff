//! Content security: what people, clients and upstreams want stored, read for attacks and personal data.
//!
//! Pure: no IO, no clock, no runtime; the engine asks and decides. [`Screen`] is the entry point and holds the rules
//! that settings ask for. Nothing here alters what is stored: decoding is for looking, [`sanitise`] is for rendering.

pub mod cleaning;
pub mod csp;
pub mod definitions;
pub mod encode;
mod patterns;
mod pii;
pub mod sanitise;
mod screen;
mod settings;
mod sizes;
mod text;
mod verdict;

pub use patterns::Mime;
pub use screen::Screen;
pub use settings::{
    BlockedPatterns, ContentSettings, Mode, NamedPattern, PatternMerge, PatternProfile, PiiPatterns, PinMode,
};
pub use sizes::Sizes;
pub use verdict::{Action, Family, Finding, Kind, Severity, Verdict};
