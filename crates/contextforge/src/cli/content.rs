//! Options of `content`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::Output;

/// Content security commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Content {
    /// Screen files as the gateway would, with the CONTENT_* settings. The exit code is 1 where one would be refused.
    Scan {
        /// The files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// What the files would be registered as.
        #[arg(long, value_enum, default_value = "resource")]
        kind: ContentKind,
        /// Media type; by the file's name where it is not given.
        #[arg(long, value_name = "TYPE")]
        mime: Option<String>,
        #[command(flatten)]
        output: Output,
    },
}

/// What a text is for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ContentKind {
    /// The content of a resource.
    Resource,
    /// The template of a prompt.
    Prompt,
    /// The description of a tool.
    Tool,
    /// Any other name or description.
    Metadata,
}
