// The fence before the flag reaches the own block only.
// finds race on global
// ptx-sim check FILE --grid 2 --block 1 --arg zeros:data:4 zeros:flag:4 zeros:y:4
extern "C" __global__ void broken(int* data, volatile int* flag, int* y) {
    if (blockIdx.x == 1) {
        *data = 7;
        __threadfence_block();
        *flag = 1;
    } else {
        while (*flag == 0) {}
        __threadfence();
        *y = *data;
    }
}
extern "C" __global__ void mended(int* data, volatile int* flag, int* y) {
    if (blockIdx.x == 1) {
        *data = 7;
        __threadfence();
        *flag = 1;
    } else {
        while (*flag == 0) {}
        __threadfence();
        *y = *data;
    }
}
