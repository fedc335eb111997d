// Functions of the CUDA mathematics library.
extern "C" __global__ void math(const float* x, float* y) {
    int i = threadIdx.x;
    float v = x[i];
    y[i * 6 + 0] = sinf(v);
    y[i * 6 + 1] = expf(v * 0.01f);
    y[i * 6 + 2] = logf(fabsf(v) + 1.0f);
    y[i * 6 + 3] = powf(fabsf(v), 0.3f);
    y[i * 6 + 4] = atan2f(v, 2.0f);
    y[i * 6 + 5] = tanhf(v) + erff(v) + rsqrtf(v * v + 1.0f);
}
