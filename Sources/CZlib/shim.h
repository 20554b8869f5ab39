// What Swift cannot import of zlib: `inflateInit2` is a macro that adds the version and the size of the stream.
#ifndef KVATLAS_CZLIB_SHIM_H
#define KVATLAS_CZLIB_SHIM_H
#include <zlib.h>

/// Prepares for raw deflate data, as members of a zip have it: no header, no checksum of its own.
static inline int kvatlas_inflate_begin(z_stream *stream) { return inflateInit2(stream, -MAX_WBITS); }

#endif
