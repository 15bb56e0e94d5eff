//! Settings of ContextForge's that have one value here, because the other one would open a hole or mean nothing.
//!
//! They are read, so that a file of the Python gateway works unchanged and nobody believes in something that is not so:
//! the other value is named at the start with the reason. Only what would hand the gateway to anybody is refused, in
//! production.

use domain::Env;

domain::settings! {
    /// Settings of ContextForge's that have one value here. Another value is named at the start and changes nothing.
    SettledSettings {
        /// Tokens count for people who have an account. The administrator's is made at the first start, so that nobody has to be made up.
        user_in_db: bool = "REQUIRE_USER_IN_DB", default "true";
        /// Anonymous callers are never administrators. Production does not start with `true`.
        unauthenticated_admin: bool = "ALLOW_UNAUTHENTICATED_ADMIN", default "false";
        /// A reset of a password ends every session: whoever made it necessary would stay in.
        reset_ends_sessions: bool = "PASSWORD_RESET_INVALIDATE_SESSIONS", default "true";
        /// The token against forged requests belongs to one session, so that every login has a new one.
        csrf_rotates: bool = "CSRF_ROTATE_ON_LOGIN", default "true";
        /// The gateway speaks plain HTTP. TLS is for the reverse proxy before it; see TRUSTED_PROXY_CIDRS.
        tls: bool = "SSL", default "false";
    }
}

/// Notes in `remarks` which of them are set to something else, and in `env` what production may not ask for.
pub(super) fn check(env: &mut Env, production: bool, remarks: &mut Vec<String>) {
    let Some(settings) = SettledSettings::read(env) else { return };
    if settings.unauthenticated_admin && production {
        env.problem(
            "ALLOW_UNAUTHENTICATED_ADMIN",
            "must be false in production: anybody would own the gateway",
        );
    }
    let given = [
        settings.user_in_db,
        settings.unauthenticated_admin,
        settings.reset_ends_sessions,
        settings.csrf_rotates,
        settings.tls,
    ];
    for (setting, given) in SettledSettings::REFERENCE.iter().zip(given) {
        if setting.default != Some(if given { "true" } else { "false" }) {
            let why: String = setting.doc.concat();
            remarks.push(format!("{}={given} is not supported and has no effect:{why}", setting.env));
        }
    }
}
