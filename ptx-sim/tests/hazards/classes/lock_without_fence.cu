// A lock gives its holder the sole right to a counter, and no news of what the last holder wrote.
// finds race on global
// ptx-sim check FILE --grid 4 --block 1 --arg zeros:lock:4 zeros:count:4
template <bool FENCES> __device__ void add(int* lock, int* count) {
    while (atomicCAS(lock, 0, 1) != 0) {}
    if (FENCES) __threadfence();
    *count += 1;
    if (FENCES) __threadfence();
    atomicExch(lock, 0);
}
extern "C" __global__ void broken(int* lock, int* count) { add<false>(lock, count); }
extern "C" __global__ void mended(int* lock, int* count) { add<true>(lock, count); }
