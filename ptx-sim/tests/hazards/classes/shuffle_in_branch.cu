// A shuffle of the whole warp in a branch that half of it takes.
// finds deadlock
// ptx-sim check FILE --grid 1 --block 32 --arg zeros:y:128
extern "C" __global__ void broken(int* y) {
    int sum = threadIdx.x;
    if (threadIdx.x < 16) sum += __shfl_xor_sync(0xffffffff, sum, 1);
    __syncwarp();
    y[threadIdx.x] = sum;
}
extern "C" __global__ void mended(int* y) {
    int sum = threadIdx.x;
    if (threadIdx.x < 16) sum += __shfl_xor_sync(0x0000ffff, sum, 1);
    __syncwarp();
    y[threadIdx.x] = sum;
}
