//! How words move between a vector of eight lanes and those lanes that take or give one, for instructions that shuffle the bytes of a register.

/// Lanes that one control is for.
pub(super) const WIDTH: usize = 8;

/// One control for each set of lanes: for each byte of the result the place it comes from. `0x80` gives zero.
#[repr(align(64))]
pub(super) struct Shuffles(pub(super) [[u8; 16]; 256]);

/// For each set of lanes: moves the next words to those lanes, in order, and zero to the others.
pub(super) static SPREAD: Shuffles = {
    let mut controls = [[0x80; 16]; 256];
    let mut lanes = 0;
    while lanes < 256 {
        let (mut lane, mut word) = (0, 0);
        while lane < WIDTH {
            if lanes >> lane & 1 == 1 {
                controls[lanes][2 * lane] = 2 * word;
                controls[lanes][2 * lane + 1] = 2 * word + 1;
                word += 1;
            }
            lane += 1;
        }
        lanes += 1;
    }
    Shuffles(controls)
};

/// For each set of lanes: moves the words of those lanes to the end, in order.
pub(super) static CLOSE_UP: Shuffles = {
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
