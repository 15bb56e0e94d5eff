//! What a token is to be, and what is wrong with that.

use std::str::FromStr;

use domain::{Error, Permission, PermissionSet, Problem, Result, api_token::TokenLimits, id::ServerId};
use serde_json::{Map, Value};

use crate::authn::restriction_problems;

/// Permissions that a token can name, more than there are.
const MOST_PERMISSIONS: usize = 256;
const MOST_NETWORKS: usize = 256;

/// What a token is to be limited to.
#[derive(Debug, Clone, Default)]
pub struct WishedLimits {
    /// The only virtual server that it is for.
    pub server_id: Option<String>,
    /// Permission names; none for all that the owner has at any time.
    pub permissions: Vec<String>,
    /// Addresses and networks.
    pub ip_restrictions: Vec<String>,
    /// When it may be used.
    pub time_restrictions: Map<String, Value>,
    /// How often it may be used.
    pub usage_limits: Map<String, Value>,
}

/// What a new token is made from.
#[derive(Debug, Clone, Default)]
pub struct NewToken {
    /// Its name.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Days until it ends.
    pub expires_in_days: Option<i64>,
    /// What it is limited to.
    pub limits: WishedLimits,
    /// Labels.
    pub tags: Vec<String>,
    /// The team that it is for.
    pub team_id: Option<String>,
    /// Whose it is to be, where that is somebody else.
    pub email: Option<String>,
    /// Whether it may be used at once.
    pub is_active: bool,
}

/// What is to change; absent is unchanged.
#[derive(Debug, Clone, Default)]
pub struct TokenChange {
    /// Its name.
    pub name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// What it is limited to, as a whole.
    pub limits: Option<WishedLimits>,
    /// Labels.
    pub tags: Option<Vec<String>>,
    /// Whether it may be used.
    pub is_active: Option<bool>,
}

impl WishedLimits {
    /// The limits, and the permissions that they name. Whether the server is there is not known yet.
    pub(super) fn check(self, problems: &mut Vec<Problem>) -> (TokenLimits, PermissionSet) {
        let mut named = PermissionSet::NONE;
        for (n, name) in self.permissions.iter().enumerate() {
            match Permission::from_str(name) {
                Ok(permission) => named = named.with(permission),
                Err(_) if name == "*" => named = PermissionSet::ALL,
                Err(_) => problems.push(Problem {
                    field: format!("scope.permissions[{n}]"),
                    message: "must be the name of a permission, or *".to_owned(),
                }),
            }
        }
        for (field, count, most) in [
            ("scope.permissions", self.permissions.len(), MOST_PERMISSIONS),
            ("scope.ip_restrictions", self.ip_restrictions.len(), MOST_NETWORKS),
        ] {
            if count > most {
                let message = format!("must have at most {most} entries");
                problems.push(Problem { field: field.to_owned(), message });
            }
        }
        let wrong = restriction_problems(&self.ip_restrictions, &self.time_restrictions, &self.usage_limits);
        problems.extend(wrong.into_iter().map(|p| Problem { field: format!("scope.{}", p.field), ..p }));
        let server = self.server_id.as_deref().filter(|id| !id.is_empty()).map(ServerId::parse);
        if server == Some(None) {
            let message = "must be the id of a virtual server".to_owned();
            problems.push(Problem { field: "scope.server_id".to_owned(), message });
        }
        let limits = TokenLimits {
            server_id: server.flatten(),
            permissions: self.permissions,
            ip_restrictions: self.ip_restrictions,
            time_restrictions: self.time_restrictions,
            usage_limits: self.usage_limits,
        };
        (limits, named)
    }
}

/// Checks a name and gives it without space around it.
pub(super) fn name(given: &str, problems: &mut Vec<Problem>) -> String {
    let name = given.trim();
    if name.is_empty() || name.chars().count() > 255 || name.chars().any(domain::name::is_hidden) {
        let message = "must be 1 to 255 characters, without control characters".to_owned();
        problems.push(Problem { field: "name".to_owned(), message });
    }
    name.to_owned()
}

pub(super) fn description(given: Option<&str>, problems: &mut Vec<Problem>) {
    if given.is_some_and(|text| text.chars().count() > 1000) {
        let message = "must be at most 1000 characters".to_owned();
        problems.push(Problem { field: "description".to_owned(), message });
    }
}

pub(super) fn tags(given: &[String], problems: &mut Vec<Problem>) -> Vec<String> {
    match domain::name::tags(given.iter().map(String::as_str), "tags") {
        Ok(tags) => tags.into_iter().map(|tag| tag.label).collect(),
        Err(problem) => {
            problems.push(problem);
            Vec::new()
        }
    }
}

/// The seconds until a new token ends.
pub(super) fn lifetime(days: Option<i64>, most: u32, problems: &mut Vec<Problem>) -> Result<u64> {
    // 400 as in ContextForge, which tells no reason.
    let days =
        days.ok_or_else(|| Error::Refused("expires_in_days is required: every token ends".to_owned()))?;
    if (1..=i64::from(most)).contains(&days) {
        return Ok(days.unsigned_abs() * 86_400);
    }
    let message = format!("must be 1 to {most} (API_TOKEN_MAX_EXPIRY_DAYS)");
    problems.push(Problem { field: "expires_in_days".to_owned(), message });
    Ok(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_wrong_with_a_wish_is_named() {
        let wish = WishedLimits {
            server_id: Some("x".to_owned()),
            permissions: ["tools.read", "tools.*", "metrics:read", "nonsense"].map(str::to_owned).to_vec(),
            ip_restrictions: vec!["nowhere".to_owned()],
            time_restrictions: json!({ "moon": 1 }).as_object().cloned().unwrap(),
            usage_limits: json!({ "requests_per_hour": -1 }).as_object().cloned().unwrap(),
        };
        let mut problems = Vec::new();
        wish.check(&mut problems);
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        let expected = [
            "scope.permissions[1]",
            "scope.permissions[3]",
            "scope.ip_restrictions[0]",
            "scope.time_restrictions.moon",
            "scope.usage_limits.requests_per_hour",
            "scope.server_id",
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_wish_names_no_more_than_it_says() {
        let wish = WishedLimits { permissions: vec!["tools.read".to_owned()], ..WishedLimits::default() };
        let (_, named) = wish.check(&mut Vec::new());
        assert_eq!(
            named,
            PermissionSet::NONE.with(Permission::ToolsRead),
            "servers.use is brought in use, not asked for"
        );
        let wish = WishedLimits { permissions: vec!["*".to_owned()], ..WishedLimits::default() };
        assert_eq!(wish.check(&mut Vec::new()).1, PermissionSet::ALL);
    }

    #[test]
    fn every_token_ends() {
        let mut problems = Vec::new();
        assert!(lifetime(None, 365, &mut problems).is_err());
        assert_eq!(lifetime(Some(2), 365, &mut problems).unwrap(), 172_800);
        assert!(problems.is_empty());
        for days in [0, -1, 366, i64::MAX] {
            lifetime(Some(days), 365, &mut problems).unwrap();
        }
        assert_eq!(problems.len(), 4);
    }
}
