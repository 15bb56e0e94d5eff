//! Media types of a POST: what it carries and what it takes in return.
//!
//! A missing `Accept` takes everything, as RFC 9110 says. Quality values other than zero are not weighed: the
//! gateway answers with what the method needs.

use http::{
    HeaderMap,
    header::{ACCEPT, CONTENT_TYPE},
};

use crate::ladder::Refusal;

/// Whether a POST carries JSON and takes both forms of answer.
pub fn check_media(headers: &HeaderMap) -> Result<(), Refusal> {
    if !carries_json(headers) {
        return Err(Refusal::UnsupportedMediaType);
    }
    if !accepts(headers, "application/json") || !accepts(headers, "text/event-stream") {
        return Err(Refusal::NotAcceptable);
    }
    Ok(())
}

fn carries_json(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (lines.next(), lines.next()) else { return false };
    let essence = only.to_str().ok().and_then(|text| text.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// Whether `Accept` takes a media type, by name or by wildcard.
pub fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let mut lines = headers.get_all(ACCEPT).iter().peekable();
    if lines.peek().is_none() {
        return true;
    }
    let family = media_type.split('/').next().unwrap_or_default();
    let ranges = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    ranges.into_iter().any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let refused = parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0_f32)));
        let wildcard =
            name.strip_suffix("/*").is_some_and(|range| range == "*" || range.eq_ignore_ascii_case(family));
        !refused && (wildcard || name.eq_ignore_ascii_case(media_type))
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn status(lines: &[(HeaderName, &'static str)]) -> u16 {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, HeaderValue::from_static(value));
        }
        check_media(&headers).map_or_else(|refusal| refusal.status(), |()| 200)
    }

    #[test]
    fn the_body_must_be_json() {
        for (value, expected) in [
            ("application/json", 200),
            ("Application/JSON; charset=utf-8", 200),
            ("text/plain", 415),
            ("application/jsonx", 415),
            ("", 415),
        ] {
            assert_eq!(status(&[(CONTENT_TYPE, value)]), expected, "{value}");
        }
        assert_eq!(status(&[]), 415);
        assert_eq!(status(&[(CONTENT_TYPE, "application/json"), (CONTENT_TYPE, "text/plain")]), 415);
    }

    #[test]
    fn both_forms_of_answer_must_be_taken() {
        for (value, expected) in [
            ("application/json, text/event-stream", 200),
            ("text/event-stream;q=0.5,application/json", 200),
            ("*/*", 200),
            ("application/*, TEXT/*", 200),
            ("application/json", 406),
            ("text/event-stream", 406),
            ("application/json, text/event-stream;q=0.0", 406),
            ("text/html", 406),
            ("", 406),
        ] {
            assert_eq!(status(&[(CONTENT_TYPE, "application/json"), (ACCEPT, value)]), expected, "{value}");
        }
        let two =
            [(CONTENT_TYPE, "application/json"), (ACCEPT, "application/json"), (ACCEPT, "text/event-stream")];
        assert_eq!(status(&two), 200);
    }
}
