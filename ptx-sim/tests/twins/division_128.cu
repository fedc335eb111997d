// Quotients and remainders of 128 bits: long chains of the carry flag, from differences to sums and back.
extern "C" __global__ void division_128(const unsigned long long* x, unsigned long long* y, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    unsigned __int128 a = (unsigned __int128)x[4 * i + 1] << 64 | x[4 * i];
    unsigned __int128 b = (unsigned __int128)x[4 * i + 3] << 64 | x[4 * i + 2];
    unsigned __int128 q = a / b, r = (__int128)a % 97;
    y[4 * i] = (unsigned long long)q;
    y[4 * i + 1] = (unsigned long long)(q >> 64);
    y[4 * i + 2] = (unsigned long long)r;
    y[4 * i + 3] = (unsigned long long)(r >> 64);
}
