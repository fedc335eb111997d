// 64-bit division, remainder, shifts and products.
extern "C" __global__ void integers_wide(const long long* x, const long long* y, long long* out) {
    int i = threadIdx.x;
    long long a = x[i], b = y[i];
    long long* o = out + i * 8;
    o[0] = a / b;
    o[1] = a % b;
    o[2] = (long long)((unsigned long long)a / (unsigned long long)b);
    o[3] = a >> (b & 63);
    o[4] = (long long)((unsigned long long)a << (b & 31));
    o[5] = __mul64hi(a, b);
    o[6] = __umul64hi(a, b);
    o[7] = __clzll(a) * 100 + __popcll(b);
}
