//! The demonstration server's tools. Wrong arguments are results with `isError`, which models can read.

use std::time::Duration;

use domain::{Clock, Timestamp};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};

use super::{catalogue, texts};

/// A PNG of 4 by 4 blue pixels, in base64.
pub(super) const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAIAAAAmkwkpAAAAEElEQVR42mOQz38NRwzEcQBYMheR4T0D+gAAAABJRU5ErkJggg==";
/// A WAV of 80 samples, in base64.
const WAV: &str = "UklGRnQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YVAAAACAnrnN2NjOu6GCZEg0KCYvQlx6mbTK19nRv6aIaU03KSYtPld0k7DH1dnTw6uOb1I6KyYrOlJvjqvD09nVx7CTdFc+LSYpN01piKa/0dnXyg==";

/// What calling a tool comes to.
pub(super) enum Called {
    /// A result at once.
    Result(Value),
    /// A result after counting.
    Count(Count),
    /// There is no such tool.
    Unknown,
}

/// The arguments of `slow_count`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Count {
    /// How far to count.
    pub(super) steps: u32,
    #[serde(rename = "delayMs")]
    delay_ms: u64,
}

impl Default for Count {
    fn default() -> Self {
        Self { steps: 3, delay_ms: 200 }
    }
}

impl Count {
    /// The time before each number.
    pub(super) fn delay(self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }

    /// The parameters of the progress notification for a number; the token is the sender's business.
    pub(super) fn progress(self, step: u32) -> Value {
        json!({"progress": step, "total": self.steps, "message": format!("{step} of {}", self.steps)})
    }

    /// The result after the last number.
    pub(super) fn result(self) -> Value {
        content(&[text(&format!("Counted to {}.", self.steps))])
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    text: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Time {
    timezone: Option<String>,
}

/// Calls a tool.
pub(super) fn call(name: &str, arguments: Option<&RawValue>, clock: &Clock) -> Called {
    let result = match name {
        "get_time" => read::<Time>(arguments).and_then(|time| get_time(time.timezone.as_deref(), clock)),
        "echo" => read::<Text>(arguments).map(|given| content(&[text(&given.text)])),
        "fail" => read::<Text>(arguments).and_then(|given| Err(given.text)),
        "image" => read::<Nothing>(arguments).map(|_| content(&[image()])),
        "audio" => read::<Nothing>(arguments).map(|_| content(&[audio()])),
        "resource" => read::<Nothing>(arguments).map(|_| content(&[resource()])),
        "link" => read::<Nothing>(arguments).map(|_| content(&[link()])),
        "mixed" => read::<Nothing>(arguments)
            .map(|_| content(&[text("One of each kind."), image(), audio(), resource(), link()])),
        "slow_count" => match read::<Count>(arguments).and_then(within_limits) {
            Ok(count) => return Called::Count(count),
            Err(message) => Err(message),
        },
        _ => return Called::Unknown,
    };
    Called::Result(result.unwrap_or_else(|message| {
        let mut result = content(&[text(&message)]);
        catalogue::insert(&mut result, "isError", Value::Bool(true));
        result
    }))
}

/// Absent arguments are an empty object.
fn read<T: DeserializeOwned>(arguments: Option<&RawValue>) -> Result<T, String> {
    serde_json::from_str(arguments.map_or("{}", RawValue::get)).map_err(|error| {
        let text = error.to_string();
        // The position is one in bytes that the caller never saw.
        let cause = text.rsplit_once(" at line ").map_or(text.as_str(), |(cause, _)| cause);
        format!("Invalid arguments: {cause}")
    })
}

fn within_limits(count: Count) -> Result<Count, String> {
    if !(1..=100).contains(&count.steps) {
        Err("Invalid arguments: `steps` must be 1 to 100".to_owned())
    } else if count.delay_ms > 5000 {
        Err("Invalid arguments: `delayMs` must be 0 to 5000".to_owned())
    } else {
        Ok(count)
    }
}

fn get_time(timezone: Option<&str>, clock: &Clock) -> Result<Value, String> {
    let given = timezone.unwrap_or("UTC");
    let minutes = offset_minutes(given)
        .ok_or("Invalid arguments: `timezone` must be UTC or an offset from it such as +02:00")?;
    let seconds = clock.now().seconds();
    let sign = if minutes < 0 { '-' } else { '+' };
    let offset = format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60);
    let (zone, timezone) = if minutes == 0 { ("Z", "UTC") } else { (&*offset, &*offset) };
    let local = Timestamp::from_seconds(seconds.saturating_add(minutes * 60)).to_string();
    let time = format!("{}{zone}", local.trim_end_matches('Z'));
    let mut result = content(&[text(&time)]);
    let structured = json!({"time": time, "timezone": timezone, "unixSeconds": seconds});
    catalogue::insert(&mut result, "structuredContent", structured);
    Ok(result)
}

/// Minutes east of UTC: `UTC`, `Z`, `+2`, `+02`, `+0230`, `+02:30`, `UTC+02:30`.
fn offset_minutes(text: &str) -> Option<i64> {
    let text = text.trim();
    let rest = text.strip_prefix("UTC").unwrap_or(text);
    if (rest.is_empty() && !text.is_empty()) || rest == "Z" {
        return Some(0);
    }
    let (sign, digits) = match (rest.strip_prefix('+'), rest.strip_prefix(['-', '−'])) {
        (Some(digits), _) => (1, digits),
        (_, Some(digits)) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match (digits.split_once(':'), digits.len()) {
        (Some(parts), _) => parts,
        (None, 4) => digits.split_at_checked(2)?,
        (None, _) => (digits, "0"),
    };
    let number = |text: &str| -> Option<i64> {
        let plain = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse().ok())?
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn content(blocks: &[Value]) -> Value {
    json!({"content": blocks})
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn image() -> Value {
    json!({"type": "image", "data": PNG, "mimeType": "image/png"})
}

fn audio() -> Value {
    json!({"type": "audio", "data": WAV, "mimeType": "audio/wav"})
}

fn resource() -> Value {
    json!({"type": "resource", "resource": {"uri": catalogue::ABOUT, "mimeType": "text/plain", "text": texts::ABOUT_TEXT}})
}

fn link() -> Value {
    json!({"type": "resource_link", "uri": catalogue::PIXEL, "name": "pixel", "mimeType": "image/png"})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(zone: &str) -> Result<String, String> {
        let clock = Clock::manual(Timestamp(1_795_341_600_250_000));
        get_time(Some(zone), &clock)
            .map(|result| result["structuredContent"]["time"].as_str().unwrap().to_owned())
    }

    #[test]
    fn times_are_local_to_the_offset() {
        for (zone, expected) in [
            ("UTC", "2026-11-22T10:00:00Z"),
            ("Z", "2026-11-22T10:00:00Z"),
            ("+00:00", "2026-11-22T10:00:00Z"),
            ("+02:00", "2026-11-22T12:00:00+02:00"),
            ("+14", "2026-11-23T00:00:00+14:00"),
            ("-0330", "2026-11-22T06:30:00-03:30"),
            ("UTC+5:45", "2026-11-22T15:45:00+05:45"),
        ] {
            assert_eq!(at(zone).as_deref(), Ok(expected), "{zone}");
        }
    }

    #[test]
    fn other_zones_are_refused() {
        for zone in ["", "Europe/Berlin", "+15:00", "+01:60", "+", "+-1:00", "02:00", "+1:2:3", "+١٢"] {
            assert!(at(zone).is_err(), "{zone}");
        }
    }
}
