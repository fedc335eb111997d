// Threads add to one place with a load and a store.
// finds race on global
// ptx-sim check FILE --grid 2 --block 32 --arg zeros:sum:4
extern "C" __global__ void broken(int* sum) { *sum += threadIdx.x; }
extern "C" __global__ void mended(int* sum) { atomicAdd(sum, threadIdx.x); }
