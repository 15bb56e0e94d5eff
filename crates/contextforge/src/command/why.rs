//! `why`: asks a running gateway to explain a decision, and prints the steps.
//!
//! The exit code is 0 where the request would pass, 2 where it would be refused, and 3 where that is not for whoever
//! asks to know.

use std::{path::Path, process::ExitCode};

use http::Method;
use serde_json::{Map, Value};

use super::{
    remote::{Client, field},
    say,
};
use crate::cli::{Remote, Why};

pub(super) async fn run(data_dir: &Path, options: Why) -> anyhow::Result<ExitCode> {
    let question = question(&options);
    let remote = |token| Remote { url: options.url.clone(), token, output: options.output };
    let asked = ask(data_dir, &remote(options.ask_with.clone()), &question).await;
    let answer = match (asked, &options) {
        // An administrator's token of this machine need not count at a gateway elsewhere.
        (Err(_), Why { ask_with: None, token: Some(token), .. }) => {
            ask(data_dir, &remote(Some(token.clone())), &question).await?
        }
        (asked, _) => asked?,
    };
    if options.output.json {
        say(&answer.to_string());
    } else {
        say(&readable(&answer));
    }
    Ok(ExitCode::from(match field(&answer, "decision") {
        "allowed" => 0,
        "denied" => 2,
        _ => 3,
    }))
}

async fn ask(data_dir: &Path, remote: &Remote, question: &Value) -> anyhow::Result<Value> {
    Client::new(data_dir, remote)?.send(Method::POST, "/v1/rbac/explain", Some(question.clone())).await
}

fn question(options: &Why) -> Value {
    let members = [
        ("token", &options.token),
        ("user_email", &options.user),
        ("tool", &options.tool),
        ("prompt", &options.prompt),
        ("resource", &options.resource),
        ("gateway", &options.gateway),
        ("server", &options.server),
        ("permission", &options.permission),
        ("method", &options.method),
        ("ip", &options.ip),
    ];
    let given =
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into())));
    Value::Object(given.collect::<Map<_, _>>())
}

fn readable(answer: &Value) -> String {
    let who = match field(answer, "user_email") {
        "" => "The credential".to_owned(),
        email => email.to_owned(),
    };
    let needs = answer.get("permissions").and_then(Value::as_array);
    let needs: Vec<&str> = needs.into_iter().flatten().filter_map(Value::as_str).collect();
    let about = answer.get("about").map_or("", |about| field(about, "name"));
    let mut lines =
        vec![format!("{}: {who} {about} ({})", field(answer, "decision"), needs.join(", ")), String::new()];
    for step in answer.get("trace").and_then(Value::as_array).into_iter().flatten() {
        let mark = match field(step, "outcome") {
            "passed" => "yes",
            "denied" => "NO",
            "unknown" => "?",
            _ => "-",
        };
        lines.push(format!("  {mark:4}{:16}{}", field(step, "step"), field(step, "why")));
        let change = field(step, "change");
        if !change.is_empty() {
            lines.push(format!("  {:20}-> {change}", ""));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_step_that_refuses_stands_out_with_what_would_change_it() {
        let text = readable(&json!({
            "decision": "denied", "user_email": "bob@example.com", "permissions": ["servers.use", "tools.execute"],
            "about": { "name": "demo-echo" },
            "trace": [
                { "step": "credential", "outcome": "passed", "why": "Good." },
                { "step": "token_cap", "outcome": "denied", "why": "Limited.", "change": "Another token." },
            ],
        }));
        assert!(
            text.starts_with("denied: bob@example.com demo-echo (servers.use, tools.execute)\n"),
            "{text}"
        );
        assert!(text.contains("  yes credential      Good.\n"), "{text}");
        assert!(text.contains("  NO  token_cap       Limited.\n"), "{text}");
        assert!(text.ends_with("-> Another token."), "{text}");
    }
}
