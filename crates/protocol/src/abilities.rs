//! What a client can be asked while its call is under way: elicitation, sampling and roots.
//!
//! Legacy clients say it once, in `initialize`; modern ones in every request. It is kept as a few bits, so that it fits
//! into a sealed session id and into the key under which sessions with an upstream are pooled. Invariant: what was
//! not declared by the client is never declared for it.

use serde_json::value::RawValue;

use crate::json::{self, RawObject};

/// A set of things that a client can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Abilities(u8);

impl Abilities {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// `elicitation/create` with a form.
    pub const FORM: Self = Self(1);
    /// `elicitation/create` with a URL.
    pub const URL: Self = Self(2);
    /// `sampling/createMessage`.
    pub const SAMPLING: Self = Self(4);
    /// `sampling/createMessage` with tools.
    pub const SAMPLING_TOOLS: Self = Self(8);
    /// `sampling/createMessage` with context of servers.
    pub const SAMPLING_CONTEXT: Self = Self(16);
    /// `roots/list`.
    pub const ROOTS: Self = Self(32);

    /// What a client of a revision declares with its `ClientCapabilities`. Elicitation came with 2025-06-18, by URL
    /// and with tools in sampling with 2025-11-25.
    pub fn read(capabilities: &RawValue, revision: &str) -> Self {
        let Ok(object) = RawObject::parse(capabilities) else { return Self::NONE };
        let mut can = Self::NONE;
        if let Some(modes) = member(&object, "elicitation").filter(|_| revision >= "2025-06-18") {
            let by_url = modes.contains("url") && revision >= "2025-11-25";
            // An empty object means forms, as it did before there was anything else.
            if modes.contains("form") || !modes.contains("url") {
                can = can.with(Self::FORM);
            }
            if by_url {
                can = can.with(Self::URL);
            }
        }
        if let Some(sampling) = member(&object, "sampling") {
            can = can.with(Self::SAMPLING);
            if sampling.contains("tools") && revision >= "2025-11-25" {
                can = can.with(Self::SAMPLING_TOOLS);
            }
            if sampling.contains("context") {
                can = can.with(Self::SAMPLING_CONTEXT);
            }
        }
        if member(&object, "roots").is_some() {
            can = can.with(Self::ROOTS);
        }
        can
    }

    /// The same as `ClientCapabilities`. That roots change is not declared: modern servers are not told of it.
    pub fn to_raw(self) -> Box<RawValue> {
        self.written(false)
    }

    /// The same as a handshake declares them, after which a server can be told that roots changed.
    pub fn for_handshake(self) -> Box<RawValue> {
        self.written(true)
    }

    fn written(self, changing: bool) -> Box<RawValue> {
        let mut object = RawObject::new();
        if self.has(Self::FORM) || self.has(Self::URL) {
            object.set("elicitation", flags(&[("form", self.has(Self::FORM)), ("url", self.has(Self::URL))]));
        }
        if self.has(Self::SAMPLING) {
            let with =
                [("tools", self.has(Self::SAMPLING_TOOLS)), ("context", self.has(Self::SAMPLING_CONTEXT))];
            object.set("sampling", flags(&with));
        }
        if self.has(Self::ROOTS) {
            let mut roots = RawObject::new();
            if changing {
                roots.set("listChanged", RawValue::TRUE);
            }
            object.set("roots", roots.to_raw());
        }
        object.to_raw()
    }

    /// Whether everything of `other` is in here.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is nothing.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Both together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// As a number, for sealed ids and keys.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// From such a number; bits that mean nothing are left out.
    pub fn from_bits(bits: u8) -> Self {
        Self(bits & 0b11_1111)
    }

    /// Whether a client with these abilities may be sent this request.
    pub fn allow(self, method: &str, params: Option<&RawValue>) -> bool {
        match method {
            "elicitation/create" => {
                let object = params.and_then(|params| RawObject::parse(params).ok());
                let by_url =
                    object.is_some_and(|object| object.text("mode").is_some_and(|mode| mode == "url"));
                self.has(if by_url { Self::URL } else { Self::FORM })
            }
            "sampling/createMessage" => {
                let object = params.and_then(|params| RawObject::parse(params).ok());
                let tools =
                    object.is_some_and(|object| object.contains("tools") || object.contains("toolChoice"));
                self.has(Self::SAMPLING) && (!tools || self.has(Self::SAMPLING_TOOLS))
            }
            "roots/list" => self.has(Self::ROOTS),
            _ => false,
        }
    }
}

/// What a modern client declares, as far as an upstream may know of a request that cannot become a task: without the
/// extension for these.
pub fn forwarded(capabilities: &RawValue) -> Box<RawValue> {
    use crate::tasks::EXTENSION as TASKS;
    let Ok(mut object) = RawObject::parse(capabilities) else { return RawObject::new().to_raw() };
    let extensions = object.borrowed("extensions").and_then(|given| RawObject::parse(given).ok());
    if let Some(mut extensions) = extensions.filter(|extensions| extensions.contains(TASKS)) {
        extensions.remove(TASKS);
        object.set("extensions", extensions.to_raw());
        return object.to_raw();
    }
    capabilities.to_owned()
}

fn member<'a>(object: &RawObject<'a>, name: &str) -> Option<RawObject<'a>> {
    object
        .borrowed(name)
        .filter(|value| json::is_object(value))
        .and_then(|value| RawObject::parse(value).ok())
}

fn flags(given: &[(&'static str, bool)]) -> Box<RawValue> {
    let mut object = RawObject::new();
    for (name, _) in given.iter().filter(|(_, set)| *set) {
        object.set(*name, RawObject::new().to_raw());
    }
    object.to_raw()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::version;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    fn read(text: &str, revision: &str) -> String {
        Abilities::read(&raw(text), revision).to_raw().get().to_owned()
    }

    #[test]
    fn a_client_can_do_what_its_revision_knows_and_it_declares() {
        let all = r#"{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{"listChanged":true},"x":1}"#;
        assert_eq!(
            read(all, "2025-11-25"),
            r#"{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{}}"#
        );
        assert_eq!(read(all, "2025-06-18"), r#"{"elicitation":{"form":{}},"sampling":{},"roots":{}}"#);
        assert_eq!(read(all, "2025-03-26"), r#"{"sampling":{},"roots":{}}"#);
        assert_eq!(Abilities::ROOTS.for_handshake().get(), r#"{"roots":{"listChanged":true}}"#);
        assert_eq!(read(r#"{"elicitation":{}}"#, "2025-06-18"), r#"{"elicitation":{"form":{}}}"#);
        assert_eq!(read(r#"{"elicitation":{"url":{}}}"#, "2025-06-18"), "{}", "it cannot take a form");
        assert_eq!(read(r#"{"elicitation":{"url":{}}}"#, "2026-07-28"), r#"{"elicitation":{"url":{}}}"#);
        for nothing in ["{}", "[]", r#"{"elicitation":null,"sampling":true,"roots":[]}"#] {
            assert_eq!(read(nothing, "2025-11-25"), "{}");
        }
    }

    #[test]
    fn only_what_was_declared_is_asked() {
        let url = raw(r#"{"mode":"url","url":"https://a.test"}"#);
        let form = raw(r#"{"message":"?"}"#);
        let tools = raw(r#"{"messages":[],"tools":[]}"#);
        let can = Abilities::FORM.with(Abilities::SAMPLING);
        assert!(can.allow("elicitation/create", Some(&form)) && !can.allow("elicitation/create", Some(&url)));
        assert!(can.allow("sampling/createMessage", None));
        assert!(!can.allow("sampling/createMessage", Some(&tools)) && !can.allow("roots/list", None));
        assert!(!can.allow("tasks/get", None) && !Abilities::NONE.allow("elicitation/create", Some(&form)));
    }

    #[test]
    fn what_the_gateway_cannot_pass_on_is_not_declared() {
        let given = raw(r#"{"x":1e400,"extensions":{"io.modelcontextprotocol/tasks":{},"ui":{}}}"#);
        assert_eq!(forwarded(&given).get(), r#"{"x":1e400,"extensions":{"ui":{}}}"#);
        let plain = raw(r#"{ "sampling":{} }"#);
        assert_eq!(forwarded(&plain).get(), plain.get());
    }

    proptest! {
        #[test]
        fn nothing_is_gained_on_the_way(bits in any::<u8>(), revision in prop::sample::select(&version::SUPPORTED[..])) {
            let can = Abilities::from_bits(bits);
            prop_assert_eq!(Abilities::from_bits(can.bits()), can);
            let read = Abilities::read(&can.to_raw(), revision);
            // Tools and context are options of sampling: without it they say nothing.
            let sampled = can.has(Abilities::SAMPLING);
            prop_assert!(can.has(read), "{:?} {:?}", can, read);
            if revision >= "2025-11-25" && sampled {
                prop_assert_eq!(read, can);
            }
        }
    }
}
