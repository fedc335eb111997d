//! The seam itself: what it counts, what it strikes, what the books say.

use tilewright_ffi::sys::{Api, CUresult};
use tilewright_ffi::{Error, PinnedBuffer};
use tilewright_libcuda_sim::{Balance, Faults, Profile, Simulator};

use crate::support::add;
use crate::{driver, simulator};

/// A C function, called with zeros: no place for a result, no handle, nothing to do.
trait CallWithZeros {
    fn call_with_zeros(self) -> CUresult;
}

macro_rules! arities {
    ($([$($ty:ident)*])+) => {
        $(impl<$($ty),*> CallWithZeros for unsafe extern "C" fn($($ty),*) -> CUresult {
            fn call_with_zeros(self) -> CUresult {
                // SAFETY: the parameters of the table are numbers and pointers, to all of which zero is a value, and which every function checks.
                unsafe { self($(std::mem::zeroed::<$ty>()),*) }
            }
        })+
    };
}

arities! { [] [A] [A B] [A B C] [A B C D] [A B C D E] [A B C D E F G H I J K] }

macro_rules! call_all {
    ($api:ident: $($field:ident)* ; $($optional:ident)*) => {
        [
            $((stringify!($field), $api.$field.call_with_zeros()),)*
            $((stringify!($optional), $api.$optional.expect("the simulator has it").call_with_zeros()),)*
        ]
    };
}

#[test]
fn every_function_of_the_table_goes_through_the_seam_under_its_own_symbol() {
    let simulator = simulator(Profile::Sm80);
    let table = simulator.api().unwrap();
    let api = table.api();
    let called = call_all! { api:
        init driver_get_version get_error_name get_error_string device_get_count device_get device_get_name device_total_mem
        device_get_attribute device_primary_ctx_retain device_primary_ctx_release device_primary_ctx_get_state ctx_set_current
        ctx_get_current ctx_push_current ctx_pop_current ctx_get_device ctx_synchronize mem_alloc mem_free mem_get_info mem_host_alloc
        mem_free_host memcpy_htod memcpy_dtoh memcpy_dtod memcpy_htod_async memcpy_dtoh_async memcpy_dtod_async memset_d8
        memset_d8_async memset_d16_async memset_d32_async pointer_get_attribute stream_create stream_create_with_priority
        stream_destroy stream_synchronize stream_query stream_wait_event stream_get_ctx stream_get_flags stream_get_priority
        event_create event_destroy event_record event_synchronize event_query event_elapsed_time module_load_data
        module_load_data_ex module_unload module_get_function func_get_attribute func_set_attribute launch_kernel
        occupancy_max_active_blocks stream_begin_capture stream_end_capture stream_is_capturing thread_exchange_capture_mode graph_launch graph_destroy
        graph_exec_destroy ;
        mem_alloc_async mem_free_async func_get_param_info launch_kernel_ex graph_instantiate_with_flags
    };
    // All but the one that is not modelled.
    assert_eq!(called.len(), Api::SIGNATURES.len() - 1);
    let seen = simulator.calls();
    let is_counted = |field: &str| !field.starts_with("get_error");
    let fields: Vec<&str> = called.iter().map(|(field, _)| *field).filter(|field| is_counted(field)).collect();
    assert_eq!(seen.len(), fields.len());
    for (symbol, field) in seen.iter().zip(fields) {
        // `mem_alloc` is `cuMemAlloc_v2`.
        let plain = symbol.split("_v2").next().unwrap_or_default().to_lowercase();
        let wanted = format!("cu{}", field.replace('_', ""));
        let renamed = matches!(field, "occupancy_max_active_blocks" | "thread_exchange_capture_mode");
        let known = renamed && plain.starts_with(&wanted[..wanted.len().min(16)]);
        assert!(plain == wanted || known, "{field} goes by {symbol}");
        assert!(Api::SIGNATURES.iter().any(|signature| signature.symbol == *symbol), "{symbol}");
    }
}

#[test]
fn a_fault_strikes_the_call_that_was_named_and_no_other() {
    let simulator = simulator(Profile::Sm86);
    let context = driver(&simulator).unwrap().device(0).unwrap().primary_context().unwrap();
    let faults = Faults::new()
        .fail_function("cuStreamCreate", 2, CUresult(999))
        .fail_function("cuStreamCreate", 3, CUresult(99_999))
        .fail_function("cuEventCreate", 1, CUresult::SUCCESS);
    simulator.set_faults(faults);
    let codes: Vec<u32> = (0..5)
        .map(|_| match context.stream() {
            Ok(_) => 0,
            Err(Error::Driver { call: "cuStreamCreate", code, .. }) => code.0,
            Err(other) => panic!("{other}"),
        })
        .collect();
    assert_eq!(codes, [0, 999, 99_999, 0, 0]);
    assert_eq!(simulator.struck(), Some("cuStreamCreate"));
    assert_eq!(simulator.calls().iter().filter(|call| **call == "cuStreamCreate").count(), 5);
    tilewright_ffi::Event::untimed(&context).unwrap();
}

#[test]
fn the_books_count_what_lives_and_what_was_lost_with_its_context() {
    let simulator = simulator(Profile::Sm89);
    let context = driver(&simulator).unwrap().device(0).unwrap().primary_context().unwrap();
    let stream = context.stream().unwrap();
    let buffer = stream.upload(&[1u8]).unwrap();
    let pinned = PinnedBuffer::<u8>::new(&context, 1).unwrap();
    let module = context.load_ptx(&add()).unwrap();
    let graph = stream.capture(|_| Ok::<_, Error>(())).unwrap();
    let executable = graph.instantiate().unwrap();
    let mut wanted = Balance::ZERO;
    wanted.contexts = 1;
    wanted.streams = 1;
    // The pinned buffer's own.
    wanted.events = 1;
    wanted.modules = 1;
    wanted.graphs = 1;
    wanted.executables = 1;
    wanted.device_allocations = 1;
    wanted.pinned_allocations = 1;
    assert_eq!(simulator.balance(), wanted);
    assert_eq!(wanted.total(), 8);
    stream
        .capture(|_| {
            assert_eq!(simulator.balance().captures, 1);
            Ok::<_, Error>(())
        })
        .map(drop)
        .unwrap();
    assert_eq!(simulator.balance(), wanted);
    // A leak shows although the context that it was in is gone.
    let _ = buffer.leak();
    drop((pinned, module, graph, executable, stream, context));
    let mut wanted = Balance::ZERO;
    wanted.device_allocations = 1;
    assert_eq!(simulator.balance(), wanted);
}

#[test]
fn the_next_one_is_fresh_and_what_stayed_is_dead() {
    let simulator = simulator(Profile::Sm89);
    let stream = driver(&simulator).unwrap().device(0).unwrap().primary_context().unwrap().stream().unwrap();
    let mut pinned = PinnedBuffer::<u8>::new(stream.context(), 5).unwrap();
    drop(simulator);
    let simulator = Simulator::new(Profile::Sm89).faults(Faults::new());
    assert_eq!((simulator.balance(), simulator.calls(), simulator.struck()), (Balance::ZERO, Vec::new(), None));
    assert!(matches!(stream.synchronize(), Err(Error::Driver { .. })));
    // Its memory is still its own.
    pinned.as_mut_slice().unwrap().fill(7);
    assert_eq!(pinned.as_slice().unwrap(), [7; 5]);
}

#[test]
fn faults_leave_the_chips_other_driver_alone() {
    let simulator = Simulator::new(Profile::Sm89).faults(Faults::new().poison_at(1, CUresult(700)));
    let other = Simulator::new(Profile::Sm89).api();
    let stream =
        tilewright_ffi::Driver::from_api(other).unwrap().device(0).unwrap().primary_context().unwrap().stream();
    assert_eq!(stream.unwrap().upload(&[1u8]).unwrap().len(), 1);
    assert_eq!(simulator.balance(), Balance::ZERO);
    assert!(simulator.calls().is_empty());
    assert!(matches!(driver(&simulator), Err(Error::Driver { call: "cuInit", code: CUresult(700), .. })));
}
