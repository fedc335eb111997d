// Every rounding of f32 and f64 arithmetic and of conversions.
extern "C" __global__ void roundings(const float* x, const float* y, const double* z, float* f, int* n, double* d) {
    int i = threadIdx.x;
    float a = x[i], b = y[i];
    double c = z[i];
    float* of = f + i * 8;
    of[0] = __fadd_rd(a, b);
    of[1] = __fmul_ru(a, b);
    of[2] = __fmaf_rz(a, b, 1.0f);
    of[3] = __fdiv_rn(a, b);
    of[4] = __fsqrt_rn(fabsf(a));
    of[5] = __double2float_ru(c);
    of[6] = __int2float_rz(__float_as_int(a));
    of[7] = floorf(a) + ceilf(b) + truncf(a) + rintf(b);
    int* on = n + i * 4;
    on[0] = __float2int_rd(a);
    on[1] = (int)__float2uint_rn(fabsf(b));
    on[2] = __double2int_rz(c);
    on[3] = isnan(a / 0.0f) + 2 * (c > 1.0);
    double* od = d + i * 4;
    od[0] = __dadd_rz(c, 0.1);
    od[1] = __dmul_rd(c, c);
    od[2] = __ddiv_rn(1.0, c);
    od[3] = __dsqrt_rn(fabs(c)) + __ll2double_ru(0x7fffffffffffff01LL);
}
