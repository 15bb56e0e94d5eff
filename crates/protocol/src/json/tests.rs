use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn written(object: &RawObject<'_>) -> String {
    let mut out = Vec::new();
    object.write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn order_unknown_members_and_number_texts_survive() {
    let text = r#"{"z":1e400,"a":{ "k" : [1, 2.50] },"\u006dethod":"tools\/call","x":-0}"#;
    let object = RawObject::parse(text).unwrap();
    assert_eq!(object.get("z").unwrap().get(), "1e400");
    assert_eq!(object.text("method").unwrap(), "tools/call");
    let expected = r#"{"z":1e400,"a":{ "k" : [1, 2.50] },"method":"tools\/call","x":-0}"#;
    assert_eq!(written(&object), expected);
    assert_eq!(object.to_raw().get(), expected);
}

#[test]
fn set_replaces_in_place_and_appends() {
    let mut object = RawObject::parse(br#"{"a":1,"b":2,"c":3}"#).unwrap();
    object.set_text("b", "x\"y");
    object.set("d", raw_number(4));
    assert!(object.remove("a").is_some());
    assert!(object.remove("a").is_none());
    assert_eq!(written(&object), r#"{"b":"x\"y","c":3,"d":4}"#);
    assert!(object.borrowed("b").is_none(), "a value set later does not live in the text");
    assert!(object.borrowed("c").is_some());
}

#[test]
fn duplicates_are_refused_however_they_are_spelled() {
    let spelled = RawObject::parse(r#"{"method":1,"m\u0065thod":2}"#).unwrap_err();
    assert_eq!(spelled, JsonError::Duplicate("method".to_owned()));
    let mut many = String::from("{");
    for n in 0..50_000 {
        write!(many, "\"k{n}\":0,").unwrap();
    }
    assert_eq!(RawObject::parse(&format!("{many}\"k\":0}}")).unwrap().len(), 50_001);
    let refused = RawObject::parse(&format!("{many}\"k7\":0}}")).unwrap_err();
    assert_eq!(refused, JsonError::Duplicate("k7".to_owned()));
}

#[test]
fn case_variants_of_known_names_are_refused() {
    for (text, found) in [
        (r#"{"Method":1}"#, "Method"),
        (r#"{"paramſ":1}"#, "paramſ"),
        (r#"{"PARAM\u017f":1}"#, "PARAMſ"),
        ("{\"to\u{212A}en\":1}", "to\u{212A}en"),
    ] {
        match RawObject::parse_exact(text, &["method", "params", "token"]).unwrap_err() {
            JsonError::Variant { found: name, .. } => assert_eq!(name, found),
            other => panic!("{other}"),
        }
    }
    assert!(RawObject::parse_exact(r#"{"method":1,"methods":2,"paramß":3}"#, &["method", "params"]).is_ok());
}

#[test]
fn depth_is_refused_without_recursion() {
    let nest = |depth: usize| format!("{}{}", "{\"a\":".repeat(depth), "1") + &"}".repeat(depth);
    assert!(RawObject::parse(&nest(MAX_DEPTH)).is_ok());
    assert_eq!(RawObject::parse(&nest(MAX_DEPTH + 1)).unwrap_err(), JsonError::TooDeep);
    let open = "[".repeat(100_000);
    assert_eq!(RawObject::parse(&format!("{{\"a\":{open}")).unwrap_err(), JsonError::TooDeep);
    let brackets_in_a_string = format!("{{\"a\":\"\\\"{open}\"}}");
    assert!(RawObject::parse(&brackets_in_a_string).is_ok());
}

#[test]
fn other_kinds_and_broken_texts_are_told_apart() {
    for text in ["[]", "1", "null", "\"x\"", " true "] {
        assert_eq!(RawObject::parse(text).unwrap_err(), JsonError::NotAnObject, "{text}");
    }
    for text in ["", " ", "{", "[", "{\"a\":}", "{} x", "{'a':1}", "{\"a\":1,}", "\u{feff}{}", "nul"] {
        assert!(matches!(RawObject::parse(text), Err(JsonError::Malformed(_))), "{text}");
    }
    assert!(matches!(RawObject::parse(b"{\"a\":\"\xff\"}"), Err(JsonError::Malformed(_))));
}

#[test]
fn texts_are_decoded_only_when_escaped() {
    let value = |text: &str| serde_json::from_str::<Box<RawValue>>(text).unwrap();
    assert!(matches!(as_text(&value("\"plain\"")), Some(Cow::Borrowed("plain"))));
    assert_eq!(as_text(&value("\"tools\\/call\"")).unwrap(), "tools/call");
    assert_eq!(as_text(&value("12")), None);
    assert_eq!(as_text(&value("\"\\ud800\"")), None, "a lone surrogate has no text");
}

/// Arbitrary JSON texts, with the spellings a typed decoder would lose.
fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("1e400".to_owned()),
        Just("-0.0".to_owned()),
        Just("123456789012345678901234567890".to_owned()),
        Just("\"\\u00e9\\/\"".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        ".*".prop_map(|s| raw_text(&s).get().to_owned()),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[ {} ]", items.join(" , "))),
            prop::collection::btree_map(".{0,4}", inner, 0..4).prop_map(|members| {
                let members: Vec<String> =
                    members.iter().map(|(k, v)| format!("{} : {v}", raw_text(k).get())).collect();
                format!("{{\t{}\n}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn values_keep_their_bytes_and_order(members in prop::collection::vec((".{0,6}", json_text()), 0..20)) {
        let mut unique: Vec<(String, String)> = Vec::new();
        for (name, value) in members {
            if unique.iter().all(|(other, _)| *other != name) {
                unique.push((name, value));
            }
        }
        let body: Vec<String> = unique.iter().map(|(k, v)| format!("{}: {v}", raw_text(k).get())).collect();
        let text = format!(" {{ {} }} ", body.join(" , "));
        let object = RawObject::parse(&text).unwrap();
        let seen: Vec<(String, String)> = object.iter().map(|(k, v)| (k.to_owned(), v.get().to_owned())).collect();
        prop_assert_eq!(&seen, &unique);
        let again = object.to_raw();
        let object = RawObject::parse(&again).unwrap();
        let seen: Vec<(String, String)> = object.iter().map(|(k, v)| (k.to_owned(), v.get().to_owned())).collect();
        prop_assert_eq!(seen, unique);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(object) = RawObject::parse(&bytes) {
            prop_assert!(serde_json::from_str::<serde_json::Value>(object.to_raw().get()).is_ok());
        }
    }

    #[test]
    fn depth_agrees_with_a_plain_count(text in "[\\[\\]{}\"\\\\a]{0,400}", limit in 0_usize..20) {
        let mut depth = 0_i32;
        let mut deepest = 0;
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => while let Some(c) = chars.next() {
                    if c == '\\' { chars.next(); } else if c == '"' { break; }
                },
                '[' | '{' => { depth += 1; deepest = deepest.max(depth); }
                ']' | '}' => depth = (depth - 1).max(0),
                _ => {}
            }
        }
        prop_assert_eq!(deeper_than(text.as_bytes(), limit), deepest > i32::try_from(limit).unwrap());
    }
}
