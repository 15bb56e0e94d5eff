use domain::{Visibility, id::ToolId};

use super::*;
use crate::gateways::tests::gateway;

/// A tool for tests of pure functions.
pub(crate) fn tool(original: &str, name: &str, visibility: Visibility) -> Tool {
    let gateway = gateway();
    Tool {
        id: ToolId::random(),
        gateway_id: gateway.id,
        original_name: original.to_owned(),
        custom_name: original.to_owned(),
        custom_slug: original.to_owned(),
        name: name.to_owned(),
        display_name: None,
        description: None,
        definition: "{}".to_owned(),
        enabled: true,
        reachable: true,
        held: false,
        tags: Vec::new(),
        owned: Owned { visibility, ..gateway.owned },
        record: gateway.record,
    }
}
