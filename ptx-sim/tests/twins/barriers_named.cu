// Warps 0 and 1 produce, warps 2 and 3 consume: barriers 1 and 2 of 128 threads, arrive and sync.
extern "C" __global__ void barriers_named(const int* x, int* y, int rounds) {
    __shared__ int box[64];
    int t = threadIdx.x;
    if (t < 64) {
        for (int r = 0; r < rounds; r++) {
            if (r > 0) asm volatile("bar.sync 2, 128;" ::: "memory");
            box[t] = x[r * 64 + t];
            asm volatile("bar.arrive 1, 128;" ::: "memory");
        }
    } else {
        int sum = 0;
        for (int r = 0; r < rounds; r++) {
            asm volatile("bar.sync 1, 128;" ::: "memory");
            sum += box[(t * 5) % 64];
            if (r + 1 < rounds) asm volatile("bar.arrive 2, 128;" ::: "memory");
        }
        y[t - 64] = sum;
    }
}
