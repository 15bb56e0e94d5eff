//! Layer 6: the `Content-Security-Policy` of HTML answers.
//!
//! Strict by default: scripts and styles of this origin, inline ones only with the nonce of the answer. `compat` is the
//! header of the contract to the letter, for pages that were written for it; it allows inline script.

use std::fmt;

/// Which policy pages get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CspMode {
    /// This origin and nonces.
    Strict,
    /// The text of the contract.
    Compat,
}

impl std::str::FromStr for CspMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "strict" => Ok(Self::Strict),
            "compat" => Ok(Self::Compat),
            _ => Err("must be one of strict, compat".to_owned()),
        }
    }
}

impl domain::settings::Value for CspMode {
    fn parse(raw: Option<&str>) -> Result<Self, String> {
        raw.unwrap_or("strict").parse()
    }
}

/// The header of the contract.
pub const COMPAT: &str = "default-src 'self'; script-src 'self' 'unsafe-inline' cdn.jsdelivr.net unpkg.com; \
                          style-src 'self' 'unsafe-inline' cdn.jsdelivr.net";

/// The policy of raw downloads: a document that runs nothing, whatever it is.
pub const SANDBOX: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// A random value that one answer's header and its own inline scripts share.
///
/// Made from random bytes of the caller, because randomness is a parameter; never reuse one.
#[derive(Clone, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// Encodes 128 random bits.
    pub fn new(random: [u8; 16]) -> Self {
        use base64::Engine;
        Self(base64::engine::general_purpose::STANDARD_NO_PAD.encode(random))
    }

    /// The value of the `nonce` attribute.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Nonce(..)")
    }
}

/// Builds the policy of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Csp {
    directives: Vec<(&'static str, Vec<String>)>,
}

impl Csp {
    /// The strict policy with the nonce of the answer.
    pub fn strict(nonce: &Nonce) -> Self {
        let own = || vec!["'self'".to_owned()];
        let nonced = || vec!["'self'".to_owned(), format!("'nonce-{}'", nonce.0)];
        let nothing = || vec!["'none'".to_owned()];
        Self {
            directives: vec![
                ("default-src", nothing()),
                ("script-src", nonced()),
                ("style-src", nonced()),
                ("img-src", vec!["'self'".to_owned(), "data:".to_owned()]),
                ("font-src", own()),
                ("connect-src", own()),
                ("form-action", own()),
                ("base-uri", nothing()),
                ("object-src", nothing()),
                ("frame-ancestors", nothing()),
            ],
        }
    }

    /// Allows one more source. Sources with white space, `;` or `,` would end the directive and are left out.
    #[must_use]
    pub fn allow(mut self, directive: &'static str, source: &str) -> Self {
        if source.is_empty() || !source.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b';' | b',')) {
            return self;
        }
        match self.directives.iter_mut().find(|(name, _)| *name == directive) {
            Some((_, sources)) => {
                sources.retain(|known| known != "'none'");
                sources.push(source.to_owned());
            }
            None => self.directives.push((directive, vec![source.to_owned()])),
        }
        self
    }

    /// Says who may show the page in a frame, in the words of `frame-ancestors`.
    #[must_use]
    pub fn framed_by(mut self, ancestors: &str) -> Self {
        self.directives.retain(|(name, _)| *name != "frame-ancestors");
        self.allow("frame-ancestors", ancestors)
    }
}

impl fmt::Display for Csp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, sources)) in self.directives.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(formatter, "{separator}{name} {}", sources.join(" "))?;
        }
        Ok(())
    }
}

/// The value of the header in a mode.
pub fn header(mode: CspMode, nonce: &Nonce) -> String {
    match mode {
        CspMode::Strict => Csp::strict(nonce).to_string(),
        CspMode::Compat => COMPAT.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_has_no_inline_and_no_foreign_source() {
        let text = header(CspMode::Strict, &Nonce::new([7; 16]));
        assert!(text.contains("script-src 'self' 'nonce-BwcHBwcHBwcHBwcHBwcHBw'"), "{text}");
        assert!(!text.contains("unsafe") && !text.contains("http") && text.contains("base-uri 'none'"));
    }

    #[test]
    fn compat_is_the_contract() {
        let text = header("compat".parse().unwrap(), &Nonce::new([0; 16]));
        assert!(text.starts_with(
            "default-src 'self'; script-src 'self' 'unsafe-inline' cdn.jsdelivr.net unpkg.com;"
        ));
    }

    #[test]
    fn a_source_cannot_end_its_directive() {
        let csp = Csp::strict(&Nonce::new([0; 16]));
        assert_eq!(csp.clone().allow("img-src", "x; script-src *"), csp);
        assert!(
            csp.clone()
                .allow("img-src", "https://cdn.example")
                .to_string()
                .contains("img-src 'self' data: https://cdn.example;")
        );
        assert!(csp.framed_by("'self'").to_string().ends_with("frame-ancestors 'self'"));
    }
}
