//! What a password has to be like. Texts and rules are ContextForge's, so that what it accepts is accepted here.
//!
//! What can be no password at all (too short for any account, longer than is worth hashing, the address itself) is a
//! wrong field; what breaks a rule is a refusal with the rule's text. Former passwords are compared elsewhere
//! (`change`), because that takes a hash each.

use domain::{Error, Result};

use crate::settings::{AccountSettings, PasswordSettings};

/// Longer texts are no passwords, and are not worth hashing.
pub(super) const MAX_LENGTH: usize = 1024;
/// Fewer different characters than this are a pattern.
const MIN_DIFFERENT: usize = 5;
/// Kinds of characters that a password needs, of upper and lower case letters, digits and others.
const MIN_KINDS: usize = 3;
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

/// How strict to be with whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) accounts: &'a AccountSettings,
    pub(super) passwords: &'a PasswordSettings,
}

/// Checks a new password of the account `email`.
pub(super) fn check(rules: Rules<'_>, email: &str, is_admin: bool, password: &str) -> Result<()> {
    let wrong = |message: String| Err(Error::invalid("password", message));
    let least = rules.passwords.min_length;
    if password.len() > MAX_LENGTH {
        return wrong(format!("must be at most {MAX_LENGTH} bytes long"));
    }
    if password.chars().count() < least {
        return wrong(format!("must be at least {least} characters long"));
    }
    if password.trim().eq_ignore_ascii_case(email) {
        return wrong("must not be the e-mail address".to_owned());
    }
    if !rules.passwords.policy_enabled {
        return Ok(());
    }
    let (least, account) = if is_admin {
        (rules.accounts.password_min_length_privileged, "privileged")
    } else {
        (rules.accounts.password_min_length_user, "user")
    };
    match broken_rule(least, account, email, password) {
        None => Ok(()),
        Some(text) => Err(Error::Refused(text)),
    }
}

fn broken_rule(least: usize, account: &str, email: &str, password: &str) -> Option<String> {
    if password.chars().count() < least {
        return Some(format!("Password must be at least {least} characters long ({account} account)"));
    }
    if kinds(password) < MIN_KINDS {
        return Some(format!(
            "Password must contain at least {MIN_KINDS} of: uppercase letters, lowercase letters, numbers, \
             special characters"
        ));
    }
    let lower = password.to_lowercase();
    let local = email.split('@').next().unwrap_or_default();
    if local.chars().count() >= 3 && lower.contains(local) {
        return Some("Password must not contain the name in the e-mail address".to_owned());
    }
    let mut different: Vec<char> = lower.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < MIN_DIFFERENT {
        return Some("Password must not repeat a few characters".to_owned());
    }
    if is_common(&lower) {
        return Some("Password is too common".to_owned());
    }
    has_run(&lower).then(|| "Password contains too many sequential characters".to_owned())
}

fn kinds(password: &str) -> usize {
    let has = |wanted: fn(char) -> bool| usize::from(password.chars().any(wanted));
    has(char::is_uppercase) + has(char::is_lowercase) + has(char::is_numeric) + has(|c| !c.is_alphanumeric())
}

fn is_common(lower: &str) -> bool {
    COMMON.iter().any(|word| {
        lower.contains(word)
            && lower.replace(word, "").chars().filter(|c| c.is_alphabetic()).count() < MIN_DIFFERENT
    })
}

/// Whether three letters or three digits in a row count up or down: `def`, `321`.
fn has_run(lower: &str) -> bool {
    let letters: Vec<char> = lower.chars().collect();
    letters.windows(3).any(|three| {
        let [a, b, c] = three else { return false };
        let alike = three.iter().all(char::is_ascii_digit) || three.iter().all(char::is_ascii_lowercase);
        let (a, b, c) = (u32::from(*a), u32::from(*b), u32::from(*c));
        alike && ((a + 1 == b && b + 1 == c) || (a == b + 1 && b == c + 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> (AccountSettings, PasswordSettings) {
        let mut env = domain::Env::default();
        (AccountSettings::read(&mut env).unwrap(), PasswordSettings::read(&mut env).unwrap())
    }

    #[test]
    fn weak_passwords_are_named_as_such() {
        let of = |password: &str| broken_rule(12, "user", "robert@example.com", password);
        assert_eq!(of("weakpass1").unwrap(), "Password must be at least 12 characters long (user account)");
        assert!(of("xX-Robert-2026-x").unwrap().contains("e-mail"));
        assert!(of("aB1aB1aB1aB1").unwrap().contains("repeat"));
        assert!(of("Password-9-9-9!").unwrap().contains("common"));
        assert!(of("correct horse battery").unwrap().contains("3 of"));
        assert_eq!(of("Correct horse battery"), None);
        assert_eq!(of("9f2c41D07be8835a"), None);
    }

    #[test]
    fn three_in_a_row_are_a_sequence() {
        for run in ["Xy-defx-7-kpq", "Q-3-2-321-pwz", "Z-789-qwmtrp"] {
            let text = broken_rule(12, "user", "a@b.c", run).unwrap();
            assert_eq!(text, "Password contains too many sequential characters", "{run}");
        }
        assert!(!has_run("acegik-135-cba2".trim_end_matches("-cba2")) && has_run("cba"));
        assert!(!has_run("9-:") && !has_run("yz{"), "only letters, only digits");
    }

    #[test]
    fn what_is_no_password_is_a_wrong_field() {
        let (accounts, passwords) = settings();
        let rules = Rules { accounts: &accounts, passwords: &passwords };
        let of = |password: &str| check(rules, "robert@example.com", false, password);
        for wrong in ["admin", "robert@example.com", &"x".repeat(1_000_000)] {
            assert!(matches!(of(wrong), Err(Error::Invalid(_))), "{wrong:.20}");
        }
        assert!(matches!(of("Short-77-x"), Err(Error::Refused(_))));
        let admin = check(rules, "robert@example.com", true, "Long-enough-4-a-user");
        assert!(matches!(admin, Err(Error::Refused(text)) if text.contains("at least 22")));
    }

    #[test]
    fn without_the_policy_only_the_length_counts() {
        let (accounts, mut passwords) = settings();
        passwords.policy_enabled = false;
        let rules = Rules { accounts: &accounts, passwords: &passwords };
        assert!(check(rules, "robert@example.com", true, "password").is_ok());
        assert!(check(rules, "robert@example.com", true, "passwor").is_err());
    }
}
