// Block 0 waits for what block 1 writes.
extern "C" __global__ void flag_between_blocks(int* data, volatile int* flag, int* out) {
    if (blockIdx.x == 1) {
        data[threadIdx.x] = threadIdx.x * 3;
        __threadfence();
        __syncthreads();
        if (threadIdx.x == 0) *flag = 1;
    } else {
        if (threadIdx.x == 0) {
            while (*flag == 0) {}
            __threadfence();
        }
        __syncthreads();
        out[threadIdx.x] = data[threadIdx.x] + 1;
    }
}
