//! Drivers that lack functions.

use tilewright_ffi::sys::Api;
use tilewright_ffi::{Arguments, Driver, Error, Launch};
use tilewright_libcuda_sim::{Balance, Faults, Profile, Simulator};

use crate::support::{ADD, add};

#[test]
fn one_error_lists_all_required_functions_that_are_missing() {
    let absent = ["cuStreamCreate", "cuMemAllocAsync", "cuInit", "cuGraphLaunch", "cuFuncGetParamInfo"];
    let simulator = Simulator::new(Profile::Sm90).faults(Faults::new().without(&absent));
    let error = simulator.api().expect_err("not a driver");
    let Error::MissingSymbols { missing, .. } = &error else { panic!("{error:?}") };
    // In the order of the table.
    assert_eq!(*missing, ["cuInit", "cuStreamCreate", "cuGraphLaunch"]);
    assert!(missing.iter().all(|symbol| error.to_string().contains(symbol)), "{error}");
    drop(simulator);
    for signature in Api::SIGNATURES {
        let simulator = Simulator::new(Profile::Sm90).faults(Faults::new().without(&[signature.symbol]));
        match simulator.api().and_then(Driver::from_api) {
            Ok(_) => assert!(!signature.required, "{}", signature.symbol),
            Err(Error::MissingSymbols { missing, .. }) => {
                assert!(signature.required && missing == [signature.symbol], "{missing:?}");
            }
            Err(other) => panic!("{}: {other}", signature.symbol),
        }
    }
}

/// As drivers of CUDA 11.0 are.
#[test]
fn a_driver_without_any_optional_function_does_what_does_not_need_them() {
    let optional: Vec<&'static str> =
        Api::SIGNATURES.iter().filter(|signature| !signature.required).map(|signature| signature.symbol).collect();
    assert_eq!(optional.len(), 6, "{optional:?}");
    let simulator = Simulator::new(Profile::Sm80).faults(Faults::new().without(&optional));
    let context = Driver::from_api(simulator.api().unwrap()).unwrap().device(0).unwrap().primary_context().unwrap();
    let stream = context.stream().unwrap();
    // What is declared is believed.
    let function = context.load_ptx(&add()).unwrap().function("add", ADD).unwrap();
    let mut values = stream.upload(&[1.0f32, 2.0]).unwrap();
    let mut arguments = Arguments::new();
    arguments.pointer_mut(&mut values.as_slice_mut()).value(2u32).value(0.5f32);
    let launch = Launch::new([1, 1, 1], 32, 0);
    // SAFETY: two values, and two are counted.
    unsafe { function.launch(&stream, &launch, &arguments) }.unwrap();
    assert_eq!(stream.download(values.as_slice()).unwrap(), [1.5, 2.5]);
    let clustered = Launch { cluster: Some([1, 1, 1]), ..launch };
    // SAFETY: as above.
    let error = unsafe { function.launch(&stream, &clustered, &arguments) }.expect_err("no such function");
    assert!(matches!(error, Error::MissingSymbol { symbol: "cuLaunchKernelEx", .. }), "{error}");
    let graph = stream.capture(|_| Ok::<_, Error>(())).unwrap();
    let error = graph.instantiate().expect_err("no such function");
    assert!(matches!(error, Error::MissingSymbol { symbol: "cuGraphInstantiateWithFlags", .. }), "{error}");
    drop((arguments, graph, values, function, stream, context));
    assert_eq!(simulator.balance(), Balance::ZERO);
}
