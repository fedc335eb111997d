// Inclusive sums inside a block, two buffers by turns.
extern "C" __global__ void scan_block(const unsigned* x, unsigned* y) {
    __shared__ unsigned buffer[2][256];
    int t = threadIdx.x, from = 0;
    buffer[0][t] = x[blockIdx.x * 256 + t];
    __syncthreads();
    for (int step = 1; step < 256; step *= 2) {
        buffer[1 - from][t] = buffer[from][t] + (t >= step ? buffer[from][t - step] : 0);
        from = 1 - from;
        __syncthreads();
    }
    y[blockIdx.x * 256 + t] = buffer[from][t];
}
