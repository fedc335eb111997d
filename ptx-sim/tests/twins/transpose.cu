// y = x transposed, tiles of 32 x 32 with a column of padding, 32 x 8 threads.
extern "C" __global__ void transpose(const float* x, float* y, int rows, int columns) {
    __shared__ float tile[32][33];
    int c = blockIdx.x * 32 + threadIdx.x;
    for (int j = threadIdx.y; j < 32; j += 8) {
        int r = blockIdx.y * 32 + j;
        if (r < rows && c < columns) tile[j][threadIdx.x] = x[r * columns + c];
    }
    __syncthreads();
    int r = blockIdx.y * 32 + threadIdx.x;
    for (int j = threadIdx.y; j < 32; j += 8) {
        int c = blockIdx.x * 32 + j;
        if (r < rows && c < columns) y[c * rows + r] = tile[threadIdx.x][j];
    }
}
