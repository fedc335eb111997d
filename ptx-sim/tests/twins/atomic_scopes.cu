// A ticket by libcu++: release and acquire at device scope.
#include <cuda/atomic>
extern "C" __global__ void atomic_scopes(int* data, int* ticket, int* out) {
    cuda::atomic_ref<int, cuda::thread_scope_device> t(*ticket);
    if (blockIdx.x == 0) {
        if (threadIdx.x == 0) {
            *data = 42;
            t.store(1, cuda::memory_order_release);
        }
    } else if (threadIdx.x == 0) {
        while (t.load(cuda::memory_order_acquire) != 1) {}
        *out = *data;
        t.fetch_add(1, cuda::memory_order_acq_rel);
    }
}
