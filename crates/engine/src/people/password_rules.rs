//! What a password has to be like. Length counts most; composition rules are left out on purpose, because they make
//! people write worse passwords (NIST SP 800-63B, section 3.1.1.2).

use domain::{Error, Result};

use crate::settings::AccountSettings;

/// Longer texts are no passwords, and are not worth hashing.
pub(super) const MAX_LENGTH: usize = 1024;
/// Fewer different characters than this are a pattern.
const MIN_DIFFERENT: usize = 5;
/// Words that lists of stolen passwords begin with; any password that is little more than one of them is refused.
const COMMON: &[&str] = &[
    "password",
    "passw0rd",
    "changeme",
    "letmein",
    "welcome",
    "qwerty",
    "iloveyou",
    "admin",
    "123456",
    "abc123",
    "monkey",
    "dragon",
    "football",
    "secret",
    "default",
    "contextforge",
    "mcpgateway",
];

/// Checks a new password of the account `email`.
pub(super) fn check(settings: &AccountSettings, email: &str, is_admin: bool, password: &str) -> Result<()> {
    let (least, account) = if is_admin {
        (settings.password_min_length_privileged, "administrator")
    } else {
        (settings.password_min_length_user, "user")
    };
    match problem(least, account, email, password) {
        None => Ok(()),
        Some(message) => Err(Error::invalid("password", message)),
    }
}

fn problem(least: usize, account: &str, email: &str, password: &str) -> Option<String> {
    if password.chars().count() < least {
        return Some(format!("Password must be at least {least} characters long ({account} account)"));
    }
    if password.len() > MAX_LENGTH {
        return Some(format!("Password must be at most {MAX_LENGTH} bytes long"));
    }
    let lower = password.to_lowercase();
    let local = email.split('@').next().unwrap_or_default();
    if local.len() >= 3 && lower.contains(local) {
        return Some("Password must not contain the name in the e-mail address".to_owned());
    }
    let mut different: Vec<char> = lower.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < MIN_DIFFERENT {
        return Some("Password must not repeat a few characters".to_owned());
    }
    let padded_word = COMMON.iter().any(|word| {
        lower.contains(word)
            && lower.replace(word, "").chars().filter(|c| c.is_alphabetic()).count() < MIN_DIFFERENT
    });
    padded_word.then(|| "Password is too common".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_named_as_such() {
        let of = |password: &str| problem(12, "user", "robert@example.com", password);
        assert!(of("weakpass1").unwrap().contains("at least 12"));
        assert!(of(&"x".repeat(2000)).unwrap().contains("at most"));
        assert!(of("xX-Robert-2026-x").unwrap().contains("e-mail"));
        assert!(of("abababababab").unwrap().contains("repeat"));
        assert!(of("Password123456!").unwrap().contains("common"));
        assert_eq!(of("correct horse battery"), None);
        assert_eq!(of("9f2c41d07be8835a"), None);
    }
}
