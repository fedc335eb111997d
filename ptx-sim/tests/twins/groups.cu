// Cooperative groups: tiles of sixteen, a reduction, a coalesced group.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
namespace cg = cooperative_groups;
extern "C" __global__ void groups(const int* x, int* y, int* odd) {
    auto block = cg::this_thread_block();
    auto tile = cg::tiled_partition<16>(block);
    int v = x[block.thread_rank()];
    int sum = cg::reduce(tile, v, cg::plus<int>());
    if (tile.thread_rank() == 0) y[block.thread_rank() / 16] = sum;
    if (v & 1) {
        auto active = cg::coalesced_threads();
        if (active.thread_rank() == 0) atomicAdd(odd, active.size());
    }
    block.sync();
}
