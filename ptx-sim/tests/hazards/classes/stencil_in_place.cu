// A stencil that reads its right neighbour while that one writes.
// finds race on global
// ptx-sim check FILE --grid 2 --block 32 --arg zeros:x:260 zeros:y:260
extern "C" __global__ void broken(int* x, int* y) {
    int i = blockIdx.x * 32 + threadIdx.x;
    x[i] = x[i] + x[i + 1];
}
extern "C" __global__ void mended(int* x, int* y) {
    int i = blockIdx.x * 32 + threadIdx.x;
    y[i] = x[i] + x[i + 1];
}
