//! `ptx-sim run`.

use std::path::Path;

use safetensors::tensor::SafeTensors;

use super::stage::{Folder, floats, kernel, line, program, twin};

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn buffers_come_from_the_input_and_go_to_the_output() {
    let folder = Folder::new();
    let (x, y): (Vec<f32>, Vec<f32>) = (0..100).map(|i| (i as f32, 1000.0 - i as f32)).unzip();
    let input = folder.tensors("in.safetensors", &[("x", &x), ("y", &y), ("unused", &[1.0])]);
    let output = folder.path("out.safetensors");
    let words = ["run", path(&twin("saxpy")).to_owned().leak(), "--kernel", "saxpy", "--grid", "4", "--block", "32"];
    let more =
        ["--input", path(&input), "--output", path(&output), "--arg", "f32:-1.5", "buf:x", "buf:y", "--arg", "s32:100"];
    let ended = program(&[&words[..], &more].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.starts_with("clean: saxpy on sm_80, "), "{ended:?}");
    let wanted: Vec<f32> = x.iter().zip(&y).map(|(x, y)| -1.5 * x + y).collect();
    assert_eq!(floats(&output, "y"), wanted);
    assert_eq!(floats(&output, "x"), x);
    let bytes = std::fs::read(&output).unwrap();
    // What is no argument is not written.
    assert_eq!(SafeTensors::deserialize(&bytes).unwrap().names().len(), 2);
}

#[test]
fn one_buffer_may_be_two_arguments() {
    let folder = Folder::new();
    let input = folder.tensors("in.safetensors", &[("x", &[3.0; 64])]);
    let output = folder.path("out.safetensors");
    let words = format!(
        "run FILE --grid 2 --block 32 --input {} --output {} --arg f32:2 buf:x buf:x u32:64",
        path(&input),
        path(&output)
    );
    let ended = line(&twin("saxpy"), &words);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(floats(&output, "x"), [9.0; 64]);
}

#[test]
fn numbers_of_every_type_arrive_as_they_are() {
    let folder = Folder::new();
    let text = ".version 7.0
.target sm_80
.address_size 64
.visible .entry numbers(.param .u64 out, .param .u32 a, .param .u32 b, .param .u64 c, .param .f32 d, .param .f64 e, .param .u8 f, .param .u16 g)
{
    .reg .b16 %h<2>;
    .reg .b32 %r<4>;
    .reg .b64 %rd<4>;
    ld.param.u64 %rd0, [out];
    ld.param.u32 %r0, [a];
    ld.param.u32 %r1, [b];
    ld.param.u64 %rd1, [c];
    ld.param.b32 %r2, [d];
    ld.param.b64 %rd2, [e];
    ld.param.u8 %h0, [f];
    ld.param.u16 %h1, [g];
    st.global.u32 [%rd0], %r0;
    st.global.u32 [%rd0+4], %r1;
    st.global.u64 [%rd0+8], %rd1;
    st.global.b32 [%rd0+16], %r2;
    st.global.u16 [%rd0+20], %h0;
    st.global.u16 [%rd0+22], %h1;
    st.global.b64 [%rd0+24], %rd2;
    ret;
}
";
    let file = folder.write("numbers.ptx", text);
    let output = folder.path("out.safetensors");
    let words = format!(
        "run FILE --grid 1 --block 1 --output {} --arg zeros:out:32 u32:0xfffffffe s32:-3 u64:18446744073709551615 f32:0.5 f64:-2.25 u32:200 s32:1000",
        path(&output)
    );
    let ended = line(&file, &words);
    assert_eq!(ended.code, 0, "{ended:?}");
    let bytes = std::fs::read(&output).unwrap();
    let found = SafeTensors::deserialize(&bytes).unwrap().tensor("out").unwrap().data().to_vec();
    let wanted = [
        &0xFFFF_FFFEu32.to_le_bytes()[..],
        &(-3i32).to_le_bytes(),
        &u64::MAX.to_le_bytes(),
        &0.5f32.to_le_bytes(),
        &200u16.to_le_bytes(),
        &1000u16.to_le_bytes(),
        &(-2.25f64).to_le_bytes(),
    ];
    assert_eq!(found, wanted.concat());
}

#[test]
fn a_kernel_with_a_hazard_exits_with_one_and_still_writes() {
    let folder = Folder::new();
    let file = folder.write("kernel.ptx", kernel("    st.global.u32 [%rd0], %r0;\n"));
    let output = folder.path("out.safetensors");
    let words = format!("run FILE --grid 1 --block 32 --output {} --arg zeros:x:4 --json", path(&output));
    let ended = line(&file, &words);
    assert_eq!(ended.code, 1, "{ended:?}");
    let json = ended.json();
    assert_eq!((&json["verdict"], &json["findings"][0]["kind"]), (&"finding".into(), &"race".into()));
    assert!(output.exists());
}

#[test]
fn the_chip_is_the_oldest_that_runs_the_text_or_the_one_named() {
    let folder = Folder::new();
    for (target, arch, wanted) in
        [("sm_80", "", "sm_80"), ("sm_89", "", "sm_89"), ("sm_90a", "", "sm_90"), ("sm_80", "--arch sm_86", "sm_86")]
    {
        let file = folder.write("kernel.ptx", kernel("").replace("sm_80", target).replace("7.0", "8.0"));
        let ended = line(&file, &format!("run FILE --grid 1 --block 32 --arg zeros:x:4 {arch} --json"));
        assert_eq!(ended.json()["arch"], wanted, "{ended:?}");
    }
}

#[test]
fn a_kernel_is_loaded_whatever_its_neighbours_have() {
    let folder = Folder::new();
    let other = ".visible .entry other(.param .u64 x) { wgmma.fence.sync.aligned; ret; }\n.func help() { wgmma.fence.sync.aligned; ret; }\n";
    let calls = ".visible .entry calls(.param .u64 x) { call help, (); ret; }\n";
    let file = folder.write("kernel.ptx", format!("{}{other}{calls}", kernel("    st.global.u32 [%rd2], %r0;\n")));
    let run =
        |name: &str| line(&file, &format!("run FILE --kernel {name} --grid 1 --block 32 --arg zeros:x:128 --json"));
    assert_eq!(run("kernel").json()["verdict"], "clean");
    assert_eq!(run("other").json()["verdict"], "incomplete");
    assert_eq!(run("calls").json()["verdict"], "incomplete");
    assert!(run("missing").json()["message"].as_str().is_some());
}
