//! The reference of all settings, written from the same declarations that read them.

use domain::Setting;

use super::{ProcessSettings, secrets::StrengthSettings, settled::SettledSettings};

const INTRODUCTION: &str = "# Configuration

Environment variables, or lines of a `.env` file in the working folder. Generated from the declarations in the code \
by `contextforge config docs`; a test compares.

Names and defaults are ContextForge's where it has the setting. A variable that only ContextForge knows is reported \
once at start as having no effect.";

type Section = (&'static [&'static str], &'static [Setting]);

/// Every section: what it is for, and its settings.
pub(crate) fn sections() -> Vec<Section> {
    use engine::settings::{
        AccountSettings, AuthSettings, FederationSettings, PeopleSettings, PinSettings, TeamSettings,
    };
    let mut sections: Vec<Section> = vec![
        (ProcessSettings::ABOUT, ProcessSettings::REFERENCE),
        (AuthSettings::ABOUT, AuthSettings::REFERENCE),
        (StrengthSettings::ABOUT, StrengthSettings::REFERENCE),
        (AccountSettings::ABOUT, AccountSettings::REFERENCE),
        (TeamSettings::ABOUT, TeamSettings::REFERENCE),
    ];
    sections.extend(PeopleSettings::sections());
    sections.push((FederationSettings::ABOUT, FederationSettings::REFERENCE));
    sections.push((PinSettings::ABOUT, PinSettings::REFERENCE));
    sections.push((content::ContentSettings::ABOUT, content::ContentSettings::REFERENCE));
    sections.extend(web::settings::Settings::sections());
    sections.push((upstream::egress::EgressSettings::ABOUT, upstream::egress::EgressSettings::REFERENCE));
    sections.push((upstream::mail::MailSettings::ABOUT, upstream::mail::MailSettings::REFERENCE));
    sections.push((SettledSettings::ABOUT, SettledSettings::REFERENCE));
    sections
}

/// Every setting with what its section is for.
pub(crate) fn all() -> impl Iterator<Item = (&'static [&'static str], &'static Setting)> {
    sections().into_iter().flat_map(|(about, settings)| settings.iter().map(move |setting| (about, setting)))
}

/// The reference as Markdown: `docs/generated/configuration.md`.
pub(crate) fn markdown() -> String {
    let mut lines = vec![INTRODUCTION.to_owned()];
    for (about, settings) in sections() {
        lines.push(format!(
            "\n## {}\n\n| variable | default | meaning |\n|---|---|---|",
            text(about).trim_end_matches('.')
        ));
        lines.extend(settings.iter().map(|setting| {
            let default = setting.default.map_or_else(String::new, |default| format!("`{default}`"));
            format!("| `{}` | {default} | {} |", setting.env, text(setting.doc).replace('|', "\\|"))
        }));
    }
    lines.join("\n") + "\n"
}

/// A commented `.env`: `.env.example`.
pub(crate) fn env_example() -> String {
    let mut lines = vec!["# Every setting with its default. A first start needs none of them.".to_owned()];
    for (about, settings) in sections() {
        lines.push(format!("\n# --- {}", text(about)));
        lines.extend(settings.iter().map(|setting| {
            format!("\n# {}\n#{}={}", text(setting.doc), setting.env, setting.default.unwrap_or(""))
        }));
    }
    lines.join("\n") + "\n"
}

fn text(doc: &[&str]) -> String {
    doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}
