use content::{ContentSettings, Screen, definitions::report};
use domain::Env;

use super::*;
use crate::{discovery::taken::Taken, gateways::tests::gateway};

fn item(name: &str, description: &str) -> FoundNamed {
    let definition = format!(
        r#"{{"name":"{name}","description":"{description}","inputSchema":{{"type":"object"}},"x":1e400}}"#
    );
    FoundNamed { name: name.to_owned(), title: None, description: Some(description.to_owned()), definition }
}

/// What becomes of the pins when the upstream lists these tools.
fn listed(mode: PinMode, pins: &[Pin], items: &[FoundNamed]) -> Pinned {
    let screen = Screen::new(&ContentSettings::read(&mut Env::default()).unwrap()).0;
    let gateway = gateway();
    let taken = Taken::default();
    let origin = Origin { gateway: &gateway, separator: "-", record: &gateway.record, taken: &taken };
    let stored = Stored { pins: pins.to_vec(), ..Stored::default() };
    let reports: Vec<Report> = items.iter().map(|item| report(&screen, &item.definition)).collect();
    decide(origin, &stored, Listing { items, reports: &reports, mode })
}

#[test]
fn an_approved_definition_is_served_byte_for_byte() {
    let first = listed(PinMode::Tofu, &[], &[item("a", "Adds.")]);
    assert_eq!((first.pins[0].state, first.held.len()), (PinState::Approved, 0));
    let same = listed(PinMode::Tofu, &first.pins, &[item("a", "Adds.")]);
    assert!(same.pins.is_empty(), "nothing is written where nothing changed");
    let other = listed(PinMode::Tofu, &first.pins, &[item("a", "Adds more.")]);
    assert_eq!(other.items[0], item("a", "Adds."));
    assert_eq!((other.pins[0].state, other.pins[0].class.as_deref()), (PinState::Changed, Some("additive")));
}

#[test]
fn every_mode_takes_first_definitions_its_way() {
    let state = |mode, description| listed(mode, &[], &[item("a", description)]).pins[0].state;
    assert_eq!(state(PinMode::Off, "Adds.<!-- x -->"), PinState::Approved);
    assert_eq!(state(PinMode::Tofu, "Adds.<!-- x -->"), PinState::Quarantined);
    assert_eq!(state(PinMode::Approve, "Adds.<!-- x -->"), PinState::Quarantined);
    assert_eq!(state(PinMode::Approve, "Adds."), PinState::Pending);
}

#[test]
fn pins_of_tools_that_are_gone_are_kept_and_bounded() {
    let many: Vec<FoundNamed> =
        (0..1_200).map(|n| item(&format!("tool{n}"), &format!("Does {n}."))).collect();
    let pins = listed(PinMode::Tofu, &[], &many).pins;
    let gone = listed(PinMode::Tofu, &pins, &[]);
    assert_eq!((gone.pins.len(), gone.forgotten.len()), (0, 200));
}
