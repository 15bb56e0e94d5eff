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
fn weak_secrets_start_nowhere_and_the_contracts_sample_in_development_only() {
    let folder = tempfile::tempdir().unwrap();
    let sample = "my-test-key-but-now-longer-than-32-bytes";
    let tried = |environment: &str, secret: &str| {
        read(vars(&[("ENVIRONMENT", environment), ("JWT_SECRET_KEY", secret)]), folder.path(), true)
    };
    for environment in ["development", "staging", "production"] {
        for weak in [
            sample,
            &"a".repeat(64),
            &"Zk7-test-signing-key_that-is-long"[..31],
            "__REPLACE_ME__run_init-secrets_before_starting",
        ] {
            if (environment, weak) == ("development", sample) {
                continue;
            }
            let Err(Mistakes(problems)) = tried(environment, weak) else { panic!("{environment} {weak}") };
            assert!(problems.iter().any(|problem| problem.field == "JWT_SECRET_KEY"), "{environment} {weak}");
        }
    }
    let started = tried("development", sample).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert!(started.remarks.join("").contains("JWT_SECRET_KEY is a placeholder"), "{:?}", started.remarks);
}

#[test]
fn a_pair_of_keys_needs_no_shared_secret() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let Err(Mistakes(problems)) = read(vars(&[("JWT_ALGORITHM", "RS256")]), &data, true) else {
        panic!("it started")
    };
    let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["JWT_PRIVATE_KEY_PATH", "JWT_PUBLIC_KEY_PATH"]);
    let generated = std::fs::read_to_string(data.join("secrets.env")).unwrap();
    assert!(generated.contains("AUTH_ENCRYPTION_SECRET") && !generated.contains("JWT_SECRET_KEY"));
}

#[test]
fn a_default_identity_is_remarked_outside_development_and_can_be_refused() {
    let folder = tempfile::tempdir().unwrap();
    let tried = |more: &[(&str, &str)]| read(vars(more), folder.path(), true);
    let remarks = |environment: &str| {
        let read = tried(&[("ENVIRONMENT", environment)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        read.remarks.join("\n")
    };
    assert!(!remarks("development").contains("JWT_ISSUER"));
    let staging = remarks("staging");
    assert!(staging.contains("JWT_ISSUER") && staging.contains("JWT_AUDIENCE"), "{staging}");
    let strict = [("ENVIRONMENT", "staging"), ("ALLOW_DEFAULT_JWT_IDENTITY", "false")];
    let Err(Mistakes(problems)) = tried(&strict) else { panic!("it started") };
    let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["JWT_ISSUER", "JWT_AUDIENCE"]);
    assert!(tried(&[&strict[..], &[("JWT_ISSUER", "a"), ("JWT_AUDIENCE", "b")]].concat()).is_ok());
}

#[test]
fn settings_of_tokens_that_contradict_each_other_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let given = vars(&[
        ("REQUIRE_TOKEN_ENVIRONMENT", "gateway"),
        ("EMBED_ENVIRONMENT_IN_TOKENS", "false"),
        ("JWT_LEEWAY_SECONDS", "31"),
    ]);
    let Err(Mistakes(problems)) = read(given, folder.path(), true) else { panic!("it started") };
    let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["JWT_LEEWAY_SECONDS", "REQUIRE_TOKEN_ENVIRONMENT"]);
}

#[test]
fn production_names_what_is_switched_off_or_on_against_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let unsafe_here = [
        ("AUTH_REQUIRED", "false"),
        ("MCPGATEWAY_UI_ENABLED", "true"),
        ("MCPGATEWAY_ADMIN_API_ENABLED", "true"),
    ];
    let mut given = vars(&unsafe_here);
    given.extend(vars(&[("ENVIRONMENT", "production"), ("SSRF_PROTECTION_ENABLED", "false")]));
    let Err(Mistakes(problems)) = read(given.clone(), folder.path(), true) else { panic!("it started") };
    for (name, _) in unsafe_here {
        assert!(problems.iter().any(|problem| problem.field == name), "{name} is missing from {problems:?}");
    }
    given.retain(|(name, _)| name != "ENVIRONMENT");
    let configuration = read(given, folder.path(), true).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let remarks = configuration.remarks.join("\n");
    assert!(remarks.contains("SSRF_PROTECTION_ENABLED=false") && remarks.contains("AUTH_REQUIRED=false"));
}

#[test]
fn strong_secrets_can_be_demanded_outside_production() {
    let folder = tempfile::tempdir().unwrap();
    let weak = [
        ("JWT_SECRET_KEY", "my-test-key-but-now-longer-than-32-bytes"),
        ("PLATFORM_ADMIN_PASSWORD", "changeme"),
        ("API_ALLOW_BASIC_AUTH", "true"),
    ];
    let tried = |more: &[(&str, &str)]| read(vars(&[&weak[..], more].concat()), folder.path(), true);
    assert!(tried(&[]).is_ok() && tried(&[("REQUIRE_STRONG_SECRETS", "false")]).is_ok());
    let Err(Mistakes(problems)) = tried(&[("REQUIRE_STRONG_SECRETS", "true")]) else { panic!("it started") };
    let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["JWT_SECRET_KEY", "PLATFORM_ADMIN_PASSWORD", "BASIC_AUTH_PASSWORD"]);
    let long = [("MIN_SECRET_LENGTH", "64"), ("JWT_SECRET_KEY", "Zk7-test-signing-key_that-is-long-enough")];
    let Err(Mistakes(problems)) = read(vars(&long), folder.path(), true) else { panic!("it started") };
    assert!(problems.iter().any(|problem| problem.to_string().contains("shorter than 64")), "{problems:?}");
}

#[test]
fn production_lets_nobody_in_unseen() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in [("MCP_REQUIRE_AUTH", "false"), ("ALLOW_UNAUTHENTICATED_ADMIN", "true")] {
        let given = vars(&[("ENVIRONMENT", "production"), (name, value)]);
        let Err(Mistakes(problems)) = read(given, folder.path(), true) else { panic!("it started") };
        assert!(problems.iter().any(|problem| problem.field == name), "{name} is missing from {problems:?}");
        let configuration = read(vars(&[(name, value)]), folder.path(), true);
        let remarks = configuration.unwrap_or_else(|mistakes| panic!("{mistakes}")).remarks.join("\n");
        assert!(remarks.contains(&format!("{name}={value}")), "{remarks}");
    }
}

#[test]
fn words_that_are_not_understood_are_named_with_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let given = vars(&[("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml")]);
    let Err(Mistakes(problems)) = read(given, folder.path(), true) else { panic!("it started") };
    let text = Mistakes(problems).to_string();
    assert!(text.contains("LOG_LEVEL: must be error, warn, info, debug, trace or off"), "{text}");
    assert!(text.contains("LOG_FORMAT: must be json or text"), "{text}");
    read(vars(&[("LOG_LEVEL", "WARNING")]), folder.path(), true)
        .unwrap_or_else(|mistakes| panic!("{mistakes}"));
}

#[test]
fn a_data_folder_that_is_open_to_others_is_closed() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mode = || std::fs::metadata(&data).unwrap().permissions().mode() & 0o777;
    read(vec![], &data, false).err();
    assert_eq!(mode(), 0o755, "a check changes nothing");
    let configuration = read(vec![], &data, true).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(mode(), 0o700);
    assert!(configuration.remarks.iter().any(|remark| remark.contains("open to others (mode 755)")));
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
