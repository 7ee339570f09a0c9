//! A file in which long runs of zeros become holes: they take no room on the disk.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
};

/// What file systems give out at a time. Zeros are left out where they fill so much.
const PAGE: usize = 4096;

/// Writes a file from its start. What is left out reads as zeros, in a file that was empty.
#[derive(Debug)]
pub(super) struct SparseFile {
    file: File,
    /// Bytes taken so far.
    position: u64,
    /// Those of them, at the end, that are zeros and not written yet.
    hole: u64,
    holes: bool,
}

impl SparseFile {
    /// `holes`: leave zeros out.
    pub(super) fn new(file: File, holes: bool) -> Self {
        Self { file, position: 0, hole: 0, holes }
    }

    pub(super) fn get_ref(&self) -> &File {
        &self.file
    }

    /// Goes back to `position`: what is behind it was not meant.
    pub(super) fn rewind_to(&mut self, position: u64) -> io::Result<()> {
        self.file.set_len(position)?;
        self.file.seek(SeekFrom::Start(position))?;
        self.position = position;
        self.hole = 0;
        Ok(())
    }

    /// The file, as long as what was written.
    pub(super) fn finish(mut self) -> io::Result<File> {
        if self.hole > 0 {
            self.file.set_len(self.position)?;
            self.file.seek(SeekFrom::Start(self.position))?;
            self.hole = 0;
        }
        Ok(self.file)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.hole > 0 {
            self.file.seek(SeekFrom::Start(self.position))?;
            self.hole = 0;
        }
        self.file.write_all(bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }
}

impl Write for SparseFile {
    /// Takes all of `bytes`.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.holes {
            self.put(bytes)?;
            return Ok(bytes.len());
        }
        let (mut unwritten, mut rest) = (bytes, bytes);
        while !rest.is_empty() {
            // Up to the next page of the file.
            let len = (PAGE - (self.position as usize + unwritten.len() - rest.len()) % PAGE).min(rest.len());
            let (page, behind) = rest.split_at(len);
            if is_zero(page) {
                self.put(&unwritten[..unwritten.len() - rest.len()])?;
                self.position += len as u64;
                self.hole += len as u64;
                unwritten = behind;
            }
            rest = behind;
        }
        self.put(unwritten)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    // Most pages show with their first byte that they are not.
    bytes[0] == 0 && bytes.iter().all(|&byte| byte == 0)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// What a file holds into which `pieces` went.
    fn written(pieces: &[&[u8]], holes: bool) -> Vec<u8> {
        let mut sparse = SparseFile::new(tempfile::tempfile().unwrap(), holes);
        for piece in pieces {
            sparse.write_all(piece).unwrap();
        }
        let mut file = sparse.finish().unwrap();
        file.rewind().unwrap();
        let mut back = Vec::new();
        file.read_to_end(&mut back).unwrap();
        back
    }

    #[test]
    fn what_is_written_comes_back_wherever_its_zeros_are() {
        let zeros = [0; 3 * PAGE];
        let ones = [1; PAGE + 7];
        let cases: [&[&[u8]]; 7] = [
            &[],
            &[&zeros],
            &[&[1], &zeros, &[1]],
            &[&ones, &zeros, &ones, &zeros],
            &[&zeros[..5], &ones, &zeros[..PAGE], &ones[..1]],
            &[&zeros[..1], &zeros[..1], &zeros[..1]],
            &[&[&ones[..], &zeros, &ones].concat(), &[&zeros[..], &ones, &zeros].concat()],
        ];
        for pieces in cases {
            for holes in [false, true] {
                assert!(written(pieces, holes) == pieces.concat(), "holes: {holes}");
            }
        }
    }

    #[test]
    fn what_is_taken_back_leaves_no_trace() {
        let mut sparse = SparseFile::new(tempfile::tempfile().unwrap(), true);
        sparse.write_all(&[1; 100]).unwrap();
        sparse.write_all(&[2; PAGE]).unwrap();
        sparse.write_all(&[0; 3 * PAGE]).unwrap();
        sparse.rewind_to(100).unwrap();
        sparse.write_all(&[0; PAGE]).unwrap();
        let file = sparse.finish().unwrap();
        assert_eq!(file.metadata().unwrap().len(), 100 + PAGE as u64);
    }
}
