//! Issuer and audience that every installation has: environments that share them, and a key, take each other's tokens.

use crate::app::command;

/// What `config check` says of these variables, and its exit code.
async fn checked(vars: &[(&str, &str)]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let secrets = [
        ("JWT_SECRET_KEY", crate::token::KEY),
        ("AUTH_ENCRYPTION_SECRET", "v8-test-encryption-secret_that-is-long_7Rw2"),
        ("PLATFORM_ADMIN_PASSWORD", crate::app::PASSWORD),
    ];
    let vars: Vec<_> =
        secrets.iter().chain(vars).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let output = command(folder.path(), &vars).args(["config", "check"]).output().await.unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text)
}

#[tokio::test]
async fn default_issuer_and_audience_are_remarked_on_outside_development() {
    let (code, said) = checked(&[("ENVIRONMENT", "development")]).await;
    assert!(code == Some(0) && !said.contains("JWT_ISSUER"), "{said}");
    let own = [("JWT_ISSUER", "mcpgateway-own"), ("JWT_AUDIENCE", "mcpgateway-api-own")];
    for environment in ["staging", "production"] {
        let environment = ("ENVIRONMENT", environment);
        let (code, said) = checked(&[environment]).await;
        assert!(code == Some(0), "a warning only: {said}");
        assert!(said.contains("JWT_ISSUER") && said.contains("JWT_AUDIENCE"), "{said}");
        let (code, said) = checked(&[environment, own[0], own[1]]).await;
        assert!(code == Some(0) && !said.contains("JWT_ISSUER"), "{said}");
        let strict = ("ALLOW_DEFAULT_JWT_IDENTITY", "false");
        let (code, said) = checked(&[environment, strict]).await;
        assert!(code == Some(64) && said.contains("JWT_ISSUER") && said.contains("JWT_AUDIENCE"), "{said}");
        let (code, said) = checked(&[environment, strict, own[0]]).await;
        assert!(code == Some(64) && said.contains("JWT_AUDIENCE"), "{said}");
        let (code, _) = checked(&[environment, strict, own[0], own[1]]).await;
        assert_eq!(code, Some(0));
    }
}
