use super::*;

fn read(status: u16, reply: &str, session: bool) -> String {
    let outcome: Option<Outcome> = match reply.strip_prefix("error ") {
        _ if reply.is_empty() => None,
        Some(error) => {
            Some(Err(RpcError::read(&serde_json::from_str::<Box<RawValue>>(error).unwrap()).unwrap()))
        }
        None => Some(Ok(serde_json::from_str(reply).unwrap())),
    };
    match verdict(status, outcome.as_ref(), session) {
        Verdict::Modern(connected) => format!("modern {}", connected.dialect.version),
        Verdict::Legacy => "legacy".to_owned(),
        Verdict::Unusable(why) => why,
    }
}

#[test]
fn the_table_of_verdicts() {
    let error = |code: i64, rest: &str| format!(r#"error {{"code":{code}{rest}}}"#);
    let modern = r#"{"supportedVersions":["2025-11-25","2026-07-28"],"capabilities":{}}"#;
    for (status, reply, session, expected) in [
        (200, modern.to_owned(), false, "modern 2026-07-28"),
        (200, r#"{"supportedVersions":["2025-11-25"]}"#.to_owned(), false, "legacy"),
        (200, r#"{"supportedVersions":["2099-01-01"]}"#.to_owned(), false, "speaks no protocol"),
        (200, "{}".to_owned(), false, "legacy"),
        (200, "[]".to_owned(), false, "legacy"),
        (400, error(-32022, r#","data":{"supported":["2025-06-18"]}"#), false, "legacy"),
        (
            400,
            error(-32022, r#","data":{"supported":["2030-01-01","x\u0000y"]}"#),
            false,
            "only 2030-01-01, xy",
        ),
        (400, error(-32022, r#","data":{"supported":["2026-07-28"]}"#), false, "refuses 2026-07-28"),
        (400, error(-32022, ""), false, "legacy"),
        (400, error(-32020, ""), false, "rejected server/discover (error -32020)"),
        (400, error(-32021, ""), false, "rejected server/discover (error -32021)"),
        (400, error(-32602, r#","message":"params._meta is missing""#), false, "rejected"),
        (400, error(-32602, r#","message":"params._meta is missing""#), true, "legacy"),
        (400, error(-32602, r#","message":"no""#), false, "legacy"),
        (200, error(-32602, r#","message":"_meta""#), false, "legacy"),
        (200, error(-32601, ""), false, "legacy"),
        (200, error(-32600, ""), false, "legacy"),
        (404, error(-32601, ""), false, "legacy"),
        (400, error(-32000, r#","message":"Server not initialized""#), false, "legacy"),
        (400, String::new(), false, "legacy"),
        (404, String::new(), false, "legacy"),
        (405, String::new(), false, "legacy"),
        (406, String::new(), false, "legacy"),
        (202, String::new(), true, "legacy"),
    ] {
        let verdict = read(status, &reply, session);
        assert!(verdict.contains(expected), "{status} {reply} {session}: {verdict}");
    }
}
