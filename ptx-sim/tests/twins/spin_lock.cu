// Every thread adds to a counter that only a lock guards.
__device__ int lock = 0;
extern "C" __global__ void spin_lock(int* counter) {
    bool done = false;
    while (!done) {
        if (atomicCAS(&lock, 0, 1) == 0) {
            __threadfence();
            *counter += 1;
            __threadfence();
            atomicExch(&lock, 0);
            done = true;
        }
    }
}
