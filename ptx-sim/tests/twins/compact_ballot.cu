// Elements that are not zero, in order inside each warp, at a place that an atomic gives.
extern "C" __global__ void compact_ballot(const int* x, int* y, int* count, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x & 31;
    int v = i < n ? x[i] : 0;
    unsigned chosen = __ballot_sync(0xffffffff, v != 0);
    int start = 0;
    if (lane == 0) start = atomicAdd(count, __popc(chosen));
    start = __shfl_sync(0xffffffff, start, 0);
    if (v != 0) y[start + __popc(chosen & ((1u << lane) - 1))] = v;
}
