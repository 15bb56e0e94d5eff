//! What a snapshot holds: prepared for one hash look-up per question and for lists that are copied, not encoded.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use domain::{
    Owned, Timestamp, Visibility,
    gateway::Gateway,
    id::{GatewayId, ServerId},
    item::{Prompt, Resource, Tool},
    server::{Prefix, Server},
};
use protocol::json::RawObject;
use serde_json::value::RawValue;

use super::Local;
use crate::resolve::templates;

/// The kinds of things that an upstream offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A tool.
    Tool,
    /// A prompt.
    Prompt,
    /// A resource.
    Resource,
    /// A resource template.
    Template,
}

/// An upstream, as far as calls need it.
#[derive(Debug)]
pub struct Peer {
    /// Where it is and how it is spoken to.
    pub target: Arc<upstream::Target>,
    /// Client headers to pass on.
    pub passthrough: Vec<String>,
    /// Its capabilities, as it announced them.
    pub capabilities: Option<Box<RawValue>>,
    /// Whether the operator has it switched on.
    pub enabled: bool,
}

/// A tool, prompt, resource or template.
#[derive(Debug)]
pub struct Item {
    /// Its id.
    pub id: Box<str>,
    /// What it is.
    pub kind: Kind,
    /// The public name; of resources and templates the URI.
    pub name: Box<str>,
    /// The upstream's name; of resources and templates the URI.
    pub original: Box<str>,
    /// Who may know of it.
    pub owned: Owned,
    /// Since when it is registered.
    pub since: Timestamp,
    /// Where it lives.
    pub peer: Arc<Peer>,
    /// What answers for it, where that is this program itself.
    pub local: Option<Local>,
    /// Its object in lists under the public name.
    pub listed: Box<RawValue>,
    /// Its object in lists under the upstream's own name.
    pub bare: Box<RawValue>,
    /// Whether it is held back: not listed, and a call says so.
    pub held: bool,
    /// `x-mcp-header` annotations of a tool's input schema, if it has any: the schema itself.
    pub header_schema: Option<Box<RawValue>>,
    /// Stands for what lists show of it: another digest is another text.
    pub digest: u64,
}

/// A virtual server.
#[derive(Debug)]
pub struct ServerView {
    /// Its id.
    pub id: ServerId,
    /// Its name.
    pub name: String,
    /// Sent as `instructions`.
    pub description: Option<String>,
    /// Who may know of it.
    pub owned: Owned,
    /// How names are made.
    pub prefix: Prefix,
    items: Shelf,
}

/// A resource that is registered, whether it is switched on or not.
#[derive(Debug)]
pub struct Registered {
    /// Who may know of it.
    pub owned: Owned,
    /// Whether it is switched on.
    pub enabled: bool,
}

/// The resources of gateways that also have templates, by their URIs in one spelling.
type Uris = HashMap<GatewayId, HashMap<Box<str>, Vec<Registered>>>;

/// Everything that is registered and switched on.
#[derive(Debug, Default)]
pub struct Snapshot {
    peers: HashMap<GatewayId, Arc<Peer>>,
    everything: Shelf,
    servers: HashMap<ServerId, Arc<ServerView>>,
    uris: Uris,
}

/// The rows that a snapshot is built from.
pub(crate) struct Rows {
    pub(crate) gateways: Vec<Gateway>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) servers: Vec<Server>,
}

type Named = HashMap<Box<str>, Vec<Arc<Item>>>;

/// Items by kind, sorted by name, and by name.
#[derive(Debug, Default)]
struct Shelf {
    lists: HashMap<Kind, Vec<Arc<Item>>>,
    names: HashMap<Kind, Named>,
}

impl Shelf {
    fn fill(items: impl IntoIterator<Item = Arc<Item>>, prefix: Prefix) -> Self {
        let mut shelf = Self::default();
        for item in items {
            let name: Box<str> = item.exposed(prefix).into();
            shelf.names.entry(item.kind).or_default().entry(name).or_default().push(Arc::clone(&item));
            // A name that is held back stays taken, so that nothing else is called in its place.
            if !item.held {
                shelf.lists.entry(item.kind).or_default().push(item);
            }
        }
        for list in shelf.lists.values_mut() {
            list.sort_by(|a, b| a.exposed(prefix).cmp(b.exposed(prefix)).then_with(|| a.id.cmp(&b.id)));
        }
        // Rows may share a name. The oldest one comes first, whatever its visibility: whoever registers something later
        // takes nobody's name away, least of all a public one from the members of a team.
        for same in shelf.names.values_mut().flat_map(HashMap::values_mut) {
            same.sort_by(|a, b| a.since.cmp(&b.since).then_with(|| a.id.cmp(&b.id)));
        }
        shelf
    }

    fn list(&self, kind: Kind) -> &[Arc<Item>] {
        self.lists.get(&kind).map_or(&[], Vec::as_slice)
    }

    fn find(&self, kind: Kind, name: &str, reaches: impl Fn(&Owned) -> bool) -> Option<&Arc<Item>> {
        self.names.get(&kind)?.get(name)?.iter().find(|item| reaches(&item.owned))
    }
}

impl Item {
    /// The same with its digest.
    fn digested(mut self) -> Self {
        let mut hasher = DefaultHasher::new();
        (&self.name, self.listed.get(), self.bare.get()).hash(&mut hasher);
        self.digest = hasher.finish();
        self
    }

    /// The name under which a server with this `prefix` shows it.
    pub fn exposed(&self, prefix: Prefix) -> &str {
        match prefix {
            Prefix::Gateway => &self.name,
            Prefix::None => &self.original,
        }
    }

    /// Its object in the lists of such a server.
    pub fn object(&self, prefix: Prefix) -> &RawValue {
        match prefix {
            Prefix::Gateway => &self.listed,
            Prefix::None => &self.bare,
        }
    }
}

impl Snapshot {
    pub(crate) fn build(rows: &Rows) -> Self {
        let mut peers: HashMap<GatewayId, Arc<Peer>> =
            rows.gateways.iter().map(|gateway| (gateway.id.clone(), Arc::new(Peer::of(gateway)))).collect();
        peers.insert(GatewayId::here(), Arc::new(super::local::here()));
        let tools = rows.tools.iter().filter_map(|tool| tool_item(tool, &peers));
        let prompts = rows.prompts.iter().filter_map(|prompt| prompt_item(prompt, &peers));
        let resources = rows.resources.iter().filter_map(|resource| resource_item(resource, &peers));
        let items = tools.chain(prompts).chain(resources).map(|item| Arc::new(item.digested()));
        let items: Vec<Arc<Item>> = items.collect();
        let by_id: HashMap<&str, &Arc<Item>> = items.iter().map(|item| (&*item.id, item)).collect();
        let servers = rows.servers.iter().filter(|server| server.enabled);
        let servers =
            servers.map(|server| (server.id.clone(), Arc::new(ServerView::of(server, &by_id)))).collect();
        let everything = Shelf::fill(items, Prefix::Gateway);
        Self { peers, everything, servers, uris: uris(&rows.resources) }
    }

    /// The rows that a gateway has for a URI, with those that are switched off. Known of gateways with templates.
    pub fn registered(&self, gateway: &GatewayId, uri: &str) -> &[Registered] {
        let rows = self.uris.get(gateway).and_then(|uris| uris.get(&*templates::spelling(uri)));
        rows.map_or(&[], Vec::as_slice)
    }

    /// How many items of a kind there are.
    pub fn count(&self, kind: Kind) -> usize {
        self.everything.list(kind).len()
    }

    /// An upstream by its id.
    pub fn peer(&self, id: &GatewayId) -> Option<&Arc<Peer>> {
        self.peers.get(id)
    }

    /// A virtual server that is switched on and that is reached.
    pub fn server(&self, id: &ServerId, reaches: impl Fn(&Owned) -> bool) -> Option<&Arc<ServerView>> {
        self.servers.get(id).filter(|server| reaches(&server.owned))
    }

    /// The virtual servers that are switched on, in no order.
    pub fn servers(&self) -> impl Iterator<Item = &Arc<ServerView>> {
        self.servers.values()
    }

    /// Every item of a kind under `name`, the one that comes first for everybody who reaches it first.
    pub fn named<'a>(&'a self, server: Option<&'a ServerView>, kind: Kind, name: &str) -> &'a [Arc<Item>] {
        let items = server.map_or(&self.everything, |server| &server.items);
        items.names.get(&kind).and_then(|names| names.get(name)).map_or(&[], Vec::as_slice)
    }

    /// The items of a kind in name order, of one server or of everything; the caller filters by scope.
    pub fn list<'a>(&'a self, server: Option<&'a ServerView>, kind: Kind) -> &'a [Arc<Item>] {
        server.map_or(&self.everything, |server| &server.items).list(kind)
    }

    /// The item that is reached under `name`.
    pub fn find<'a>(
        &'a self,
        server: Option<&'a ServerView>,
        kind: Kind,
        name: &str,
        reaches: impl Fn(&Owned) -> bool,
    ) -> Option<&'a Arc<Item>> {
        server.map_or(&self.everything, |server| &server.items).find(kind, name, reaches)
    }
}

impl Peer {
    fn of(gateway: &Gateway) -> Self {
        Self {
            target: Arc::new(crate::gateways::target(gateway)),
            passthrough: gateway.passthrough_headers.clone(),
            capabilities: RawValue::from_string(gateway.capabilities.clone()).ok(),
            enabled: gateway.enabled,
        }
    }
}

impl ServerView {
    fn of(server: &Server, by_id: &HashMap<&str, &Arc<Item>>) -> Self {
        let tools = server.tools.iter().map(domain::id::ToolId::as_str);
        let prompts = server.prompts.iter().map(domain::id::PromptId::as_str);
        let resources = server.resources.iter().map(domain::id::ResourceId::as_str);
        let chosen =
            tools.chain(prompts).chain(resources).filter_map(|id| by_id.get(id).map(|item| Arc::clone(item)));
        Self {
            id: server.id.clone(),
            name: server.name.clone(),
            description: server.description.clone(),
            owned: server.owned.clone(),
            prefix: server.prefix,
            items: Shelf::fill(chosen, server.prefix),
        }
    }
}

fn uris(resources: &[Resource]) -> Uris {
    let templates = resources.iter().filter(|resource| resource.template);
    let mut uris: Uris = templates.map(|template| (template.gateway_id.clone(), HashMap::new())).collect();
    for row in resources.iter().filter(|resource| !resource.template) {
        if let Some(uris) = uris.get_mut(&row.gateway_id) {
            let registered = Registered { owned: row.owned.clone(), enabled: row.enabled };
            uris.entry(templates::spelling(&row.uri).into()).or_default().push(registered);
        }
    }
    uris
}

fn tool_item(tool: &Tool, peers: &HashMap<GatewayId, Arc<Peer>>) -> Option<Item> {
    let peer = peers.get(&tool.gateway_id).filter(|peer| peer.enabled && tool.enabled)?;
    let bare = object(&tool.definition, [("description", tool.description.as_deref())])?;
    let schema = RawObject::parse(&bare).ok()?.get("inputSchema").map(ToOwned::to_owned);
    Some(Item {
        id: tool.id.as_str().into(),
        kind: Kind::Tool,
        name: tool.name.as_str().into(),
        original: tool.original_name.as_str().into(),
        owned: tool.owned.clone(),
        since: tool.record.created_at,
        peer: Arc::clone(peer),
        local: None,
        listed: protocol::name::rename(&bare, &tool.name).ok()?,
        bare,
        held: tool.held,
        header_schema: schema.filter(|schema| schema.get().contains("x-mcp-header")),
        digest: 0,
    })
}

fn prompt_item(prompt: &Prompt, peers: &HashMap<GatewayId, Arc<Peer>>) -> Option<Item> {
    let peer = peers.get(&prompt.gateway_id).filter(|peer| peer.enabled && prompt.enabled)?;
    let bare = object(&prompt.definition, [("description", prompt.description.as_deref())])?;
    Some(Item {
        id: prompt.id.as_str().into(),
        kind: Kind::Prompt,
        name: prompt.name.as_str().into(),
        original: prompt.original_name.as_str().into(),
        owned: prompt.owned.clone(),
        since: prompt.record.created_at,
        peer: Arc::clone(peer),
        local: prompt.template.as_deref().map(|template| Local::of_prompt(prompt, template)),
        listed: protocol::name::rename(&bare, &prompt.name).ok()?,
        bare,
        held: false,
        header_schema: None,
        digest: 0,
    })
}

fn resource_item(resource: &Resource, peers: &HashMap<GatewayId, Arc<Peer>>) -> Option<Item> {
    let peer = peers.get(&resource.gateway_id).filter(|peer| peer.enabled && resource.enabled)?;
    // What the upstream leaves unnamed has its URI for a name; that is no change of anybody's.
    let name = Some(resource.name.as_str()).filter(|name| *name != resource.uri);
    let edited = [("name", name), ("description", resource.description.as_deref())];
    let object = object(&resource.definition, edited)?;
    Some(Item {
        id: resource.id.as_str().into(),
        kind: if resource.template { Kind::Template } else { Kind::Resource },
        name: resource.uri.as_str().into(),
        original: resource.uri.as_str().into(),
        owned: resource.owned.clone(),
        since: resource.record.created_at,
        peer: Arc::clone(peer),
        local: resource.content.as_deref().map(|content| Local::of_resource(resource, content)),
        listed: object.clone(),
        bare: object,
        held: false,
        header_schema: None,
        digest: 0,
    })
}

/// The upstream's object with the texts that people changed here; every other member keeps its bytes and place.
fn object<const N: usize>(definition: &str, edited: [(&str, Option<&str>); N]) -> Option<Box<RawValue>> {
    let mut object = RawValue::from_string(definition.to_owned()).ok()?;
    for (member, text) in edited {
        let Some(text) = text else { continue };
        if RawObject::parse(&object).ok()?.text(member).as_deref() != Some(text) {
            object = protocol::name::with_text(&object, member, text).ok()?;
        }
    }
    Some(object)
}

/// Whether a row of this visibility may be shown by something of that visibility.
pub fn fits(inner: Visibility, outer: Visibility) -> bool {
    inner >= outer
}
