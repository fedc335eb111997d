#!/usr/bin/env bash
# Prints the PTX of the CUDA C++ in ptx-sim/tests/twins and ptx-sim/tests/hazards/classes with nvcc 13.0.88, which it takes from PyPI's wheels if there is no NVCC.
# Needs Python with pip and a host C++ compiler, no GPU. NVIDIA's files stay outside the repository.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=${TWINS_TOOLS:-${TMPDIR:-/tmp}/tilewright-nvcc-13.0}
nvcc=${NVCC:-$tools/nvidia/cu13/bin/nvcc}
if [ ! -x "$nvcc" ]; then
    mkdir -p "$tools"
    python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$tools" nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 \
        nvidia-nvvm==13.0.88 nvidia-cuda-runtime==13.0.96 nvidia-cuda-cccl==13.0.85
    for wheel in "$tools"/*.whl; do python3 -m zipfile -e "$wheel" "$tools"; done
    chmod +x "$tools"/nvidia/cu13/bin/* "$tools"/nvidia/cu13/nvvm/bin/*
fi
home=$(dirname "$(dirname "$nvcc")")
include=(-I"$home/include" -I"$home/include/cccl")
# With -lineinfo the text has .loc, .file and debug sections, as texts from build systems do; one twin is enough for that.
for source in ptx-sim/tests/twins/*.cu ptx-sim/tests/hazards/classes/*.cu; do
    line=()
    [ "$(basename "$source")" = transpose.cu ] && line=(-lineinfo)
    echo "$source"
    text=${source%.cu}.ptx
    (cd "$(dirname "$source")" && "$nvcc" -ptx -arch=sm_80 -fmad=false "${include[@]}" "${line[@]}" "$(basename "$source")" -o "$(basename "$text")")
    # Paths of the machine are nobody's business.
    sed -i 's|\(\.file\t[0-9]* "\)[^"]*/|\1|' "$text"
done
