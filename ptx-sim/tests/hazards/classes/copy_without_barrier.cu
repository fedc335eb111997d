// Each thread waits for its own asynchronous copy and reads another thread's.
// finds race on shared
// ptx-sim check FILE --grid 1 --block 32 --arg zeros:x:512 zeros:y:128
#include <cuda_pipeline.h>
template <bool MEETS> __device__ void reverse(const int4* x, int* y) {
    __shared__ int4 tile[32];
    __pipeline_memcpy_async(&tile[threadIdx.x], &x[threadIdx.x], 16);
    __pipeline_commit();
    __pipeline_wait_prior(0);
    if (MEETS) __syncthreads();
    y[threadIdx.x] = tile[31 - threadIdx.x].x;
}
extern "C" __global__ void broken(const int4* x, int* y) { reverse<false>(x, y); }
extern "C" __global__ void mended(const int4* x, int* y) { reverse<true>(x, y); }
