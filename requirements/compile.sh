#!/bin/sh
# Compiles every .in file into its pinned .txt, for Python 3.11 and later at once.
# What only a CUDA build of torch needs is left out: torch itself pins it, and the CPU wheel has no use for it.
set -eu
cd "$(dirname "$0")"
compile() { uv pip compile -q --universal --python-version 3.11 --no-header "$@"; }
cuda=$(for name in cublas cuda-cupti cuda-nvrtc cuda-runtime cudnn-cu13 cufft cufile curand cusolver \
    cusparse cusparselt-cu13 nccl-cu13 nvjitlink nvshmem-cu13 nvtx; do printf -- '--no-emit-package nvidia-%s ' $name; done)
cuda="$cuda --no-emit-package triton --no-emit-package cuda-bindings --no-emit-package cuda-pathfinder --no-emit-package cuda-toolkit"
compile -o app.txt app.in
compile -c app.txt -o embedded.txt embedded.in
compile -c app.txt $cuda --no-emit-package setuptools -o inference.txt inference.in
compile -c app.txt -c inference.txt -c embedded.txt -o dev.txt dev.in
compile -c app.txt -c inference.txt -c dev.txt $cuda --no-emit-package setuptools -o bench.txt bench.in
