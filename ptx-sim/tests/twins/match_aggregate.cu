// Counts a key once for all lanes that have it.
extern "C" __global__ void match_aggregate(const int* keys, int* counts, int* all_same) {
    int key = keys[blockIdx.x * blockDim.x + threadIdx.x];
    unsigned same = __match_any_sync(0xffffffff, key);
    int lane = threadIdx.x & 31;
    if (lane == __ffs(same) - 1) atomicAdd(&counts[key], __popc(same));
    int agree;
    __match_all_sync(0xffffffff, key, &agree);
    if (agree && lane == 0) atomicAdd(all_same, 1);
}
