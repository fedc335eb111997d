// Calls of printf, which the simulator leaves out.
#include <cstdio>
extern "C" __global__ void prints(int* x) {
    int i = threadIdx.x;
    if (x[i] > 10) printf("%d: %d\n", i, x[i]);
    x[i] += 1;
}
