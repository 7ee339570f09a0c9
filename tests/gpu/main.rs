//! The GPU against the CPU: same bytes, same verdicts, and a way home when the device fails.
//!
//! Without an adapter every test says "skipped"; with `RANS_REQUIRE_GPU=1` that is a failure. A
//! software adapter will do. `RANS_GPU_BATCHES` is how many random batches each form decodes.
//! `scripts/gpu_matrix.sh` runs all of it for several widths of subgroups.

mod batches;
mod corpus;
mod corrupt;
mod data;
mod encode;
mod faults;
mod limits;
mod pipeline;
mod resident;
mod streams;
mod turns;

use std::sync::OnceLock;

use ranstream::gpu::{Form, Gpu, GpuError, GpuOptions};

/// The device that all tests share. `None`: there is none, and it was said.
fn gpu() -> Option<&'static Gpu> {
    static GPU: OnceLock<Option<Gpu>> = OnceLock::new();
    GPU.get_or_init(|| request(&GpuOptions::new())).as_ref()
}

fn request(options: &GpuOptions) -> Option<Gpu> {
    match Gpu::request(&options.clone().software(true)) {
        Ok(gpu) => {
            let info = gpu.info();
            println!(
                "{} ({:?}), subgroups {} to {}, form {}",
                info.name,
                info.device_type,
                info.subgroup_min_size,
                info.subgroup_max_size,
                gpu.form()
            );
            Some(gpu)
        }
        Err(error) => {
            assert!(std::env::var_os("RANS_REQUIRE_GPU").is_none(), "RANS_REQUIRE_GPU is set, and: {error}");
            println!("skipped: {error}");
            None
        }
    }
}

/// Each form that the device can run, on the one device.
fn forms(gpu: &Gpu) -> Vec<Gpu> {
    forms_with(gpu, &GpuOptions::new())
}

fn forms_with(gpu: &Gpu, options: &GpuOptions) -> Vec<Gpu> {
    let (mut able, mut unable) = (Vec::new(), Vec::new());
    for (_, form) in Form::ALL {
        match Gpu::from_wgpu(gpu.device().clone(), gpu.queue().clone(), &options.clone().form(form)) {
            Ok(gpu) => able.push(gpu),
            Err(error @ GpuError::Form { .. }) => unable.push(error),
            Err(error) => panic!("{form}: {error}"),
        }
    }
    for error in unable {
        println!("skipped: {error}");
    }
    assert!(able.iter().any(|gpu| gpu.form() == Form::Workgroup), "it runs everywhere");
    able
}

#[test]
fn a_software_adapter_must_be_asked_for() {
    let Some(gpu) = gpu() else { return };
    if let Ok(hardware) = Gpu::request(&GpuOptions::new()) {
        assert!(!hardware.is_software());
    } else {
        let name = gpu.info().name.clone();
        assert!(gpu.is_software());
        assert_eq!(Gpu::request(&GpuOptions::new().adapter(&name)).unwrap_err(), GpuError::Software { name });
    }
}

#[test]
fn an_adapter_that_is_not_there_is_named() {
    let Err(error) = Gpu::request(&GpuOptions::new().software(true).adapter("Voodoo 2")) else {
        panic!("there is none of that name");
    };
    assert_eq!(error.to_string(), "no GPU adapter with \"Voodoo 2\" in its name");
}
