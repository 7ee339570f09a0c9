// Ballots merged through workgroup memory: a segment spans several subgroups of at most 32. One
// atomic per subgroup and one barrier per round. FOLD is 1.

// The lane of the subgroup's first invocation, and whether this is that one.
var<private> shift: u32;
var<private> speaks: bool;

fn vote(wants: bool, round: u32, id: u32) -> u32 {
    return merge_votes(subgroupBallot(wants).x << shift, speaks, round, id);
}

@compute @workgroup_size(INVOCATIONS)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(num_subgroups) subgroups: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(subgroup_size) size: u32,
    @builtin(subgroup_invocation_id) invocation: u32,
) {
    let job = workgroup.x + workgroup.y * workgroups.x;
    // A device that runs subgroups of another size than it said leaves the job undone, and its
    // status says so.
    if job >= arrayLength(&jobs) || subgroups * size != INVOCATIONS || size > LANES {
        return;
    }
    let id = subgroup * size + invocation;
    shift = (id - invocation) % LANES;
    speaks = invocation == 0u;
    run(job, id);
}
