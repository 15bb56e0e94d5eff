//! Links to real child processes that behave well and badly. Nothing here sleeps: the children report over sockets,
//! and what must end is seen to end by its socket closing.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows tests by their attribute, not what they share"
)]

use std::time::Duration;

use domain::{
    Error, Secret,
    gateway::{Dialect, ProtocolChoice},
    id::GatewayId,
};
use futures_util::StreamExt;
use serde_json::{Value, json, value::to_raw_value};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::broadcast,
    time::timeout,
};
use upstream::{
    Answer, Call, CallContext, Change, Event, Notice,
    stdio::{
        file::Launch,
        link::{Source, StdioConfig, StdioLink},
        process::{Ring, Supervision},
    },
};

const PATIENT: Duration = Duration::from_mins(1);

/// A link to `server.py` in one of its modes, and the sockets that its processes report on.
struct Server {
    link: StdioLink,
    notices: broadcast::Receiver<Notice>,
    reports: TcpListener,
}

async fn server(mode: &str) -> Server {
    configured(mode, |_| {}).await
}

async fn configured(mode: &str, change: impl FnOnce(&mut StdioConfig)) -> Server {
    let reports = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = reports.local_addr().unwrap().port().to_string();
    let script = include_str!("stdio/server.py").to_owned();
    let args = ["-u".to_owned(), "-c".to_owned(), script, mode.to_owned(), port];
    let mut config = StdioConfig {
        gateway: GatewayId::from_stored("g"),
        name: "py".to_owned(),
        source: Source::Launch(Launch {
            command: "python3".to_owned(),
            args: args.into(),
            env: Vec::new(),
            cwd: None,
        }),
        protocol: ProtocolChoice::Auto,
        dialect: None,
        supervision: Supervision {
            inherited: vec![("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())],
            stop_grace: Duration::from_millis(100),
            first_delay: Duration::from_millis(1),
            ..Supervision::default()
        },
    };
    change(&mut config);
    let (sender, notices) = broadcast::channel(16);
    let (updates, _) = broadcast::channel(16);
    Server { link: StdioLink::new(config, sender, updates), notices, reports }
}

fn launch(config: &mut StdioConfig) -> &mut Launch {
    match &mut config.source {
        Source::Launch(launch) => launch,
        Source::Attached(..) => panic!("it is run"),
    }
}

fn call(method: &'static str, params: &Value) -> Call {
    let context = CallContext::plain("alice@example.com");
    Call { method: method.into(), params: to_raw_value(params).unwrap(), context, timeout: PATIENT }
}

impl Server {
    async fn ask(&self, method: &'static str, params: Value) -> domain::Result<Value> {
        let answer = self.link.call(call(method, &params)).await?.outcome().await?;
        Ok(serde_json::from_str(answer.unwrap().get()).unwrap())
    }

    /// The next process that reports: its socket and its id.
    async fn report(&self) -> (BufReader<TcpStream>, i32) {
        let (socket, _) = timeout(PATIENT, self.reports.accept()).await.unwrap().unwrap();
        let mut socket = BufReader::new(socket);
        let mut line = String::new();
        socket.read_line(&mut line).await.unwrap();
        (socket, line.trim().parse().unwrap())
    }

    /// Waits until the ring holds a line; it is filled by a task of its own.
    async fn stderr_with(&self, line: &str) -> Vec<String> {
        let found = async {
            while !self.link.stderr().iter().any(|kept| kept == line) {
                tokio::task::yield_now().await;
            }
            self.link.stderr()
        };
        timeout(PATIENT, found).await.unwrap()
    }
}

/// The kernel closes the sockets of a process a moment before it counts it as ended.
async fn is_gone(mut socket: BufReader<TcpStream>, pid: i32) {
    let gone = async {
        let end = socket.read(&mut [0; 1]).await;
        assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
        while is_alive(pid) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENT, gone).await.unwrap();
}

fn is_alive(pid: i32) -> bool {
    let id = rustix::process::Pid::from_raw(pid).unwrap();
    // A process whose exit status nobody has collected yet is still known, as a zombie.
    let zombie = std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "));
    rustix::process::test_kill_process(id).is_ok() && !zombie
}

fn message(error: &Error) -> (String, bool) {
    match error {
        Error::Upstream { message, timeout } => (message.clone(), *timeout),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_modern_server_is_recognised_and_asked_for_notices() {
    let mut server = server("modern").await;
    let connected = server.link.connect().await.unwrap();
    assert_eq!(connected.dialect, Dialect { version: "2026-07-28".to_owned(), modern: true });
    assert_eq!(connected.server_info.unwrap().get(), r#"{"name": "py"}"#);
    assert_eq!(connected.instructions.as_deref(), Some("be kind"));

    let given = json!({"a": 1, "_meta": {"mine": 2, "progressToken": "client's"}});
    let meta = server.ask("params", given).await.unwrap()["_meta"].clone();
    let version = env!("CARGO_PKG_VERSION");
    let expected = json!({
        "mine": 2,
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "contextforge", "version": version},
    });
    assert_eq!(meta, expected);

    server.ask("changed", json!({})).await.unwrap();
    let notice = server.notices.recv().await.unwrap();
    assert_eq!(notice, Notice { gateway: GatewayId::from_stored("g"), change: Change::Tools });
    let seen = server.ask("seen", json!({})).await.unwrap()["seen"].clone();
    assert_eq!(seen, json!(["server/discover", "subscriptions/listen", "params", "changed", "seen"]));
}

#[tokio::test]
async fn old_servers_get_a_handshake_however_they_take_the_probe() {
    for mode in ["legacy", "silent", "touchy"] {
        let server =
            configured(mode, |config| config.supervision.probe_timeout = Duration::from_millis(50)).await;
        let connected = server.link.connect().await.unwrap();
        assert_eq!(connected.dialect, Dialect { version: "2025-06-18".to_owned(), modern: false }, "{mode}");
        assert_eq!(connected.server_info.unwrap().get(), r#"{"name": "old"}"#);
        let seen = server.ask("seen", json!({})).await.unwrap()["seen"].clone();
        let mut expected = vec!["server/discover", "initialize", "notifications/initialized", "seen"];
        if mode == "touchy" {
            expected.remove(0);
        }
        assert_eq!(seen, json!(expected), "{mode}");
        assert_eq!(server.ask("params", json!({"a": 1})).await.unwrap(), json!({"a": 1}), "{mode}");
    }
}

#[tokio::test]
async fn the_operators_choice_and_earlier_findings_save_the_probe() {
    let legacy = |config: &mut StdioConfig| config.protocol = ProtocolChoice::Legacy;
    let known = |config: &mut StdioConfig| {
        config.dialect = Some(Dialect { version: "2025-06-18".to_owned(), modern: false });
    };
    for server in [configured("legacy", legacy).await, configured("legacy", known).await] {
        let seen = server.ask("seen", json!({})).await.unwrap()["seen"].clone();
        assert_eq!(seen, json!(["initialize", "notifications/initialized", "seen"]));
    }
    let upgraded = configured("modern", known).await;
    assert!(upgraded.link.connect().await.unwrap().dialect.modern);
    let refused = configured("legacy", |config| config.protocol = ProtocolChoice::Modern).await;
    let error = refused.link.connect().await.unwrap_err();
    assert_eq!(message(&error), ("The server py does not speak 2026-07-28".to_owned(), false));
}

#[tokio::test]
async fn a_slow_start_outlives_impatient_callers_and_a_late_probe_counts() {
    let server =
        configured("slow", |config| config.supervision.probe_timeout = Duration::from_millis(10)).await;
    let impatient = Call { timeout: Duration::from_millis(50), ..call("seen", &json!({})) };
    let error = server.link.call(impatient).await.unwrap_err();
    assert_eq!(message(&error), ("The server py did not answer in time".to_owned(), true));
    let (mut socket, _) = server.report().await;
    socket.write_all(b"!").await.unwrap();
    assert!(server.link.connect().await.unwrap().dialect.modern);
    let seen = server.ask("seen", json!({})).await.unwrap()["seen"].clone();
    assert_eq!(seen[0], "server/discover");
}

#[tokio::test]
async fn concurrent_calls_get_their_own_answers() {
    let server = server("legacy").await;
    let hold = |n: u8| server.ask("hold", json!({"n": n}));
    let (one, two, three) = tokio::join!(hold(1), hold(2), hold(3));
    assert_eq!(
        [one.unwrap(), two.unwrap(), three.unwrap()],
        [json!({"n": 1}), json!({"n": 2}), json!({"n": 3})]
    );
}

#[tokio::test]
async fn progress_comes_before_the_answer_and_without_our_token() {
    let server = server("legacy").await;
    let mut wanted = call("progress", &json!({}));
    wanted.context.progress = true;
    let Answer::Stream(events) = server.link.call(wanted).await.unwrap() else { panic!("no stream") };
    let events: Vec<_> = events
        .map(|event| match event {
            Event::Notification { method, params } => format!("{method} {}", params.unwrap().get()),
            Event::Asked(ask) => panic!("{ask:?}"),
            Event::Done(outcome) => outcome.unwrap().get().to_owned(),
        })
        .collect()
        .await;
    let progress = |n: u8| format!("notifications/progress {{\"progress\":{n}}}");
    assert_eq!(events, [progress(1), progress(2), r#"{"done": true}"#.to_owned()]);

    let mut hanging = call("progress", &json!({"hang": true}));
    hanging.context.progress = true;
    hanging.timeout = Duration::from_millis(200);
    let Answer::Stream(events) = server.link.call(hanging).await.unwrap() else { panic!("no stream") };
    let last = events.collect::<Vec<_>>().await.pop();
    assert!(
        matches!(&last, Some(Event::Done(Err(error))) if error.message == "The server py did not answer in time"),
        "{last:?}"
    );
}

#[tokio::test]
async fn dropped_and_timed_out_calls_are_cancelled() {
    let server = server("legacy").await;
    server.link.connect().await.unwrap();
    let short = Call { timeout: Duration::from_millis(50), ..call("hang", &json!({})) };
    assert!(message(&server.link.call(short).await.unwrap_err()).1);
    let dropped = timeout(Duration::from_millis(50), server.link.call(call("hang", &json!({}))));
    assert!(dropped.await.is_err());
    // 1 and 2 were the probe and the handshake.
    assert_eq!(server.ask("cancelled", json!({})).await.unwrap(), json!({"cancelled": [3, 4]}));
}

#[tokio::test]
async fn requests_of_the_server_are_answered_on_the_spot() {
    let server = server("legacy").await;
    let answers = server.ask("ask", json!({})).await.unwrap();
    assert_eq!(answers, json!({"ping": {}, "sampling": -32601}));
}

#[tokio::test]
async fn noise_goes_into_the_ring_and_batches_are_read() {
    let server = server("legacy").await;
    assert_eq!(server.ask("noise", json!({})).await.unwrap(), json!({"batched": true}));
    assert_eq!(server.link.stderr(), ["Listening for  [31mmessages", "null", "{\"a\": 1}"]);
}

#[tokio::test]
async fn pretty_printed_parameters_stay_on_one_line() {
    let server = server("legacy").await;
    let mut pretty = call("params", &json!({}));
    pretty.params = serde_json::from_str("{\n  \"a\": [\r\n    1,\n\"b\\n\"\n]\n}").unwrap();
    let answer = server.link.call(pretty).await.unwrap().outcome().await.unwrap().unwrap();
    assert!(answer.get().contains(r#""b\n""#), "{answer}");
}

#[tokio::test]
async fn children_get_only_the_environment_they_are_given() {
    let server = configured("legacy", |config| {
        launch(config).env = vec![("KEY".to_owned(), Secret::new("s3cret".to_owned()))];
        launch(config).cwd = Some("/".into());
    })
    .await;
    let given = server.ask("environment", json!({})).await.unwrap();
    let names: Vec<_> = given["names"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    // Python sets LC_CTYPE itself where no locale is given.
    let names: Vec<_> = names.into_iter().filter(|name| *name != "LC_CTYPE").collect();
    assert_eq!(names, ["KEY", "PATH"]);
    assert_eq!((given["cwd"].as_str(), given["key"].as_str()), (Some("/"), Some("s3cret")));
    assert!(!format!("{:?}", server.link).contains("s3cret"));
}

#[tokio::test]
async fn a_crash_fails_the_calls_under_way_and_the_next_call_starts_anew() {
    let mut server = server("legacy").await;
    let hang = server.link.call(call("hang", &json!({})));
    let (hang, crash) = tokio::join!(hang, server.link.call(call("crash", &json!({}))));
    for error in [hang.unwrap_err(), crash.unwrap_err()] {
        assert_eq!(message(&error), ("The server py ended with exit status 3".to_owned(), false));
    }
    let seen = server.ask("seen", json!({})).await.unwrap()["seen"].clone();
    assert_eq!(server.notices.recv().await.unwrap().change, Change::Lost);
    assert_eq!(seen, json!(["initialize", "notifications/initialized", "seen"]), "the era is remembered");
}

#[tokio::test]
async fn a_server_that_cannot_start_is_not_started_again_at_once() {
    let broken = configured("broken", |config| config.supervision.first_delay = PATIENT).await;
    let error = broken.link.connect().await.unwrap_err();
    assert_eq!(message(&error).0, "The server py ended with exit status 7");
    let (text, _) = message(&broken.link.connect().await.unwrap_err());
    assert!(text.starts_with("The server py is down; it is started again in "), "{text}");

    let missing = configured("legacy", |config| launch(config).command = "no-such-program".to_owned()).await;
    let error = missing.link.connect().await.unwrap_err();
    assert_eq!(message(&error).0, "The server py cannot be started");
    assert!(missing.link.stderr()[0].starts_with("cannot start \"no-such-program\": No such file"));
}

#[tokio::test]
async fn a_line_beyond_the_limit_ends_the_server() {
    let server = configured("legacy", |config| config.supervision.line_limit = 64 << 10).await;
    let error = server.link.call(call("long", &json!({}))).await.unwrap_err();
    assert_eq!(message(&error).0, "The server py wrote a line longer than 65536 bytes");
    server.ask("seen", json!({})).await.unwrap();
}

#[tokio::test]
async fn a_flood_of_errors_stays_within_the_ring() {
    let server = server("legacy").await;
    server.ask("flood", json!({})).await.unwrap();
    let lines = server.stderr_with("the last").await;
    assert_eq!(lines.len(), Ring::LINES);
    assert!(lines.iter().all(|line| line.len() <= Ring::LINE_BYTES));
}

#[tokio::test]
async fn closing_ends_stubborn_servers_and_their_children() {
    let server = server("stubborn").await;
    server.ask("grandchild", json!({})).await.unwrap();
    let (leader, grandchild) = (server.report().await, server.report().await);
    let (answer, ()) = tokio::join!(server.link.call(call("hang", &json!({}))), server.link.close());
    assert!(message(&answer.unwrap_err()).0.starts_with("The server py "));
    is_gone(leader.0, leader.1).await;
    is_gone(grandchild.0, grandchild.1).await;
    assert_eq!(message(&server.link.connect().await.unwrap_err()).0, "The server py is being ended");
}

#[tokio::test]
async fn dropping_the_link_ends_the_server() {
    let server = server("reporting").await;
    server.link.connect().await.unwrap();
    let (socket, pid) = server.report().await;
    drop(server.link);
    is_gone(socket, pid).await;
}

#[test]
fn a_runtime_that_goes_away_takes_the_servers_along() {
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let first = runtime();
    let (server, socket, pid) = first.block_on(async {
        let server = server("stubborn").await;
        server.ask("grandchild", json!({})).await.unwrap();
        let _leader = server.report().await;
        let (socket, pid) = server.report().await;
        (server, socket.into_inner().into_std().unwrap(), pid)
    });
    drop(first);
    runtime().block_on(async { is_gone(BufReader::new(TcpStream::from_std(socket).unwrap()), pid).await });
    drop(server);
}

#[tokio::test]
async fn a_child_that_leaves_the_group_does_not_keep_callers_waiting() {
    let server = server("legacy").await;
    let error = server.link.call(call("escape", &json!({}))).await.unwrap_err();
    assert_eq!(message(&error).0, "The server py ended with exit status 4");
    let (mut escaped, _) = server.report().await;
    escaped.write_all(b"!").await.unwrap();
}
