// Votes in workgroup memory, for forms whose segments span subgroups. A round ORs into one vote,
// reads it behind the barrier, and clears the one that was read a round before.

var<workgroup> ballots: array<atomic<u32>, 3u * SEGMENTS>;

fn begin_votes(id: u32) {
    if id < 3u * SEGMENTS {
        atomicStore(&ballots[id], 0u);
    }
}

// All wait for each other at the barriers: each goes through the groups of the longest segment.
fn groups_of(own: u32, job: u32) -> u32 {
    return jobs[job].groups;
}

// `part` is added by those invocations that have something to say; all see the whole.
fn merge_votes(part: u32, speaks: bool, round: u32, id: u32) -> u32 {
    let segment = id / LANES;
    let now = round % 3u * SEGMENTS + segment;
    if speaks {
        atomicOr(&ballots[now], part);
    }
    workgroupBarrier();
    let votes = atomicLoad(&ballots[now]);
    if id % LANES == 0u {
        atomicStore(&ballots[(round + 2u) % 3u * SEGMENTS + segment], 0u);
    }
    return votes;
}
