//! The step of all state machines: what it is to reach, what it did, and why it stopped.

use crate::{
    error::Error,
    stream::{output::Output, room::Room},
};

/// What a step is to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// Take input, give output.
    Run,
    /// An encoder also cuts the block, so that everything taken can be decoded by the peer; a
    /// decoder asks for the blocks that are under way.
    Flush,
    /// There is no more input than this. An encoder also ends the stream; a decoder reports
    /// [`Error::Truncated`] unless it has seen the end.
    Finish,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Step {
    /// Bytes taken from the start of the input.
    pub consumed: usize,
    /// Bytes written to the start of the output. What is behind them may hold anything.
    pub produced: usize,
    /// Why the step stopped.
    pub status: Status,
}

/// Why a step stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// All input was taken. At least so many more bytes bring the next output; fewer are taken too.
    NeedsInput {
        /// Bytes to the end of the current element of the stream, 1 or more.
        at_least: usize,
    },
    /// The output is full, or what is in it should be handled before the next step, which returns
    /// an error or decodes what was read ahead.
    NeedsOutput {
        /// Bytes that are ready and had no room; 0 if the output has all of them.
        ready: usize,
    },
    /// Nothing can be done until a block comes back from a worker.
    InFlight {
        /// Blocks that workers have.
        blocks: usize,
    },
    /// Everything taken so far is out ([`Op::Flush`]).
    Flushed,
    /// A decoder read the last byte of a stream; more streams may follow. Comes once for each
    /// stream.
    StreamEnd,
    /// The end: nothing more is taken or given.
    Finished,
}

/// What a state machine does at a time.
#[derive(Debug, Default)]
pub(crate) struct Move {
    /// Bytes taken from the start of the input.
    pub(crate) taken: usize,
    /// Bytes that went straight to the output, past [`Machine::output`].
    pub(crate) given: usize,
    /// Why there is nothing more to do. `None`: there is, or a look at it is due.
    pub(crate) status: Option<Status>,
}

impl From<Status> for Move {
    fn from(status: Status) -> Self {
        Self { status: Some(status), ..Self::default() }
    }
}

/// What both state machines are to [`step`].
pub(crate) trait Machine {
    fn output(&mut self) -> &mut Output;

    /// One move. An error comes alone: whatever was taken or given came with the moves before it.
    /// [`Status::NeedsOutput`] if nothing can be done before what is ready is out.
    fn advance(&mut self, input: &[u8], room: &mut impl Room, op: Op) -> Result<Move, Error>;
}

/// Moves on as far as input, room and `op` allow.
pub(crate) fn step(machine: &mut impl Machine, input: &[u8], room: &mut impl Room, op: Op) -> Result<Step, Error> {
    let (mut consumed, mut produced) = (0, 0);
    loop {
        let moved = machine.advance(&input[consumed..], room, op);
        let status = match moved {
            Ok(moved) => {
                consumed += moved.taken;
                produced += moved.given;
                moved.status
            }
            // What came before the error goes out first; the next call returns the error.
            Err(error) => {
                produced += machine.output().give(room);
                if produced == 0 {
                    return Err(error);
                }
                Some(Status::NeedsOutput { ready: machine.output().ready().len() })
            }
        };
        match status {
            None => {}
            Some(Status::NeedsOutput { ready }) if ready > 0 => {
                let given = machine.output().give(room);
                produced += given;
                if given == 0 {
                    return Ok(Step { consumed, produced, status: Status::NeedsOutput { ready } });
                }
            }
            Some(status) => return Ok(Step { consumed, produced, status }),
        }
    }
}
