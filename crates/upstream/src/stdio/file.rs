//! The operator's file of servers, in the `mcpServers` format that desktop clients made familiar.
//!
//! This is the only place a command can come from: no API takes one. Every problem is reported at once, with its
//! path, and no message repeats a value. `${NAME}` is replaced in the values of `env` and `headers` alone, out of
//! the map that the caller gives; the environment is not read here.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use domain::{
    Problem, Secret,
    gateway::{ProtocolChoice, Transport},
};
use serde_json::value::RawValue;

use self::members::{Members, nearest};

mod members;

const ROOT: &[&str] = &["mcpServers", "servers"];
const SERVER: &[&str] =
    &["command", "args", "env", "cwd", "url", "headers", "type", "transport", "disabled", "protocol"];

/// A child process to run: no shell is involved. Arguments are not printed; operators put keys into them.
#[derive(Clone, PartialEq, Eq)]
pub struct Launch {
    /// The program: a path, or a name that is looked for in the child's `PATH`.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables besides the inherited ones; they win over those.
    pub env: Vec<(String, Secret<String>)>,
    /// The folder it starts in; the gateway's own where absent.
    pub cwd: Option<PathBuf>,
}

impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, args, env, cwd } = self;
        write!(f, "Launch {{ command: {command:?}, args: {}, env: {env:?}, cwd: {cwd:?} }}", args.len())
    }
}

/// How a server of the file is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// By running it.
    Process(Launch),
    /// By URL.
    Remote {
        /// Where it is.
        url: String,
        /// Headers to send with every request.
        headers: Vec<(String, Secret<String>)>,
        /// Streamable HTTP or SSE.
        transport: Transport,
    },
}

/// One entry of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileServer {
    /// Its key in the file.
    pub name: String,
    /// How it is reached.
    pub reach: Reach,
    /// What the operator wants of the era probe.
    pub protocol: ProtocolChoice,
    /// False where the file says `"disabled": true`.
    pub enabled: bool,
}

/// The reader of the file.
#[derive(Debug, Clone, Copy)]
pub struct StdioServers;

impl StdioServers {
    /// Reads the file's text. `variables` is all that `${NAME}` can refer to.
    pub fn parse(text: &str, variables: &BTreeMap<String, String>) -> Result<Vec<FileServer>, Vec<Problem>> {
        let mut reader = Reader { variables, problems: Vec::new() };
        let servers = match serde_json::from_str::<&RawValue>(text) {
            Ok(root) => reader.root(root),
            Err(error) => {
                reader.problem("", format!("is not JSON: {error}"));
                Vec::new()
            }
        };
        if reader.problems.is_empty() { Ok(servers) } else { Err(reader.problems) }
    }
}

struct Reader<'v> {
    variables: &'v BTreeMap<String, String>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, field: &str, message: impl Into<String>) {
        self.problems.push(Problem { field: field.to_owned(), message: message.into() });
    }

    fn root(&mut self, raw: &RawValue) -> Vec<FileServer> {
        let Some(root) = self.object("", raw) else { return Vec::new() };
        self.unknown("", &root, ROOT);
        if ROOT.iter().all(|key| root.get(key).is_none()) {
            self.problem("", "has no \"mcpServers\" object");
        }
        let mut servers: Vec<FileServer> = Vec::new();
        for key in ROOT {
            let Some(section) = root.get(key).and_then(|raw| self.object(key, raw)) else { continue };
            for (name, raw) in section.iter() {
                let path = format!("{key}.{name}");
                if let Err(problem) = domain::name::check_name(&path, name) {
                    self.problems.push(problem);
                }
                if servers.iter().any(|server| server.name == name) {
                    self.problem(&path, "is in the file twice");
                }
                servers.extend(self.server(&path, name, raw));
            }
        }
        servers
    }

    fn server(&mut self, path: &str, name: &str, raw: &RawValue) -> Option<FileServer> {
        let entry = self.object(path, raw)?;
        self.unknown(path, &entry, SERVER);
        let enabled = !self.read::<bool>(path, &entry, "disabled", "must be true or false").unwrap_or(false);
        let protocol = match self.text(path, &entry, "protocol").as_deref() {
            None | Some("auto") => ProtocolChoice::Auto,
            Some("legacy") => ProtocolChoice::Legacy,
            Some("modern") => ProtocolChoice::Modern,
            Some(_) => {
                self.problem(&format!("{path}.protocol"), "must be auto, legacy or modern");
                ProtocolChoice::Auto
            }
        };
        let transport = self.transport(path, &entry);
        let reach = match (entry.get("command").is_some(), entry.get("url").is_some()) {
            (true, false) => self.process(path, &entry, transport),
            (false, true) => self.remote(path, &entry, transport),
            (true, true) => {
                self.problem(path, "has both a command and a url; one server is one of them");
                None
            }
            (false, false) => {
                self.problem(path, "needs a command or a url");
                None
            }
        };
        Some(FileServer { name: name.to_owned(), reach: reach?, protocol, enabled })
    }

    /// `type` and `transport` are two spellings of one thing; clients disagree about the name.
    fn transport(&mut self, path: &str, entry: &Members) -> Option<Transport> {
        let mut found = None;
        for key in ["type", "transport"] {
            let Some(text) = self.text(path, entry, key) else { continue };
            let field = format!("{path}.{key}");
            let parsed = match text.to_ascii_lowercase().as_str() {
                "stdio" => Transport::Stdio,
                "sse" => Transport::Sse,
                "http" | "streamable-http" | "streamablehttp" | "streamable_http" => {
                    Transport::StreamableHttp
                }
                _ => {
                    self.problem(&field, "must be stdio, http, streamable-http or sse");
                    continue;
                }
            };
            if found.is_some_and(|other| other != parsed) {
                self.problem(&field, "contradicts \"type\"");
            }
            found = Some(parsed);
        }
        found
    }

    fn process(&mut self, path: &str, entry: &Members, transport: Option<Transport>) -> Option<Reach> {
        if transport.is_some_and(|transport| transport != Transport::Stdio) {
            self.problem(path, "has a command, so its type can only be stdio");
        }
        self.foreign(path, entry, "headers", "url");
        let command = self.text(path, entry, "command");
        if command.as_ref().is_some_and(|command| command.trim().is_empty() || command.contains('\0')) {
            self.problem(&format!("{path}.command"), "must not be empty");
        }
        let args =
            self.read::<Vec<String>>(path, entry, "args", "must be a list of texts").unwrap_or_default();
        for (index, arg) in args.iter().enumerate() {
            if arg.contains('\0') {
                self.problem(&format!("{path}.args[{index}]"), "must not hold a NUL character");
            }
        }
        let env = self.values(path, entry, "env", |name, value| {
            if name.is_empty() || name.contains(['=', '\0']) {
                Err("is not a name for an environment variable")
            } else if value.contains('\0') {
                Err("must not hold a NUL character")
            } else {
                Ok(())
            }
        });
        let cwd = self.text(path, entry, "cwd").map(PathBuf::from);
        if cwd.as_ref().is_some_and(|cwd| !cwd.is_absolute()) {
            self.problem(&format!("{path}.cwd"), "must be an absolute path");
        }
        Some(Reach::Process(Launch { command: command?, args, env, cwd }))
    }

    fn remote(&mut self, path: &str, entry: &Members, transport: Option<Transport>) -> Option<Reach> {
        for key in ["args", "env", "cwd"] {
            self.foreign(path, entry, key, "command");
        }
        let field = format!("{path}.url");
        let url = self.text(path, entry, "url")?;
        match url::Url::parse(&url) {
            Err(_) => self.problem(&field, "is not a URL"),
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                self.problem(&field, "must start with http:// or https://");
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                self.problem(&field, "must not hold credentials; put them into headers");
            }
            Ok(_) => {}
        }
        if transport == Some(Transport::Stdio) {
            self.problem(path, "has a url, so its type cannot be stdio");
        }
        let headers = self.values(path, entry, "headers", |name, value| {
            if name.parse::<http::HeaderName>().is_err() {
                Err("is not a name for a header")
            } else if value.parse::<http::HeaderValue>().is_err() {
                Err("is not a value for a header")
            } else {
                Ok(())
            }
        });
        Some(Reach::Remote { url, headers, transport: transport.unwrap_or(Transport::StreamableHttp) })
    }

    /// `env` or `headers`: texts in which variables are replaced.
    fn values(
        &mut self,
        path: &str,
        entry: &Members,
        key: &str,
        check: impl Fn(&str, &str) -> Result<(), &'static str>,
    ) -> Vec<(String, Secret<String>)> {
        let path = format!("{path}.{key}");
        let Some(section) = entry.get(key).and_then(|raw| self.object(&path, raw)) else { return Vec::new() };
        let mut values = Vec::new();
        for (name, raw) in section.iter() {
            let field = format!("{path}.{name}");
            let Ok(text) = serde_json::from_str::<String>(raw.get()) else {
                self.problem(&field, "must be a text");
                continue;
            };
            let text = match expand(&text, self.variables) {
                Ok(text) => text,
                Err(message) => {
                    self.problem(&field, message);
                    continue;
                }
            };
            if let Err(message) = check(name, &text) {
                self.problem(&field, message);
            }
            values.push((name.to_owned(), Secret::new(text)));
        }
        values
    }

    fn object(&mut self, path: &str, raw: &RawValue) -> Option<Members> {
        match Members::parse(raw) {
            Ok(members) => {
                for name in members.repeated() {
                    let field = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                    self.problem(&field, "is in the file twice");
                }
                Some(members)
            }
            Err(message) => {
                self.problem(path, message);
                None
            }
        }
    }

    fn read<T: serde::de::DeserializeOwned>(
        &mut self,
        path: &str,
        entry: &Members,
        key: &str,
        otherwise: &str,
    ) -> Option<T> {
        let value = serde_json::from_str(entry.get(key)?.get());
        value.inspect_err(|_| self.problem(&format!("{path}.{key}"), otherwise)).ok()
    }

    fn text(&mut self, path: &str, entry: &Members, key: &str) -> Option<String> {
        self.read(path, entry, key, "must be a text")
    }

    fn foreign(&mut self, path: &str, entry: &Members, key: &str, owner: &str) {
        if entry.get(key).is_some() {
            self.problem(&format!("{path}.{key}"), format!("goes with a {owner} only"));
        }
    }

    fn unknown(&mut self, path: &str, entry: &Members, known: &[&str]) {
        for (name, _) in entry.iter().filter(|(name, _)| !known.contains(name)) {
            let field = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            let message = match nearest(name, known) {
                Some(close) => format!("is not known; did you mean {close:?}?"),
                None => format!("is not known; known are {}", known.join(", ")),
            };
            self.problem(&field, message);
        }
    }
}

/// Replaces `${NAME}`. `$${` stands for a plain `${`.
fn expand(text: &str, variables: &BTreeMap<String, String>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = after;
            continue;
        }
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            return Err("has a ${ without its }; write $${ for a plain ${".to_owned());
        };
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(
                "only ${NAME} is replaced, where NAME is a variable; write $${ for a plain ${".to_owned()
            );
        }
        let value = variables
            .get(name)
            .ok_or_else(|| format!("refers to ${{{name}}}, which is not set or not open to this file"))?;
        out.push_str(value);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests;
