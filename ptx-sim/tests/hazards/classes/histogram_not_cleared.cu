// Shared counters that nobody sets to zero.
// finds uninitialised-memory on shared
// ptx-sim check FILE --grid 2 --block 64 --arg zeros:y:128
template <bool CLEARS> __device__ void count(int* y) {
    __shared__ int bins[16];
    if (CLEARS && threadIdx.x < 16) bins[threadIdx.x] = 0;
    __syncthreads();
    atomicAdd(&bins[threadIdx.x * 7 % 16], 1);
    __syncthreads();
    if (threadIdx.x < 16) y[blockIdx.x * 16 + threadIdx.x] = bins[threadIdx.x];
}
extern "C" __global__ void broken(int* y) { count<false>(y); }
extern "C" __global__ void mended(int* y) { count<true>(y); }
