// y = m x, one warp a row, vectors of four through the read-only cache.
extern "C" __global__ void row_product(const float4* __restrict__ m, const float4* __restrict__ x, float* y, int quads) {
    int row = blockIdx.x * blockDim.y + threadIdx.y;
    float sum = 0;
    for (int q = threadIdx.x; q < quads; q += 32) {
        float4 a = __ldg(&m[row * quads + q]), b = __ldg(&x[q]);
        sum += a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w;
    }
    for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffff, sum, step);
    if (threadIdx.x == 0) y[row] = sum;
}
