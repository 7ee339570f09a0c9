//! Which device, what it can do, and whether it is still there.

use std::{
    fmt,
    panic::{RefUnwindSafe, UnwindSafe},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    gpu::{GpuError, capacity::capacity, cost::Cost, encode::kernels::Kernels, kernel::Kernel, probe, self_test},
    jobs::{Capacity, Form, INVOCATIONS, Shader, WORKGROUP_MEMORY},
    options::environment,
};

/// Storage buffers that the kernel binds; one more where it loads 16 bits.
const STORAGE_BUFFERS: u32 = 4;

/// The largest batch that fits the kernel's 32-bit places with room to spare.
const MAX_BATCH_LEN: usize = 1 << 30;

/// Raw bytes of a batch: 1,024 segments of 16 KiB.
const BATCH_LEN: usize = 16 << 20;

/// The same where segments are long: 1,024 of 64 KiB, the default length.
const BATCH_LEN_OF_LONG: usize = 64 << 20;

/// Raw bytes of the longest segments that are not long.
pub(super) const LONG_SEGMENT: usize = 32 << 10;

/// How to choose a device, and how to use it.
///
/// ```
/// use ranstream::gpu::{Form, GpuOptions};
///
/// let options = GpuOptions::new().adapter("radeon").form(Form::Workgroup).batch_len(32 << 20);
/// # let _ = options;
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GpuOptions {
    adapter: Option<String>,
    software: bool,
    form: Option<Form>,
    batch_len: Option<usize>,
}

impl GpuOptions {
    /// The defaults: a hardware adapter, discrete before integrated; the form that fits it; batches
    /// of up to 16 MiB, or 64 MiB.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only an adapter that has `part` in its name, in any case of letters. Default: any, or what
    /// the environment variable `RANS_GPU_ADAPTER` says.
    #[must_use]
    pub fn adapter(mut self, part: impl Into<String>) -> Self {
        self.adapter = Some(part.into());
        self
    }

    /// Takes an adapter that computes on the CPU if there is no other. Such an adapter is slower
    /// than the CPU decoder; it serves tests. Default: off.
    #[must_use]
    pub fn software(mut self, allowed: bool) -> Self {
        self.software = allowed;
        self
    }

    /// Forces a form of the kernel. Default: the one that fits the adapter's subgroups.
    #[must_use]
    pub fn form(mut self, form: Form) -> Self {
        self.form = Some(form);
        self
    }

    /// Raw bytes per batch, at most; 4 KiB..=1 GiB, and never more than the device's buffers hold.
    /// Default: 16 MiB, or 64 MiB for blocks whose segments have more than 32 KiB, since few of
    /// them keep a device busy only in a larger batch. A [`Decoder`](crate::gpu::Decoder) holds up
    /// to three batches, each with its coded and raw bytes twice: on the device and in memory that
    /// both sides see.
    #[must_use]
    pub fn batch_len(mut self, bytes: usize) -> Self {
        self.batch_len = Some(bytes.clamp(4 << 10, MAX_BATCH_LEN));
        self
    }
}

/// A device with the decode kernel. Cheap to clone; clones share the device.
///
/// Once the device is lost, or anything it was asked to do failed, it is not used any more:
/// everything that decodes through it goes on with the CPU.
#[derive(Clone)]
pub struct Gpu {
    inner: Arc<Inner>,
}

/// Equal if it is the same, opened once.
impl PartialEq for Gpu {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for Gpu {}

/// A call that panics leaves nothing of ours half changed; wgpu keeps its own in order.
impl UnwindSafe for Gpu {}
impl RefUnwindSafe for Gpu {}

/// A device as it was opened, by us or by the caller.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    /// Why it is not used any more.
    pub(super) lost: Arc<OnceLock<String>>,
}

struct Inner {
    opened: Opened,
    info: wgpu::AdapterInfo,
    shader: Shader,
    kernel: Kernel,
    refused: Vec<GpuError>,
    capacity: Capacity,
    /// The same where segments are long.
    capacity_of_long: Capacity,
    resident: Capacity,
    grid: u32,
    decoded: AtomicU64,
    returned: AtomicU64,
    cost: OnceLock<Option<Cost>>,
    encoder: OnceLock<Result<Kernels, GpuError>>,
}

/// How many blocks a [`Gpu`] was given, over all its users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Blocks that it decoded.
    pub decoded: u64,
    /// Blocks that were meant for it and that the CPU decoded: long single and interleaved blocks,
    /// blocks that are larger than its buffers, damaged blocks, and all after it was lost.
    pub returned: u64,
}

impl Gpu {
    /// Takes an adapter and opens a device on it.
    ///
    /// # Errors
    ///
    /// [`GpuError`], which says why there is none.
    pub fn request(options: &GpuOptions) -> Result<Self, GpuError> {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
        let adapter = choose(adapters, options)?;
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("ranstream"),
            required_features: Self::wanted_features(&adapter),
            required_limits: Self::wanted_limits(&adapter),
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))
            .map_err(|error| GpuError::Device(error.to_string()))?;
        let lost = Arc::new(OnceLock::new());
        let (on_error, on_loss) = (Arc::clone(&lost), Arc::clone(&lost));
        // Without a handler an error that no scope catches would panic.
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            let _ = on_error.set(error.to_string());
        }));
        device.set_device_lost_callback(move |reason, message| {
            let _ = on_loss.set(format!("device lost ({reason:?}) {message}"));
        });
        Self::new(&Opened { device, queue, lost }, options, &Shader::source)
    }

    /// Uses a device of the caller's, who asked for [`wanted_features`](Self::wanted_features) and
    /// [`wanted_limits`](Self::wanted_limits) or more. Its error handler and its lost callback
    /// stay the caller's: errors of what this crate does are caught in scopes.
    ///
    /// # Errors
    ///
    /// [`GpuError`], which names what the device lacks.
    pub fn from_wgpu(device: wgpu::Device, queue: wgpu::Queue, options: &GpuOptions) -> Result<Self, GpuError> {
        Self::new(&Opened { device, queue, lost: Arc::default() }, options, &Shader::source)
    }

    /// What of the adapter's features the kernel can use. It needs none of them.
    #[must_use]
    pub fn wanted_features(adapter: &wgpu::Adapter) -> wgpu::Features {
        adapter.features() & (wgpu::Features::SUBGROUP | wgpu::Features::SHADER_I16)
    }

    /// The limits that the kernel works best with: the defaults of WebGPU, and the largest buffers
    /// and the workgroup memory that the adapter has.
    #[must_use]
    pub fn wanted_limits(adapter: &wgpu::Adapter) -> wgpu::Limits {
        let has = adapter.limits();
        let defaults = wgpu::Limits::downlevel_defaults();
        wgpu::Limits {
            max_buffer_size: has.max_buffer_size,
            max_storage_buffer_binding_size: has.max_storage_buffer_binding_size,
            max_storage_buffers_per_shader_stage: has.max_storage_buffers_per_shader_stage,
            max_compute_workgroup_storage_size: has.max_compute_workgroup_storage_size,
            max_compute_invocations_per_workgroup: has.max_compute_invocations_per_workgroup,
            max_compute_workgroup_size_x: has.max_compute_workgroup_size_x,
            max_compute_workgroups_per_dimension: has.max_compute_workgroups_per_dimension,
            ..defaults
        }
    }

    /// Takes the first form that fits the device, or the one that was asked for, if known blocks
    /// come right out of it. `source` gives the shader of a form and its lanes per invocation.
    pub(super) fn new(
        opened: &Opened,
        options: &GpuOptions,
        source: &dyn Fn(Shader) -> String,
    ) -> Result<Self, GpuError> {
        let device = &opened.device;
        let (info, limits) = (device.adapter_info(), device.limits());
        check_limits(&limits)?;
        let subgroups = scoped(device, || probe::subgroups(device, &opened.queue, &info))?;
        let loads_16_bits = device.features().contains(wgpu::Features::SHADER_I16)
            && limits.max_storage_buffers_per_shader_stage > STORAGE_BUFFERS;
        let forms = options.form.map_or_else(|| Form::candidates(subgroups).collect(), |form| vec![form]);
        let mut refused = Vec::new();
        for form in forms {
            let shader = Shader { loads_16_bits, ..shader(form, subgroups)? };
            match scoped(device, || Ok(Kernel::new(device, source(shader), loads_16_bits))) {
                Ok(kernel) => {
                    let inner = Inner {
                        capacity: capacity(&limits, options.batch_len.unwrap_or(BATCH_LEN)),
                        capacity_of_long: capacity(&limits, options.batch_len.unwrap_or(BATCH_LEN_OF_LONG)),
                        resident: capacity(&limits, MAX_BATCH_LEN),
                        grid: limits.max_compute_workgroups_per_dimension,
                        opened: opened.clone(),
                        info: info.clone(),
                        shader,
                        kernel,
                        refused: refused.clone(),
                        decoded: AtomicU64::new(0),
                        returned: AtomicU64::new(0),
                        cost: OnceLock::new(),
                        encoder: OnceLock::new(),
                    };
                    let gpu = Self { inner: Arc::new(inner) };
                    match scoped(device, || self_test::fault(&gpu))? {
                        None => return Ok(gpu),
                        Some(reason) => refused.push(GpuError::SelfTest { form, reason }),
                    }
                }
                Err(error) => refused.push(GpuError::SelfTest { form, reason: error.to_string() }),
            }
        }
        Err(refused.pop().unwrap_or_else(|| unreachable!("one form at least was tried")))
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> &wgpu::Device {
        &self.inner.opened.device
    }

    /// The device's queue.
    #[must_use]
    pub fn queue(&self) -> &wgpu::Queue {
        &self.inner.opened.queue
    }

    /// What the adapter says of itself.
    #[must_use]
    pub fn info(&self) -> &wgpu::AdapterInfo {
        &self.inner.info
    }

    /// The form of the kernel.
    #[must_use]
    pub fn form(&self) -> Form {
        self.inner.shader.form
    }

    /// The shader of the form.
    pub(super) fn shader(&self) -> Shader {
        self.inner.shader
    }

    /// Forms that fit the device better than [`form`](Self::form) and are not used, since known
    /// blocks did not come right out of them: each a [`GpuError::SelfTest`], which says what was
    /// wrong. On a device without faults there are none.
    #[must_use]
    pub fn refused(&self) -> &[GpuError] {
        &self.inner.refused
    }

    /// Whether it computes on the CPU.
    #[must_use]
    pub fn is_software(&self) -> bool {
        self.inner.info.device_type == wgpu::DeviceType::Cpu
    }

    /// Why it is not used any more; `None` while it is.
    #[must_use]
    pub fn lost(&self) -> Option<&str> {
        self.inner.opened.lost.get().map(String::as_str)
    }

    /// How many blocks it was given so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let [decoded, returned] = [&self.inner.decoded, &self.inner.returned].map(|of| of.load(Ordering::Relaxed));
        Tally { decoded, returned }
    }

    /// The same for all clones.
    pub(super) fn key(&self) -> usize {
        Arc::as_ptr(&self.inner).addr()
    }

    pub(crate) fn count_decoded(&self, blocks: usize) {
        self.inner.decoded.fetch_add(blocks as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_returned(&self, blocks: usize) {
        self.inner.returned.fetch_add(blocks as u64, Ordering::Relaxed);
    }

    /// Of the largest batch. `long`: its segments have more than [`LONG_SEGMENT`] bytes.
    pub(super) fn capacity(&self, long: bool) -> Capacity {
        if long { self.inner.capacity_of_long } else { self.inner.capacity }
    }

    /// Of one dispatch whose blocks stay on the device: what its buffers hold, whatever a batch may
    /// have.
    pub(super) fn resident_capacity(&self) -> Capacity {
        self.inner.resident
    }

    pub(super) fn kernel(&self) -> &Kernel {
        &self.inner.kernel
    }

    /// The kernels of encoders, which the first one makes.
    pub(super) fn encoder_kernels(
        &self,
        make: impl FnOnce() -> Result<Kernels, GpuError>,
    ) -> Result<Kernels, GpuError> {
        self.inner.encoder.get_or_init(make).clone()
    }

    /// Workgroups of `jobs` in two dimensions. Those behind the last job return at once.
    pub(super) fn grid(&self, jobs: usize) -> (u32, u32) {
        let jobs = jobs as u32;
        let x = jobs.min(self.inner.grid);
        (x, jobs.div_ceil(x.max(1)))
    }

    /// What batches cost on this device: what [`Backend::Auto`](crate::gpu::Backend::Auto) reckons
    /// with. Measured by the first call, which takes a few batches' time; `None`: they could not
    /// be decoded.
    #[must_use]
    pub fn cost(&self) -> Option<Cost> {
        *self.inner.cost.get_or_init(|| Cost::measure(self))
    }

    /// Does `work` on the device. If anything in it fails, the device counts as lost.
    pub(super) fn attempt<T>(&self, work: impl FnOnce() -> Result<T, GpuError>) -> Result<T, GpuError> {
        if let Some(reason) = self.lost() {
            return Err(GpuError::Lost(reason.into()));
        }
        let result = scoped(self.device(), work);
        match (result, self.lost()) {
            (Ok(done), None) => Ok(done),
            (Ok(_), Some(reason)) => Err(GpuError::Lost(reason.into())),
            (Err(error), _) => {
                self.give_up(&error.to_string());
                Err(error)
            }
        }
    }

    pub(super) fn give_up(&self, reason: &str) {
        let _ = self.inner.opened.lost.set(reason.into());
    }
}

impl fmt::Debug for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gpu")
            .field("adapter", &self.inner.info.name)
            .field("form", &self.form())
            .field("refused", &self.inner.refused)
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}

/// The shader of `form`.
///
/// # Errors
///
/// [`GpuError::Form`] when subgroups of `sizes` cannot run the form.
fn shader(form: Form, sizes: Option<(u32, u32)>) -> Result<Shader, GpuError> {
    let (smallest, largest) = sizes.unwrap_or_default();
    form.shader(sizes).ok_or(GpuError::Form { form, smallest, largest })
}

/// What the kernel cannot do without.
fn check_limits(limits: &wgpu::Limits) -> Result<(), GpuError> {
    for (limit, needed, available) in [
        ("max_storage_buffers_per_shader_stage", STORAGE_BUFFERS, limits.max_storage_buffers_per_shader_stage),
        ("max_compute_workgroup_storage_size", WORKGROUP_MEMORY, limits.max_compute_workgroup_storage_size),
        ("max_compute_invocations_per_workgroup", INVOCATIONS, limits.max_compute_invocations_per_workgroup),
        ("max_compute_workgroup_size_x", INVOCATIONS, limits.max_compute_workgroup_size_x),
    ] {
        if available < needed {
            return Err(GpuError::Limit { limit, needed, available });
        }
    }
    Ok(())
}

/// Catches every error of the device calls in `work`, whatever handlers the device has.
fn scoped<T>(device: &wgpu::Device, work: impl FnOnce() -> Result<T, GpuError>) -> Result<T, GpuError> {
    let filters = [wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Validation];
    let mut scopes = filters.map(|filter| Some(device.push_error_scope(filter)));
    let result = work();
    let mut caught = None;
    for scope in scopes.iter_mut().rev().filter_map(Option::take) {
        caught = caught.or(pollster::block_on(scope.pop()));
    }
    match caught {
        Some(error) => Err(GpuError::Device(error.to_string())),
        None => result,
    }
}

fn choose(adapters: Vec<wgpu::Adapter>, options: &GpuOptions) -> Result<wgpu::Adapter, GpuError> {
    let part = options.adapter.clone().or_else(environment::gpu_adapter);
    let wanted = part.as_deref().unwrap_or_default().to_lowercase();
    let mut software = None;
    let named = adapters.into_iter().filter(|adapter| adapter.get_info().name.to_lowercase().contains(&wanted));
    let allowed = named.filter(|adapter| {
        let info = adapter.get_info();
        let taken = options.software || info.device_type != wgpu::DeviceType::Cpu;
        if !taken {
            software = Some(info.name);
        }
        taken
    });
    let best = allowed.min_by_key(|adapter| match adapter.get_info().device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    });
    best.ok_or(match software {
        Some(name) => GpuError::Software { name },
        None => GpuError::NoAdapter { wanted: part.unwrap_or_default() },
    })
}
