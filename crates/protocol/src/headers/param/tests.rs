use http::HeaderValue;

use super::*;

fn raw(text: &str) -> Box<RawValue> {
    serde_json::from_str(text).unwrap()
}

fn schema() -> Vec<ParamHeader> {
    declared(&raw(r#"{"type":"object","x":1e400,"properties":{
            "region":{"type":"string","x-mcp-header":"Region"},
            "options":{"properties":{"limit":{"type":"integer","\u0078-mcp-header":"Limit"}}},
            "dry":{"type":"boolean","x-mcp-header":"dry"},
            "x-mcp-header":{"type":"string","default":{"x-mcp-header":"Data"}}}}"#))
    .unwrap()
}

fn checked(lines: &[(&'static str, &'static str)], arguments: &str) -> Result<(), String> {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_static(value));
    }
    check_params(&schema(), &headers, Some(&raw(arguments))).map_err(|refusal| {
        assert_eq!((refusal.status(), refusal.rpc().unwrap().code), (400, -32020));
        refusal.message()
    })
}

#[test]
fn annotations_are_found_along_properties() {
    let found: Vec<(String, Vec<String>)> =
        schema().into_iter().map(|param| (param.name, param.path)).collect();
    let path = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        found,
        [
            ("Region".to_owned(), path(&["region"])),
            ("Limit".to_owned(), path(&["options", "limit"])),
            ("dry".to_owned(), path(&["dry"])),
        ]
    );
    assert_eq!(declared(&raw("true")), Ok(Vec::new()));
    assert_eq!(declared(&raw(r#"{"enum":[{"x-mcp-header":1}]}"#)), Ok(Vec::new()));
}

#[test]
fn annotations_that_cannot_be_honoured_are_refused() {
    let property = |inner: &str| format!(r#"{{"properties":{{"a":{inner}}}}}"#);
    for (schema, why) in [
        (property(r#"{"type":"number","x-mcp-header":"A"}"#), "needs the type"),
        (property(r#"{"type":["string","null"],"x-mcp-header":"A"}"#), "needs the type"),
        (property(r#"{"x-mcp-header":"A"}"#), "needs the type"),
        (property(r#"{"type":"string","x-mcp-header":""}"#), "not a header name"),
        (property(r#"{"type":"string","x-mcp-header":"A B"}"#), "not a header name"),
        (property(r#"{"type":"string","x-mcp-header":"A\r\nX: y"}"#), "not a header name"),
        (property(r#"{"type":"string","x-mcp-header":"é"}"#), "not a header name"),
        (property(r#"{"type":"string","x-mcp-header":7}"#), "not a string"),
        (property(r#"{"type":"array","items":{"type":"string","x-mcp-header":"A"}}"#), "no property leads"),
        (property(r#"{"anyOf":[{"type":"string","x-mcp-header":"A"}]}"#), "no property leads"),
        (r#"{"$defs":{"d":{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}}}"#.to_owned(), "no property"),
        (r#"{"type":"string","x-mcp-header":"A"}"#.to_owned(), "no property leads"),
        (
            r#"{"properties":{"a":{"type":"string","x-mcp-header":"Key"},"b":{"type":"string","x-mcp-header":"KEY"}}}"#
                .to_owned(),
            "declared twice",
        ),
    ] {
        let reason = declared(&raw(&schema)).unwrap_err();
        assert!(reason.contains(why), "{schema}: {reason}");
    }
}

#[test]
fn values_are_mirrored() {
    let headers = |arguments: &str| param_values(&schema(), Some(&raw(arguments)));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        headers(r#"{"dry":false,"region":"é","options":{"limit":42.0}}"#),
        [
            pair("Mcp-Param-Region", "=?base64?w6k=?="),
            pair("Mcp-Param-Limit", "42"),
            pair("Mcp-Param-dry", "false")
        ]
    );
    assert_eq!(
        headers(r#"{"region":"","options":{"limit":-0.0}}"#),
        [pair("Mcp-Param-Region", ""), pair("Mcp-Param-Limit", "0")]
    );
    assert_eq!(headers(r#"{"region":null,"options":{"limit":null}}"#), []);
    assert_eq!(headers(r#"{"region":["x"],"options":"limit"}"#), []);
    assert_eq!(param_values(&schema(), None), []);
    let invalid = raw(r#"{"properties":{"a":{"x-mcp-header":"A"}}}"#);
    assert_eq!(param_headers(&invalid, Some(&raw(r#"{"a":1}"#))), []);
}

#[test]
fn headers_must_mirror_the_arguments() {
    let (region, limit) = (("mcp-param-region", "eu"), ("mcp-param-limit", "42"));
    assert_eq!(checked(&[region, limit], r#"{"region":"eu","options":{"limit":42}}"#), Ok(()));
    assert_eq!(checked(&[region, limit], r#"{"region":"eu","options":{"limit":4.2e1}}"#), Ok(()));
    assert_eq!(checked(&[("mcp-param-limit", "42.0")], r#"{"options":{"limit":42}}"#), Ok(()));
    assert_eq!(checked(&[("mcp-param-region", "=?base64?w6k=?=")], r#"{"region":"é"}"#), Ok(()));
    assert_eq!(checked(&[("mcp-param-unknown", "x")], "{}"), Ok(()));
    assert_eq!(checked(&[region], r#"{"region":["eu"]}"#), Ok(()), "the tool reports the wrong type");
    for (lines, arguments, why) in [
        (vec![], r#"{"region":"eu"}"#, "Mcp-Param-Region is missing"),
        (vec![region], "{}", "no counterpart"),
        (vec![region], r#"{"region":null}"#, "no counterpart"),
        (vec![region], r#"{"region":"EU"}"#, "differs"),
        (vec![region, region], r#"{"region":"eu"}"#, "repeated"),
        (vec![("mcp-param-region", "=?base64?w6k?=")], r#"{"region":"é"}"#, "base64"),
        (vec![limit], r#"{"options":{"limit":43}}"#, "differs"),
        (vec![("mcp-param-limit", "nan")], r#"{"options":{"limit":43}}"#, "differs"),
        (vec![("mcp-param-dry", "True")], r#"{"dry":true}"#, "differs"),
    ] {
        let message = checked(&lines, arguments).unwrap_err();
        assert!(message.contains(why), "{message}");
    }
}

#[test]
fn mirrored_values_pass_the_check() {
    for arguments in [
        r#"{"region":" padded ","options":{"limit":-9007199254740991},"dry":true}"#,
        r#"{"region":"=?base64?YQ==?=","options":{"limit":1e3}}"#,
        r#"{"region":"tab\there","options":{"limit":123456789012345678901234567890}}"#,
    ] {
        let arguments = raw(arguments);
        let headers: HeaderMap = param_values(&schema(), Some(&arguments))
            .into_iter()
            .map(|(name, value)| (HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap()))
            .collect();
        assert!(headers.len() >= 2);
        check_params(&schema(), &headers, Some(&arguments)).unwrap();
    }
}
