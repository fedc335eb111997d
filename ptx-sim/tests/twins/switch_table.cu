// A switch with many cases: a table of branches.
extern "C" __global__ void switch_table(const int* x, int* y) {
    int i = threadIdx.x, v = x[i], r;
    switch (v) {
        case 0: r = v + 17; break;
        case 1: r = v * i; break;
        case 2: r = i / 3; break;
        case 3: r = i % 7 + y[i]; break;
        case 4: r = ~i; break;
        case 5: r = i * i * i; break;
        case 6: r = __popc(i); break;
        default: r = -1;
    }
    y[i] = r;
}
