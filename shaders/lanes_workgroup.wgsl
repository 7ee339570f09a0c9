// Workgroup memory alone: for devices without subgroups, and for those that do not say how large
// theirs are. One barrier per round. FOLD is 1.

fn vote(wants: bool, round: u32, id: u32) -> u32 {
    return merge_votes(1u << (id % LANES), wants, round, id);
}
