// Arithmetic on pairs of f16 and on bf16.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
extern "C" __global__ void halves(const __half2* x, __half2* y, const __nv_bfloat16* u, float* v) {
    int i = threadIdx.x;
    __half2 a = x[i], b = __floats2half2_rn(0.5f, -2.0f);
    __half2 r = __hfma2(a, b, __hmul2(a, a));
    r = __hmax2(r, __hneg2(r));
    if (__hgt(__low2half(a), __high2half(a))) r = __hsub2(r, a);
    y[i] = __hadd2_sat(r, __habs2(a));
    __nv_bfloat16 w = __hfma(u[i], u[i], u[i]);
    v[i] = __bfloat162float(w) + __half2float(__high2half(r));
}
