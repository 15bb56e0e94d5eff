//! The settings of pinned tool definitions.

use content::PinMode;

domain::settings! {
    /// What happens when an upstream changes its tools.
    PinSettings {
        /// Pinning of discovered tool definitions. `tofu` trusts the first one, goes on serving it when the upstream changes it, and waits for a decision; `approve` waits for a decision about the first one as well; `off` follows every change.
        mode: PinMode = "TOOL_PIN_MODE", default "tofu";
    }
}
