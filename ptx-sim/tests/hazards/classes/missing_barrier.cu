// Threads read what others of the block write, with nothing between.
// finds race on shared
// finds uninitialised-memory on shared
// ptx-sim check FILE --grid 2 --block 64 --arg zeros:y:512
extern "C" __global__ void broken(int* y) {
    __shared__ int tile[64];
    tile[threadIdx.x] = threadIdx.x;
    y[blockIdx.x * 64 + threadIdx.x] = tile[63 - threadIdx.x];
}
extern "C" __global__ void mended(int* y) {
    __shared__ int tile[64];
    tile[threadIdx.x] = threadIdx.x;
    __syncthreads();
    y[blockIdx.x * 64 + threadIdx.x] = tile[63 - threadIdx.x];
}
