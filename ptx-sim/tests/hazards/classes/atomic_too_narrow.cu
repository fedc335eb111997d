// Blocks count in one place with atomics that are atomic inside a block only.
// finds race on global
// ptx-sim check FILE --grid 4 --block 32 --arg zeros:count:4
extern "C" __global__ void broken(int* count) { atomicAdd_block(count, 1); }
extern "C" __global__ void mended(int* count) { atomicAdd(count, 1); }
