//! An output as a writer.

use std::io::{self, Write};

use anyhow::Result;

use super::Output;
use crate::advice::explain;

/// An output for those who know no more than that they write. What goes wrong with it keeps its own
/// words.
#[derive(Debug)]
pub(crate) struct Sink<'a> {
    output: &'a mut Output,
    failed: Option<anyhow::Error>,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(output: &'a mut Output) -> Self {
        Self { output, failed: None }
    }

    /// What came of it all. An error of the output says more than one of whoever wrote to it.
    pub(crate) fn settle<T>(self, result: io::Result<T>) -> Result<T> {
        match self.failed {
            Some(error) => Err(error),
            None => result.map_err(explain),
        }
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.output.put(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                self.failed.get_or_insert(error);
                Err(io::Error::other("cannot write"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
