// Each thread has its own stretch of an array; one loop goes one element into the next thread's.
// finds race on global
// ptx-sim check FILE --grid 2 --block 32 --arg zeros:x:1028
extern "C" __global__ void broken(int* x) {
    int first = (blockIdx.x * 32 + threadIdx.x) * 4;
    for (int i = first; i <= first + 4; i++) x[i] += i;
}
extern "C" __global__ void mended(int* x) {
    int first = (blockIdx.x * 32 + threadIdx.x) * 4;
    for (int i = first; i < first + 4; i++) x[i] += i;
}
