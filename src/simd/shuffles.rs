//! How words move between a vector of eight lanes and those lanes that take or give one, for
//! instructions that shuffle the bytes of a register.

/// Lanes that one control is for.
pub(super) const WIDTH: usize = 8;

/// One control for each set of lanes: for each byte of the result the place it comes from. `0x80`
/// gives zero. Behind the last one is as much as a vector may load beyond it.
#[repr(C, align(64))]
pub(super) struct Shuffles<const LEN: usize>(pub(super) [[u8; LEN]; 256], [u8; 16]);

impl<const LEN: usize> Shuffles<LEN> {
    const fn new(controls: [[u8; LEN]; 256]) -> Self {
        Self(controls, [0; 16])
    }

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
        Self::new(controls)
    }

    /// Where the control for `lanes` begins. From there on, 16 bytes can be read.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) const fn vector(&self, lanes: u8) -> *const [u8; 16] {
        (&raw const *self).cast::<[u8; LEN]>().wrapping_add(lanes as usize).cast()
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
    Shuffles::new(controls)
};

/// For each byte of a bitmap: merges two sides of eight bytes, of which a register has one below
/// the other. The next byte of the upper side for a 1, of the lower side for a 0.
pub(super) static MERGE: Shuffles<WIDTH> = {
    let mut controls = [[0; WIDTH]; 256];
    let mut bits = 0;
    while bits < 256 {
        let (mut place, mut zeros, mut ones) = (0, 0, 0);
        while place < WIDTH {
            if bits >> place & 1 == 1 {
                controls[bits][place] = (WIDTH + ones) as u8;
                ones += 1;
            } else {
                controls[bits][place] = zeros;
                zeros += 1;
            }
            place += 1;
        }
        bits += 1;
    }
    Shuffles::new(controls)
};

/// For each byte of a bitmap: the bytes that have a 1, in order.
pub(super) static PART: Shuffles<WIDTH> = {
    let mut controls = [[0; WIDTH]; 256];
    let mut bits = 0;
    while bits < 256 {
        let (mut place, mut ones) = (0, 0);
        while place < WIDTH {
            if bits >> place & 1 == 1 {
                controls[bits][ones] = place as u8;
                ones += 1;
            }
            place += 1;
        }
        bits += 1;
    }
    Shuffles::new(controls)
};

/// For each byte of a bitmap: the bytes that have a 0, in order, and in the upper eight those that
/// have a 1.
#[cfg(target_arch = "x86_64")]
pub(super) static PART_BOTH: Shuffles<16> = {
    let mut controls = [[0; 16]; 256];
    let mut bits = 0;
    while bits < 256 {
        let (mut place, mut ends) = (0, [0, WIDTH]);
        while place < WIDTH {
            let end = &mut ends[bits >> place & 1];
            controls[bits][*end] = place as u8;
            *end += 1;
            place += 1;
        }
        bits += 1;
    }
    Shuffles::new(controls)
};

/// A control of 16 bytes for each number up to 16.
#[repr(align(64))]
pub(super) struct Controls(pub(super) [[u8; 16]; 17]);

/// For each period: which of the first bytes stands in each of 16 places.
pub(super) static REPEAT: Controls = {
    let mut controls = [[0; 16]; 17];
    let mut period = 1;
    while period < 17 {
        let mut place = 0;
        while place < 16 {
            controls[period][place] = (place % period) as u8;
            place += 1;
        }
        period += 1;
    }
    Controls(controls)
};

/// For each distance: the byte so far back from each of 16 places, zero where there is none.
pub(super) static BACK: Controls = {
    let mut controls = [[0x80; 16]; 17];
    let mut distance = 1;
    while distance < 17 {
        let mut place = distance;
        while place < 16 {
            controls[distance][place] = (place - distance) as u8;
            place += 1;
        }
        distance += 1;
    }
    Controls(controls)
};
