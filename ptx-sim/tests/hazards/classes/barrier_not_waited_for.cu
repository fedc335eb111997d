// Threads arrive at a barrier in shared memory, and read what others wrote before they have waited.
// finds race on shared
// ptx-sim check FILE --grid 1 --block 64 --arg zeros:x:256 --arg zeros:y:256
#include <cuda/barrier>

template <bool WAITS> __device__ void turn(const int* x, int* y) {
    __shared__ cuda::barrier<cuda::thread_scope_block> barrier;
    __shared__ int values[64];
    if (threadIdx.x == 0) init(&barrier, blockDim.x);
    __syncthreads();
    values[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    values[threadIdx.x] += 1;
    auto token = barrier.arrive();
    if (WAITS) barrier.wait(std::move(token));
    y[threadIdx.x] = values[63 - threadIdx.x];
}
extern "C" __global__ void broken(const int* x, int* y) { turn<false>(x, y); }
extern "C" __global__ void mended(const int* x, int* y) { turn<true>(x, y); }
