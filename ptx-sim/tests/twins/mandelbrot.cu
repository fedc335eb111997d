// Divergent loops: steps until a point escapes.
extern "C" __global__ void mandelbrot(unsigned short* steps, int width, int height) {
    int c = blockIdx.x * blockDim.x + threadIdx.x, r = blockIdx.y * blockDim.y + threadIdx.y;
    if (c >= width || r >= height) return;
    double a = c * 3.0 / width - 2.0, b = r * 2.0 / height - 1.0, x = 0, y = 0;
    unsigned short n = 0;
    while (n < 200 && x * x + y * y < 4.0) {
        double t = x * x - y * y + a;
        y = 2 * x * y + b;
        x = t;
        n++;
    }
    steps[r * width + c] = n;
}
