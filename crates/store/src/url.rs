//! Database URLs as ContextForge's users write them, for SQLAlchemy, made into those of the drivers.
//!
//! `sqlite:///name` is relative to the working folder and `sqlite:////name` absolute; a driver behind `+` is dropped;
//! passwords may hold letters that mean something in a URL. Messages never repeat the URL, which holds the password.
//! The result is for [`Db::connect`](crate::Db::connect) and is not to be normalised again.

use std::path::{Path, PathBuf};

use domain::{Error, Result};

const FIELD: &str = "DATABASE_URL";
/// What the driver understands; other parameters are libpq's or psycopg's and are left out with a warning.
const PARAMETERS: [&str; 12] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// The URL for the driver. Without one: SQLite in the data folder.
pub fn normalise_url(given: Option<&str>, data_dir: &Path) -> Result<String> {
    let Some(given) = given.map(str::trim).filter(|given| !given.is_empty()) else {
        return Ok(sqlite_url(&data_dir.join("contextforge.db")));
    };
    let wanted = "must start with sqlite: or postgresql:";
    let (scheme, rest) = given.split_once(':').ok_or_else(|| Error::invalid(FIELD, wanted))?;
    match scheme.split('+').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "sqlite" => sqlite(rest),
        "postgresql" | "postgres" => postgres(rest),
        "mysql" | "mariadb" | "mssql" | "oracle" | "mongodb" => {
            let message = "names a database that is not supported; use sqlite: or postgresql:";
            Err(Error::invalid(FIELD, message))
        }
        _ => Err(Error::invalid(FIELD, wanted)),
    }
}

/// The file that a normalised URL of SQLite names; `None` for PostgreSQL.
pub(crate) fn sqlite_file(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite://")?;
    Some(PathBuf::from(path.replace("%23", "#").replace("%3F", "?").replace("%25", "%")))
}

fn sqlite(rest: &str) -> Result<String> {
    let path = rest.strip_prefix("///").or_else(|| rest.strip_prefix("//")).unwrap_or(rest);
    let path = path.split('?').next().unwrap_or_default();
    if path.is_empty() || path.contains(":memory:") {
        let message = "names a database in memory, which would lose everything at the end and which only one \
                       connection could see; name a file, for example sqlite:///./contextforge.db";
        return Err(Error::invalid(FIELD, message));
    }
    if path.starts_with("file:") {
        let message = "must name the file itself, for example sqlite:///./contextforge.db, without file:";
        return Err(Error::invalid(FIELD, message));
    }
    Ok(sqlite_url(Path::new(path)))
}

/// `?`, `#` and `%` are letters of a path here, not of a URL.
fn sqlite_url(path: &Path) -> String {
    let text = path.to_string_lossy().replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    format!("sqlite://{text}")
}

fn postgres(rest: &str) -> Result<String> {
    let rest =
        rest.strip_prefix("//").ok_or_else(|| Error::invalid(FIELD, "must have // after the scheme"))?;
    let (person, place) = match rest.split_once('@') {
        Some((person, place)) if !person.split(':').next().unwrap_or_default().contains(['/', '?']) => {
            (Some(person), place)
        }
        _ => (None, rest),
    };
    let (place, query) = place.split_once('?').unwrap_or((place, ""));
    let parameters: Vec<&str> = query.split('&').filter(|pair| understood(pair)).collect();
    let host = place.split('/').next().unwrap_or_default();
    if host.is_empty() && !parameters.iter().any(|pair| pair.starts_with("host")) {
        return Err(Error::invalid(FIELD, "must name a host, or a socket folder as ?host=/folder"));
    }
    let mut url = "postgres://".to_owned();
    if let Some(person) = person {
        let (user, password) =
            person.split_once(':').map_or((person, None), |(user, word)| (user, Some(word)));
        url.push_str(&escaped(user));
        if let Some(password) = password {
            url.push(':');
            url.push_str(&escaped(password));
        }
        url.push('@');
    }
    url.push_str(place);
    if !parameters.is_empty() {
        url.push('?');
        url.push_str(&parameters.join("&"));
    }
    match ::url::Url::parse(&url) {
        Ok(_) => Ok(url),
        Err(error) => Err(Error::invalid(FIELD, format!("is no URL: {error}"))),
    }
}

fn understood(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default();
    let known = PARAMETERS.contains(&name);
    if !known && !name.is_empty() {
        tracing::warn!(parameter = name, "a parameter of DATABASE_URL is not understood and left out");
    }
    known
}

/// Escapes what is not escaped yet; SQLAlchemy accepts `#`, `/` and `?` in a password as they are.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(*byte));
            }
            b'%' if after.get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)) => out.push('%'),
            _ => out.extend(format!("%{byte:02X}").chars()),
        }
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(given: &str) -> Result<String> {
        normalise_url(Some(given), Path::new("data"))
    }

    #[test]
    fn files_are_found_where_sqlalchemy_finds_them() {
        assert_eq!(normalise_url(None, Path::new("data")).unwrap(), "sqlite://data/contextforge.db");
        let file = |given: &str| sqlite_file(&of(given).unwrap()).unwrap();
        assert_eq!(file("sqlite:///./mcp.db"), Path::new("./mcp.db"));
        assert_eq!(file("sqlite:///mcp.db"), Path::new("mcp.db"));
        assert_eq!(file("sqlite:////var/lib/x.db"), Path::new("/var/lib/x.db"));
        assert_eq!(file("sqlite+aiosqlite:///x.db?timeout=5"), Path::new("x.db"));
        assert_eq!(file("sqlite:////a%20b/#1.db"), Path::new("/a%20b/#1.db"));
        assert_eq!(sqlite_file("postgres://h/d"), None);
    }

    #[test]
    fn postgresql_urls_reach_the_driver() {
        assert_eq!(of("postgresql+psycopg://u:p@h:5432/d").unwrap(), "postgres://u:p@h:5432/d");
        assert_eq!(of("postgresql+psycopg2://u@h/d").unwrap(), "postgres://u@h/d");
        assert_eq!(of("postgres://h/d?sslmode=require").unwrap(), "postgres://h/d?sslmode=require");
        assert_eq!(of("postgresql://u:p#/?%40%@h/d").unwrap(), "postgres://u:p%23%2F%3F%40%25@h/d");
        assert_eq!(
            of("postgresql://h/d?connect_timeout=3&options=-csearch_path%3Dmcp&channel_binding=require")
                .unwrap(),
            "postgres://h/d?options=-csearch_path%3Dmcp"
        );
        assert_eq!(of("postgresql:///d?host=/run/pg").unwrap(), "postgres:///d?host=/run/pg");
    }

    #[test]
    fn what_cannot_work_is_refused_without_repeating_it() {
        for wrong in [
            "sqlite://",
            "sqlite:///:memory:",
            "sqlite://:memory:",
            "sqlite:///file:x?mode=memory&uri=true",
            "mysql+pymysql://u:secret@h/d",
            "nonsense",
            "http://secret",
            "postgresql:///d",
            "postgresql://u:secret@h:port/d",
        ] {
            let error = of(wrong).unwrap_err().to_string();
            assert!(error.starts_with("DATABASE_URL: ") && !error.contains("secret"), "{wrong}: {error}");
        }
    }
}
