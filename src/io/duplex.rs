//! The other direction of an inner stream that has both, a socket say: it passes through as it is.

use std::io::{self, BufRead, IoSlice, IoSliceMut, Read, Write};

use crate::io::{
    read::{RansEncoder, RansReader},
    write::{RansDecoder, RansWriter},
};

macro_rules! pass_writes {
    ($adapter:ident) => {
        /// Writes to the inner stream pass through as they are.
        impl<R: Write> Write for $adapter<R> {
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                self.get_mut().write(buf)
            }

            fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
                self.get_mut().write_vectored(bufs)
            }

            fn flush(&mut self) -> io::Result<()> {
                self.get_mut().flush()
            }
        }
    };
}

macro_rules! pass_reads {
    ($adapter:ident) => {
        /// Reads from the inner stream pass through as they are.
        impl<W: Read> Read for $adapter<W> {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                self.get_mut().read(buf)
            }

            fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                self.get_mut().read_vectored(bufs)
            }

            fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
                self.get_mut().read_to_end(buf)
            }
        }

        /// Reads from the inner stream pass through as they are.
        impl<W: BufRead> BufRead for $adapter<W> {
            fn fill_buf(&mut self) -> io::Result<&[u8]> {
                self.get_mut().fill_buf()
            }

            fn consume(&mut self, len: usize) {
                self.get_mut().consume(len);
            }
        }
    };
}

pass_writes!(RansReader);
pass_writes!(RansEncoder);
pass_reads!(RansWriter);
pass_reads!(RansDecoder);
