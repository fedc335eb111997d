// Atomics of 64 bits and of all sorts of 32.
extern "C" __global__ void atomics_wide(const long long* x, unsigned long long* out, int* small, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    long long v = x[i];
    atomicAdd(&out[0], (unsigned long long)v);
    atomicMin((long long*)&out[1], v);
    atomicMax((long long*)&out[2], v);
    atomicMax(&out[3], (unsigned long long)v);
    atomicAnd(&out[4], (unsigned long long)v);
    atomicOr(&out[5], (unsigned long long)v);
    atomicXor(&out[6], (unsigned long long)v);
    unsigned long long old = atomicAdd(&out[7], 0ull), seen;
    do { seen = old; old = atomicCAS(&out[7], seen, seen * 3 + 1); } while (old != seen);
    atomicSub(&small[0], (int)v);
    atomicMin(&small[1], (int)v);
    atomicMax(&small[2], (int)v);
    atomicMin((unsigned*)&small[3], (unsigned)v);
    atomicDec((unsigned*)&small[4], 9);
    atomicXor(&small[5], (int)v);
}
