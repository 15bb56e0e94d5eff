//! A well-behaved server of each era, out of the rmcp crate.

use std::{
    borrow::Cow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use rmcp::{
    RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, DiscoverResult, ErrorData,
        Implementation, ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ProtocolVersion,
        ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig,
        SubscriptionFilter, Tool,
    },
    service::{Peer, RequestContext, SubscriptionContext},
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde_json::json;
use tokio::{net::TcpListener, sync::mpsc};

/// What a server saw, for the test.
#[derive(Debug)]
pub(crate) struct Shared {
    legacy: bool,
    pub(crate) sessions: AtomicUsize,
    changed: tokio::sync::Notify,
    happened: mpsc::UnboundedSender<&'static str>,
    listeners: Mutex<Vec<Peer<RoleServer>>>,
}

/// A running server.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) shared: Arc<Shared>,
    pub(crate) manager: Arc<LocalSessionManager>,
    happened: mpsc::UnboundedReceiver<&'static str>,
}

impl Server {
    /// A server that speaks 2026-07-28 only.
    pub(crate) async fn modern() -> Self {
        Self::serve(false, true).await
    }

    /// A server that speaks nothing newer than 2025-11-25, with sessions or without.
    pub(crate) async fn legacy(sessions: bool) -> Self {
        Self::serve(true, sessions).await
    }

    async fn serve(legacy: bool, sessions: bool) -> Self {
        let (sender, happened) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            legacy,
            sessions: AtomicUsize::new(0),
            changed: tokio::sync::Notify::new(),
            happened: sender,
            listeners: Mutex::default(),
        });
        let manager = Arc::new(LocalSessionManager::default());
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(legacy && sessions)
            .with_json_response(true);
        let handler = Arc::clone(&shared);
        let service = StreamableHttpService::new(
            move || Ok(Handler { shared: Arc::clone(&handler) }),
            Arc::clone(&manager),
            config,
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://localhost:{}/mcp", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(service.clone());
                tokio::spawn(async move {
                    let builder = auto::Builder::new(TokioExecutor::new());
                    drop(builder.serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        Self { url, shared, manager, happened }
    }

    /// Waits for the next thing that happens in the server.
    pub(crate) async fn happens(&mut self) -> &'static str {
        tokio::time::timeout(super::PATIENT, self.happened.recv()).await.unwrap().unwrap()
    }

    /// Tells everybody who listens that the tools changed.
    pub(crate) async fn change_tools(&self) {
        self.shared.changed.notify_one();
        let listeners = self.shared.listeners.lock().unwrap().clone();
        for peer in listeners {
            // Sessions that nobody listens to are not what is tested.
            drop(peer.notify_tool_list_changed().await);
        }
    }
}

#[derive(Clone)]
struct Handler {
    shared: Arc<Shared>,
}

impl Handler {
    fn happened(&self, what: &'static str) {
        // The test may be over.
        self.shared.happened.send(what).ok();
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_resources()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("peer", "1.0"))
            .with_instructions("A peer.")
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        if self.shared.legacy {
            return Cow::Owned(ProtocolVersion::known_up_to(&ProtocolVersion::V_2025_11_25).to_vec());
        }
        Cow::Borrowed(&[ProtocolVersion::V_2026_07_28])
    }

    async fn discover(&self, _: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        if self.shared.legacy {
            return Err(ErrorData::method_not_found::<rmcp::model::DiscoverRequestMethod>());
        }
        let versions = self.supported_protocol_versions().into_owned();
        Ok(DiscoverResult::from_server_info(versions, self.get_info()))
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.happened("listens");
        loop {
            tokio::select! {
                () = context.cancelled() => return Ok(()),
                () = self.shared.changed.notified() => {
                    let sent = context.sink().notify_tool_list_changed().await;
                    sent.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
                }
            }
        }
    }

    async fn on_initialized(&self, context: rmcp::service::NotificationContext<RoleServer>) {
        self.shared.sessions.fetch_add(1, Ordering::SeqCst);
        self.shared.listeners.lock().unwrap().push(context.peer);
        self.happened("initialized");
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let page = page.and_then(|page| page.cursor);
        let at: usize = page.map_or(0, |cursor| cursor.parse().unwrap());
        let tool = Tool::new(format!("tool-{at}"), "A tool.", serde_json::Map::new());
        let mut list = ListToolsResult::with_all_items(vec![tool]);
        list.next_cursor = (at < 2).then(|| (at + 1).to_string());
        Ok(list)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let text = match request.name.as_ref() {
            "echo" => json!(request.arguments).to_string(),
            "count" => {
                count(&context).await;
                "counted".to_owned()
            }
            "wait" => {
                self.happened("waits");
                context.ct.cancelled().await;
                self.happened("cancelled");
                "cancelled".to_owned()
            }
            other => return Err(ErrorData::invalid_params(format!("Unknown tool: {other}"), None)),
        };
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        Err(ErrorData::resource_not_found(request.uri, None))
    }
}

async fn count(context: &RequestContext<RoleServer>) {
    let Some(token) = context.meta.get_progress_token() else { return };
    for step in [1.0, 2.0, 3.0] {
        let note = ProgressNotificationParam::new(token.clone(), step).with_total(3.0);
        context.peer.notify_progress(note).await.unwrap();
    }
}
