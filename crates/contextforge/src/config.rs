//! From the environment to settings: the only place that reads it.
//!
//! Order: process environment, then `.env` in the working folder, then secrets generated into the data folder.
//! All sections are read before anything is reported, so that one start shows every mistake.

mod content;
pub(crate) mod docs;
mod dotenv;
pub(crate) mod folder;
mod known;
mod production;
mod secrets;
pub(crate) mod settled;
mod tokens;

use std::{fmt, path::Path};

use domain::{Env, Problem, Secret, settings::Value};
use engine::settings::{
    AccountSettings, AuthSettings, Environment, FederationSettings, PeopleSettings, PinSettings, TeamSettings,
};

use crate::telemetry;

domain::settings! {
    /// The process.
    ProcessSettings {
        /// `development`, `staging` or `production`. Production refuses to start with anything weak or missing.
        environment: Environment = "ENVIRONMENT", default "development";
        /// Database: `sqlite:///path` or `postgresql://user:password@host/name`; the forms of SQLAlchemy are understood. SQLite in the data folder by default.
        database_url: Option<Secret<String>> = "DATABASE_URL";
        /// Connections to PostgreSQL, or readers of SQLite.
        database_connections: u32 = "DB_POOL_SIZE", default "8";
        /// Redis, to tell other replicas of changes at once. Without it they notice within two seconds.
        redis_url: Option<Secret<String>> = "REDIS_URL";
        /// Least severe log lines: `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,upstream=debug`.
        log_level: String = "LOG_LEVEL", default "info";
        /// `json` or `text`. Text on a terminal, JSON elsewhere, when not set.
        log_format: Option<String> = "LOG_FORMAT";
        /// Seconds that requests under way may take to finish after a stop is asked for.
        drain_seconds: u64 = "SHUTDOWN_DRAIN_SECONDS", default "10";
    }
}

/// Everything that a start needs.
pub(crate) struct Configuration {
    pub(crate) process: ProcessSettings,
    pub(crate) engine: engine::settings::Settings,
    pub(crate) web: web::settings::Settings,
    pub(crate) egress: upstream::egress::EgressSettings,
    pub(crate) mail: upstream::mail::MailSettings,
    /// Advice that does not stop a start.
    pub(crate) remarks: Vec<String>,
    /// The file that secrets were generated into at this start.
    pub(crate) generated: Option<std::path::PathBuf>,
}

/// Everything that is wrong with the configuration.
#[derive(Debug)]
pub(crate) struct Mistakes(pub(crate) Vec<Problem>);

impl std::error::Error for Mistakes {}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "the configuration has {count} problem{}:", if count == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

/// Variables that the command line sets; they win over the environment.
pub(crate) type Overrides = Vec<(&'static str, String)>;

/// Reads the configuration of this process. `write_secrets` lets a first start keep what it generates.
pub(crate) fn load(
    data_dir: &Path,
    overrides: Overrides,
    write_secrets: bool,
) -> Result<Configuration, Mistakes> {
    let mut vars = variables().map_err(|problem| Mistakes(vec![problem]))?;
    for (name, value) in overrides {
        vars.retain(|(existing, _)| !existing.eq_ignore_ascii_case(name));
        vars.push((name.to_owned(), value));
    }
    read(vars, data_dir, write_secrets)
}

fn variables() -> Result<Vec<(String, String)>, Problem> {
    let process = environment();
    let mut vars: Vec<(String, String)> = process.clone().into_iter().collect();
    let problem = |message: String| Problem { field: ".env".to_owned(), message };
    let text = match std::fs::read_to_string(".env") {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vars),
        text => text.map_err(|error| problem(error.to_string()))?,
    };
    let lines = dotenv::parse(&text, |name| process.get(name).cloned());
    let lines =
        lines.map_err(|line| problem(format!("line {line} cannot be read: NAME=value is expected")))?;
    let given = |name: &str| process.keys().any(|existing| existing.eq_ignore_ascii_case(name));
    vars.extend(lines.into_iter().filter(|(name, _)| !given(name)));
    Ok(vars)
}

/// The process environment, for `${NAME}` in the operator's file of servers.
pub(crate) fn environment() -> std::collections::BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The variables that child processes are given.
pub(crate) fn inherited() -> Vec<(String, String)> {
    let wanted = upstream::stdio::process::INHERITED;
    environment().into_iter().filter(|(name, _)| wanted.contains(&name.as_str())).collect()
}

/// One variable as [`load`] would see it, for commands that need no more.
pub(crate) fn variable(wanted: &str) -> Result<Option<String>, Mistakes> {
    let vars = variables().map_err(|problem| Mistakes(vec![problem]))?;
    let found = vars.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
    Ok(found.map(|(_, value)| value).filter(|value| !value.trim().is_empty()))
}

/// The options of content security alone, for a command that needs no gateway.
pub(crate) fn content_settings() -> Result<::content::ContentSettings, Mistakes> {
    let mut env = Env::new(variables().map_err(|problem| Mistakes(vec![problem]))?);
    let mut remarks = Vec::new();
    let settings = content::check(&mut env, false, &mut remarks);
    settings.filter(|_| env.problems.is_empty()).ok_or_else(|| Mistakes(std::mem::take(&mut env.problems)))
}

/// A password that nobody could guess.
pub(crate) fn random_secret() -> anyhow::Result<String> {
    secrets::random().map_err(|error| anyhow::anyhow!("no random numbers: {error}"))
}

/// Reads the configuration from given variables.
pub(crate) fn read(
    vars: Vec<(String, String)>,
    data_dir: &Path,
    write_secrets: bool,
) -> Result<Configuration, Mistakes> {
    let names: Vec<String> = vars.iter().map(|(name, _)| name.to_ascii_uppercase()).collect();
    let mut env = Env::new(vars);
    let environment = Environment::parse(env.text("ENVIRONMENT").as_deref().or(Some("development")));
    let production = matches!(environment, Ok(Environment::Production));
    let mut remarks = Vec::new();
    if write_secrets {
        remarks.extend(folder::tighten(data_dir));
    }
    let generated = if production { None } else { secrets::fill(&mut env, data_dir, write_secrets) };
    secrets::check(&mut env, environment.as_ref().ok().copied(), &mut remarks);
    let process = ProcessSettings::read(&mut env);
    if let Some(process) = &process {
        check_log(process, &mut env);
    }
    let engine = engine_settings(&mut env, environment.as_ref().ok().copied(), &mut remarks);
    let web = web::settings::Settings::read(&mut env);
    let egress = upstream::egress::EgressSettings::read(&mut env);
    let mail = upstream::mail::MailSettings::read_checked(&mut env, production, &mut remarks);
    if production {
        production::check(&mut env, web.as_ref());
    }
    settled::check(&mut env, production, &mut remarks);
    production::remarks(egress.as_ref(), &mut remarks);
    remarks.extend(known::remarks(&env, &names));
    let mut problems = std::mem::take(&mut env.problems);
    // A missing secret was explained before its section missed it.
    let mut seen = std::collections::BTreeSet::new();
    problems.retain(|problem| seen.insert(problem.field.clone()));
    match (process, engine, web, egress, mail) {
        (Some(process), Some(engine), Some(web), Some(egress), Some(mail)) if problems.is_empty() => {
            Ok(Configuration { process, engine, web, egress, mail, remarks, generated })
        }
        _ => Err(Mistakes(problems)),
    }
}

/// The sections of the rules. All are read before any of them is missed.
fn engine_settings(
    env: &mut Env,
    environment: Option<Environment>,
    remarks: &mut Vec<String>,
) -> Option<engine::settings::Settings> {
    let production = environment == Some(Environment::Production);
    let auth = AuthSettings::read(env);
    let accounts = AccountSettings::read(env);
    let strict = production || env.read::<Option<bool>>("REQUIRE_STRONG_SECRETS", None) == Some(Some(true));
    let people = PeopleSettings::read(env, strict, remarks);
    let teams = TeamSettings::read(env);
    let federation = FederationSettings::read(env);
    let pins = PinSettings::read(env);
    let content = content::check(env, production, remarks);
    if let (Some(auth), Some(environment)) = (&auth, environment) {
        tokens::check(auth, environment, env, remarks);
    }
    if let Some(federation) = &federation
        && !["-", "--", "_", "."].contains(&federation.name_separator.as_str())
    {
        env.problem("GATEWAY_TOOL_NAME_SEPARATOR", "must be -, --, _ or .");
    }
    Some(engine::settings::Settings {
        auth: auth?,
        accounts: accounts?,
        people: people?,
        teams: teams?,
        federation: federation?,
        pins: pins?,
        content: content?,
        environment: environment?,
    })
}

fn check_log(process: &ProcessSettings, env: &mut Env) {
    if let Err(message) = telemetry::directives(&process.log_level) {
        env.problem("LOG_LEVEL", message);
    }
    if let Some(message) = telemetry::format_problem(process.log_format.as_deref()) {
        env.problem("LOG_FORMAT", message);
    }
}

#[cfg(test)]
mod tests;
