// The last block reaches past the end of the array.
// finds out-of-bounds on global
// ptx-sim check FILE --grid 4 --block 32 --arg zeros:x:400 s32:100
extern "C" __global__ void broken(int* x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    x[i] = i;
}
extern "C" __global__ void mended(int* x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] = i;
}
