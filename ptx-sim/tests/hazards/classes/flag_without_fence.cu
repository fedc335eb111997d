// One block publishes data by a flag; another waits for the flag and reads the data.
// finds race on global
// ptx-sim check FILE --grid 2 --block 32 --arg zeros:data:128 zeros:flag:4 zeros:y:128
extern "C" __global__ void broken(int* data, volatile int* flag, int* y) {
    if (blockIdx.x == 1) {
        data[threadIdx.x] = threadIdx.x;
        __syncthreads();
        if (threadIdx.x == 0) *flag = 1;
    } else {
        if (threadIdx.x == 0) {
            while (*flag == 0) {}
            __threadfence();
        }
        __syncthreads();
        y[threadIdx.x] = data[threadIdx.x];
    }
}
extern "C" __global__ void mended(int* data, volatile int* flag, int* y) {
    if (blockIdx.x == 1) {
        data[threadIdx.x] = threadIdx.x;
        __threadfence();
        __syncthreads();
        if (threadIdx.x == 0) *flag = 1;
    } else {
        if (threadIdx.x == 0) {
            while (*flag == 0) {}
            __threadfence();
        }
        __syncthreads();
        y[threadIdx.x] = data[threadIdx.x];
    }
}
