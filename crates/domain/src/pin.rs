//! The pin of a tool: which definition of it people approved, and what its upstream says now.
//!
//! A pin outlives its tool: an upstream that takes a tool away and brings it back changed is not met for the first
//! time. Definitions are the upstream's bytes.

use serde::{Deserialize, Serialize};

use crate::{clock::Timestamp, id::GatewayId};

/// What is known of one tool of one upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The upstream.
    pub gateway_id: GatewayId,
    /// The upstream's name of the tool.
    pub original_name: String,
    /// How it stands.
    pub state: PinState,
    /// What is served; nothing where nothing was ever approved.
    pub approved: Option<Definition>,
    /// What the upstream says, where that is something else.
    pub offered: Option<Definition>,
    /// The fingerprint that somebody rejected last.
    pub rejected: Option<String>,
    /// How bad the difference is: `cosmetic`, `additive`, `breaking`, `suspicious`.
    pub class: Option<String>,
    /// What was found in the newest definition.
    pub findings: Vec<PinFinding>,
    /// When the newest definition was first seen.
    pub seen_at: Timestamp,
    /// When somebody decided.
    pub decided_at: Option<Timestamp>,
    /// Who.
    pub decided_by: Option<String>,
}

/// A definition with its fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The upstream's object.
    pub text: String,
    /// The hash of its canonical form.
    pub fingerprint: String,
}

/// One thing found in a definition. Never the text itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinFinding {
    /// Where: a JSON pointer.
    pub field: String,
    /// The id of the rule.
    pub rule: String,
    /// What a person should know.
    pub message: String,
    /// Whether it is a reason to hold the tool back.
    pub holds: bool,
}

impl Pin {
    /// Whether the tool is kept from being listed and called.
    pub fn holds(&self) -> bool {
        match self.state {
            PinState::Approved | PinState::Changed => false,
            PinState::Pending | PinState::Quarantined => true,
            PinState::Rejected => self.approved.is_none(),
        }
    }

    /// The definition that somebody has to decide about: the one on offer.
    pub fn undecided(&self) -> Option<&Definition> {
        self.offered.as_ref()
    }
}

macro_rules! states {
    ($( $(#[doc = $doc:literal])* $variant:ident = $word:literal ),* $(,)?) => {
        /// How a tool stands.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum PinState { $( $(#[doc = $doc])* $variant, )* }

        impl PinState {
            /// Every state.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word in replies and in the database.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

states! {
    /// What the upstream says is what is served.
    Approved = "approved",
    /// The upstream says something else; the approved definition is served.
    Changed = "changed",
    /// Never approved and waiting for somebody to look; not served.
    Pending = "pending",
    /// Held back because of what was found; not served.
    Quarantined = "quarantined",
    /// Somebody rejected what the upstream says; the approved definition is served, if there is one.
    Rejected = "rejected",
}

impl std::str::FromStr for PinState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().copied().find(|state| state.as_str() == text);
        known.ok_or_else(|| {
            format!(
                "must be one of {}",
                Self::ALL.iter().map(|state| state.as_str()).collect::<Vec<_>>().join(", ")
            )
        })
    }
}
