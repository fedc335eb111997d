// Exclusive sums of 64-bit numbers inside warps by shuffles.
extern "C" __global__ void scan_warp(const unsigned long long* x, unsigned long long* y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x & 31;
    unsigned long long own = x[i], sum = own;
    for (int step = 1; step < 32; step *= 2) {
        unsigned long long other = __shfl_up_sync(0xffffffff, sum, step);
        if (lane >= step) sum += other;
    }
    y[i] = sum - own;
}
