#include "driver.h"

#include <stdio.h>

// Buffers that end exactly where access ends. Without the address sanitizer each ends at a page that may not be
// touched, which finds reads behind it under an emulator too; a margin shows writes before it.

enum { BUFFERS_PER_CASE = 64, MARGIN = 64, FILL = 0xA5 };

static size_t used;

#if defined(__has_feature) && __has_feature(address_sanitizer)

static void *buffers[BUFFERS_PER_CASE];

int buffers_end_at_pages(void) { return 0; }

void *exact_bytes(size_t size) {
    if (used == BUFFERS_PER_CASE) { abort(); }
    // As a page's end would align it.
    void *buffer = size > 0 && size % 64 == 0 ? aligned_alloc(64, size) : malloc(size);
    if (!buffer) { abort(); }
    memset(buffer, FILL, size);
    return buffers[used++] = buffer;
}

void end_case(void) {
    while (used > 0) { free(buffers[--used]); }
}

#else

#include <sys/mman.h>
#include <unistd.h>

typedef struct {
    uint8_t *start;
    size_t capacity, size;
} region;

static region regions[BUFFERS_PER_CASE];

int buffers_end_at_pages(void) { return 1; }

void *exact_bytes(size_t size) {
    if (used == BUFFERS_PER_CASE) { abort(); }
    region *region = &regions[used++];
    if (region->capacity < size + MARGIN) {
        const size_t page = (size_t)sysconf(_SC_PAGESIZE), capacity = ((size + MARGIN) / page + 1) * page;
        if (region->start) { munmap(region->start, region->capacity + page); }
        void *start = mmap(NULL, capacity + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (start == MAP_FAILED || mprotect((uint8_t *)start + capacity, page, PROT_NONE) != 0) {
            perror("mmap");
            abort();
        }
        region->start = start;
        region->capacity = capacity;
    }
    region->size = size;
    uint8_t *buffer = region->start + region->capacity - size;
    memset(buffer - MARGIN, FILL, MARGIN + size);
    return buffer;
}

void end_case(void) {
    int touched = 0;
    while (used > 0) {
        const region *region = &regions[--used];
        const uint8_t *margin = region->start + region->capacity - region->size - MARGIN;
        for (size_t i = 0; i < MARGIN; i++) { touched |= margin[i] != FILL; }
    }
    expect(!touched, "bytes before a buffer were written");
}

#endif

void *exact_copy(const void *source, size_t size) {
    void *copy = exact_bytes(size);
    memcpy(copy, source, size);
    return copy;
}
