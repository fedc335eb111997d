// Two buffers filled by cp.async while the other one is added up.
__device__ void fetch(int* to, const int* from) {
    unsigned at = __cvta_generic_to_shared(to);
    asm volatile("cp.async.ca.shared.global [%0], [%1], 16;" ::"r"(at), "l"(from) : "memory");
    asm volatile("cp.async.commit_group;" ::: "memory");
}
extern "C" __global__ void pipeline_async(const int* x, int* y, int tiles) {
    __shared__ __align__(16) int buffer[2][128];
    int t = threadIdx.x, sum = 0;
    fetch(&buffer[0][t * 4], x + t * 4);
    for (int tile = 0; tile < tiles; tile++) {
        if (tile + 1 < tiles) {
            fetch(&buffer[(tile + 1) & 1][t * 4], x + (tile + 1) * 128 + t * 4);
            asm volatile("cp.async.wait_group 1;" ::: "memory");
        } else {
            asm volatile("cp.async.wait_group 0;" ::: "memory");
        }
        __syncthreads();
        for (int k = 0; k < 4; k++) sum += buffer[tile & 1][(t + k * 32) % 128] * (k + 1);
        __syncthreads();
    }
    y[t] = sum;
}
