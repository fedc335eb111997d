// A pipeline of two stages that all threads of a block fill and empty.
#include <cooperative_groups.h>
#include <cuda/pipeline>

extern "C" __global__ void pipeline_block(const float* x, float* y, int tiles) {
    __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, 2> state;
    __shared__ alignas(16) float stages[2][64];
    auto block = cooperative_groups::this_thread_block();
    auto pipeline = cuda::make_pipeline(block, &state);
    float sum = 0;
    for (int tile = 0, fetched = 0; tile < tiles; tile++) {
        for (; fetched < tiles && fetched < tile + 2; fetched++) {
            pipeline.producer_acquire();
            cuda::memcpy_async(block, stages[fetched % 2], x + fetched * 64, cuda::aligned_size_t<16>(256), pipeline);
            pipeline.producer_commit();
        }
        pipeline.consumer_wait();
        sum += stages[tile % 2][(threadIdx.x * 5 + tile) % 64] * (tile + 1);
        pipeline.consumer_release();
    }
    y[threadIdx.x] = sum;
}
