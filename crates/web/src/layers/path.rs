//! Paths as they may be written down.
//!
//! Links that reset passwords and accept invitations carry their secret in the path, where logs, refusals and the audit
//! record would keep it for whoever reads them.

use std::borrow::Cow;

/// What stands for a secret.
const MASK: &str = "*****";

/// The path, with a mask in place of a secret.
pub(crate) fn without_secret(path: &str) -> Cow<'_, str> {
    let (mut before, mut start) = ("", 0);
    for segment in path.split('/') {
        let end = start + segment.len();
        let secret = match before {
            "reset-password" | "accept-invitation" => true,
            "invitations" => path.trim_end_matches('/').ends_with("/accept"),
            _ => false,
        };
        if secret && !segment.is_empty() {
            let part = |range| path.get(range).unwrap_or_default();
            return format!("{}{MASK}{}", part(0..start), part(end..path.len())).into();
        }
        (before, start) = (segment, end + 1);
    }
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_links_are_masked() {
        for (path, shown) in [
            ("/auth/email/reset-password/abc", "/auth/email/reset-password/*****"),
            ("/v1/auth/email/reset-password/abc/", "/v1/auth/email/reset-password/*****/"),
            ("/admin/reset-password/abc", "/admin/reset-password/*****"),
            ("/accept-invitation/abc", "/accept-invitation/*****"),
            ("/teams/invitations/abc/accept", "/teams/invitations/*****/accept"),
            ("/v1/teams/invitations/abc/accept/", "/v1/teams/invitations/*****/accept/"),
            ("/auth/email/reset-password/a", "/auth/email/reset-password/*****"),
        ] {
            assert_eq!(without_secret(path), shown);
        }
        for path in [
            "/",
            "",
            "/teams/invitations/0123",
            "/teams/x/invitations",
            "/auth/email/reset-password/",
            "/v1/tools",
        ] {
            assert_eq!(without_secret(path), path);
        }
    }
}
