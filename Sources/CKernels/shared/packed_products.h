// Every product that `products_of` can make, and the table of them. Included once by each instruction
// set, after shared/packed_attention.h and a
//
//   products_of(bits, digits, queries, work)
//
// that is inlined with its first three arguments constant.

#define PRODUCTS(bits, digits, queries)                                           \
    static void products_##bits##_##digits##_##queries(const panel_work *work) { \
        products_of(bits, digits, queries, work);                                 \
    }
#define PRODUCTS_OF_QUERIES(bits, digits) \
    PRODUCTS(bits, digits, 1) PRODUCTS(bits, digits, 2) PRODUCTS(bits, digits, 3) PRODUCTS(bits, digits, 4)
#define PRODUCTS_OF_BITS(bits) PRODUCTS_OF_QUERIES(bits, 1) PRODUCTS_OF_QUERIES(bits, 2) PRODUCTS_OF_QUERIES(bits, 3)
PRODUCTS_OF_BITS(1)
PRODUCTS_OF_BITS(2)
PRODUCTS_OF_BITS(3)
PRODUCTS_OF_BITS(4)
PRODUCTS_OF_BITS(8)

#define ROW(bits, digits)                                                                               \
    {                                                                                                   \
        products_##bits##_##digits##_1, products_##bits##_##digits##_2, products_##bits##_##digits##_3, \
            products_##bits##_##digits##_4                                                              \
    }
#define ROWS(bits) {ROW(bits, 1), ROW(bits, 2), ROW(bits, 3)}

static panel_products *panel_products_for(unsigned bits, unsigned digits, size_t queries) {
    static panel_products *const products[5][3][QUERIES_AT_ONCE] = {ROWS(1), ROWS(2), ROWS(3), ROWS(4), ROWS(8)};
    return products[bits == 8 ? 4 : bits - 1][digits - 1][queries - 1];
}
