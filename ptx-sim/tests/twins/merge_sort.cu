// Each block sorts 256 numbers: every thread sorts four, and then merges four of two runs, which grow. As in CUB's merge sorts the next number of a run is read
// before it is asked whether there is one: of the last run that is the word behind all of them, which nobody has written.
const int EACH = 4, COUNT = 256;

// How many of the first `diagonal` numbers of the merged runs come from the first run.
__device__ int split(const int* first, const int* second, int count, int diagonal) {
    int low = max(0, diagonal - count), high = min(diagonal, count);
    while (low < high) {
        int middle = (low + high) / 2;
        if (first[middle] <= second[diagonal - 1 - middle]) low = middle + 1; else high = middle;
    }
    return low;
}

extern "C" __global__ void merge_sort(const int* x, int* y) {
    __shared__ int keys[COUNT + 1];
    int own[EACH], place = EACH * threadIdx.x;
    for (int i = 0; i < EACH; i++) own[i] = x[COUNT * blockIdx.x + place + i];
    for (int round = 0; round < EACH; round++)
        for (int i = round % 2; i + 1 < EACH; i += 2)
            if (own[i + 1] < own[i]) { int other = own[i]; own[i] = own[i + 1]; own[i + 1] = other; }
    for (int count = EACH; count < COUNT; count *= 2) {
        __syncthreads();
        for (int i = 0; i < EACH; i++) keys[place + i] = own[i];
        __syncthreads();
        const int* first = keys + place / (2 * count) * (2 * count);
        const int* second = first + count;
        int a = split(first, second, count, place % (2 * count)), b = place % (2 * count) - a;
        int of_first = first[a], of_second = second[b];
        for (int i = 0; i < EACH; i++) {
            bool takes_second = b < count && (a >= count || of_second < of_first);
            own[i] = takes_second ? of_second : of_first;
            if (takes_second) of_second = second[++b]; else of_first = first[++a];
        }
    }
    for (int i = 0; i < EACH; i++) y[COUNT * blockIdx.x + place + i] = own[i];
}
