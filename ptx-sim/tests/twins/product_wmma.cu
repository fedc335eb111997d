// d = a b with nvcuda::wmma, 16 x 16 x 16.
#include <mma.h>
using namespace nvcuda;
extern "C" __global__ void product_wmma(const __half* a, const __half* b, float* d) {
    wmma::fragment<wmma::matrix_a, 16, 16, 16, __half, wmma::row_major> x;
    wmma::fragment<wmma::matrix_b, 16, 16, 16, __half, wmma::col_major> y;
    wmma::fragment<wmma::accumulator, 16, 16, 16, float> r;
    wmma::fill_fragment(r, 0.0f);
    wmma::load_matrix_sync(x, a, 16);
    wmma::load_matrix_sync(y, b, 16);
    wmma::mma_sync(r, x, y, r);
    wmma::store_matrix_sync(d, r, 16, wmma::mem_row_major);
}
