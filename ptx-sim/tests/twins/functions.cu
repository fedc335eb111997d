// Calls: by value, by pointer to the caller's stack, and one inside another.
struct Pair { int low; long long high; };
__device__ __noinline__ int mix(int a, int b) { return a * 31 + b; }
__device__ __noinline__ void twice(int* values, int count) {
    for (int i = 0; i < count; i++) values[i] = mix(values[i], values[i]);
}
__device__ __noinline__ Pair split(long long v, float scale) {
    Pair p;
    p.low = (int)(v & 0xffff) * (int)scale;
    p.high = v >> 16;
    return p;
}
extern "C" __global__ void functions(const int* x, long long* y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    int values[4] = {x[i], x[i] + 1, x[i] + 2, x[i] + 3};
    twice(values, 4);
    Pair p = split((long long)values[x[i] & 3] * 70001, 2.0f);
    y[i] = p.high * 1000 + p.low + mix(values[0], values[3]);
}
