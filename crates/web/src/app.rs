//! What every request handler can reach.

use std::sync::Arc;

use domain::{Error, Result};
use engine::Engine;
use protocol::seal::Sealer;

use crate::{
    api::{documents::Documents, invitation_page::InvitationPage, well_known},
    guard::CredentialRules,
    layers::Edge,
    mcp::{parking::Parking, push::Push, questions::Questions, session::Sessions},
    replicas::Replicas,
    settings::Settings,
};

/// The web application. Cheap to clone; everything inside is shared.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    engine: Engine,
    settings: Settings,
    edge: Edge,
    credential_rules: CredentialRules,
    documents: Documents,
    invitation_page: InvitationPage,
    sealer: Sealer,
    sessions: Sessions,
    questions: Questions,
    parking: Parking,
    push: Push,
    replicas: Replicas,
}

impl App {
    /// Puts the application together. Everything that can be worked out once is worked out here.
    pub fn new(engine: Engine, settings: Settings) -> Result<Self> {
        let edge = Edge::new(&settings);
        if let Some(problem) = well_known::security_txt_problem(&settings.well_known, engine.clock().now()) {
            tracing::warn!("WELL_KNOWN_SECURITY_TXT: {problem}");
        }
        let credential_rules = CredentialRules::new(&settings, &engine.settings().people.entry);
        let documents = Documents::new(&settings);
        let invitation_page = InvitationPage::new(&settings);
        let key = engine.keys().sealed_ids();
        let sealer = Sealer::new(&[("1", *key)]).map_err(Error::internal)?;
        // What waits in this process for a client is found again by the name of the process in its sealed id.
        let replicas = Replicas::new(&settings)?;
        let owner = Arc::clone(replicas.owner());
        let sessions = Sessions::new(key, engine.clock().clone())?.of(Arc::clone(&owner));
        let (questions, parking) = (Questions::new(Arc::clone(&owner)), Parking::new(owner));
        let push = Push::new(settings.streams.per_principal);
        let inner = Inner {
            engine,
            settings,
            edge,
            credential_rules,
            documents,
            invitation_page,
            sealer,
            sessions,
            questions,
            parking,
            push,
            replicas,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// The rules.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// The settings of this crate.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Seals cursors.
    pub(crate) fn sealer(&self) -> &Sealer {
        &self.0.sealer
    }

    /// Legacy MCP sessions.
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// Questions of upstreams to legacy clients.
    pub(crate) fn questions(&self) -> &Questions {
        &self.0.questions
    }

    /// Calls that wait for modern clients.
    pub(crate) fn parking(&self) -> &Parking {
        &self.0.parking
    }

    /// What clients are told unasked.
    pub(crate) fn push(&self) -> &Push {
        &self.0.push
    }

    /// The other processes of this gateway.
    pub(crate) fn replicas(&self) -> &Replicas {
        &self.0.replicas
    }

    /// What the layers compare requests with.
    pub(crate) fn edge(&self) -> &Edge {
        &self.0.edge
    }

    /// What counts as a credential.
    pub(crate) fn credential_rules(&self) -> &CredentialRules {
        &self.0.credential_rules
    }

    /// Texts that are the same for every caller, made once.
    pub(crate) fn documents(&self) -> &Documents {
        &self.0.documents
    }

    /// The page behind the link of an invitation.
    pub(crate) fn invitation_page(&self) -> &InvitationPage {
        &self.0.invitation_page
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("App")
    }
}
