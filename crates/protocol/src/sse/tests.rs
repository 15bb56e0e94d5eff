use proptest::prelude::*;

use super::*;

fn all(bytes: &[u8]) -> Vec<Event> {
    Decoder::new(1 << 20).push(bytes).unwrap()
}

fn data(text: &str) -> Event {
    Event { data: text.to_owned(), ..Event::default() }
}

#[test]
fn fields_are_read_as_the_standard_says() {
    assert_eq!(all(b"data: a\ndata:b\ndata:  c\n\n"), [data("a\nb\n c")]);
    assert_eq!(all(b": comment\n\nevent: x\n\n:\n"), [], "nothing without data");
    assert_eq!(all(b"data\n\ndata\ndata\n\n"), [data(""), data("\n")]);
    assert_eq!(all(b"\xef\xbb\xbfdata: bom\n\n"), [data("bom")]);
    assert_eq!(all(b"data: a\r\rdata: b\r\n\r\ndata: c\n\n"), [data("a"), data("b"), data("c")]);
    assert_eq!(all(b"Data: no\nnonsense\ndata: y\n\n"), [data("y")]);
    assert_eq!(all(b"data: unfinished\n"), []);
    let full = Event {
        event: Some("message".to_owned()),
        data: "{}".to_owned(),
        id: Some("7".to_owned()),
        retry: Some(250),
    };
    assert_eq!(all(b"event: message\nid: 7\nretry: 250\nretry: x1\nid: a\0b\ndata: {}\n\n"), [full]);
}

#[test]
fn a_priming_event_has_its_id_and_no_data() {
    let primed = Event { id: Some("e1".to_owned()), ..Event::default() };
    assert_eq!(all(b"id: e1\ndata:\n\n"), std::slice::from_ref(&primed));
    assert_eq!(all(b"id: e1\n\n"), [primed]);
    assert_eq!(all(b"retry: 10\n\n"), [Event { retry: Some(10), ..Event::default() }]);
}

#[test]
fn large_events_end_the_stream() {
    let mut decoder = Decoder::new(64);
    assert_eq!(decoder.push(&[b':'; 60]).unwrap(), []);
    assert_eq!(decoder.push(b"::::::"), Err(SseError::TooLarge(64)));
    assert_eq!(
        decoder.push(b"\n\ndata: x\n\n"),
        Err(SseError::TooLarge(64)),
        "a failed decoder stays failed"
    );
    let many_lines = b"data: 0123456789\n".repeat(6);
    assert_eq!(Decoder::new(64).push(&many_lines), Err(SseError::TooLarge(64)));
    let comments = b": keep-alive\n".repeat(1000);
    assert_eq!(Decoder::new(64).push(&comments), Ok(vec![]), "comments do not add up");
    let small_events = b"data: 0123456789\n\n".repeat(1000);
    assert_eq!(Decoder::new(64).push(&small_events).unwrap().len(), 1000);
}

#[test]
fn payloads_with_line_breaks_are_split_into_fields() {
    assert_eq!(encode("{}"), b"data: {}\n\n");
    assert_eq!(encode("a\nb\r\nc\rd"), b"data: a\ndata: b\ndata: c\ndata: d\n\n");
    assert_eq!(encode(""), b"data: \n\n");
    assert_eq!(all(KEEP_ALIVE), []);
    let event = Event { event: Some("x\ndata: y".to_owned()), data: "z".to_owned(), ..Event::default() };
    assert_eq!(encode_event(&event), b"event: xdata: y\ndata: z\n\n");
}

/// Streams made of the pieces that matter, in any order.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("data: {\"a\":1}".as_bytes().to_vec()),
        Just(b"data:".to_vec()),
        Just("data: é€".as_bytes().to_vec()),
        Just(b"id: 5".to_vec()),
        Just(b"event: e".to_vec()),
        Just(b"retry: 9".to_vec()),
        Just(b": c".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\n\n".to_vec()),
        Just(b"\xef\xbb\xbf".to_vec()),
        Just(b"\xff".to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn chunking_changes_nothing(bytes in stream(), cuts in prop::collection::vec(1_usize..9, 1..20)) {
        let mut decoder = Decoder::new(1 << 20);
        let mut seen = Vec::new();
        let mut rest = bytes.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() { break; }
            let (chunk, after) = rest.split_at((*cut).min(rest.len()));
            seen.extend(decoder.push(chunk).unwrap());
            rest = after;
        }
        prop_assert_eq!(seen, all(&bytes));
    }

    #[test]
    fn the_cap_does_not_depend_on_chunking(bytes in stream(), limit in 4_usize..40) {
        let whole = Decoder::new(limit).push(&bytes).is_err();
        let mut decoder = Decoder::new(limit);
        let pieces = bytes.iter().any(|byte| decoder.push(&[*byte]).is_err());
        prop_assert_eq!(whole, pieces);
    }

    #[test]
    fn events_survive_encoding(text in "[^\r]*", id in prop::option::of("[^\0\r\n]{1,8}"), retry in any::<Option<u64>>()) {
        let event = Event { event: Some("e".to_owned()), data: text, id, retry };
        prop_assert_eq!(all(&encode_event(&event)), [event]);
    }
}
