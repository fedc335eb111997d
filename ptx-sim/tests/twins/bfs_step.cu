// One step of a breadth-first search: neighbours of the frontier that are new go to the next worklist.
extern "C" __global__ void bfs_step(const int* offsets, const int* targets, int* levels, const int* frontier, int count,
                                    int* next, int* next_count, int level) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int node = frontier[i];
    for (int e = offsets[node]; e < offsets[node + 1]; e++) {
        int target = targets[e];
        if (atomicCAS(&levels[target], -1, level) == -1) next[atomicAdd(next_count, 1)] = target;
    }
}
