// A barrier that half of a warp reaches.
// finds divergence
// ptx-sim check FILE --grid 1 --block 64 --arg zeros:y:256
extern "C" __global__ void broken(int* y) {
    __shared__ int tile[64];
    if (threadIdx.x < 48) {
        tile[threadIdx.x] = threadIdx.x;
        __syncthreads();
        y[threadIdx.x] = tile[47 - threadIdx.x];
    }
}
extern "C" __global__ void mended(int* y) {
    __shared__ int tile[64];
    if (threadIdx.x < 48) tile[threadIdx.x] = threadIdx.x;
    __syncthreads();
    if (threadIdx.x < 48) y[threadIdx.x] = tile[47 - threadIdx.x];
}
