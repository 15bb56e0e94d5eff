//! Identity from outside: settings that decide who comes in, letters to people, and the page of an invitation.

mod attacks;
mod everywhere;
mod invitation_page;
mod letters;
mod sessions;
mod settings;

use serde_json::Value;

use crate::app::App;

/// The newest audit record of an action, once there is one.
async fn recorded(app: &App, action: &str) -> Value {
    let newest = async || {
        let rows = app.get("/api/logs/audit-trails?limit=200", &app.admin()).await.expect(200);
        rows.as_array().unwrap().iter().find(|row| row["action"] == action).cloned()
    };
    app.until(async || newest().await.is_some()).await;
    newest().await.unwrap()
}
