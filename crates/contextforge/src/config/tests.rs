//! What a start makes of an environment.

use super::*;

fn vars(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_first_start_needs_nothing_and_keeps_its_secrets_to_itself() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let first = read(vec![], &data, true).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let file = first.generated.expect("a file was written");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    let second = read(vec![], &data, true).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert!(second.generated.is_none());
    assert_eq!(first.engine.auth.jwt_secret_key, second.engine.auth.jwt_secret_key);
}

#[test]
fn production_names_every_problem_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let given = vars(&[
        ("ENVIRONMENT", "production"),
        ("JWT_SECRET_KEY", "short"),
        ("PORT", "many"),
        ("JWT_ALGORITHM", "none"),
    ]);
    let Err(Mistakes(problems)) = read(given, folder.path(), true) else { panic!("it started") };
    let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
    for field in
        ["JWT_SECRET_KEY", "AUTH_ENCRYPTION_SECRET", "PLATFORM_ADMIN_PASSWORD", "PORT", "JWT_ALGORITHM"]
    {
        assert!(fields.contains(&field), "{field} is missing from {fields:?}");
    }
    assert!(!Mistakes(problems).to_string().contains("short\""), "a secret is not repeated");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is generated in production");
}

#[test]
fn placeholders_and_repeated_characters_do_not_pass_in_production() {
    let folder = tempfile::tempdir().unwrap();
    for weak in [
        "my-test-key-but-now-longer-than-32-bytes",
        &"a".repeat(64),
        "__REPLACE_ME__run_init-secrets_before_starting",
    ] {
        let given = vars(&[("ENVIRONMENT", "production"), ("JWT_SECRET_KEY", weak)]);
        let Err(Mistakes(problems)) = read(given, folder.path(), true) else { panic!("it started") };
        assert!(problems.iter().any(|problem| problem.field == "JWT_SECRET_KEY"), "{weak}");
    }
}

#[test]
fn settings_of_the_python_gateway_are_accepted_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let given =
        vars(&[("GUNICORN_WORKERS", "5"), ("PLUGINS_CAN_OVERRIDE_RBAC", "false"), ("TOKEN_EXPIRYY", "5")]);
    let configuration = read(given, folder.path(), true).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let remarks = configuration.remarks.join("\n");
    assert!(remarks.contains("GUNICORN_WORKERS: accepted, has no effect"), "{remarks}");
    assert!(remarks.contains("TOKEN_EXPIRYY: unknown; did you mean TOKEN_EXPIRY?"), "{remarks}");
}

#[test]
fn generated_reference_is_current() {
    for (path, text) in [
        ("../../docs/generated/configuration.md", docs::markdown()),
        ("../../.env.example", docs::env_example()),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(stored == text, "{} is stale: run `make generate`", path.display());
    }
}
