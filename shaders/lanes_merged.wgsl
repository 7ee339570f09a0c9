// Ballots merged through workgroup memory: a segment spans several subgroups of at most 32. One atomic per subgroup and one barrier per round. FOLD is 1.

// A round ORs into one vote, reads it behind the barrier, and clears the one that was read a round before.
var<workgroup> ballots: array<atomic<u32>, 3u * SEGMENTS>;

// The lane of the subgroup's first invocation, and whether this is that one.
var<private> shift: u32;
var<private> speaks: bool;

fn begin_votes(id: u32) {
    if id < 3u * SEGMENTS {
        atomicStore(&ballots[id], 0u);
    }
}

fn vote(wants: bool, round: u32, id: u32) -> u32 {
    let segment = id / LANES;
    let now = round % 3u * SEGMENTS + segment;
    let ballot = subgroupBallot(wants).x;
    if speaks {
        atomicOr(&ballots[now], ballot << shift);
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
    @builtin(num_subgroups) subgroups: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(subgroup_size) size: u32,
    @builtin(subgroup_invocation_id) invocation: u32,
) {
    let job = workgroup.x + workgroup.y * workgroups.x;
    // A device that runs subgroups of another size than it said leaves the job undone, and its status says so.
    if job >= arrayLength(&jobs) || subgroups * size != INVOCATIONS || size > LANES {
        return;
    }
    let id = subgroup * size + invocation;
    shift = (id - invocation) % LANES;
    speaks = invocation == 0u;
    run(job, id);
}
