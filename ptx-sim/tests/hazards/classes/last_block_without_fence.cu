// The block that counts itself last adds what the others wrote; they do not fence before they count.
// finds race on global
// ptx-sim check FILE --grid 4 --block 1 --arg zeros:parts:16 zeros:count:4 zeros:sum:4
template <bool FENCES> __device__ void add(int* parts, unsigned* count, int* sum) {
    parts[blockIdx.x] = blockIdx.x + 1;
    if (FENCES) __threadfence();
    if (atomicAdd(count, 1) == 3) {
        __threadfence();
        int total = 0;
        for (int block = 0; block < 4; block++) total += parts[block];
        *sum = total;
    }
}
extern "C" __global__ void broken(int* parts, unsigned* count, int* sum) { add<false>(parts, count, sum); }
extern "C" __global__ void mended(int* parts, unsigned* count, int* sum) { add<true>(parts, count, sum); }
