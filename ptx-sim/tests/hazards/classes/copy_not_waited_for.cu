// Copies that a barrier in shared memory waits for, which the threads do not.
// finds pending-copy on shared
// finds race on shared
// finds uninitialised-memory on shared
// ptx-sim check FILE --grid 1 --block 64 --arg zeros:x:1024 --arg zeros:y:1024
#include <cooperative_groups.h>
#include <cuda/barrier>

template <bool WAITS> __device__ void turn(const int* x, int* y) {
    __shared__ cuda::barrier<cuda::thread_scope_block> barrier;
    __shared__ alignas(16) int values[256];
    auto block = cooperative_groups::this_thread_block();
    if (threadIdx.x == 0) init(&barrier, blockDim.x);
    __syncthreads();
    cuda::memcpy_async(block, values, x, cuda::aligned_size_t<16>(1024), barrier);
    auto token = barrier.arrive();
    if (WAITS) barrier.wait(std::move(token));
    for (int i = 0; i < 4; i++) y[threadIdx.x + 64 * i] = values[255 - threadIdx.x - 64 * i];
}
extern "C" __global__ void broken(const int* x, int* y) { turn<false>(x, y); }
extern "C" __global__ void mended(const int* x, int* y) { turn<true>(x, y); }
