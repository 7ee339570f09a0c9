//! Seeking in a stream that is decoded, without the I/O: an adapter makes the calls that are asked
//! for here.

use std::io::{self, SeekFrom};

use crate::{
    error::Error,
    format::HEADER_LEN,
    limits::Limits,
    stream::{
        BlockMap, Decoder, StreamPosition,
        map::{Mapper, Want},
    },
};

/// Where a decoder's reader is in the raw bytes, and the way to another place.
///
/// [`begin`](Seeker::begin) a seek, then make the [`call`](Seeker::call)s that it asks for until it
/// is done. All state is in here: who stops half way goes on where it was.
#[derive(Debug, Default)]
pub(crate) struct Seeker {
    /// What is added, modulo 2^64, to the raw bytes that the decoder counted: then it is the place
    /// behind the last of them. Whoever takes bytes from the decoder need not tell it here.
    origin: u64,
    /// Raw bytes between the block that was sought and the place in it.
    skip: u64,
    /// A seek went to the end or past it: there is nothing to read.
    past_end: bool,
    /// The inner reader may stand anywhere.
    displaced: bool,
    /// Where it stood before it was taken elsewhere, and is to stand to read on. Outlives a seek
    /// that failed or was given up: the next one can still go back.
    home: Option<u64>,
    /// Boxed, as most readers never seek.
    known: Option<Box<Known>>,
    task: Option<Box<Task>>,
}

/// What seeks found out.
#[derive(Debug)]
struct Known {
    /// Where in the inner reader the input begins.
    base: u64,
    map: Option<BlockMap>,
}

/// What is to be done with the inner reader next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// Seek, and tell the place by [`Seeker::sought`].
    Seek(SeekFrom),
    /// Read once to [`Seeker::space`], and tell how much came by [`Seeker::commit`].
    Read,
    /// Nothing. The reader is at this raw byte.
    Done(u64),
}

/// A seek under way.
#[derive(Debug)]
struct Task {
    to: SeekFrom,
    /// The reader's own place when it began.
    from: u64,
    mapper: Option<Mapper>,
    fetch: Option<Fetch>,
    /// What the inner reader was asked to seek for, until it is heard.
    asked: Option<(Asked, SeekFrom)>,
    jump: Option<Jump>,
    /// Comes out when the inner reader is back where it was.
    failed: Option<Error>,
}

/// Where a seek leads to.
#[derive(Debug, Clone, Copy)]
struct Jump {
    block: StreamPosition,
    /// The header that is to stand there.
    header: [u8; HEADER_LEN],
    /// Raw bytes of the block before the place that is sought.
    skip: u64,
    target: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Home,
    Length,
    Fetch,
    Return,
    Jump,
}

/// Bytes of the input that are on their way.
#[derive(Debug)]
struct Fetch {
    offset: u64,
    /// As long as what is wanted, up to where it is filled.
    bytes: Vec<u8>,
    filled: usize,
    /// The inner reader stands where the rest is.
    is_there: bool,
    has_ended: bool,
}

impl Fetch {
    fn new(offset: u64, len: usize, limits: &Limits) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        limits.grow(&mut bytes, len, offset)?;
        bytes.truncate(len);
        Ok(Self { offset, bytes, filled: 0, is_there: false, has_ended: false })
    }

    fn is_whole(&self) -> bool {
        self.has_ended || self.filled == self.bytes.len()
    }
}

impl Seeker {
    /// Raw bytes before the next one that is given.
    pub(crate) fn position(&self, decoder: &Decoder) -> u64 {
        let to_come = (decoder.ready().len() as u64).wrapping_sub(self.skip);
        self.origin.wrapping_add(decoder.progress().raw_bytes()).wrapping_sub(to_come)
    }

    /// The next byte is that at `position`, with what is ready and what is to be skipped.
    fn set_position(&mut self, position: u64, decoder: &Decoder) {
        self.origin = self.origin.wrapping_add(position.wrapping_sub(self.position(decoder)));
    }

    /// Whether there is nothing to read, whatever the stream holds.
    #[inline]
    pub(crate) fn is_past_end(&self) -> bool {
        self.past_end
    }

    /// Whether bytes that come next are before the place that was sought.
    #[inline]
    pub(crate) fn skips(&self) -> bool {
        self.skip > 0
    }

    /// Passes over such bytes, as far as they are ready.
    #[inline]
    pub(crate) fn skip(&mut self, decoder: &mut Decoder) {
        let skipped = self.skip.min(decoder.ready().len() as u64);
        decoder.consume(skipped as usize);
        self.skip -= skipped;
    }

    /// Whether the inner reader stands where the decoder reads on.
    pub(crate) fn is_in_place(&self) -> bool {
        !self.displaced
    }

    /// Why reading fails where it does not.
    pub(crate) fn displaced() -> io::Error {
        io::Error::other("a seek has not come to its end, and left the inner reader at an unknown place: seek again")
    }

    /// The reader begins anew.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Begins a seek; one that is under way is given up. Within the block that was decoded last, it
    /// is done at once.
    pub(crate) fn begin(&mut self, to: SeekFrom, decoder: &mut Decoder) {
        self.task = None;
        let target = match to {
            SeekFrom::Start(target) => Some(target),
            SeekFrom::Current(by) => self.position(decoder).checked_add_signed(by),
            SeekFrom::End(_) => None,
        };
        if !self.displaced {
            self.home = None;
            if let Some(target) = target
                && self.is_in_block(target, decoder)
            {
                self.settle(target, decoder);
                return;
            }
        }
        let from = self.position(decoder);
        let task = Task { to, from, mapper: None, fetch: None, asked: None, jump: None, failed: None };
        self.task = Some(Box::new(task));
    }

    /// Whether a seek to there, and from here, is under way.
    #[cfg(feature = "futures-io")]
    pub(crate) fn is_on_its_way(&self, to: SeekFrom, decoder: &Decoder) -> bool {
        self.task.as_ref().is_some_and(|task| task.to == to && task.from == self.position(decoder))
    }

    /// A call failed, so the seek does.
    pub(crate) fn give_up(&mut self) {
        // Who was only asked for its place is still there.
        if self.task.take().is_some_and(|task| matches!(task.asked, Some((Asked::Home, _)))) {
            self.displaced = false;
        }
    }

    /// The next call. Asked again without an answer, it is the same.
    ///
    /// # Errors
    ///
    /// What the streams have against the seek, which has failed then.
    pub(crate) fn call(&mut self, decoder: &mut Decoder) -> Result<Call, Error> {
        let Some(mut task) = self.task.take() else { return Ok(Call::Done(self.position(decoder))) };
        let call = self.advance(&mut task, decoder)?;
        if !matches!(call, Call::Done(_)) {
            self.task = Some(task);
        }
        Ok(call)
    }

    /// The inner reader was sought as asked, and is at `place` now.
    pub(crate) fn sought(&mut self, place: u64, decoder: &mut Decoder) {
        let Some(task) = &mut self.task else { return };
        let Some((asked, _)) = task.asked.take() else { return };
        match asked {
            Asked::Home => {
                (self.displaced, self.home) = (false, Some(place));
                self.known.get_or_insert_with(|| {
                    Box::new(Known { base: place.saturating_sub(decoder.progress().coded_bytes()), map: None })
                });
            }
            Asked::Length => {
                if let (Some(mapper), Some(known)) = (&mut task.mapper, &self.known) {
                    mapper.tell_length(place.saturating_sub(known.base));
                }
            }
            Asked::Fetch => {
                if let Some(fetch) = &mut task.fetch {
                    fetch.is_there = true;
                }
            }
            Asked::Return => (self.displaced, self.home) = (false, None),
            Asked::Jump => {
                if let Some(Jump { block, header, skip, target }) = task.jump {
                    decoder.resume(&block, header);
                    (self.skip, self.past_end) = (skip, false);
                    self.set_position(target, decoder);
                    (self.displaced, self.home, self.task) = (false, None, None);
                }
            }
        }
    }

    /// Where bytes are to be read to.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        let fetch = self.task.as_mut().and_then(|task| task.fetch.as_mut());
        fetch.map_or(&mut [], |fetch| &mut fetch.bytes[fetch.filled..])
    }

    /// So many bytes were read there; 0 is the end of the input.
    pub(crate) fn commit(&mut self, read: usize) {
        if let Some(fetch) = self.task.as_mut().and_then(|task| task.fetch.as_mut()) {
            fetch.filled += read;
            fetch.has_ended = read == 0;
        }
    }

    fn advance(&mut self, task: &mut Task, decoder: &mut Decoder) -> Result<Call, Error> {
        if let Some((_, to)) = task.asked {
            return Ok(Call::Seek(to));
        }
        loop {
            if let Some(fetch) = &task.fetch {
                if !fetch.is_there {
                    let place = SeekFrom::Start(self.base().saturating_add(fetch.offset));
                    return Ok(self.displace(task, Asked::Fetch, place));
                }
                if !fetch.is_whole() {
                    return Ok(Call::Read);
                }
            }
            if let Some(fetch) = task.fetch.take() {
                task.failed = self.take_fetched(task, &fetch.bytes[..fetch.filled]).err();
                continue;
            }
            let call = match task.failed.take() {
                Some(error) => Err(error),
                None => self.decide(task, decoder),
            };
            // It fails, or ends without a jump: the inner reader goes back first.
            if self.displaced
                && let Some(home) = self.home
                && matches!(call, Ok(Some(Call::Done(_))) | Err(_))
            {
                task.failed = call.err();
                return Ok(self.displace(task, Asked::Return, SeekFrom::Start(home)));
            }
            match call {
                Ok(None) => {}
                Ok(Some(Call::Done(target))) => {
                    self.settle(target, decoder);
                    return Ok(Call::Done(target));
                }
                Ok(Some(call)) => return Ok(call),
                Err(error) => return Err(error),
            }
        }
    }

    /// What comes next when no bytes are on their way. `None`: that has changed.
    fn decide(&mut self, task: &mut Task, decoder: &mut Decoder) -> Result<Option<Call>, Error> {
        let limits = decoder.options().limits;
        if let Some(mapper) = &task.mapper {
            match mapper.want() {
                Want::Length => return Ok(Some(self.displace(task, Asked::Length, SeekFrom::End(0)))),
                Want::Bytes { offset, len } => task.fetch = Some(Fetch::new(offset, len, &limits)?),
                Want::Nothing => self.set_map(task.mapper.take().map(Mapper::into_map)),
            }
            return Ok(None);
        }
        let target = match task.to {
            SeekFrom::Start(target) => Some(target),
            SeekFrom::Current(by) => task.from.checked_add_signed(by),
            SeekFrom::End(by) => match self.map() {
                Some(map) => map.raw_len().inspect_err(|_| self.set_map(None))?.checked_add_signed(by),
                None => return Ok(self.begin_map(task, decoder)),
            },
        };
        let target = target.ok_or(Error::InvalidSeek)?;
        if self.is_in_block(target, decoder) {
            return Ok(Some(Call::Done(target)));
        }
        let Some(map) = self.map() else { return Ok(self.begin_map(task, decoder)) };
        if decoder.options().verify_index
            && map.position_of(target).is_some()
            && let Some(offset) = map.unverified(target.saturating_add(1))
        {
            let call = self.ask_home(task);
            if call.is_none() {
                task.fetch = Some(Fetch::new(offset, HEADER_LEN, &limits)?);
            }
            return Ok(call);
        }
        // A list with a fault is read again the next time: more may have come.
        let Some((block, header, skip)) = map.find(target).inspect_err(|_| self.set_map(None))? else {
            return Ok(Some(Call::Done(target)));
        };
        task.jump = Some(Jump { block, header, skip, target });
        let place = SeekFrom::Start(self.base().saturating_add(block.offset));
        Ok(Some(self.displace(task, Asked::Jump, place)))
    }

    fn begin_map(&mut self, task: &mut Task, decoder: &Decoder) -> Option<Call> {
        let call = self.ask_home(task);
        if call.is_none() {
            task.mapper = Some(Mapper::new(decoder.options().clone()));
        }
        call
    }

    /// Asks where the inner reader is, unless that is known, or is nowhere to go back to. Without a
    /// base it has been asked nothing else yet, so it stands where it stood.
    ///
    /// One that is asked and not heard may stand anywhere: a buffered reader moves to give up its
    /// buffer.
    fn ask_home(&mut self, task: &mut Task) -> Option<Call> {
        let is_asked = self.home.is_none() && (!self.displaced || self.known.is_none());
        is_asked.then(|| self.displace(task, Asked::Home, SeekFrom::Current(0)))
    }

    fn displace(&mut self, task: &mut Task, asked: Asked, to: SeekFrom) -> Call {
        self.displaced = true;
        task.asked = Some((asked, to));
        Call::Seek(to)
    }

    fn take_fetched(&mut self, task: &mut Task, bytes: &[u8]) -> Result<(), Error> {
        match (&mut task.mapper, self.known.as_mut().and_then(|known| known.map.as_mut())) {
            (Some(mapper), _) => mapper.tell_bytes(bytes),
            (None, Some(map)) => map.verify_next(bytes),
            (None, None) => Ok(()),
        }
    }

    fn base(&self) -> u64 {
        self.known.as_ref().map_or(0, |known| known.base)
    }

    fn map(&self) -> Option<&BlockMap> {
        self.known.as_ref()?.map.as_ref()
    }

    fn set_map(&mut self, map: Option<BlockMap>) {
        if let Some(known) = &mut self.known {
            known.map = map;
        }
    }

    /// Whether `target` is in the block that was decoded last, before or behind this place, and the
    /// inner reader can read on from there.
    fn is_in_block(&self, target: u64, decoder: &mut Decoder) -> bool {
        if self.skip > 0 || self.past_end || (self.displaced && self.home.is_none()) {
            return false;
        }
        let position = self.position(decoder);
        match target.checked_sub(position) {
            Some(ahead) => ahead <= decoder.ready().len() as u64,
            None => position - target <= decoder.output().taken() as u64,
        }
    }

    /// Moves to `target`: in the block, or to where nothing is read.
    fn settle(&mut self, target: u64, decoder: &mut Decoder) {
        let position = self.position(decoder);
        if !self.is_in_block(target, decoder) {
            let ready = decoder.ready().len();
            decoder.consume(ready);
            (self.skip, self.past_end) = (0, true);
            self.set_position(target, decoder);
        } else if target < position {
            decoder.output().take_back((position - target) as usize);
        } else {
            decoder.consume((target - position) as usize);
        }
    }
}
