//! What lies behind the last stream of an input.

use std::io::{self, Read};

use anyhow::anyhow;

use crate::transfer::Remark;

/// What was found there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trailing {
    Nothing,
    /// So many zeros, and nothing else: a tape, or an image that fills its blocks.
    Zeros(u64),
    Garbage,
}

impl Trailing {
    /// Reads `rest` to its end, or up to the first byte that is not zero.
    pub(crate) fn read(mut rest: impl Read) -> io::Result<Self> {
        let mut buffer = vec![0; 64 << 10];
        let mut zeros = 0;
        loop {
            match rest.read(&mut buffer) {
                Ok(0) => return Ok(if zeros == 0 { Self::Nothing } else { Self::Zeros(zeros) }),
                Ok(len) if buffer[..len].iter().all(|&byte| byte == 0) => zeros += len as u64,
                Ok(_) => return Ok(Self::Garbage),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What is to be said of it. `offset`: where it begins.
    pub(crate) fn remark(self, offset: u64) -> Option<Remark> {
        match self {
            Self::Nothing => None,
            Self::Zeros(len) => Some(Remark::Note(format!("{len} zeros behind the last stream, passed over"))),
            Self::Garbage => Some(Remark::Failure(anyhow!(
                "a complete stream ends at byte {offset}, and something else follows, which is left out"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_up_to_the_end_are_told_from_anything_else() {
        let long = vec![0; 200_000];
        let mut ending_in_one = long.clone();
        ending_in_one.push(1);
        for (rest, found) in [
            (&[][..], Trailing::Nothing),
            (&[0], Trailing::Zeros(1)),
            (&long, Trailing::Zeros(200_000)),
            (&ending_in_one, Trailing::Garbage),
            (&[7, 0, 0], Trailing::Garbage),
        ] {
            assert_eq!(Trailing::read(rest).unwrap(), found);
        }
    }
}
