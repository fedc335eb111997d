// A struct passed by value, one of its arrays indexed at run time.
struct Shape { int extent[4]; float scale; unsigned char flag; double shift; };
extern "C" __global__ void struct_param(Shape s, double* y) {
    int i = threadIdx.x;
    y[i] = s.extent[i & 3] * (double)s.scale + (s.flag ? s.shift : -s.shift);
}
