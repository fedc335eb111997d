// Largest element by shuffles, a grid-stride loop and one atomic a block.
__device__ float warp_max(float v) {
    for (int step = 16; step > 0; step /= 2) v = fmaxf(v, __shfl_xor_sync(0xffffffff, v, step));
    return v;
}
extern "C" __global__ void reduce_shuffle(const float* x, int* max_bits, int n) {
    __shared__ float part[32];
    float v = 0.0f;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) v = fmaxf(v, x[i]);
    v = warp_max(v);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = v;
    __syncthreads();
    if (threadIdx.x < 32) {
        v = threadIdx.x < blockDim.x / 32 ? part[threadIdx.x] : 0.0f;
        v = warp_max(v);
        // Bits of floats that are not negative are ordered as integers.
        if (threadIdx.x == 0) atomicMax(max_bits, __float_as_int(v));
    }
}
