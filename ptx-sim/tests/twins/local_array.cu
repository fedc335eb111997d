// An array in local memory, sorted by insertion.
extern "C" __global__ void local_array(const short* x, short* y, int per_thread) {
    short own[16];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    for (int k = 0; k < per_thread; k++) {
        short v = x[i * per_thread + k];
        int at = k;
        while (at > 0 && own[at - 1] > v) { own[at] = own[at - 1]; at--; }
        own[at] = v;
    }
    for (int k = 0; k < per_thread; k++) y[i * per_thread + k] = own[k];
}
