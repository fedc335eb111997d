// Integer instructions: dot products of bytes, bit counts, funnel shifts, permutes, high products.
extern "C" __global__ void integers(const int* x, const int* y, unsigned* out) {
    int i = threadIdx.x;
    int a = x[i], b = y[i];
    unsigned* o = out + i * 12;
    o[0] = __dp4a(a, b, 7);
    o[1] = __brev(a);
    o[2] = __clz(a);
    o[3] = __funnelshift_l(a, b, 11);
    o[4] = __byte_perm(a, b, 0x5271);
    o[5] = __umulhi(a, b);
    o[6] = __mulhi(a, b);
    o[7] = __popc(a ^ b) + __ffs(b);
    o[8] = __sad(a, b, 5u);
    o[9] = (a & 0xff00ff) | (~b & 0xff00);
    o[10] = (unsigned)min(a, b) - (unsigned)max(a, b);
    o[11] = __vadd2(a, b);
}
