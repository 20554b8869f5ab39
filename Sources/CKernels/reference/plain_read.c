#include <string.h>

#include "reference.h"

uint64_t kva_reference_plain_read(const uint8_t *bytes, size_t count) {
    uint64_t sum = 0, word = 0;
    size_t i = 0;
    for (; i + sizeof(word) <= count; i += sizeof(word)) {
        memcpy(&word, bytes + i, sizeof(word));
        sum += word;
    }
    word = 0;
    memcpy(&word, bytes + i, count - i);
    return sum + word;
}
