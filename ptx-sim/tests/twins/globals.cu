// Module variables: a table with an initialiser, pointers to it, a counter.
__device__ int table[8] = {3, 1, 4, 1, 5, 9, 2, 6};
__device__ int* middle = table + 4;
__constant__ unsigned char bytes[6] = {200, 100, 50, 25, 12, 6};
__device__ long long counter;
extern "C" __global__ void globals(int* y) {
    int i = threadIdx.x;
    y[i] = table[i % 8] * 1000 + middle[i % 4] * 10 + bytes[i % 6];
    if (i < 8) atomicAdd((unsigned long long*)&counter, (unsigned long long)table[i]);
    __syncthreads();
    if (i == 0) y[blockDim.x] = (int)counter;
}
