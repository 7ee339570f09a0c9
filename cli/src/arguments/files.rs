//! What `rans` without a subcommand takes: an operation, files, and where outputs go.

use std::{ffi::OsString, path::PathBuf};

use clap::Args;

use super::{AboutArgs, BackendArgs, BaseArgs, EncodeArgs, LimitArgs, RangeArgs, ThreadArgs, VoiceArgs};

/// What the names of compressed files end in, unless the user says something else.
pub(crate) const SUFFIX: &str = ".rans";

#[derive(Debug, Args)]
pub(crate) struct FileArgs {
    /// Files; none, or -, is standard input to standard output
    #[arg(value_name = "FILE")]
    pub(crate) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) operation: OperationArgs,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) encode: EncodeArgs,
    #[command(flatten)]
    pub(crate) range: RangeArgs,
    #[command(flatten)]
    pub(crate) pass: PassArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
    #[command(flatten)]
    pub(crate) base: BaseArgs,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) voice: VoiceArgs,
    #[command(flatten)]
    pub(crate) about: AboutArgs,
}

/// Of several, the last counts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Operation")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag on the command line")]
pub(crate) struct OperationArgs {
    /// Compress (the default)
    #[arg(short = 'z', long, overrides_with_all = ["decompress", "test", "list"])]
    pub(crate) compress: bool,
    /// Decompress
    #[arg(short, long, alias = "uncompress", overrides_with_all = ["compress", "test", "list"])]
    pub(crate) decompress: bool,
    /// Like `rans test`
    #[arg(short, long, overrides_with_all = ["compress", "decompress", "list"])]
    pub(crate) test: bool,
    /// Like `rans list`
    #[arg(short, long, overrides_with_all = ["compress", "decompress", "test"])]
    pub(crate) list: bool,
    /// List as JSON
    #[arg(long, requires = "list")]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Input")]
pub(crate) struct SourceArgs {
    /// Take the regular files in the folders that are named, and in those within; to decompress,
    /// test or list, those whose names end in the suffix
    #[arg(short, long)]
    pub(crate) recursive: bool,
    /// Take the files that FILE names, one on each line; can be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) filelist: Vec<PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag on the command line")]
pub(crate) struct OutputArgs {
    /// Write to standard output
    #[arg(short = 'c', long, alias = "to-stdout", overrides_with_all = ["output", "output_dir_flat", "output_dir_mirror"])]
    pub(crate) stdout: bool,
    /// Write to FILE; several inputs become one after the other
    #[arg(short, long, value_name = "FILE", overrides_with_all = ["stdout", "output_dir_flat", "output_dir_mirror"])]
    pub(crate) output: Option<PathBuf>,
    /// Write all files into DIR
    #[arg(long, value_name = "DIR", overrides_with_all = ["stdout", "output", "output_dir_mirror"])]
    pub(crate) output_dir_flat: Option<PathBuf>,
    /// Write into DIR, with the folders of the inputs
    #[arg(long, value_name = "DIR", overrides_with_all = ["stdout", "output", "output_dir_flat"])]
    pub(crate) output_dir_mirror: Option<PathBuf>,
    /// What the names of compressed files end in
    #[arg(short = 'S', long, value_name = "SUFFIX", default_value = SUFFIX, allow_hyphen_values = true, value_parser = suffix)]
    pub(crate) suffix: OsString,
    /// Keep the source files (the default)
    #[arg(short, long, overrides_with = "rm")]
    keep: bool,
    /// Remove each source file once its output is safely on disk
    #[arg(long, overrides_with = "keep", conflicts_with_all = ["stdout", "test", "list", "from", "to"])]
    pub(crate) rm: bool,
    /// Overwrite files, compress .rans files again, read special files, use the terminal for
    /// compressed data
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Wait until each output is on disk; with --rm and for a file that is replaced that is so in
    /// any case
    #[arg(long, overrides_with = "no_sync")]
    pub(crate) sync: bool,
    #[arg(long, overrides_with = "sync", hide = true)]
    no_sync: bool,
    /// Write zeros as zeros: no holes in files that are decompressed
    #[arg(long, overrides_with = "sparse")]
    pub(crate) no_sparse: bool,
    /// Leave holes for long runs of zeros (the default)
    #[arg(long, overrides_with = "no_sparse", hide = true)]
    sparse: bool,
    /// Taken as gzip's: no stream holds the name or time of its file
    #[arg(short = 'n', long, overrides_with = "name")]
    no_name: bool,
    /// Taken as gzip's: names come from the compressed file's own
    #[arg(short = 'N', long, overrides_with = "no_name")]
    name: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Decompression")]
pub(crate) struct PassArgs {
    /// Copy what is not compressed as it is; so it is with -dcf
    #[arg(long, overrides_with = "no_pass_through")]
    pass_through: bool,
    /// What is not compressed is an error, also with -dcf
    #[arg(long, overrides_with = "pass_through")]
    no_pass_through: bool,
}

impl PassArgs {
    /// Whether plain bytes are copied, if it was said.
    pub(crate) fn asked(&self) -> Option<bool> {
        (self.pass_through || self.no_pass_through).then_some(self.pass_through)
    }
}

fn suffix(text: &str) -> Result<OsString, String> {
    if text.is_empty() || text.contains(['/', '\\', '\0']) {
        return Err("not the end of a name; write .rans or .rz".to_owned());
    }
    Ok(text.into())
}
