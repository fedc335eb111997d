//! The functions of the fake driver.

use std::ffi::{CStr, c_char, c_int, c_uchar, c_uint, c_ulonglong, c_ushort, c_void};

use tilewright_ffi::sys::*;

use super::effects::{
    answer, at, enqueue, fill_log, handle, launched, may_free, may_wait, number, on_stream, parameters, put,
};
use super::state::{CURRENT, Function, INVALID_VALUE, Kind};

/// The functions, and the table of them.
macro_rules! functions {
    (
        required { $($field:ident = $symbol:literal |$state:ident $(, $arg:ident: $ty:ty)*| $body:expr;)+ }
        optional { $($o_field:ident = $o_symbol:literal |$o_state:ident $(, $o_arg:ident: $o_ty:ty)*| $o_body:expr;)+ }
    ) => {
        $(unsafe extern "C" fn $field($($arg: $ty),*) -> CUresult {
            answer($symbol, |$state| $body)
        })+
        $(unsafe extern "C" fn $o_field($($o_arg: $o_ty),*) -> CUresult {
            answer($o_symbol, |$o_state| $o_body)
        })+

        /// Every function of the fake.
        pub(crate) fn api() -> Api {
            Api {
                get_error_name,
                get_error_string,
                mem_alloc_async: None,
                mem_free_async: None,
                $($field,)+
                $($o_field: Some($o_field),)+
            }
        }
    };
}

fn text_of(code: CUresult) -> *const c_char {
    match code.0 {
        1 => c"CUDA_ERROR_INVALID_VALUE".as_ptr(),
        700 => c"CUDA_ERROR_ILLEGAL_ADDRESS".as_ptr(),
        _ => std::ptr::null(),
    }
}

unsafe extern "C" fn get_error_name(code: CUresult, name: *mut *const c_char) -> CUresult {
    CUresult(put(name, text_of(code)).err().unwrap_or(0))
}

unsafe extern "C" fn get_error_string(code: CUresult, text: *mut *const c_char) -> CUresult {
    CUresult(put(text, text_of(code)).err().unwrap_or(0))
}

functions! {
    required {
        init = "cuInit" |_state, flags: c_uint| if flags == 0 { Ok(()) } else { Err(INVALID_VALUE) };
        driver_get_version = "cuDriverGetVersion" |_state, version: *mut c_int| put(version, 12_040);
        device_get_count = "cuDeviceGetCount" |_state, count: *mut c_int| put(count, 2);
        device_get = "cuDeviceGet" |_state, device: *mut CUdevice, ordinal: c_int| match ordinal {
            0 | 1 => put(device, ordinal),
            _ => Err(101),
        };
        // As long as the caller allows, and no zero at the end: a driver should not, but who knows.
        device_get_name = "cuDeviceGetName" |_state, name: *mut c_char, length: c_int, _device: CUdevice| {
            (0..length as usize).try_for_each(|index| put(name.wrapping_add(index), b'n' as c_char))
        };
        device_total_mem = "cuDeviceTotalMem_v2" |_state, bytes: *mut usize, _device: CUdevice| put(bytes, 1 << 30);
        device_get_attribute = "cuDeviceGetAttribute"
            |_state, value: *mut c_int, attribute: CUdevice_attribute, _device: CUdevice| match attribute.0 {
                75 => put(value, 9),
                76 => put(value, 0),
                _ => Err(INVALID_VALUE),
            };
        device_primary_ctx_retain = "cuDevicePrimaryCtxRetain" |state, context: *mut CUcontext, device: CUdevice| {
            let (mut raw, retained) = state.primary[device as usize];
            if retained == 0 {
                raw = state.create(Kind::Context);
            }
            state.primary[device as usize] = (raw, retained + 1);
            put(context, handle(raw))
        };
        device_primary_ctx_release = "cuDevicePrimaryCtxRelease_v2" |state, device: CUdevice| {
            let (raw, retained) = state.primary[device as usize];
            state.primary[device as usize].1 = retained.saturating_sub(1);
            match retained {
                0 => state.check(0, Kind::Context),
                1 => state.destroy(raw, Kind::Context),
                _ => Ok(()),
            }
        };
        device_primary_ctx_get_state = "cuDevicePrimaryCtxGetState"
            |_state, _device: CUdevice, _flags: *mut c_uint, _active: *mut c_int| Err(801);
        ctx_set_current = "cuCtxSetCurrent" |state, context: CUcontext| {
            if !context.is_null() {
                state.check(number(context), Kind::Context)?;
            }
            CURRENT.set(number(context));
            Ok(())
        };
        ctx_get_current = "cuCtxGetCurrent" |_state, context: *mut CUcontext| put(context, handle(CURRENT.get()));
        ctx_push_current = "cuCtxPushCurrent_v2" |_state, _context: CUcontext| Err(801);
        ctx_pop_current = "cuCtxPopCurrent_v2" |_state, _context: *mut CUcontext| Err(801);
        ctx_get_device = "cuCtxGetDevice" |_state, _device: *mut CUdevice| Err(801);
        ctx_synchronize = "cuCtxSynchronize" |state| {
            state.check_context()?;
            state.perform(|_| true);
            Ok(())
        };

        mem_alloc = "cuMemAlloc_v2" |state, address: *mut CUdeviceptr, bytes: usize| {
            state.check_context()?;
            if bytes == 0 {
                return Err(INVALID_VALUE);
            }
            if bytes > 1 << 30 {
                return Err(2);
            }
            let start = 0x7000_0000_0000 + state.create(Kind::DeviceMemory) * 0x1_0000_0000;
            let raw = start;
            state.device.insert(raw, vec![0xCB; bytes]);
            put(address, raw)
        };
        mem_free = "cuMemFree_v2" |state, address: CUdeviceptr| {
            state.check_context()?;
            may_free(state)?;
            state.perform(|_| true);
            if state.device.remove(&address).is_none() {
                return state.check(address, Kind::DeviceMemory);
            }
            state.destroy((address - 0x7000_0000_0000) / 0x1_0000_0000, Kind::DeviceMemory)
        };
        mem_get_info = "cuMemGetInfo_v2" |state, free: *mut usize, total: *mut usize| {
            state.check_context()?;
            put(free, 1 << 29)?;
            put(total, 1 << 30)
        };
        mem_host_alloc = "cuMemHostAlloc" |state, start: *mut *mut c_void, bytes: usize, _flags: c_uint| {
            state.check_context()?;
            let mut memory = vec![0xCB; bytes];
            let address = memory.as_mut_ptr();
            state.pinned.insert(address.expose_provenance(), memory);
            state.add(address as u64, Kind::PinnedMemory);
            put(start, address.cast())
        };
        mem_free_host = "cuMemFreeHost" |state, start: *mut c_void| {
            state.check_context()?;
            may_free(state)?;
            state.destroy(start as u64, Kind::PinnedMemory)?;
            let memory = state.pinned.remove(&start.addr()).ok_or(INVALID_VALUE)?;
            let range = start.addr()..start.addr() + memory.len();
            if state.pending.iter().any(|copy| range.contains(&copy.host)) {
                state.misuse.push("pinned memory freed while it is copied".to_owned());
                state.pending.retain(|copy| !range.contains(&copy.host));
            }
            Ok(())
        };
        memcpy_htod = "cuMemcpyHtoD_v2" |_state, _to: CUdeviceptr, _from: *const c_void, _bytes: usize| Err(801);
        memcpy_dtoh = "cuMemcpyDtoH_v2" |_state, _to: *mut c_void, _from: CUdeviceptr, _bytes: usize| Err(801);
        memcpy_dtod = "cuMemcpyDtoD_v2" |_state, _to: CUdeviceptr, _from: CUdeviceptr, _bytes: usize| Err(801);
        memcpy_htod_async = "cuMemcpyHtoDAsync_v2"
            |state, to: CUdeviceptr, from: *const c_void, bytes: usize, stream: CUstream| {
                enqueue(state, stream, from.expose_provenance(), to, bytes, true)
            };
        memcpy_dtoh_async = "cuMemcpyDtoHAsync_v2"
            |state, to: *mut c_void, from: CUdeviceptr, bytes: usize, stream: CUstream| {
                enqueue(state, stream, to.expose_provenance(), from, bytes, false)
            };
        memcpy_dtod_async = "cuMemcpyDtoDAsync_v2"
            |state, to: CUdeviceptr, from: CUdeviceptr, bytes: usize, stream: CUstream| {
                on_stream(state, stream)?;
                state.perform(|copy| copy.stream == number(stream));
                let bytes_there = state.memory(from, bytes)?.to_vec();
                state.memory(to, bytes)?.copy_from_slice(&bytes_there);
                Ok(())
            };
        memset_d8 = "cuMemsetD8_v2" |_state, _to: CUdeviceptr, _byte: c_uchar, _count: usize| Err(801);
        memset_d8_async = "cuMemsetD8Async" |state, to: CUdeviceptr, byte: c_uchar, count: usize, stream: CUstream| {
            on_stream(state, stream)?;
            state.perform(|copy| copy.stream == number(stream));
            state.memory(to, count)?.fill(byte);
            Ok(())
        };
        memset_d16_async = "cuMemsetD16Async"
            |_state, _to: CUdeviceptr, _value: c_ushort, _count: usize, _stream: CUstream| Err(801);
        memset_d32_async = "cuMemsetD32Async"
            |_state, _to: CUdeviceptr, _value: c_uint, _count: usize, _stream: CUstream| Err(801);
        pointer_get_attribute = "cuPointerGetAttribute"
            |_state, _data: *mut c_void, _attribute: CUpointer_attribute, _address: CUdeviceptr| Err(801);

        stream_create = "cuStreamCreate" |state, stream: *mut CUstream, flags: c_uint| {
            state.check_context()?;
            if flags != CU_STREAM_NON_BLOCKING {
                state.misuse.push(format!("a stream with flags {flags}"));
            }
            put(stream, handle(state.create(Kind::Stream)))
        };
        stream_create_with_priority = "cuStreamCreateWithPriority"
            |_state, _stream: *mut CUstream, _flags: c_uint, _priority: c_int| Err(801);
        stream_destroy = "cuStreamDestroy_v2" |state, stream: CUstream| {
            state.check_context()?;
            if state.capturing.contains(&number(stream)) {
                state.misuse.push("a stream destroyed while it captures".to_owned());
            }
            state.destroy(number(stream), Kind::Stream)
        };
        stream_synchronize = "cuStreamSynchronize" |state, stream: CUstream| {
            on_stream(state, stream)?;
            may_wait(state, stream)?;
            state.perform(|copy| copy.stream == number(stream));
            Ok(())
        };
        stream_query = "cuStreamQuery" |state, stream: CUstream| {
            on_stream(state, stream)?;
            may_wait(state, stream)?;
            if state.is_busy { Err(600) } else { Ok(()) }
        };
        stream_wait_event = "cuStreamWaitEvent" |state, stream: CUstream, event: CUevent, _flags: c_uint| {
            on_stream(state, stream)?;
            state.check(number(event), Kind::Event)
        };
        stream_get_ctx = "cuStreamGetCtx" |_state, _stream: CUstream, _context: *mut CUcontext| Err(801);
        stream_get_flags = "cuStreamGetFlags" |_state, _stream: CUstream, _flags: *mut c_uint| Err(801);
        stream_get_priority = "cuStreamGetPriority" |_state, _stream: CUstream, _priority: *mut c_int| Err(801);
        event_create = "cuEventCreate" |state, event: *mut CUevent, _flags: c_uint| {
            state.check_context()?;
            put(event, handle(state.create(Kind::Event)))
        };
        event_destroy = "cuEventDestroy_v2" |state, event: CUevent| {
            state.check_context()?;
            state.destroy(number(event), Kind::Event)
        };
        event_record = "cuEventRecord" |state, event: CUevent, stream: CUstream| {
            on_stream(state, stream)?;
            state.check(number(event), Kind::Event)?;
            state.events.insert(number(event), (number(stream), state.copies));
            Ok(())
        };
        event_synchronize = "cuEventSynchronize" |state, event: CUevent| {
            state.check_context()?;
            state.check(number(event), Kind::Event)?;
            let (stream, last) = state.events.get(&number(event)).copied().unwrap_or((0, 0));
            state.perform(|copy| copy.stream == stream && copy.number <= last);
            Ok(())
        };
        event_query = "cuEventQuery" |state, event: CUevent| {
            state.check_context()?;
            state.check(number(event), Kind::Event)?;
            if state.is_busy { Err(600) } else { Ok(()) }
        };
        event_elapsed_time = "cuEventElapsedTime" |state, milliseconds: *mut f32, start: CUevent, end: CUevent| {
            state.check(number(start), Kind::Event)?;
            state.check(number(end), Kind::Event)?;
            put(milliseconds, 1.5)
        };

        module_load_data = "cuModuleLoadData" |_state, _module: *mut CUmodule, _image: *const c_void| Err(801);
        module_load_data_ex = "cuModuleLoadDataEx"
            |state, module: *mut CUmodule, image: *const c_void, count: c_uint, options: *mut CUjit_option,
             values: *mut *mut c_void| {
                state.check_context()?;
                // SAFETY: text that ends with a zero: the driver's contract.
                let text = unsafe { CStr::from_ptr(image.cast()) }.to_str().map_err(|_| INVALID_VALUE)?.to_owned();
                if text.contains("refused") {
                    fill_log(count, options, values);
                    return Err(218);
                }
                let raw = state.create(Kind::Module);
                state.modules.insert(raw, text);
                put(module, handle(raw))
            };
        module_unload = "cuModuleUnload" |state, module: CUmodule| {
            state.check_context()?;
            may_free(state)?;
            state.functions.retain(|_, function| function.module != number(module));
            state.destroy(number(module), Kind::Module)
        };
        module_get_function = "cuModuleGetFunction"
            |state, function: *mut CUfunction, module: CUmodule, name: *const c_char| {
                state.check_context()?;
                state.check(number(module), Kind::Module)?;
                // SAFETY: a name that ends with a zero: the driver's contract.
                let name = unsafe { CStr::from_ptr(name) }.to_str().map_err(|_| INVALID_VALUE)?.to_owned();
                let lines = state.modules.get(&number(module)).cloned().unwrap_or_default();
                let mut words = lines.lines().map(str::split_whitespace);
                let words = words.find_map(|mut words| (words.next() == Some(&name)).then_some(words)).ok_or(500u32)?;
                let parameters = words.map(|word| word.parse().unwrap_or(0)).collect();
                let raw = 0x10_0000 + state.functions.len() as u64;
                state.functions.insert(raw, Function { module: number(module), name, parameters });
                put(function, handle(raw))
            };
        func_get_attribute = "cuFuncGetAttribute"
            |state, value: *mut c_int, _attribute: CUfunction_attribute, function: CUfunction| {
                parameters(state, function)?;
                put(value, 40)
            };
        func_set_attribute = "cuFuncSetAttribute"
            |state, function: CUfunction, _attribute: CUfunction_attribute, _value: c_int| {
                parameters(state, function).map(drop)
            };
        launch_kernel = "cuLaunchKernel"
            |state, function: CUfunction, _x: c_uint, _y: c_uint, _z: c_uint, _block_x: c_uint, _block_y: c_uint,
             _block_z: c_uint, _shared: c_uint, stream: CUstream, arguments: *mut *mut c_void,
             _extra: *mut *mut c_void| {
                on_stream(state, stream)?;
                launched(state, function, arguments, false)
            };
        occupancy_max_active_blocks = "cuOccupancyMaxActiveBlocksPerMultiprocessor"
            |state, blocks: *mut c_int, function: CUfunction, _threads: c_int, _shared: usize| {
                parameters(state, function)?;
                put(blocks, 3)
            };

        stream_begin_capture = "cuStreamBeginCapture_v2" |state, stream: CUstream, mode: CUstreamCaptureMode| {
            on_stream(state, stream)?;
            if mode != CUstreamCaptureMode::THREAD_LOCAL || state.capturing.contains(&number(stream)) {
                return Err(401);
            }
            state.capturing.push(number(stream));
            Ok(())
        };
        stream_end_capture = "cuStreamEndCapture" |state, stream: CUstream, graph: *mut CUgraph| {
            on_stream(state, stream)?;
            let stream = number(stream);
            let before = state.capturing.len();
            state.capturing.retain(|capturing| *capturing != stream);
            if state.capturing.len() == before {
                state.misuse.push("the end of a capture that never began".to_owned());
                return Err(401);
            }
            if state.spoilt.contains(&stream) {
                state.spoilt.retain(|spoilt| *spoilt != stream);
                put(graph, std::ptr::null_mut())?;
                return Err(901);
            }
            put(graph, handle(state.create(Kind::Graph)))
        };
        stream_is_capturing = "cuStreamIsCapturing"
            |_state, _stream: CUstream, _status: *mut CUstreamCaptureStatus| Err(801);
        thread_exchange_capture_mode = "cuThreadExchangeStreamCaptureMode" |state, mode: *mut CUstreamCaptureMode| {
            let before = std::mem::replace(&mut state.capture_mode, at(mode, 0));
            put(mode, before)
        };
        graph_launch = "cuGraphLaunch" |state, executable: CUgraphExec, stream: CUstream| {
            on_stream(state, stream)?;
            state.check(number(executable), Kind::Executable)
        };
        graph_destroy = "cuGraphDestroy" |state, graph: CUgraph| state.destroy(number(graph), Kind::Graph);
        graph_exec_destroy = "cuGraphExecDestroy"
            |state, executable: CUgraphExec| state.destroy(number(executable), Kind::Executable);
    }
    optional {
        func_get_param_info = "cuFuncGetParamInfo"
            |state, function: CUfunction, index: usize, offset: *mut usize, bytes: *mut usize| {
                let parameters = parameters(state, function)?;
                put(offset, parameters.iter().take(index).sum())?;
                put(bytes, *parameters.get(index).ok_or(INVALID_VALUE)?)
            };
        launch_kernel_ex = "cuLaunchKernelEx"
            |state, config: *const CUlaunchConfig, function: CUfunction, arguments: *mut *mut c_void,
             _extra: *mut *mut c_void| {
                let config = at(config, 0);
                on_stream(state, config.hStream)?;
                let attribute = at(config.attrs, 0);
                if config.numAttrs != 1 || attribute.id != CUlaunchAttributeID::CLUSTER_DIMENSION {
                    return Err(INVALID_VALUE);
                }
                launched(state, function, arguments, true)
            };
        graph_instantiate_with_flags = "cuGraphInstantiateWithFlags"
            |state, executable: *mut CUgraphExec, graph: CUgraph, _flags: c_ulonglong| {
                state.check(number(graph), Kind::Graph)?;
                put(executable, handle(state.create(Kind::Executable)))
            };
        tensor_map_encode_tiled = "cuTensorMapEncodeTiled"
            |_state, map: *mut CUtensorMap, _dtype: CUtensorMapDataType, rank: cuuint32_t, start: *mut c_void,
             _extents: *const cuuint64_t, _strides: *const cuuint64_t, _box: *const cuuint32_t,
             steps: *const cuuint32_t, _interleave: CUtensorMapInterleave, _swizzle: CUtensorMapSwizzle,
             _promotion: CUtensorMapL2promotion, _fill: CUtensorMapFloatOOBfill| {
                if (0..rank as usize).any(|index| at(steps, index) != 1) {
                    return Err(INVALID_VALUE);
                }
                put(map, CUtensorMap { opaque: [start.addr() as u64; 16] })
            };
    }
}
