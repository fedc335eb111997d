// 512 keys sorted by one block of 256 threads.
extern "C" __global__ void sort_bitonic(int* keys) {
    __shared__ int s[512];
    s[threadIdx.x] = keys[threadIdx.x];
    s[threadIdx.x + 256] = keys[threadIdx.x + 256];
    for (int size = 2; size <= 512; size *= 2) {
        for (int stride = size / 2; stride > 0; stride /= 2) {
            __syncthreads();
            int at = 2 * threadIdx.x - (threadIdx.x & (stride - 1));
            bool up = (at & size) == 0;
            int a = s[at], b = s[at + stride];
            if ((a > b) == up) { s[at] = b; s[at + stride] = a; }
        }
    }
    __syncthreads();
    keys[threadIdx.x] = s[threadIdx.x];
    keys[threadIdx.x + 256] = s[threadIdx.x + 256];
}
