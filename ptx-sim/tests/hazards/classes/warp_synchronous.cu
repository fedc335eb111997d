// The last steps of a sum inside one warp, as if its lanes ran in lockstep.
// finds race on shared
// ptx-sim check FILE --grid 1 --block 32 --arg zeros:y:4
extern "C" __global__ void broken(int* y) {
    __shared__ volatile int tile[64];
    tile[threadIdx.x] = threadIdx.x;
    tile[threadIdx.x + 32] = 0;
    for (int half = 16; half > 0; half /= 2) tile[threadIdx.x] += tile[threadIdx.x + half];
    if (threadIdx.x == 0) *y = tile[0];
}
extern "C" __global__ void mended(int* y) {
    __shared__ volatile int tile[64];
    tile[threadIdx.x] = threadIdx.x;
    tile[threadIdx.x + 32] = 0;
    for (int half = 16; half > 0; half /= 2) {
        __syncwarp();
        int other = tile[threadIdx.x + half];
        __syncwarp();
        tile[threadIdx.x] += other;
    }
    __syncwarp();
    if (threadIdx.x == 0) *y = tile[0];
}
