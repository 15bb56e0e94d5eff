use domain::{
    Owned, Secret, Timestamp, Visibility,
    gateway::{ProtocolChoice, Transport},
    record::Record,
};

use super::*;

/// A gateway for tests of pure functions.
pub(crate) fn gateway() -> Gateway {
    let record = Record {
        created_at: Timestamp(1),
        updated_at: Timestamp(1),
        created_by: "a@b.c".to_owned(),
        created_from_ip: None,
        created_via: "api".to_owned(),
        created_user_agent: None,
        modified_by: None,
        modified_from_ip: None,
        modified_via: None,
        modified_user_agent: None,
        version: 1,
    };
    Gateway {
        id: GatewayId::random(),
        name: "Time Server".to_owned(),
        slug: "time-server".to_owned(),
        url: "http://127.0.0.1:1/mcp".to_owned(),
        description: None,
        transport: Transport::StreamableHttp,
        auth: UpstreamAuth::None,
        protocol: ProtocolChoice::Auto,
        dialect: None,
        capabilities: "{}".to_owned(),
        server_info: None,
        instructions: None,
        enabled: true,
        reachable: true,
        last_seen: None,
        last_refresh_at: None,
        last_error: None,
        skipped_tools: Vec::new(),
        passthrough_headers: Vec::new(),
        refresh_interval_seconds: None,
        tags: Vec::new(),
        owned: Owned { visibility: Visibility::Private, team_id: None, owner_email: "a@b.c".to_owned() },
        record,
    }
}

#[test]
fn connections_are_made_anew_only_where_the_connection_changed() {
    let before = gateway();
    let described = Gateway { description: Some("d".to_owned()), name: "Other".to_owned(), ..before.clone() };
    assert_eq!(revision(&before), revision(&described));
    let token = |text: &str| UpstreamAuth::Bearer { token: Secret::new(text.to_owned()) };
    let with = |auth| revision(&Gateway { auth, ..before.clone() });
    let moved = revision(&Gateway { url: "http://127.0.0.1:2/mcp".to_owned(), ..before.clone() });
    let legacy = revision(&Gateway { protocol: ProtocolChoice::Legacy, ..before.clone() });
    let all = [revision(&before), with(token("a")), with(token("b")), moved, legacy];
    let distinct: std::collections::HashSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
}

#[test]
fn the_operators_gateways_are_changed_in_the_file_only() {
    let mut row = gateway();
    assert!(refuse_file(&row).is_ok());
    row.record.created_via = "file".to_owned();
    let Err(Error::Refused(text)) = refuse_file(&row) else { panic!("refused") };
    assert!(text.contains("servers file"));
}
