// Ballot alone: the invocations of a segment are neighbours in one subgroup, so no round needs a
// barrier. Subgroups of 32 and more have FOLD 1; smaller ones of one known size hold a segment too,
// with several lanes per invocation.

// Where the segment's invocations begin in their subgroup.
var<private> first: u32;

fn begin_votes(id: u32) {}

// No segment waits for another but those of its subgroup.
fn groups_of(own: u32, job: u32) -> u32 {
    if MIXED {
        return subgroupMax(own);
    }
    return own;
}

fn vote(wants: bool, round: u32, id: u32) -> u32 {
    let ballot = subgroupBallot(wants);
    let part = select(
        select(ballot.x, ballot.y, first >= 32u),
        select(ballot.z, ballot.w, first >= 96u),
        first >= 64u,
    );
    return (part >> (first & 31u)) & (0xffffffffu >> (32u - WIDTH));
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
    if job >= arrayLength(&jobs) || subgroups * size != INVOCATIONS || size < WIDTH || (!MIXED && size > WIDTH) {
        return;
    }
    // Local indices need not follow subgroups; these do.
    let id = subgroup * size + invocation;
    first = invocation - id % WIDTH;
    run(job, id);
}
