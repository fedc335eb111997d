//! What compilers print around memory accesses: values thrown away, cache hints and policies.

use crate::support::kernel::{bytes, launch, run, words};
use tilewright_ptx_sim::Options;

/// Address of the thread's four words of the input in `%rd3`, and of its words of the output in `%rd4`.
const PLACES: &str = "mul.wide.u32 %rd3, %r1, 16;\nadd.u64 %rd4, %rd2, %rd3;\nadd.u64 %rd3, %rd1, %rd3;\n";

#[test]
fn a_value_thrown_away_leaves_the_others() {
    let input = bytes((0..128).map(|word| 0x0101_0000 * (word + 1) + word));
    let body = format!(
        "{PLACES}ld.global.v4.b32 {{%r3, _, _, %r4}}, [%rd3];\nld.global.v2.b64 {{_, %rd5}}, [%rd3];\nmov.b64 {{_, %r5}}, %rd5;\n\
         mov.b32 {{%h1, _}}, %r4;\nmov.b32 {{_, %h2}}, %r3;\nmov.b32 %r6, {{%h1, %h2}};\natom.global.exch.b32 _, [%rd4], %r3;\n\
         atom.global.add.u32 _, [%rd4], 5;\nst.global.b32 [%rd4+4], %r4;\nst.global.b32 [%rd4+8], %r5;\nst.global.b32 [%rd4+12], %r6;"
    );
    let given = words(&input);
    let wanted: Vec<u32> = given
        .chunks_exact(4)
        .flat_map(|w| [w[0].wrapping_add(5), w[3], w[3], w[3] & 0xFFFF | w[0] & 0xFFFF_0000])
        .collect();
    assert_eq!(words(&run(&body, 32, &input, 512)), wanted);
}

/// Hints change no value.
#[test]
fn hints_and_policies_change_nothing() {
    let input = bytes((0..128).map(|word| word * 0x0101_0101));
    let body = format!(
        "{PLACES}createpolicy.fractional.L2::evict_last.L2::evict_unchanged.b64 %rd5, 0.5;\n\
         createpolicy.range.global.L2::evict_last.L2::evict_first.b64 %rd6, [%rd1], %r1, 512;\ncreatepolicy.cvt.L2.b64 %rd7, 1;\n\
         prefetch.global.L2::evict_last [%rd3];\nprefetch.local.L1 [%rd3];\nprefetchu.L1 [%rd3];\napplypriority.global.L2::evict_normal [%rd1], 128;\npmevent 3;\n\
         ld.global.nc.L1::no_allocate.L2::cache_hint.b32 %r3, [%rd3], %rd5;\nldu.global.b32 %r4, [%rd1+508];\nld.mmio.relaxed.sys.global.b32 %r5, [%rd3+8];\n\
         st.global.L1::no_allocate.L2::cache_hint.b32 [%rd4], %r3, %rd6;\nst.global.wt.b32 [%rd4+4], %r4;\nst.mmio.relaxed.sys.global.b32 [%rd4+8], %r5;\n\
         red.global.add.L2::cache_hint.u32 [%rd4+12], %r3, %rd7;\natom.global.add.L2::cache_hint.u32 %r6, [%rd4+12], %r4, %rd7;"
    );
    let given = words(&input);
    let wanted: Vec<u32> =
        given.chunks_exact(4).flat_map(|w| [w[0], given[127], w[2], w[0].wrapping_add(given[127])]).collect();
    assert_eq!(words(&run(&body, 32, &input, 512)), wanted);
}

/// `cp.async` reads nothing where its predicate holds, not even from where nothing is.
#[test]
fn a_copy_that_is_ignored_fills_with_zeros() {
    let input = bytes((0..32).map(|word| word + 1));
    for (negate, last) in [("", 15), ("!", 16)] {
        let body = format!(
            "mul.wide.u32 %rd3, %r1, 4;\nadd.u64 %rd4, %rd2, %rd3;\nadd.u64 %rd3, %rd1, %rd3;\nshl.b32 %r3, %r1, 2;\nadd.u32 %r3, %r2, %r3;\n\
             setp.gt.u32 %p1, %r1, 15;\nsetp.eq.u32 %p2, %r1, {};\nselp.b64 %rd3, 64, %rd3, %p2;\n\
             cp.async.ca.shared.global [%r3], [%rd3], 4, {negate}%p1;\ncp.async.wait_all;\nld.shared.b32 %r4, [%r3];\nst.global.b32 [%rd4], %r4;",
            if negate.is_empty() { 31 } else { 0 }
        );
        let wanted: Vec<u32> = (0..32).map(|lane| if (lane >= 16) == (last == 15) { 0 } else { lane + 1 }).collect();
        assert_eq!(words(&run(&body, 32, &input, 128)), wanted, "{body}");
    }
}

/// The names of what is found, each once.
fn found(body: &str, threads: u32) -> Vec<&'static str> {
    let outcome = launch(body, threads, &[7; 4096], 4096, &Options::DEFAULT).0;
    let mut names: Vec<_> = outcome.report.findings.iter().map(|finding| finding.kind.name()).collect();
    names.dedup();
    names
}

/// A line that was discarded holds nothing until it is written again.
#[test]
fn what_is_discarded_is_undefined() {
    let store = "mov.u32 %r3, 5;\n@%p1 st.global.b32 [%rd2], %r3;";
    let first = "setp.eq.u32 %p1, %r1, 0;\n@%p1 discard.global.L2 [%rd2], 128;";
    let load = "@%p1 ld.global.b32 %r4, [%rd2+OFFSET];\n@%p1 st.global.b32 [%rd2+1024], %r4;";
    let body = |parts: &[&str], offset: &str| parts.join("\n").replace("OFFSET", offset);
    assert_eq!(found(&body(&[first, load], "0"), 32), ["uninitialised-memory"]);
    assert_eq!(found(&body(&[first, load], "124"), 32), ["uninitialised-memory"]);
    assert_eq!(found(&body(&[first, load], "128"), 32), [""; 0]);
    assert_eq!(found(&body(&[first, store, load], "0"), 32), [""; 0]);
    assert_eq!(found(&body(&[first, store, load], "4"), 32), ["uninitialised-memory"]);
    // Only whole lines, inside memory of the device.
    assert_eq!(found("add.u64 %rd3, %rd2, 64;\ndiscard.global.L2 [%rd3], 128;", 1), ["misaligned"]);
    assert_eq!(found("discard.global.L2 [%rd2+4096], 128;", 1), ["out-of-bounds"]);
    assert_eq!(
        found("cvt.u64.u32 %rd3, %r2;\ncvta.shared.u64 %rd3, %rd3;\ndiscard.L2 [%rd3], 128;", 1),
        ["out-of-bounds"]
    );
}

/// It is a write, which other threads' accesses must be ordered with; threads that discard a line by one instruction do so
/// once.
#[test]
fn a_discard_races() {
    assert_eq!(found("discard.global.L2 [%rd2], 128;", 32), [""; 0]);
    assert_eq!(found("discard.global.L2 [%rd2], 128;", 64), [""; 0]);
    let own = "mul.wide.u32 %rd3, %r1, 4;\nadd.u64 %rd3, %rd2, %rd3;\nst.global.b32 [%rd3], %r1;";
    let discard = "setp.eq.u32 %p1, %r1, 0;\n@%p1 discard.global.L2 [%rd2], 128;";
    assert_eq!(found(&format!("{own}\n{discard}"), 32), ["race"]);
    assert_eq!(found(&format!("{own}\nbar.sync 0;\n{discard}"), 32), [""; 0]);
}
