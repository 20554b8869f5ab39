// Enough of <string.h> to check the syntax of the kernels for a processor whose C library is not here.
#include <stddef.h>
void *memcpy(void *target, const void *source, size_t count);
void *memset(void *target, int value, size_t count);
size_t strlen(const char *text);
