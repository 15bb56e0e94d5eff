//! What may be said of a team, with every problem at once.

use domain::{Actor, Error, Problem, Result, name, person::TeamRole};

use super::{NewTeam, TeamChange};
use crate::engine::Engine;

/// Who is to be in a team, and in which place.
pub(super) type Seeds = Vec<(String, TeamRole)>;

/// Checks what a team is to be made from. Gives its first members, each once and without the maker.
pub(super) fn checked(engine: &Engine, maker: &Actor, new: &NewTeam) -> Result<Seeds> {
    let settings = &engine.settings().teams;
    let mut problems = problems(Some(&new.name), new.description.as_deref(), Some(&new.visibility));
    problems.extend(size_problem(new.max_members, settings.max_members));
    problems.extend(new.slug.as_deref().and_then(slug_problem));
    let seeds = seeds(&new.members, settings.max_seeds, &mut problems);
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    Ok(seeds.into_iter().filter(|(email, _)| *email != maker.email).collect())
}

/// Checks what is to change.
pub(super) fn check_change(engine: &Engine, change: &TeamChange) -> Result<()> {
    let mut problems =
        problems(change.name.as_deref(), change.description.as_deref(), change.visibility.as_deref());
    problems.extend(size_problem(change.max_members, engine.settings().teams.max_members));
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
}

fn seeds(given: &[(String, TeamRole)], most: usize, problems: &mut Vec<Problem>) -> Seeds {
    if given.len() > most {
        let message = format!("must be at most {most}");
        problems.push(Problem { field: "members".to_owned(), message });
        return Vec::new();
    }
    let mut seeds: Seeds = Vec::new();
    for (at, (email, role)) in given.iter().enumerate() {
        match name::email(&format!("members[{at}].email"), email) {
            Err(problem) => problems.push(problem),
            Ok(email) if seeds.iter().any(|(other, _)| *other == email) => {}
            Ok(email) => seeds.push((email, *role)),
        }
    }
    seeds
}

fn slug_problem(slug: &str) -> Option<Problem> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let good = (2..=255).contains(&slug.len()) && slug.bytes().all(allowed);
    let message = "must be 2 to 255 of a-z, 0-9 and '-'".to_owned();
    (!good).then_some(Problem { field: "slug".to_owned(), message })
}

fn size_problem(wanted: Option<i64>, most: i64) -> Option<Problem> {
    let good = wanted.is_none_or(|wanted| (1..=most.max(1)).contains(&wanted));
    let message = format!("must be 1 to {most} (MAX_MEMBERS_PER_TEAM)");
    (!good).then_some(Problem { field: "max_members".to_owned(), message })
}

fn problems(name: Option<&str>, description: Option<&str>, visibility: Option<&str>) -> Vec<Problem> {
    let long = |text: &str, most: usize| {
        text.chars().count() > most || text.chars().any(|c| name::is_hidden(c) && c != '\n')
    };
    let checks = [
        (
            name.is_some_and(|name| name.trim().is_empty() || long(name, 255)),
            "name",
            "must be 1 to 255 characters",
        ),
        (description.is_some_and(|text| long(text, 1000)), "description", "must be at most 1000 characters"),
        (
            visibility.is_some_and(|word| !matches!(word, "private" | "public")),
            "visibility",
            "must be private or public",
        ),
    ];
    let wrong = checks.into_iter().filter(|(wrong, ..)| *wrong);
    wrong
        .map(|(_, field, message)| Problem { field: field.to_owned(), message: message.to_owned() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_of_a_team_is_reported() {
        let found = problems(Some(" "), Some(&"x".repeat(1001)), Some("team"));
        let fields: Vec<_> = found.into_iter().map(|p| p.field).collect();
        assert_eq!(fields, ["name", "description", "visibility"]);
        assert!(problems(Some("Core Team"), Some("two\nlines"), Some("public")).is_empty());
    }

    #[test]
    fn slugs_are_lower_case_and_sizes_within_the_quota() {
        assert!(slug_problem("core-team-2").is_none());
        for wrong in ["Core", "x", "a_b"] {
            assert!(slug_problem(wrong).is_some(), "{wrong}");
        }
        assert!(size_problem(None, 9).is_none() && size_problem(Some(9), 9).is_none());
        assert!(size_problem(Some(0), 9).is_some() && size_problem(Some(10), 9).is_some());
    }

    #[test]
    fn first_members_are_taken_once_each_and_wrong_ones_named() {
        let given = |emails: &[&str]| -> Vec<_> {
            emails.iter().map(|&email| (email.to_owned(), TeamRole::Member)).collect()
        };
        let mut problems = Vec::new();
        let seeds = seeds(&given(&["A@b.c", "a@b.c", "x", "d@e.f"]), 9, &mut problems);
        assert_eq!(seeds.iter().map(|(email, _)| email.as_str()).collect::<Vec<_>>(), ["a@b.c", "d@e.f"]);
        assert_eq!(problems[0].field, "members[2].email");
        problems.clear();
        super::seeds(&given(&["a@b.c", "d@e.f"]), 1, &mut problems);
        assert_eq!(problems[0].field, "members");
    }
}
