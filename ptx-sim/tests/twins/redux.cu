// Whole-warp sums, minima and bit operations by redux, half of the warps with part of their lanes.
extern "C" __global__ void redux(const int* x, int* y) {
    int i = threadIdx.x, warp = i / 32;
    unsigned lanes = warp % 2 ? 0x0000ffff : 0xffffffff;
    if (lanes >> (i % 32) & 1) {
        int v = x[i];
        y[i * 3 + 0] = __reduce_add_sync(lanes, v);
        y[i * 3 + 1] = __reduce_min_sync(lanes, v);
        y[i * 3 + 2] = __reduce_xor_sync(lanes, (unsigned)v);
    }
}
