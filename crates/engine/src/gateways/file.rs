//! Gateways that the operator's servers file or the command line names.
//!
//! The file is the truth: at every start rows are made, changed and removed to match it, and the API may only look
//! at them. They are public and belong to the platform administrator. Nothing is probed here, so that a server
//! that is down does not hold up the start; the first refresh follows in the background.

use domain::{
    Error, Owned, Problem, Result, Visibility,
    gateway::{Gateway, ProtocolChoice, Transport, UpstreamAuth},
    id::GatewayId,
    name,
    violation::Violation,
};
use serde_json::json;
use upstream::stdio::file::{FileServer, Reach};

use super::{create::unprobed, credentials, input::Checked, revision};
use crate::{Engine, audit, catalogue, content_security, content_security::Text, ownership};

/// `created_via` of what comes from the file.
pub(super) const VIA: &str = "file";

const JOB: &str = "system:servers-file";
const BUILTIN_NAME: &str = "Demo";

/// Makes the rows match the file. Fails, with every reason and without a change, where names cannot be had.
#[crate::boxed]
pub async fn sync_file(engine: &Engine, servers: Vec<FileServer>) -> Result<()> {
    refuse_attacks(engine, &servers).await?;
    let separator = &engine.settings().federation.name_separator;
    let wanted = servers.into_iter().map(|server| wanted(server, separator)).collect();
    sync(engine, wanted, |gateway| gateway.transport != Transport::Builtin).await?;
    Ok(())
}

/// Makes or removes the demonstration server. It is there with its tools when this returns.
#[crate::boxed]
pub async fn sync_builtin(engine: &Engine, on: bool) -> Result<()> {
    let separator = &engine.settings().federation.name_separator;
    let checked = Checked {
        name: BUILTIN_NAME.to_owned(),
        slug: name::slug(BUILTIN_NAME, separator),
        url: "builtin:demo".to_owned(),
        description: Some("A small MCP server inside the gateway, to try things out".to_owned()),
        transport: Transport::Builtin,
        protocol: ProtocolChoice::Auto,
        auth: UpstreamAuth::None,
        passthrough_headers: Vec::new(),
        refresh_interval_seconds: None,
        tags: Vec::new(),
    };
    let wanted = if on { vec![(checked, true)] } else { Vec::new() };
    let rows = sync(engine, wanted, |gateway| gateway.transport == Transport::Builtin).await?;
    for row in rows {
        super::background(engine, &row).await;
    }
    Ok(())
}

fn wanted(server: FileServer, separator: &str) -> (Checked, bool) {
    let (url, transport, auth) = match server.reach {
        Reach::Process(_) => (format!("stdio:{}", server.name), Transport::Stdio, UpstreamAuth::None),
        Reach::Remote { url, headers, transport } => {
            let auth = if headers.is_empty() { UpstreamAuth::None } else { UpstreamAuth::Headers(headers) };
            (url, transport, auth)
        }
    };
    let checked = Checked {
        slug: name::slug(&server.name, separator),
        name: server.name,
        url,
        description: None,
        transport,
        protocol: server.protocol,
        auth,
        passthrough_headers: Vec::new(),
        refresh_interval_seconds: None,
        tags: Vec::new(),
    };
    (checked, server.enabled)
}

/// Makes the file's rows that `mine` picks out match `wanted`; gives the ids of those that are switched on.
async fn sync(
    engine: &Engine,
    wanted: Vec<(Checked, bool)>,
    mine: fn(&Gateway) -> bool,
) -> Result<Vec<GatewayId>> {
    let turn = engine.federation().turn().await;
    let (held, others): (Vec<Gateway>, Vec<Gateway>) = super::load_all(engine)
        .await?
        .into_iter()
        .partition(|gateway| super::is_from_file(gateway) && mine(gateway));
    refuse_taken(&wanted, &others)?;
    let mut changed = false;
    let mut on = Vec::new();
    for gone in held.iter().filter(|gateway| !wanted.iter().any(|(checked, _)| checked.name == gateway.name))
    {
        remove(engine, gone).await?;
        changed = true;
    }
    for (checked, enabled) in wanted {
        let before = held.iter().find(|gateway| gateway.name == checked.name);
        let (id, written) = save(engine, before, checked, enabled).await?;
        changed |= written;
        if enabled {
            on.push(id);
        }
    }
    drop(turn);
    if changed {
        catalogue::changed(engine).await?;
    }
    Ok(on)
}

/// Names are shown to models and people like those that come over the API, so that the same is refused. Problems give
/// the place in the file and never the name.
async fn refuse_attacks(engine: &Engine, servers: &[FileServer]) -> Result<()> {
    let caller = ownership::job_caller(VIA);
    let mut problems = Vec::new();
    for (at, server) in servers.iter().enumerate() {
        let subject = ("gateway", VIA);
        let texts = Text::metadata("name", Some(&server.name));
        match content_security::screen(engine, JOB, &caller, subject, texts).await {
            Err(Error::Content(found)) => {
                let field = format!("mcpServers, name of server {}", at + 1);
                problems.push(Problem { field, message: Violation::join(&found) });
            }
            other => other?,
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
}

fn refuse_taken(wanted: &[(Checked, bool)], others: &[Gateway]) -> Result<()> {
    let mut problems = Vec::new();
    for (at, (checked, _)) in wanted.iter().enumerate() {
        let mut problem = |message: String| {
            problems.push(Problem { field: format!("mcpServers.{}", checked.name), message });
        };
        if checked.slug.is_empty() {
            problem("needs a letter or a digit in its name: the names of its tools start with it".to_owned());
        } else if let Some(other) = others.iter().find(|other| other.slug == checked.slug) {
            problem(format!(
                "gateway {:?} is registered already and has the same slug; rename one",
                other.name
            ));
        } else if wanted.iter().take(at).any(|(earlier, _)| earlier.slug == checked.slug) {
            problem(format!("another server of the file has the same slug {:?}; rename one", checked.slug));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
}

async fn remove(engine: &Engine, gateway: &Gateway) -> Result<()> {
    let mut tx = engine.db().begin().await?;
    store::gateways::delete(&mut tx, &gateway.id).await?;
    note(engine, &mut tx, "gateway.delete", gateway).await?;
    tx.commit().await
}

/// Writes the row where it differs from the file.
async fn save(
    engine: &Engine,
    before: Option<&Gateway>,
    checked: Checked,
    enabled: bool,
) -> Result<(GatewayId, bool)> {
    let now = engine.clock().now();
    let caller = ownership::job_caller(VIA);
    let Some(before) = before else {
        let owner_email = engine.settings().accounts.admin_email.to_lowercase();
        let owned = Owned { visibility: Visibility::Public, team_id: None, owner_email };
        let made = unprobed(GatewayId::random(), checked, ownership::made(now, JOB, &caller));
        let gateway = Gateway { owned, enabled, ..made };
        let sealed = credentials::seal(engine.keys(), &gateway.id, &gateway.auth)?;
        let mut tx = engine.db().begin().await?;
        store::gateways::insert(&mut tx, &gateway, sealed.as_deref()).await?;
        note(engine, &mut tx, "gateway.create", &gateway).await?;
        tx.commit().await?;
        return Ok((gateway.id, true));
    };
    let mut after = Gateway {
        slug: checked.slug,
        url: checked.url,
        transport: checked.transport,
        protocol: checked.protocol,
        auth: checked.auth,
        enabled,
        ..before.clone()
    };
    let moved = revision(&after) != revision(before);
    if moved {
        // What was found out about the upstream before says nothing about this one.
        (after.reachable, after.dialect, after.last_refresh_at) = (false, None, None);
    }
    let same = !moved && after.slug == before.slug && enabled == before.enabled;
    if !same {
        ownership::changed(&mut after.record, now, JOB, &caller);
        let sealed = credentials::seal(engine.keys(), &after.id, &after.auth)?;
        let mut tx = engine.db().begin().await?;
        store::gateways::update(&mut tx, &after, sealed.as_deref(), before.record.version).await?;
        note(engine, &mut tx, "gateway.update", &after).await?;
        tx.commit().await?;
    }
    Ok((after.id, !same))
}

async fn note(engine: &Engine, tx: &mut store::Tx, action: &str, gateway: &Gateway) -> Result<()> {
    let details = json!({ "name": gateway.name, "transport": gateway.transport, "from": "servers file" });
    let deed = audit::Deed::done(action, "gateway", gateway.id.as_str()).with(details);
    audit::record(engine, tx, JOB, &ownership::job_caller(VIA), deed).await?;
    store::sequences::bump(tx, "catalogue").await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(name: &str) -> FileServer {
        let reach = Reach::Remote {
            url: "http://127.0.0.1:1/mcp".to_owned(),
            headers: vec![("X-Key".to_owned(), domain::Secret::new("k".to_owned()))],
            transport: Transport::StreamableHttp,
        };
        FileServer { name: name.to_owned(), reach, protocol: ProtocolChoice::Auto, enabled: true }
    }

    #[test]
    fn names_that_clash_are_all_reported() {
        let both = [wanted(server("My Git"), "-"), wanted(server("my_git"), "-"), wanted(server("--"), "-")];
        let Err(Error::Invalid(problems)) = refuse_taken(&both, &[]) else { panic!("refused") };
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["mcpServers.my_git", "mcpServers.--"]);
    }

    #[test]
    fn headers_of_the_file_are_credentials() {
        let (checked, enabled) = wanted(server("a"), "-");
        assert!(enabled);
        assert_eq!(checked.auth.kind(), Some("authheaders"));
    }
}
