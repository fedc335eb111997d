//! Bad usage, bad input and what is not modelled.

use super::stage::{Folder, kernel, line, program, twin};

const SAXPY: &str = "check FILE --grid 4 --block 32";

#[test]
fn bad_usage_and_bad_arguments_exit_with_two_and_say_why() {
    let folder = Folder::new();
    let input = folder.tensors("in.safetensors", &[("x", &[1.0; 100])]);
    let input = input.to_str().unwrap();
    let broken = folder.write("broken.safetensors", b"not tensors");
    let good = "--arg f32:1 zeros:x:400 zeros:y:400 s32:100";
    let cases = [
        (format!("{SAXPY} --arg f32:1 zeros:x:400"), "`saxpy` has 4 parameters"),
        (SAXPY.to_owned(), "0 arguments were given"),
        (
            format!("{SAXPY} --arg f32:1 zeros:x:400 s32:1 s32:100"),
            "argument `s32:1` for the parameter `param_2` of 8 bytes",
        ),
        (
            format!("{SAXPY} --arg f64:1 zeros:x:400 zeros:y:400 s32:100"),
            "argument `f64:1` for the parameter `param_0` of 4 bytes",
        ),
        (format!("{SAXPY} --arg f32:1 buf:x buf:y s32:100"), "`buf:x`: no tensor of the input"),
        (
            format!("{SAXPY} --arg f32:1 buf:x buf:y s32:100 --input {input}"),
            "`buf:y`: no tensor of the input and no earlier buffer is called so; there are x",
        ),
        (format!("{SAXPY} --arg f32:1 zeros:x:4 zeros:x:4 s32:100"), "`zeros:x`: an earlier buffer is called so"),
        (
            format!("{SAXPY} --arg f32:1 zeros:x:99999999999999999 zeros:y:4 s32:100"),
            "buffer `x`: 99999999999999999 bytes wanted",
        ),
        (format!("{SAXPY} --arg f32:1 buf:x buf:x s32:1 --input {}", broken.display()), "broken.safetensors: "),
        (format!("{SAXPY} --arg f32:1 buf:x buf:x s32:1 --input /nowhere"), "/nowhere: "),
        (format!("{SAXPY} {good} --output /nowhere/out"), "/nowhere/out: "),
        (format!("{SAXPY} {good} --kernel other"), "the kernels are saxpy; name one by --kernel"),
        (format!("{SAXPY} {good} --arch sm_70"), "wanted sm_80, sm_86, sm_89 or sm_90"),
        (format!("{SAXPY} {good} --seeds 0"), "0 is not in 1.."),
        (format!("check FILE --grid 0 --block 32 {good}"), "grid 0 x 1 x 1 is not possible"),
        (format!("check FILE --grid 1 --block 1025 {good}"), "block 1025 x 1 x 1 is not possible"),
        (format!("check FILE --grid 1,2,3,4 --block 32 {good}"), "at most three numbers"),
        (format!("check FILE --grid x --block 32 {good}"), "`x`: invalid digit"),
        (format!("{SAXPY} {good} --shared 999999999"), "bytes of shared memory, a block can have"),
        (format!("check FILE --grid 1 {good}"), "--block"),
        ("dance FILE".to_owned(), "unrecognized subcommand"),
    ];
    for (words, wanted) in &cases {
        let ended = line(&twin("saxpy"), words);
        assert_eq!(ended.code, 2, "{words}: {ended:?}");
        assert!(ended.error.contains(wanted), "{words}: {}", ended.error);
    }
    for argument in [
        "f32",
        "f32:",
        "f32:x",
        "u32:-1",
        "u32:4294967296",
        "s32:2147483648",
        "u64:0xg",
        "zeros:x",
        "zeros::4",
        "zeros:x:-1",
        "buf:",
        "i8:1",
        "",
    ] {
        let ended =
            program(&["check", twin("saxpy").to_str().unwrap(), "--grid", "1", "--block", "1", "--arg", argument]);
        assert_eq!(ended.code, 2, "{argument}: {ended:?}");
    }
}

#[test]
fn a_text_that_is_no_kernel_of_ours_exits_with_two() {
    let folder = Folder::new();
    let texts = [
        ("", "line 1: expected a .target directive"),
        ("not PTX at all", "line 1: "),
        (&kernel("    add.u32 %r1, %r1, %r99;\n"), "line 17: `%r99` is not declared"),
        (&kernel("").replace("}", ""), "expected"),
        (".version 7.0\n.target sm_80\n.address_size 64\n", "there is no kernel"),
    ];
    for (text, wanted) in texts {
        let file = folder.write("kernel.ptx", text);
        let ended = line(&file, "check FILE --grid 1 --block 32 --arg zeros:x:4 --json");
        assert_eq!(ended.code, 2, "{text}: {ended:?}");
        assert!(ended.error.contains(wanted), "{text}: {}", ended.error);
        assert_eq!(ended.json()["verdict"], "bad-input");
    }
    let newer = folder.write("kernel.ptx", kernel("").replace("sm_80", "sm_90").replace("7.0", "8.0"));
    let ended = line(&newer, "check FILE --grid 1 --block 32 --arg zeros:x:4 --arch sm_80");
    assert_eq!(
        (ended.code, ended.error.contains("the module is written for sm_90, which sm_80 does not run")),
        (2, true)
    );
    let missing = folder.path("missing.ptx");
    assert_eq!(line(&missing, "check FILE --grid 1 --block 32").code, 2);
    let bytes = folder.write("bytes.ptx", [0xFF, 0xFE, 0x00]);
    assert_eq!(line(&bytes, "check FILE --grid 1 --block 32").code, 2);
}

#[test]
fn what_is_not_modelled_exits_with_three_and_is_told_by_line() {
    let folder = Folder::new();
    for command in ["run", "check", "stats"] {
        let ended = line(&twin("product_wmma"), &format!("{command} FILE --grid 1 --block 32 --json"));
        assert_eq!(ended.code, 3, "{ended:?}");
        assert!(ended.error.contains("line 33: unsupported instruction `wmma.load.a"), "{ended:?}");
        let json = ended.json();
        assert_eq!((&json["verdict"], &json["places"][0]["line"]), (&"incomplete".into(), &33.into()));
    }
    let file = folder.write("kernel.ptx", kernel("    isspacep.const %p0, %rd0;\n"));
    let ended = line(&file, "check FILE --grid 1 --block 32 --arg zeros:x:4 --json");
    assert_eq!(ended.code, 3, "{ended:?}");
    let wanted = serde_json::json!([{ "line": 17, "instruction": "isspacep.const %p0, %rd0;" }]);
    assert_eq!(ended.json()["places"], wanted);
    // A text that is wrong besides is wrong.
    let file = folder.write("kernel.ptx", kernel("    isspacep.const %p0, %rd0;\n    add.u32 %r1, %r1, %r99;\n"));
    assert_eq!(line(&file, "check FILE --grid 1 --block 32 --arg zeros:x:4").code, 2);
}
