// A weighted sum of nine neighbours, weights in constant memory, a halo in shared memory.
__constant__ float weights[9] = {1, 2, 3, 4, 5, 4, 3, 2, 1};
extern "C" __global__ void stencil_constant(const float* x, float* y, int n) {
    __shared__ float tile[128 + 8];
    int i = blockIdx.x * 128 + threadIdx.x;
    for (int t = threadIdx.x; t < 136; t += 128) {
        int at = blockIdx.x * 128 + t - 4;
        tile[t] = at >= 0 && at < n ? x[at] : 0.0f;
    }
    __syncthreads();
    float sum = 0;
    for (int k = 0; k < 9; k++) sum += weights[k] * tile[threadIdx.x + k];
    if (i < n) y[i] = sum;
}
