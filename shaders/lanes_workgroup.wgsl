// Workgroup memory alone: for devices without subgroups, and for those that do not say how large theirs are. One barrier per round. FOLD is 1.

// A round ORs into one vote, reads it behind the barrier, and clears the one that was read a round before.
var<workgroup> ballots: array<atomic<u32>, 3u * SEGMENTS>;

fn begin_votes(id: u32) {
    if id < 3u * SEGMENTS {
        atomicStore(&ballots[id], 0u);
    }
}

fn vote(wants: bool, round: u32, id: u32) -> u32 {
    let segment = id / LANES;
    let now = round % 3u * SEGMENTS + segment;
    if wants {
        atomicOr(&ballots[now], 1u << (id % LANES));
    }
    workgroupBarrier();
    let votes = atomicLoad(&ballots[now]);
    if id % LANES == 0u {
        atomicStore(&ballots[(round + 2u) % 3u * SEGMENTS + segment], 0u);
    }
    return votes;
}

@compute @workgroup_size(INVOCATIONS)
fn decode(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) id: u32,
) {
    let job = workgroup.x + workgroup.y * workgroups.x;
    if job >= arrayLength(&jobs) {
        return;
    }
    run(job, id);
}
