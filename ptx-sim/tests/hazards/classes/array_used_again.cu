// A shared array is filled again while slower threads still read the last filling.
// finds race on shared
// ptx-sim check FILE --grid 1 --block 64 --arg zeros:y:256
extern "C" __global__ void broken(int* y) {
    __shared__ int tile[64];
    int sum = 0;
    for (int trip = 0; trip < 4; trip++) {
        tile[threadIdx.x] = trip * 64 + threadIdx.x;
        __syncthreads();
        sum += tile[63 - threadIdx.x];
    }
    y[threadIdx.x] = sum;
}
extern "C" __global__ void mended(int* y) {
    __shared__ int tile[64];
    int sum = 0;
    for (int trip = 0; trip < 4; trip++) {
        tile[threadIdx.x] = trip * 64 + threadIdx.x;
        __syncthreads();
        sum += tile[63 - threadIdx.x];
        __syncthreads();
    }
    y[threadIdx.x] = sum;
}
