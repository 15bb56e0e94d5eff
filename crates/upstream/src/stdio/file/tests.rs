use std::collections::BTreeMap;

use domain::{
    Secret,
    gateway::{ProtocolChoice, Transport},
};

use super::{FileServer, Launch, Reach, StdioServers};

fn parse(text: &str) -> Result<Vec<FileServer>, Vec<String>> {
    let variables = BTreeMap::from([("TOKEN".to_owned(), "s3cret".to_owned())]);
    StdioServers::parse(text, &variables)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn both_kinds_of_servers_are_read_in_order() {
    let servers = parse(
        r#"{"mcpServers": {
            "git": {"command": "uvx", "args": ["mcp-server-git"], "env": {"KEY": "a${TOKEN}b", "RAW": "$${TOKEN}"},
                    "cwd": "/srv", "protocol": "legacy"},
            "docs": {"type": "http", "url": "https://docs.example/mcp", "headers": {"Authorization": "Bearer ${TOKEN}"},
                     "disabled": true}},
           "servers": {"old": {"url": "http://old.example/sse", "transport": "sse", "protocol": "auto"}}}"#,
    )
    .unwrap();
    let secret = |text: &str| Secret::new(text.to_owned());
    assert_eq!(servers.iter().map(|server| server.name.as_str()).collect::<Vec<_>>(), ["git", "docs", "old"]);
    assert_eq!(
        servers[0],
        FileServer {
            name: "git".to_owned(),
            reach: Reach::Process(Launch {
                command: "uvx".to_owned(),
                args: vec!["mcp-server-git".to_owned()],
                env: vec![("KEY".to_owned(), secret("as3cretb")), ("RAW".to_owned(), secret("${TOKEN}"))],
                cwd: Some("/srv".into()),
            }),
            protocol: ProtocolChoice::Legacy,
            enabled: true,
        }
    );
    let Reach::Remote { headers, transport, .. } = &servers[1].reach else { panic!("{:?}", servers[1]) };
    assert_eq!(headers, &[("Authorization".to_owned(), secret("Bearer s3cret"))]);
    assert_eq!((*transport, servers[1].enabled), (Transport::StreamableHttp, false));
    assert!(matches!(servers[2].reach, Reach::Remote { transport: Transport::Sse, .. }));
    assert!(!format!("{servers:?}").contains("s3cret"), "secrets do not print themselves");
}

#[test]
fn every_problem_is_named_at_once_with_its_path() {
    let problems = parse(
        r#"{"mcpServers": {
            "a": {"comand": "x", "command": "", "args": "no", "env": {"A=B": "1", "N": 5, "V": "${OTHER}"}},
            "b": {"command": "x", "url": "http://x"},
            "c": {"url": "ftp://x", "env": {}, "headers": {"Bad Name": "x", "X-Y": "a\nb"}},
            "d": {"url": "http://user:hunter2@x", "type": "stdio"},
            "e": {"command": "x", "type": "sse", "cwd": "here", "disabled": "yes", "protocol": "new"},
            "f/g": {}, "h": [], "i": {"command": "x"}, "i": {"command": "y"}}, "inputs": []}"#,
    )
    .unwrap_err();
    assert_eq!(
        problems,
        [
            "inputs: is not known; known are mcpServers, servers",
            "mcpServers.i: is in the file twice",
            "mcpServers.a.comand: is not known; did you mean \"command\"?",
            "mcpServers.a.command: must not be empty",
            "mcpServers.a.args: must be a list of texts",
            "mcpServers.a.env.A=B: is not a name for an environment variable",
            "mcpServers.a.env.N: must be a text",
            "mcpServers.a.env.V: refers to ${OTHER}, which is not set or not open to this file",
            "mcpServers.b: has both a command and a url; one server is one of them",
            "mcpServers.c.env: goes with a command only",
            "mcpServers.c.url: must start with http:// or https://",
            "mcpServers.c.headers.Bad Name: is not a name for a header",
            "mcpServers.c.headers.X-Y: is not a value for a header",
            "mcpServers.d.url: must not hold credentials; put them into headers",
            "mcpServers.d: has a url, so its type cannot be stdio",
            "mcpServers.e.disabled: must be true or false",
            "mcpServers.e.protocol: must be auto, legacy or modern",
            "mcpServers.e: has a command, so its type can only be stdio",
            "mcpServers.e.cwd: must be an absolute path",
            "mcpServers.f/g: must be 1 to 255 letters, digits, blanks, '_', '.' or '-'",
            "mcpServers.f/g: needs a command or a url",
            "mcpServers.h: must be an object",
            "mcpServers.i: is in the file twice",
        ]
    );
    assert!(!problems.concat().contains("hunter2"));
}

#[test]
fn files_that_are_none_are_refused() {
    for (text, message) in [
        ("", "is not JSON: EOF while parsing a value at line 1 column 0"),
        ("[]", "must be an object"),
        ("{}", "has no \"mcpServers\" object"),
        (r#"{"mcpservers": {}}"#, "mcpservers: is not known; did you mean \"mcpServers\"?"),
        (r#"{"servers": 1}"#, "servers: must be an object"),
    ] {
        assert_eq!(parse(text).unwrap_err().first().map(String::as_str), Some(message), "{text}");
    }
    assert_eq!(parse(r#"{"mcpServers": {}}"#), Ok(Vec::new()));
}

#[test]
fn placeholders_are_replaced_or_refused() {
    let one = |value: &str| {
        parse(&format!(r#"{{"servers": {{"a": {{"command": "x", "env": {{"V": "{value}"}}}}}}}}"#))
    };
    for (value, expected) in
        [("$HOME $ 5", "$HOME $ 5"), ("${TOKEN}${TOKEN}", "s3crets3cret"), ("$${TOKEN", "${TOKEN")]
    {
        let servers = one(value).unwrap();
        let Reach::Process(launch) = &servers[0].reach else { panic!("{servers:?}") };
        assert_eq!(launch.env[0].1.expose(), expected);
    }
    for value in ["${TOKEN", "${env:TOKEN}", "${}", "${TOKEN:-x}", "${token}"] {
        assert!(one(value).is_err(), "{value}");
    }
}
