// d = a b with tensor cores: one warp, 16 x 8 x 16, fragments by ldmatrix.
#include <cuda_fp16.h>
extern "C" __global__ void product_mma(const __half* a, const __half* b, float* d) {
    __shared__ __align__(16) __half at[16 * 16];
    __shared__ __align__(16) __half bt[16 * 8];
    int lane = threadIdx.x;
    for (int i = lane; i < 256; i += 32) at[i] = a[i];
    for (int i = lane; i < 128; i += 32) bt[i] = b[i];
    __syncthreads();
    unsigned x[4], y[2];
    unsigned from = __cvta_generic_to_shared(at + (lane % 16) * 16 + lane / 16 * 8);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3]) : "r"(from));
    from = __cvta_generic_to_shared(bt + (lane % 16) * 8);
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];" : "=r"(y[0]), "=r"(y[1]) : "r"(from));
    float r[4];
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%11,%12,%13};"
                 : "=f"(r[0]), "=f"(r[1]), "=f"(r[2]), "=f"(r[3])
                 : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]), "f"(0.f), "f"(0.f), "f"(0.f), "f"(0.f));
    int row = lane / 4, column = lane % 4 * 2;
    d[row * 8 + column] = r[0];
    d[row * 8 + column + 1] = r[1];
    d[(row + 8) * 8 + column] = r[2];
    d[(row + 8) * 8 + column + 1] = r[3];
}
