// A dot product in doubles, one atomic a warp.
extern "C" __global__ void dot_double(const double* x, const double* y, double* sum, int n) {
    double v = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) v = fma(x[i], y[i], v);
    for (int step = 16; step > 0; step /= 2) v += __shfl_down_sync(0xffffffff, v, step);
    if (threadIdx.x % 32 == 0) atomicAdd(sum, v);
}
