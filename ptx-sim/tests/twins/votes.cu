// Votes, block-wide votes and the active mask.
extern "C" __global__ void votes(const int* x, int* y) {
    int i = threadIdx.x, v = x[i];
    y[i * 4 + 0] = __all_sync(0xffffffff, v > 0) + 2 * __any_sync(0xffffffff, v > 5);
    y[i * 4 + 1] = __syncthreads_count(v > 5);
    y[i * 4 + 2] = __syncthreads_and(v > 0) + 2 * __syncthreads_or(v > 100);
    if (v > 5) y[i * 4 + 3] = __popc(__activemask());
    else y[i * 4 + 3] = 0;
}
