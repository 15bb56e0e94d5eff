//! When a token may be used, in both of ContextForge's forms:
//! `{"business_hours_only": true, "weekdays_only": true}` and
//! `{"start_time": "22:00", "end_time": "06:00", "timezone": "Europe/Berlin", "days": ["Monday"]}`.
//!
//! The forms may be mixed; the zone is UTC unless one is given, and counts for all of it. A window runs from its start
//! to just before its end. One that ends before it starts goes over midnight, and belongs to the day on which it began.

use std::str::FromStr;

use domain::{Problem, Timestamp};
use jiff::{civil::Time, civil::Weekday, tz::TimeZone};
use serde_json::{Map, Value};

/// Microseconds of a day, and of the second after its last.
const DAY: u32 = 24 * 60 * 60;

/// The times at which a token may be used.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    zone: TimeZone,
    /// Seconds of the day: from, and to before.
    hours: (u32, u32),
    days: Days,
}

/// Days of the week, a bit each; Monday is the lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Days(u8);

impl Days {
    const ALL: Self = Self(0b111_1111);
    const WEEKDAYS: Self = Self(0b001_1111);

    fn of(day: Weekday) -> Self {
        Self(1 << day.to_monday_zero_offset())
    }

    fn has(self, day: Weekday) -> bool {
        self.0 & Self::of(day).0 != 0
    }
}

impl Window {
    /// Reads restrictions; none where nothing is restricted.
    pub(crate) fn read(given: &Map<String, Value>) -> Result<Vec<Self>, Problem> {
        let mut zone = TimeZone::UTC;
        let mut days = Days::ALL;
        let (mut business, mut from, mut to) = (false, None, None);
        for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
            let problem = |message: &str| problem(name, message);
            match name.as_str() {
                "business_hours_only" => business = switch(value).ok_or_else(|| problem(SWITCH))?,
                "weekdays_only" => {
                    if switch(value).ok_or_else(|| problem(SWITCH))? {
                        days = Days(days.0 & Days::WEEKDAYS.0);
                    }
                }
                "start_time" => from = Some(time(value).ok_or_else(|| problem(TIME))?),
                "end_time" => to = Some(time(value).ok_or_else(|| problem(TIME))?),
                "timezone" => zone = self::zone(value).ok_or_else(|| problem(ZONE))?,
                "days" => days = Days(days.0 & self::days(value).ok_or_else(|| problem(DAYS))?.0),
                _ => return Err(problem("is not known")),
            }
        }
        if let (Some(from), Some(to)) = (from, to)
            && from == to
        {
            return Err(problem("end_time", "must differ from start_time"));
        }
        let mut windows = Vec::new();
        if business {
            windows.push(Self { zone: zone.clone(), hours: (9 * 3600, 17 * 3600), days });
        }
        if from.is_some() || to.is_some() {
            windows.push(Self { zone: zone.clone(), hours: (from.unwrap_or(0), to.unwrap_or(DAY)), days });
        }
        if windows.is_empty() && days != Days::ALL {
            windows.push(Self { zone, hours: (0, DAY), days });
        }
        Ok(windows)
    }

    /// Whether a time is in the window. A time outside of history is not.
    pub(crate) fn contains(&self, now: Timestamp) -> bool {
        let Ok(now) = jiff::Timestamp::from_microsecond(now.0) else { return false };
        let local = now.to_zoned(self.zone.clone());
        let second = second_of(local.time());
        let today = local.weekday();
        let (from, to) = self.hours;
        if from < to {
            return (from..to).contains(&second) && self.days.has(today);
        }
        (second >= from && self.days.has(today)) || (second < to && self.days.has(today.previous()))
    }
}

const SWITCH: &str = "must be true or false";
const TIME: &str = "must be a time of the day: HH:MM or HH:MM:SS";
const ZONE: &str = "must be the name of a time zone: Europe/Berlin";
const DAYS: &str = "must be a list of names of days: [\"Monday\"]";

fn problem(name: &str, message: &str) -> Problem {
    Problem { field: format!("time_restrictions.{name}"), message: message.to_owned() }
}

fn switch(value: &Value) -> Option<bool> {
    value.as_bool()
}

fn second_of(time: Time) -> u32 {
    let part = |part: i8| u32::try_from(part).unwrap_or(0);
    part(time.hour()) * 3600 + part(time.minute()) * 60 + part(time.second())
}

fn time(value: &Value) -> Option<u32> {
    let text = value.as_str()?;
    let plain = matches!(text.len(), 5 | 8) && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    if !plain {
        return None;
    }
    Time::from_str(text).ok().map(second_of)
}

fn zone(value: &Value) -> Option<TimeZone> {
    let name = value.as_str()?;
    if name.eq_ignore_ascii_case("utc") { Some(TimeZone::UTC) } else { TimeZone::get(name).ok() }
}

fn days(value: &Value) -> Option<Days> {
    let names = value.as_array()?;
    let all: Option<Vec<Days>> = names.iter().map(day).collect();
    // An empty list restricts nothing, as in ContextForge.
    let all = all.filter(|all| !all.is_empty()).or_else(|| names.is_empty().then(|| vec![Days::ALL]))?;
    Some(Days(all.into_iter().fold(0, |bits, day| bits | day.0)))
}

fn day(value: &Value) -> Option<Days> {
    let name = value.as_str()?.to_ascii_lowercase();
    let names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let at = names.iter().position(|full| *full == name || full.get(..3) == Some(name.as_str()))?;
    Some(Days(1 << at))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Whether a token may be used at a time (UTC).
    fn open(given: &Value, at: &str) -> bool {
        let at: jiff::Timestamp = at.parse().unwrap();
        let windows = Window::read(given.as_object().unwrap()).unwrap();
        windows.iter().all(|window| window.contains(Timestamp(at.as_microsecond())))
    }

    #[test]
    fn business_hours_and_weekdays_are_in_utc() {
        let hours = json!({ "business_hours_only": true });
        // 2026-11-21 is a Saturday.
        assert!(open(&hours, "2026-11-21T09:00:00Z") && open(&hours, "2026-11-21T16:59:59Z"));
        assert!(!open(&hours, "2026-11-21T08:59:59Z") && !open(&hours, "2026-11-21T17:00:00Z"));
        let week = json!({ "weekdays_only": true, "business_hours_only": false });
        assert!(!open(&week, "2026-11-21T12:00:00Z") && !open(&week, "2026-11-22T23:59:59Z"));
        assert!(open(&week, "2026-11-23T00:00:00Z") && open(&week, "2026-11-27T23:59:59Z"));
    }

    #[test]
    fn a_window_is_in_its_zone_also_when_the_clocks_change() {
        let window = json!({ "start_time": "08:00", "end_time": "16:30:30", "timezone": "Europe/Berlin" });
        assert!(open(&window, "2026-07-01T06:00:00Z") && !open(&window, "2026-07-01T05:59:59Z"), "summer");
        assert!(open(&window, "2026-12-01T07:00:00Z") && !open(&window, "2026-12-01T06:59:59Z"), "winter");
        assert!(open(&window, "2026-12-01T15:30:29Z") && !open(&window, "2026-12-01T15:30:30Z"));
        let day = json!({ "timezone": "Pacific/Kiritimati", "days": ["Saturday"] });
        assert!(open(&day, "2026-11-20T10:00:00Z") && !open(&day, "2026-11-21T10:00:00Z"), "14 hours ahead");
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_began() {
        let night = json!({ "start_time": "22:00", "end_time": "06:00", "days": ["Mon"] });
        assert!(open(&night, "2026-11-23T22:00:00Z"), "Monday evening");
        assert!(open(&night, "2026-11-24T05:59:59Z"), "the morning after");
        assert!(!open(&night, "2026-11-24T06:00:00Z") && !open(&night, "2026-11-24T22:00:00Z"));
        assert!(!open(&night, "2026-11-23T05:00:00Z"), "that morning is Sunday's night");
    }

    #[test]
    fn minutes_and_seconds_count_and_times_have_one_form() {
        let window = json!({ "start_time": "08:17", "end_time": "08:19:31" });
        assert!(open(&window, "2026-11-23T08:17:00Z") && !open(&window, "2026-11-23T08:16:59Z"));
        assert!(open(&window, "2026-11-23T08:19:30Z") && !open(&window, "2026-11-23T08:19:31Z"));
        for wrong in
            ["8:17", "08:17:0", "0817", "08-17", "08.17", "08:17:00.5", "T08:17", "T0817", "08:17Z", "081700"]
        {
            assert_eq!(time(&json!(wrong)), None, "{wrong}");
        }
        assert_eq!(time(&json!("08:19:31")), Some(8 * 3600 + 19 * 60 + 31));
    }

    #[test]
    fn a_day_that_is_named_twice_counts() {
        let twice = json!({ "days": ["Monday", "mon", "Tuesday"] });
        assert!(open(&twice, "2026-11-23T12:00:00Z") && open(&twice, "2026-11-24T12:00:00Z"));
        assert!(!open(&twice, "2026-11-25T12:00:00Z"));
    }

    #[test]
    fn one_end_alone_goes_to_midnight() {
        let late = json!({ "start_time": "20:00" });
        assert!(open(&late, "2026-11-23T23:59:59Z") && !open(&late, "2026-11-24T00:00:00Z"));
        let early = json!({ "end_time": "06:00" });
        assert!(open(&early, "2026-11-23T00:00:00Z") && !open(&early, "2026-11-23T06:00:00Z"));
    }

    #[test]
    fn both_forms_together_are_both_checked() {
        let both = json!({ "business_hours_only": true, "start_time": "16:00", "end_time": "20:00" });
        assert!(open(&both, "2026-11-23T16:30:00Z"));
        assert!(!open(&both, "2026-11-23T15:30:00Z") && !open(&both, "2026-11-23T17:30:00Z"));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (given, field) in [
            (json!({ "business_hours_only": "yes" }), "business_hours_only"),
            (json!({ "start_time": "25:00" }), "start_time"),
            (json!({ "end_time": "6pm" }), "end_time"),
            (json!({ "start_time": 9 }), "start_time"),
            (json!({ "timezone": "Atlantis/Capital" }), "timezone"),
            (json!({ "days": "Monday" }), "days"),
            (json!({ "days": ["Monday", 2] }), "days"),
            (json!({ "start_time": "09:00", "end_time": "09:00" }), "end_time"),
            (json!({ "holidays": true }), "holidays"),
        ] {
            let problem = Window::read(given.as_object().unwrap()).unwrap_err();
            assert_eq!(problem.field, format!("time_restrictions.{field}"), "{given}");
        }
        for nothing in [json!({}), json!({ "days": [], "timezone": "UTC", "start_time": null })] {
            assert!(Window::read(nothing.as_object().unwrap()).unwrap().is_empty(), "{nothing}");
        }
    }
}
