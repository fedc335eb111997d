// Two phases of a barrier in shared memory a round: all have written, and all have read.
#include <cuda/barrier>

extern "C" __global__ void barrier_phases(const int* x, int* y, int rounds) {
    __shared__ cuda::barrier<cuda::thread_scope_block> barrier;
    __shared__ int values[96];
    if (threadIdx.x == 0) init(&barrier, blockDim.x);
    __syncthreads();
    int sum = 0;
    for (int round = 0; round < rounds; round++) {
        values[threadIdx.x] = x[round * 96 + threadIdx.x];
        barrier.arrive_and_wait();
        sum += values[(threadIdx.x + 7) % 96] * (round + 1);
        auto token = barrier.arrive();
        sum ^= round;
        barrier.wait(std::move(token));
    }
    // Half of the threads leave, and the others go on without them.
    if (threadIdx.x % 2 == 1) {
        barrier.arrive_and_drop();
    } else {
        values[threadIdx.x] = sum;
        barrier.arrive_and_wait();
        sum += values[(threadIdx.x + 2) % 96];
    }
    y[threadIdx.x] = sum;
}
