//! The engine: what all rules share. Cheap to clone; everything inside is shared.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use domain::{Clock, Error, Result};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    authn::{ActorCache, Meters, password::Passwords, revocation, revocation::Revocations, token::TokenKeys},
    catalogue::Catalogue,
    content_security::ContentSecurity,
    crypt::Keys,
    gateways::Federation,
    journal::{CallRecord, Journal},
    people::PeopleState,
    permission_audit::Checked,
    policy::denials::Denials,
    push::updates::Updates,
    reverse_proxy::Registry,
    settings::Settings,
    stats::Stats,
};

/// How long the database may take to say that it is there. Who asks is a load balancer, which waits for no answer long.
const READINESS: Duration = Duration::from_secs(2);

/// What the binary hands to the engine.
pub struct Parts {
    /// Settings, already validated.
    pub settings: Settings,
    /// The database, migrated.
    pub db: store::Db,
    /// Tells other replicas of changes.
    pub bus: store::Bus,
    /// The upstream pool, the only way out.
    pub pool: upstream::Pool,
    /// Checks URLs when they are written.
    pub egress: upstream::egress::Client,
    /// Sends mail, where that is configured.
    pub mailer: Option<upstream::mail::Mailer>,
    /// The time.
    pub clock: Clock,
}

/// The rules, over one database and one pool of upstreams.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    parts: Parts,
    keys: Keys,
    token_keys: TokenKeys,
    passwords: Passwords,
    actors: ActorCache,
    people: PeopleState,
    reverse: Registry,
    identity_seq: AtomicI64,
    revocations: Revocations,
    meters: Meters,
    catalogue: Catalogue,
    federation: Federation,
    stats: Stats,
    journal: Journal<CallRecord>,
    permission_journal: Journal<Checked>,
    denials: Denials,
    updates: Updates,
    content: Arc<ContentSecurity>,
    tasks: TaskTracker,
    draining: CancellationToken,
    stopping: CancellationToken,
}

impl Engine {
    /// Puts the engine together, makes the built-in roles and the administrator, and loads the catalogue.
    /// Background jobs start with [`crate::jobs::start`].
    #[crate::boxed]
    pub async fn start(parts: Parts) -> Result<Self> {
        let keys = Keys::derive(&parts.settings.auth.encryption_secret)?;
        let token_keys = TokenKeys::new(&parts.settings.auth, parts.settings.environment)?;
        let passwords = Passwords::new(&parts.settings.accounts)?;
        let identity_seq = store::sequences::read(&parts.db, "identity").await?;
        let actors = ActorCache::builder().max_capacity(100_000).build();
        let people = PeopleState::new(&parts.settings, parts.mailer.clone());
        let revocations = Revocations::new(&parts.settings.auth);
        let (journal, records) = Journal::new();
        let (permission_journal, checks) = Journal::new();
        let content = Arc::new(ContentSecurity::new(&parts.settings.content)?);
        let engine = Self(Arc::new(Inner {
            parts,
            keys,
            token_keys,
            passwords,
            actors,
            people,
            reverse: Registry::default(),
            identity_seq: AtomicI64::new(identity_seq),
            revocations,
            meters: Meters::default(),
            catalogue: Catalogue::default(),
            federation: Federation::default(),
            stats: Stats::default(),
            journal,
            permission_journal,
            denials: Denials::default(),
            updates: Updates::default(),
            content,
            tasks: TaskTracker::new(),
            draining: CancellationToken::new(),
            stopping: CancellationToken::new(),
        }));
        revocation::sync::load(&engine).await?;
        crate::catalogue::reload(&engine).await?;
        engine.tasks().spawn(crate::journal::write(engine.clone(), records));
        engine.tasks().spawn(crate::journal::write(engine.clone(), checks));
        engine.tasks().spawn(crate::authn::write_usage(engine.clone()));
        Ok(engine)
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.0.parts.settings
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.0.parts.clock
    }

    /// The counters behind `/metrics/prometheus`.
    pub fn stats(&self) -> &Stats {
        &self.0.stats
    }

    /// The refusals of the recent past.
    pub fn denials(&self) -> &Denials {
        &self.0.denials
    }

    /// Screens what is to be stored.
    pub(crate) fn content(&self) -> &Arc<ContentSecurity> {
        &self.0.content
    }

    /// Where calls are noted.
    pub(crate) fn journal(&self) -> &Journal<CallRecord> {
        &self.0.journal
    }

    /// Where decisions are noted.
    pub(crate) fn permission_journal(&self) -> &Journal<Checked> {
        &self.0.permission_journal
    }

    /// Signs and verifies tokens.
    pub fn token_keys(&self) -> &TokenKeys {
        &self.0.token_keys
    }

    /// Keys of sealed ids and stored credentials.
    pub fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// Background work that a stop waits for.
    pub fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    /// Cancelled when no more requests are taken: what would go on without end, streams above all, ends then.
    pub fn draining(&self) -> &CancellationToken {
        &self.0.draining
    }

    /// Changes whenever there is a new catalogue.
    pub fn catalogue_news(&self) -> tokio::sync::watch::Receiver<i64> {
        self.catalogue().news()
    }

    /// Who wants to hear of updated resources.
    pub(crate) fn updates(&self) -> &Updates {
        &self.0.updates
    }

    /// Cancelled when the program stops.
    pub fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    pub(crate) fn db(&self) -> &store::Db {
        &self.0.parts.db
    }

    pub(crate) fn bus(&self) -> &store::Bus {
        &self.0.parts.bus
    }

    pub(crate) fn pool(&self) -> &upstream::Pool {
        &self.0.parts.pool
    }

    pub(crate) fn egress(&self) -> &upstream::egress::Client {
        &self.0.parts.egress
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    pub(crate) fn actors(&self) -> &ActorCache {
        &self.0.actors
    }

    pub(crate) fn people(&self) -> &PeopleState {
        &self.0.people
    }

    /// Programs that serve tools over a connection which they opened.
    pub fn reverse_sessions(&self) -> &Registry {
        &self.0.reverse
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    pub(crate) fn federation(&self) -> &Federation {
        &self.0.federation
    }

    pub(crate) fn identity_seq(&self) -> i64 {
        self.0.identity_seq.load(Ordering::Acquire)
    }

    /// Forgets every remembered token: identities have changed up to `seq`.
    pub(crate) fn identities_changed(&self, seq: i64) {
        let before = self.0.identity_seq.fetch_max(seq, Ordering::AcqRel);
        if before < seq {
            self.0.revocations.standing.moved(before);
        }
    }

    /// How identities and credentials stand: while this is the same, whoever was let in would be let in again.
    pub(crate) fn standing(&self) -> (i64, i64) {
        (self.identity_seq(), self.revocations().seq())
    }

    /// The credentials that have ended.
    pub(crate) fn revocations(&self) -> &Revocations {
        &self.0.revocations
    }

    /// Counts the use of tokens.
    pub(crate) fn meters(&self) -> &Meters {
        &self.0.meters
    }

    /// How many things of a kind are registered and switched on.
    pub fn catalogue_count(&self, kind: crate::catalogue::Kind) -> usize {
        self.catalogue().snapshot().count(kind)
    }

    /// Whether requests can be served, for `/ready`: the database answers, and it is known what was revoked.
    #[crate::boxed]
    pub async fn ready(&self) -> Result<()> {
        let late = |_| Error::Unavailable("database: it took too long to answer".to_owned());
        tokio::time::timeout(READINESS, self.db().ping()).await.map_err(late)??;
        self.revocations().standing.admits()
    }

    /// Ends background work and upstream connections, and waits for both.
    #[crate::boxed]
    pub async fn stop(&self) {
        self.0.stopping.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.pool().shutdown().await;
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}
