//! How words move between a vector of eight lanes and those lanes that take or give one, for
//! instructions that shuffle the bytes of a register.

/// Lanes that one control is for.
pub(super) const WIDTH: usize = 8;

/// One control for each set of lanes: for each byte of the result the place it comes from. `0x80`
/// gives zero.
#[repr(align(64))]
pub(super) struct Shuffles<const LEN: usize>(pub(super) [[u8; LEN]; 256]);

impl<const LEN: usize> Shuffles<LEN> {
    /// Moves the next words to those lanes, in order, and zero to the others. A lane has `LEN / 8`
    /// bytes; those above the word get zero.
    pub(super) const fn spread() -> Self {
        let mut controls = [[0x80; LEN]; 256];
        let mut lanes = 0;
        while lanes < 256 {
            let (mut lane, mut word) = (0, 0);
            while lane < WIDTH {
                if lanes >> lane & 1 == 1 {
                    let place = lane * (LEN / WIDTH);
                    controls[lanes][place] = 2 * word;
                    controls[lanes][place + 1] = 2 * word + 1;
                    word += 1;
                }
                lane += 1;
            }
            lanes += 1;
        }
        Self(controls)
    }
}

/// For each set of lanes: moves the words of those lanes to the end, in order.
pub(super) static CLOSE_UP: Shuffles<16> = {
    let mut controls = [[0x80; 16]; 256];
    let mut lanes = 0;
    while lanes < 256 {
        let (mut lane, mut word) = (WIDTH, WIDTH);
        while lane > 0 {
            lane -= 1;
            if lanes >> lane & 1 == 1 {
                word -= 1;
                controls[lanes][2 * word] = 2 * lane as u8;
                controls[lanes][2 * word + 1] = 2 * lane as u8 + 1;
            }
        }
        lanes += 1;
    }
    Shuffles(controls)
};
