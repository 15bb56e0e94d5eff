//! The command line of the echo server: `--port N --tools N --legacy`.

/// What the command line said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// 0 lets the system choose; the address is printed.
    pub(crate) port: u16,
    /// How many tools `tools/list` names.
    pub(crate) tools: usize,
    /// Answer as a server from before `server/discover`.
    pub(crate) legacy: bool,
}

impl Options {
    /// Reads the arguments after the program's name.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { port: 0, tools: 1, legacy: false };
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--port" => options.port = number(&name, arguments.next())?,
                "--tools" => options.tools = number(&name, arguments.next())?,
                "--legacy" => options.legacy = true,
                _ => return Err(format!("unknown option {name}; known are --port N, --tools N, --legacy")),
            }
        }
        Ok(options)
    }
}

fn number<N: std::str::FromStr>(name: &str, value: Option<String>) -> Result<N, String> {
    value.and_then(|text| text.parse().ok()).ok_or_else(|| format!("{name} needs a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read_in_any_order() {
        assert_eq!(parse("--tools 20 --legacy --port 9"), Ok(Options { port: 9, tools: 20, legacy: true }));
        assert_eq!(parse(""), Ok(Options { port: 0, tools: 1, legacy: false }));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parse("--port x"), Err("--port needs a number".to_owned()));
        assert!(parse("--size 3").is_err());
    }
}
