// Two stages of asynchronous copies; the wait leaves one more in flight than the loop can bear.
// finds pending-copy on shared
// ptx-sim check FILE --grid 1 --block 32 --arg zeros:x:2048 zeros:y:128
#include <cuda_pipeline.h>
template <int LEFT> __device__ void sum(const int4* x, int* y) {
    __shared__ int4 stage[2][32];
    int total = 0;
    __pipeline_memcpy_async(&stage[0][threadIdx.x], &x[threadIdx.x], 16);
    __pipeline_commit();
    for (int trip = 0; trip < 4; trip++) {
        if (trip + 1 < 4) __pipeline_memcpy_async(&stage[(trip + 1) & 1][threadIdx.x], &x[(trip + 1) * 32 + threadIdx.x], 16);
        __pipeline_commit();
        __pipeline_wait_prior(LEFT);
        total += stage[trip & 1][threadIdx.x].x;
    }
    y[threadIdx.x] = total;
}
extern "C" __global__ void broken(const int4* x, int* y) { sum<2>(x, y); }
extern "C" __global__ void mended(const int4* x, int* y) { sum<1>(x, y); }
