// A workgroup does one job, of a list `jobs`.

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
