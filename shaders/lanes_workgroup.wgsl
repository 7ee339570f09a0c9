// Workgroup memory alone: for devices without subgroups, and for those that do not say how large
// theirs are. One barrier per round. FOLD is 1.

fn vote(wants: bool, round: u32, id: u32) -> u32 {
    return merge_votes(1u << (id % LANES), wants, round, id);
}

@compute @workgroup_size(INVOCATIONS)
fn main(
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
