// A plain read looks whether an atomic is worth it, while others' atomics write.
// finds race on global
// ptx-sim check FILE --grid 4 --block 32 --arg zeros:largest:4
extern "C" __global__ void broken(int* largest) {
    int own = blockIdx.x * 32 + threadIdx.x;
    if (*largest < own) atomicMax(largest, own);
}
extern "C" __global__ void mended(int* largest) {
    int own = blockIdx.x * 32 + threadIdx.x;
    if (*(volatile int*)largest < own) atomicMax(largest, own);
}
