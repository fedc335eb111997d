// d = a b with tensor cores in tf32, 16 x 8 x 8.
extern "C" __global__ void product_tf32(const float* a, const float* b, float* d) {
    int lane = threadIdx.x, row = lane / 4, column = lane % 4;
    unsigned x[4], y[2];
    float v[6] = {a[row * 8 + column], a[(row + 8) * 8 + column], a[row * 8 + column + 4], a[(row + 8) * 8 + column + 4],
                  b[column * 8 + row], b[(column + 4) * 8 + row]};
    for (int i = 0; i < 4; i++) asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(x[i]) : "f"(v[i]));
    for (int i = 0; i < 2; i++) asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y[i]) : "f"(v[4 + i]));
    float r[4];
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%11,%12,%13};"
                 : "=f"(r[0]), "=f"(r[1]), "=f"(r[2]), "=f"(r[3])
                 : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]), "f"(0.f), "f"(0.f), "f"(0.f), "f"(0.f));
    d[row * 8 + column * 2] = r[0];
    d[row * 8 + column * 2 + 1] = r[1];
    d[(row + 8) * 8 + column * 2] = r[2];
    d[(row + 8) * 8 + column * 2 + 1] = r[3];
}
