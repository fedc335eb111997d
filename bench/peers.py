#!/usr/bin/env python3
"""Times what a user would pick instead of this project, and puts it beside our own times. docs/bench.md describes the files.

    showcase bench --json ours.json
    python3 bench/peers.py --ours ours.json --json peers.json --ratios ratios.md ratios.json
    python3 bench/peers.py --ours ours.json --json peers.json --ratios ratios.md --merge-only     # no GPU, no torch

The peers need torch and a GPU; each further one is left out with a row that says why if it does not import, fails, gives wrong results or takes
too long. Exit status: 0; 2 if the files do not belong together or there is no torch.
"""

import argparse
import json
import os
import subprocess
import sys
import time

import ratios
import record


def main():
    options = arguments()
    if not options.merge_only:
        try:
            time_peers(options)
        except ValueError as error:
            return fail(error)
        except ImportError as error:
            return fail(f"the peers need torch ({error}); --merge-only merges two files without it")
    if options.ours and options.ratios:
        try:
            merged = ratios.merge(read(options.ours), read(options.json))
        except (ratios.Mismatch, OSError, ValueError) as error:
            return fail(error)
        for path in options.ratios:
            if path.endswith(".json"):
                record.write_json(path, merged)
            else:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(ratios.markdown(merged))
        for (operation, variant), line in ratios.summary(merged).items():
            mean = f"{line['mean']:.2f}" if line["mean"] is not None else "none"
            print(f"{operation}, {variant}: mean ratio {mean}; faster {line['faster']}, equal {line['equal']}, slower {line['slower']}")
    return 0


def fail(reason):
    print(f"error: {reason}", file=sys.stderr)
    return 2


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("operations", metavar="OP", nargs="*", help="only these operations, as `showcase list` names them")
    parser.add_argument("--json", metavar="PEERS.json", help="the peers' times: written, or read with --merge-only")
    parser.add_argument("--ours", metavar="OURS.json", help="what `showcase bench --json` wrote on the same card")
    parser.add_argument("--ratios", nargs="+", metavar="FILE", help="the ratios, as .json or as a Markdown page")
    parser.add_argument("--merge-only", action="store_true", help="time nothing")
    parser.add_argument("--peers", nargs="+", default=(), metavar="PEER", help="only these peers, as the rows name them")
    parser.add_argument("--warm", type=float, metavar="S", help="first compile what compiles, all at once, for S seconds: fills caches on disk")
    parser.add_argument("--compile-only", action="store_true", help="call each peer once and time nothing")
    parser.add_argument("--budget", type=float, default=60, metavar="S", help="seconds for a peer in an operation (60)")
    parser.add_argument("--case-limit", type=float, default=40, metavar="S", help="seconds for a peer at one shape (40)")
    parser.add_argument("--limit", type=float, default=1800, metavar="S", help="seconds in all, after which no case is begun (1800)")
    options = parser.parse_args()
    if options.merge_only and not (options.ours and options.ratios):
        parser.error("--merge-only needs --ours and --ratios")
    if not options.json and not options.compile_only:
        parser.error("--json is needed")
    return options


def time_peers(options):
    import torch

    import attention
    import products
    import rows
    import timing

    operations = products.OPERATIONS | attention.OPERATIONS | rows.OPERATIONS
    unknown = [name for name in options.operations if name not in operations]
    if unknown:
        raise ValueError(f"no operation {', '.join(unknown)}; there are {', '.join(operations)}")
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    head = {"device": torch.cuda.get_device_name(0), "versions": versions(torch)}
    chosen = {name: run for name, run in operations.items() if not options.operations or name in options.operations}
    if options.warm:
        warm(chosen, options.warm, options.peers)
    limits = (options.budget, options.limit, options.case_limit, options.peers)
    if options.compile_only:
        kept = record.Record(None, head, timing.once, *limits)
    else:
        kept = record.Record(options.json, head, timing.measure, *limits)
    for run in chosen.values():
        run(kept)
    kept.write()


# Peers that compile on first use, all with caches on disk, and where.
COMPILING = {
    "humming": ("matmul-int8", "matmul-w8a16", "matmul-int4", "qkv-int8", "qkv-int4"),
    "gemlite": ("matmul-int4", "qkv-int4"),
    "torch.compile": ("matmul-int8", "softmax", "rms-norm", "layer-norm", "reduce-sum", "reduce-max", "reduce-min"),
    "Liger": ("rms-norm",),
}
# For importing torch many times at once, and to end.
START_SECONDS = 30


def warm(operations, seconds, peers):
    """A process for each operation and compiling peer, all at once; none begins a case after so many seconds."""
    environment = os.environ | {"TORCHINDUCTOR_COMPILE_THREADS": "1"}
    started = []
    for peer, names in COMPILING.items():
        for name in names:
            if name in operations and (not peers or peer in peers):
                command = [sys.executable, __file__, name, "--compile-only", "--peers", peer]
                command += ["--budget", str(seconds), "--limit", str(seconds)]
                started.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    end = time.monotonic() + seconds + START_SECONDS
    for process in started:
        try:
            process.wait(max(0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def versions(torch):
    from importlib import metadata

    found = {"torch": torch.__version__, "CUDA": torch.version.cuda, "cuDNN": str(torch.backends.cudnn.version())}
    for package in ("triton", "humming-kernels", "gemlite", "liger-kernel", "fa3-fwd"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            pass
    return found


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


if __name__ == "__main__":
    sys.exit(main())
