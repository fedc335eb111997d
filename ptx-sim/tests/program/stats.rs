//! `ptx-sim stats`.

use super::stage::{Folder, kernel, line, twin};

/// Lines 17 to 19: a row of words, a column of 32 words apart, and the sectors of a column in device memory.
const BODY: &str = "    st.shared.u32 [%r3], %r0;
    shl.b32 %r4, %r0, 3;
    st.global.u32 [%rd2], %r0;
";

#[test]
fn conflicts_and_sectors_are_counted_by_line() {
    let folder = Folder::new();
    let mixed = BODY.replace("shl.b32 %r4, %r0, 3", "mov.u32 %r4, %ctaid.x").replace("[%rd2], %r0", "[%rd2], %r4");
    let file = folder.write("kernel.ptx", kernel(&mixed));
    let json = line(&file, "stats FILE --grid 3 --block 64 --arg zeros:x:256 --json").json();
    // Blocks overwrite each other: a race between blocks, which is told besides.
    assert_eq!(json["verdict"], "finding");
    let file = folder.write(
        "kernel.ptx",
        kernel(&BODY.replace(
            "3;",
            "3;\n    and.b32 %r5, %r4, 255;\n    add.u32 %r5, %r1, %r5;\n    ld.shared.u32 %r6, [%r5];",
        )),
    );
    let ended = line(&file, "stats FILE --grid 1 --block 32 --arg zeros:x:128 --json");
    let json = ended.json();
    let of =
        |number: u32| json["lines"].as_array().unwrap().iter().find(|line| line["line"] == number).unwrap().clone();
    assert_eq!(
        (&of(17)["executed"], &of(17)["shared_passes"], &of(17)["bank_conflicts"]),
        (&1.into(), &1.into(), &0.into())
    );
    // Lanes i and i + 16 want the words 2i and 2(i + 16) mod 64: two words in each of sixteen banks.
    let load = of(21);
    assert_eq!(load["instruction"], "ld.shared.u32 %r6, [%r5];");
    assert_eq!((&load["shared_passes"], &load["bank_conflicts"]), (&2.into(), &1.into()));
    let store = of(22);
    assert_eq!(
        (&store["sectors"], &store["sectors_least"], &store["global_bytes"]),
        (&4.into(), &4.into(), &128.into())
    );
    assert_eq!(json["mix"]["shared"], 2);
    assert_eq!(json["mix"]["global"], 1);
    assert_eq!(json["instructions"].as_object().unwrap()["ld.shared.u32"], 1);
}

#[test]
fn the_table_says_what_each_line_did() {
    let words = "stats FILE --grid 3,2 --block 32,8 --arg zeros:x:11200 zeros:y:11200 s32:40 s32:70";
    let ended = line(&twin("transpose"), words);
    assert_eq!(ended.code, 0, "{ended:?}");
    for wanted in [
        "          2444  add.s32\n",
        "           260  global\n",
        "   132             48                                176    140  ld.global.f32 %f2, [%rd8];\n",
        "   133             48             48                             st.shared.f32 [%r162+-2112], %f2;\n",
        "   all           7468            260                 790    700  \n",
    ] {
        assert!(ended.out.contains(wanted), "{wanted}{}", ended.out);
    }
}
