//! The catalogue of content attacks (section 9 of the tests that security asks for), against the started program. Numbers
//! in the texts of assertions are those of the catalogue.

mod attacks;
mod doors;
mod pages;
mod personal;
mod records;
mod sizes;
mod templates;

use serde_json::json;

use crate::app::{App, Reply};

/// Submits texts, each as something of its own.
struct Desk {
    app: App,
    admin: String,
    submitted: std::sync::atomic::AtomicU32,
}

impl Desk {
    async fn open(vars: &[(&str, &str)]) -> Self {
        Self::of(App::with(vars, &[]).await)
    }

    fn of(app: App) -> Self {
        let admin = app.admin();
        Self { app, admin, submitted: std::sync::atomic::AtomicU32::new(0) }
    }

    fn number(&self) -> u32 {
        self.submitted.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }

    /// As the content of a resource.
    async fn resource(&self, mime: &str, text: &str) -> Reply {
        let uri = format!("res://desk/{}", self.number());
        let resource = json!({ "uri": uri, "name": "Doc", "mimeType": mime, "content": text });
        self.app.post("/v1/resources", &self.admin, json!({ "resource": resource })).await
    }

    /// As the template of a prompt.
    async fn prompt(&self, text: &str) -> Reply {
        let prompt = json!({ "name": format!("desk_{}", self.number()), "template": text, "arguments": [] });
        self.app.post("/v1/prompts", &self.admin, json!({ "prompt": prompt })).await
    }

    /// Whether a text is refused as a resource of plain text, and that a refusal has one of the rules.
    async fn refuses(&self, text: &str, family: &str) -> bool {
        self.refuses_as("text/plain", text, family).await
    }

    /// The same for another media type.
    async fn refuses_as(&self, mime: &str, text: &str, family: &str) -> bool {
        let reply = self.resource(mime, text).await;
        match reply.status.as_u16() {
            200 => false,
            400 => {
                let refusal = reply.expect(400);
                let rules = super::rules(&refusal);
                assert!(rules.iter().any(|rule| rule.starts_with(family)), "{text:?}: {rules:?}");
                assert!(!refusal.to_string().contains(text), "{text:?} is reflected");
                true
            }
            status => panic!("{text:?}: {status}"),
        }
    }
}

/// Modes of both layers.
fn modes(word: &str) -> [(&str, &str); 2] {
    [("CONTENT_PATTERN_VALIDATION_MODE", word), ("CONTENT_PII_VALIDATION_MODE", word)]
}
