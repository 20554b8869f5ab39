#ifndef KVATLAS_CKERNELS_H
#define KVATLAS_CKERNELS_H

// The hot loops of KVAtlas. No allocation, no input or output, no global state
// but the constant function tables. Every function exists as plain C
// (`reference/`); faster versions for one instruction set sit beside it and are
// reached only through a table, so that all of them can run in one process and
// be compared with the reference.

#include <stddef.h>
#include <stdint.h>

#include "CKernelsBlocks.h"
#include "CKernelsPacked.h"

#pragma clang assume_nonnull begin

/// Instruction sets, ordered so that a later one is preferred on its machine.
typedef enum {
    KVA_ISA_REFERENCE = 0,
    KVA_ISA_AVX2 = 1,
    KVA_ISA_AVX512 = 2,
    KVA_ISA_NEON = 3,
    KVA_ISA_COUNT = 4
} kva_isa;

/// How weights are stored; GGUF's block types by their ggml names.
typedef enum {
    KVA_F32 = 0,
    KVA_F16,
    KVA_BF16,
    KVA_Q4_0,
    KVA_Q4_1,
    KVA_Q5_0,
    KVA_Q5_1,
    KVA_Q8_0,
    KVA_Q4_K,
    KVA_Q5_K,
    KVA_Q6_K,
    KVA_TYPE_COUNT
} kva_type;

/// Bytes and elements of one block of a type.
typedef struct {
    size_t bytes;
    size_t elements;
} kva_block_size;

kva_block_size kva_block_size_of(kva_type type);

/// The fixed-point copy of a vector that products with block types read.
///
/// Each 32 elements x have an exponent e ≤ 126, so that X = round(x·2^e) (to even) fills 22 bits with its sign:
/// |x − X·2^-e| ≤ 1.005·2^-21·max|x|, or 2^-127 if that is more. (e is 0 for 32 zeros.) With 15 bits instead, two
/// digits, logits of two models moved by 3e-3, with these by 4e-5, as between two float32 engines.
/// X = 2^14·d2 + 2^7·d1 + d0 with d2 in −127…127 and the other two in −64…63. 32 elements that are not all
/// finite get digits 0 and NaN for scale and sums: the result of every row is NaN.
///
/// In bytes from the start, for N = `count` rounded up to 256 (absent elements are 0):
/// - digits int8 [N/128][3: d2, d1, d0][2: first and last 16 of each 32][4 × 32][16], so that the nibbles of
///   four blocks meet their digits with no shuffle and the lanes of a block's two halves can be added;
/// - [N/32][2: scale 2^-e, sum ΣX·2^-e], in each four in the order 0, 2, 1, 3 (AVX2 then spreads within lanes);
/// - sums ΣX·2^-e float [N/16] of 16 elements.
size_t kva_prepared_bytes(size_t count);

/// A matrix–vector product y = W·x over `rows` rows that follow each other, for several vectors x.
typedef struct {
    const uint8_t *weights;
    size_t row_bytes;
    size_t rows;
    size_t columns;
    size_t tokens;
    /// [token][column]; read by types without blocks.
    const float *vectors;
    /// [token][`kva_prepared_bytes(columns)`], by `prepare_vector`, 64-byte aligned; read by types with blocks.
    const uint8_t *prepared;
    /// [token][`result_stride`], of which `rows` are written.
    float *result;
    size_t result_stride;
} kva_gemv;

/// How elements become codes; reference/affine_group.h has the arithmetic.
typedef struct {
    /// KVA_F16, KVA_BF16 or KVA_F32.
    kva_type element_type;
    /// 1, 2, 3, 4 or 8.
    unsigned bits;
    size_t group_size;
    /// x' = scale·(code − 2^(bits − 1)) without minima, else x' = scale·code + minimum.
    int is_symmetric;
    /// Scales and minima in float32 and all arithmetic too; else in float16, to which elements are rounded first.
    int metadata_is_float;
} kva_affine_format;

/// One slab [tokens × channels] to quantize or the packed form to read back, in rows.
///
/// A row is what is packed contiguously: one channel over all tokens when
/// tokens are grouped (per-channel), one token over all channels when channels
/// are grouped (per-token). Codes are bit-packed little-endian from the start
/// of the row, which takes whole bytes; scales and minima are [row][group].
typedef struct {
    kva_affine_format format;
    size_t tokens;
    size_t channels;
    /// Elements between a token and the next in the unpacked slab.
    size_t token_stride;
    size_t row_bytes;
    size_t groups_per_row;
} kva_affine_shape;

/// Keys or values of one head in the tiles of reference/panel.h; metadata as `kva_packed_side` has it.
typedef struct {
    kva_affine_format format;
    size_t channels;
    /// Elements between a token and the next in the unpacked slab.
    size_t token_stride;
} kva_tile_shape;

/// Sums over the elements of one channel or token; powers are of x − shift.
typedef struct {
    // Kept in this order: the powers are written as one vector of four.
    double power1, power2, power3, power4;
    double sum_absolute;
    uint64_t count;
    uint64_t nan_count;
    uint64_t infinity_count;
    float minimum, maximum;
    float shift;
} kva_moments;

/// Bins of a histogram: the upper 11 bits of a float16, that is, its sign, its exponent and five bits of
/// mantissa. A float32 falls into the bin of the float16 next to it towards zero.
enum { KVA_HISTOGRAM_BINS = 2048 };

/// A slab for a moment sweep; `is_half` selects float16 over float32 elements.
typedef struct {
    const void *elements;
    int is_half;
    size_t tokens;
    size_t channels;
    size_t token_stride;
    /// One a channel, added to; or null.
    kva_moments *_Nullable channel_moments;
    /// One a token, added to; or null.
    kva_moments *_Nullable token_moments;
    /// [channel][bin], added to; or null. The caller empties them before a channel has had 65,536 tokens.
    uint16_t *_Nullable counters;
} kva_moment_sweep;

/// Magnitudes counted at a time.
enum { KVA_MAGNITUDES = 2 };

/// A slab whose large elements are counted.
typedef struct {
    const void *elements;
    int is_half;
    size_t tokens;
    size_t channels;
    size_t token_stride;
    /// From 2^-24, the least magnitude of a float16, to its largest, 65,504.
    float thresholds[KVA_MAGNITUDES];
    /// [channel][threshold], added to: elements with threshold <= |x| < infinity.
    uint32_t *counts;
} kva_magnitude_count;

/// The two sums of a Fletcher-32 checksum as HDF5 stores it, of the 16-bit words so far (high byte first): of the
/// words, and of the first sum after each. Modulo 65,535 by end-around carry: 0 only if all words were 0.
typedef struct {
    uint32_t first, second;
} kva_fletcher32;

/// Keys or values of one head, as one side of attention for `group` queries.
typedef struct {
    /// float16 bits or float32, [token][channel].
    const void *elements;
    int is_half;
    size_t tokens;
    size_t channels;
    size_t token_stride;
    size_t group;
    /// Elements between the score rows of two queries.
    size_t score_stride;
} kva_attention_side;

/// One implementation of everything.
typedef struct {
    kva_isa isa;

    // MARK: memory
    /// Sum modulo 2^64 of the bytes taken as 64-bit words in the machine's order, the last one filled up with
    /// zeros: what reading costs when nothing else is done. Moves `count` bytes.
    uint64_t (*plain_read)(const uint8_t *bytes, size_t count);
    /// Goes on with a checksum that starts at {0, 0}. Only the last piece may be of an odd length; its last byte
    /// counts as a word's high one. The checksum is second << 16 | first.
    void (*fletcher32)(kva_fletcher32 *sums, const uint8_t *bytes, size_t count);

    // MARK: conversions, round to nearest even, NaN kept (made quiet)
    void (*half_to_float)(const uint16_t *source, float *target, size_t count);
    void (*float_to_half)(const float *source, uint16_t *target, size_t count);
    void (*bfloat_to_float)(const uint16_t *source, float *target, size_t count);
    void (*float_to_bfloat)(const float *source, uint16_t *target, size_t count);

    // MARK: vectors
    float (*dot)(const float *x, const float *y, size_t count);
    /// y += a·x
    void (*scaled_accumulate)(float a, const float *x, float *y, size_t count);
    /// y += x
    void (*add)(const float *x, float *y, size_t count);
    /// x *= a
    void (*scale)(float a, float *x, size_t count);
    /// Largest element, −infinity for none; NaN is passed over.
    float (*maximum)(const float *x, size_t count);
    /// Largest magnitude, 0 for none; NaN is passed over.
    float (*absolute_maximum)(const float *x, size_t count);
    /// x = exp(x − shift), returns the sum. Differences below −86.9 give 0.
    float (*exponential_sum)(float *x, size_t count, float shift);
    /// y = x / rms(x) · weight
    void (*rms_norm)(const float *x, const float *weight, float epsilon, float *y, size_t count);
    /// y = gate / (1 + exp(−gate)) · up
    void (*silu_multiply)(const float *gate, const float *up, float *y, size_t count);
    /// Rotates (x[i], x[i + half]) by the angle with cosine c[i] and sine s[i].
    void (*rotate_halves)(float *x, const float *c, const float *s, size_t half);
    /// Rotates (x[2i], x[2i + 1]) by the angle with cosine c[i] and sine s[i].
    void (*rotate_adjacent)(float *x, const float *c, const float *s, size_t pairs);
    /// The Walsh–Hadamard transform of each row of `length` elements, a power of two, in place and in natural
    /// (Sylvester's) order, divided by the root of `length`. Equal in every bit for all implementations.
    void (*walsh_hadamard)(float *x, size_t rows, size_t length);

    // MARK: weights
    void (*dequantize)(kva_type type, const uint8_t *source, float *target, size_t count);
    /// Quantizes blocks of 32 elements into a cache type of ggml. One that is not all finite gets a scale of NaN.
    void (*encode_blocks)(const float *x, size_t blocks, kva_block_type type, uint8_t *target);
    void (*prepare_vector)(const float *vector, uint8_t *prepared, size_t count);
    void (*gemv)(kva_type type, const kva_gemv *work);

    // MARK: affine quantization into rows, groups along tokens or channels; `minima` is null for symmetric codes
    void (*quantize_token_groups)(const void *x, const kva_affine_shape *shape, size_t first_channel,
                                  size_t channel_count, uint8_t *codes, void *scales, void *_Nullable minima);
    void (*quantize_channel_groups)(const void *x, const kva_affine_shape *shape, size_t first_token,
                                    size_t token_count, uint8_t *codes, void *scales, void *_Nullable minima);
    void (*dequantize_token_groups)(const kva_affine_shape *shape, size_t first_channel, size_t channel_count,
                                    const uint8_t *codes, const void *scales, const void *_Nullable minima, float *x);
    void (*dequantize_channel_groups)(const kva_affine_shape *shape, size_t first_token, size_t token_count,
                                      const uint8_t *codes, const void *scales, const void *_Nullable minima, float *x);

    // MARK: affine quantization into tiles; `x` begins at the first token asked for, `codes` and `metadata` at token 0
    /// `first_token` is a multiple of the group size. A tile of which only a part is written must hold zeros there.
    void (*quantize_key_tiles)(const void *x, const kva_tile_shape *shape, size_t first_token, size_t token_count,
                               uint8_t *codes, void *metadata);
    /// Any tokens. A tile of which only a part is written must hold zeros there.
    void (*quantize_value_tiles)(const void *x, const kva_tile_shape *shape, size_t first_token, size_t token_count,
                                 uint8_t *codes, void *metadata);
    void (*dequantize_key_tiles)(const kva_tile_shape *shape, size_t first_token, size_t token_count,
                                 const uint8_t *codes, const void *metadata, float *x);
    void (*dequantize_value_tiles)(const kva_tile_shape *shape, size_t first_token, size_t token_count,
                                   const uint8_t *codes, const void *metadata, float *x);
    /// Codes between tiles and whole rows as `kva_affine_shape` has them: of channels for keys, of tokens for values.
    void (*key_tiles_to_rows)(const uint8_t *tiles, size_t tokens, size_t channels, unsigned bits, uint8_t *rows);
    void (*key_rows_to_tiles)(const uint8_t *rows, size_t tokens, size_t channels, unsigned bits, uint8_t *tiles);
    void (*value_tiles_to_rows)(const uint8_t *tiles, size_t tokens, size_t channels, unsigned bits, uint8_t *rows);
    void (*value_rows_to_tiles)(const uint8_t *rows, size_t tokens, size_t channels, unsigned bits, uint8_t *tiles);

    // MARK: statistics
    /// One pass over the slab for all that is asked for. Zeros have no sign: an extreme is never −0.
    void (*moment_sweep)(const kva_moment_sweep *sweep);
    /// How many elements of each channel are at least so large.
    void (*count_magnitudes)(const kva_magnitude_count *count);

    // MARK: attention
    /// scores[query][token] = queries[query]·keys[token]
    void (*attention_scores)(const kva_attention_side *keys, const float *queries, float *scores);
    /// output[query] += Σ weights[query][token]·values[token]
    void (*attention_values)(const kva_attention_side *values, const float *weights, float *output);
    /// The same over packed keys; scores[query][token] from the first token asked for.
    void (*packed_scores)(const kva_packed_side *keys, const float *queries, float *scores);
    /// The same over packed values; weights[query][token] from the first token asked for.
    void (*packed_values)(const kva_packed_side *values, const float *weights, float *output);
} kva_kernels;

/// The table of an instruction set, or null if it was not compiled in or this processor lacks it.
const kva_kernels *_Nullable kva_kernels_for(kva_isa isa);

/// Names of the processor features that matter here, space separated, into `buffer` (always terminated).
void kva_processor_features(char *buffer, size_t capacity);

#pragma clang assume_nonnull end

/// Tells the processor that a loop waits for another thread.
static inline void kva_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
