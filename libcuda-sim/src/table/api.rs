//! The functions of a chip as the table that `tilewright-ffi` takes.

use tilewright_ffi::Table;
use tilewright_ffi::sys::Api;
use tilewright_ptx_sim::Profile;

use super::{
    Chip, Faulty80, Faulty86, Faulty89, Faulty90, Sm80, Sm86, Sm89, Sm90, context, device, event, graph, launch,
    memory, module, stream,
};

/// The functions of the simulated driver of a chip.
pub(crate) fn table(profile: Profile) -> Table {
    promise(match profile {
        Profile::Sm80 => functions::<Sm80>(),
        Profile::Sm86 => functions::<Sm86>(),
        Profile::Sm89 => functions::<Sm89>(),
        _ => functions::<Sm90>(),
    })
}

/// The functions of the chip's driver whose calls can be made to fail.
pub(crate) fn faulty_table(profile: Profile) -> Table {
    promise(match profile {
        Profile::Sm80 => functions::<Faulty80>(),
        Profile::Sm86 => functions::<Faulty86>(),
        Profile::Sm89 => functions::<Faulty89>(),
        _ => functions::<Faulty90>(),
    })
}

fn promise(api: Api) -> Table {
    // SAFETY: each function keeps the contract that the driver's documentation states for its symbol: it checks its arguments, takes
    // pointers for what the documentation says they are, may be called from any thread, and lives as long as the process. What it does
    // not model it refuses. A driver may fail any call, so one that was told to keeps the contract too.
    unsafe { Table::new(api) }
}

fn functions<C: Chip>() -> Api {
    Api {
        init: device::init::<C>,
        driver_get_version: device::driver_version::<C>,
        get_error_name: device::error_name::<C>,
        get_error_string: device::error_string::<C>,
        device_get_count: device::count::<C>,
        device_get: device::device::<C>,
        device_get_name: device::name::<C>,
        device_total_mem: device::total_memory::<C>,
        device_get_attribute: device::attribute::<C>,

        device_primary_ctx_retain: context::retain_primary::<C>,
        device_primary_ctx_release: context::release_primary::<C>,
        device_primary_ctx_get_state: context::primary_state::<C>,
        ctx_set_current: context::set_current::<C>,
        ctx_get_current: context::current::<C>,
        ctx_push_current: context::push_current::<C>,
        ctx_pop_current: context::pop_current::<C>,
        ctx_get_device: context::device_of_current::<C>,
        ctx_synchronize: context::synchronize::<C>,

        mem_alloc: memory::allocate::<C>,
        mem_free: memory::free::<C>,
        mem_get_info: memory::info::<C>,
        mem_host_alloc: memory::allocate_host::<C>,
        mem_free_host: memory::free_host::<C>,
        memcpy_htod: memory::upload::<C>,
        memcpy_dtoh: memory::download::<C>,
        memcpy_dtod: memory::copy::<C>,
        memcpy_htod_async: memory::upload_async::<C>,
        memcpy_dtoh_async: memory::download_async::<C>,
        memcpy_dtod_async: memory::copy_async::<C>,
        memset_d8: memory::fill_bytes::<C>,
        memset_d8_async: memory::fill_bytes_async::<C>,
        memset_d16_async: memory::fill_halves_async::<C>,
        memset_d32_async: memory::fill_words_async::<C>,
        mem_alloc_async: Some(memory::allocate_async::<C>),
        mem_free_async: Some(memory::free_async::<C>),
        pointer_get_attribute: memory::pointer_attribute::<C>,

        stream_create: stream::create::<C>,
        stream_create_with_priority: stream::create_with_priority::<C>,
        stream_destroy: stream::destroy::<C>,
        stream_synchronize: stream::synchronize::<C>,
        stream_query: stream::query::<C>,
        stream_wait_event: stream::wait_event::<C>,
        stream_get_ctx: stream::context::<C>,
        stream_get_flags: stream::flags::<C>,
        stream_get_priority: stream::priority::<C>,
        event_create: event::create::<C>,
        event_destroy: event::destroy::<C>,
        event_record: event::record::<C>,
        event_synchronize: event::synchronize::<C>,
        event_query: event::query::<C>,
        event_elapsed_time: event::elapsed::<C>,

        module_load_data: module::load_plain::<C>,
        module_load_data_ex: module::load::<C>,
        module_unload: module::unload::<C>,
        module_get_function: module::function::<C>,
        func_get_attribute: module::attribute::<C>,
        func_set_attribute: module::set_attribute::<C>,
        func_get_param_info: Some(module::param_info::<C>),
        launch_kernel: launch::launch::<C>,
        launch_kernel_ex: Some(launch::launch_with_attributes::<C>),
        occupancy_max_active_blocks: module::resident_blocks::<C>,

        stream_begin_capture: stream::begin_capture::<C>,
        stream_end_capture: stream::end_capture::<C>,
        stream_is_capturing: stream::is_capturing::<C>,
        thread_exchange_capture_mode: stream::exchange_mode::<C>,
        graph_instantiate_with_flags: Some(graph::instantiate::<C>),
        graph_launch: graph::launch::<C>,
        graph_destroy: graph::destroy::<C>,
        graph_exec_destroy: graph::destroy_executable::<C>,

        // Tensor maps describe boxes to the copy engine of sm_90, which is not modelled.
        tensor_map_encode_tiled: None,
    }
}
