//! `doctor`: everything that a start needs, checked without starting.

use std::{path::Path, process::ExitCode};

use serde_json::json;

use super::{database, say};
use crate::config;

struct Finding {
    what: &'static str,
    problem: Option<String>,
    note: String,
}

pub(super) async fn run(data_dir: &Path, as_json: bool) -> anyhow::Result<ExitCode> {
    let mut findings = Vec::new();
    match config::load(data_dir, vec![], true) {
        Err(mistakes) => findings.push(bad("configuration", mistakes.to_string())),
        Ok(configuration) => {
            let remarks = configuration.remarks.join("; ");
            findings
                .push(good("configuration", if remarks.is_empty() { "sound".to_owned() } else { remarks }));
            findings.push(match database::open(&configuration, data_dir).await {
                Ok(db) => match db.ping().await {
                    Ok(()) => good("database", "answers, and its tables are up to date".to_owned()),
                    Err(error) => bad("database", error.to_string()),
                },
                Err(error) => bad("database", format!("{error:#}")),
            });
            findings.push(port(&configuration.web.listen));
        }
    }
    let failed = findings.iter().filter(|finding| finding.problem.is_some()).count();
    if as_json {
        let list = findings.iter().map(
            |f| json!({ "check": f.what, "ok": f.problem.is_none(), "note": f.note, "problem": f.problem }),
        );
        say(&json!({ "ok": failed == 0, "checks": list.collect::<Vec<_>>() }).to_string());
    } else {
        for finding in &findings {
            match &finding.problem {
                None => say(&format!("ok       {}: {}", finding.what, finding.note)),
                Some(problem) => say(&format!("PROBLEM  {}: {problem}", finding.what)),
            }
        }
        say(if failed == 0 {
            "Everything that a start needs is there."
        } else {
            "The gateway would not start."
        });
    }
    Ok(ExitCode::from(u8::from(failed > 0)))
}

fn port(listen: &web::settings::ListenSettings) -> Finding {
    match std::net::TcpListener::bind((listen.host, listen.port)) {
        Ok(_) => good("port", format!("{}:{} is free", listen.host, listen.port)),
        Err(error) => bad(
            "port",
            format!("{}:{}: {error}; set PORT, or stop what listens there", listen.host, listen.port),
        ),
    }
}

fn good(what: &'static str, note: String) -> Finding {
    Finding { what, problem: None, note }
}

fn bad(what: &'static str, problem: String) -> Finding {
    Finding { what, problem: Some(problem), note: String::new() }
}
