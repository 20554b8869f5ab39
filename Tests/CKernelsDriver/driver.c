#include "driver.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGES_PER_CHECK = 5 };

static check *checks;
static char description[256];
static const char *current_set, *current_check;
static size_t failures, failures_of_check;

void register_check(check *entry) {
    entry->next = checks;
    checks = entry;
}

// MARK: - Expectations

void describe_case(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(description, sizeof description, format, arguments);
    va_end(arguments);
}

static int is_worth_a_line(void) {
    failures++;
    failures_of_check++;
    if (failures_of_check == MESSAGES_PER_CHECK + 1) { printf("%s %s: and more\n", current_set, current_check); }
    return failures_of_check <= MESSAGES_PER_CHECK;
}

void expect(int condition, const char *what) {
    if (!condition && is_worth_a_line()) {
        printf("%s %s, %s: %s\n", current_set, current_check, description, what);
    }
}

static void expect_numbers(int condition, double got, double expected, double bound, size_t index) {
    if (!condition && is_worth_a_line()) {
        printf("%s %s, %s, element %zu: %.9g, not %.9g within %.3g\n", current_set, current_check, description, index,
               got, expected, bound);
    }
}

void expect_identical(const float *got, const float *expected, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const int same = memcmp(&got[i], &expected[i], sizeof got[i]) == 0 || (isnan(got[i]) && isnan(expected[i]));
        expect_numbers(same, got[i], expected[i], 0, i);
    }
}

void expect_same_bytes(const void *got, const void *expected, size_t size) {
    for (size_t i = 0; i < size; i++) {
        const uint8_t a = ((const uint8_t *)got)[i], b = ((const uint8_t *)expected)[i];
        expect_numbers(a == b, a, b, 0, i);
    }
}

void expect_within(double got, double expected, double bound, size_t index) {
    const int same = isnan(expected) ? isnan(got) : isinf(expected) ? got == expected : fabs(got - expected) <= bound;
    expect_numbers(same, got, expected, bound, index);
}

/// Says in which case a page without access was touched or a sanitizer trapped, since a debugger may be far.
static void report_signal(int number) {
    const int is_access = number == SIGSEGV || number == SIGBUS;
    const char *what = is_access ? "memory outside a buffer was touched" : "undefined behaviour";
    char message[512];
    const int length = snprintf(message, sizeof message, "%s %s, %s: %s\n", current_set, current_check, description,
                                what);
    if (length > 0 && write(STDOUT_FILENO, message, (size_t)length) < 0) { _exit(2); }
    _exit(1);
}

// MARK: - Running

static const char *const set_names[KVA_ISA_COUNT] = {"reference", "avx2", "avx512", "neon"};

/// Every pointer of the table lies at the place of some check.
static void expect_that_every_member_is_checked(void) {
    current_set = "all";
    const size_t first = offsetof(kva_kernels, plain_read), size = sizeof(void (*)(void));
    for (size_t place = first; place < sizeof(kva_kernels); place += size) {
        int found = 0;
        for (const check *entry = checks; entry; entry = entry->next) { found |= entry->member == place; }
        current_check = "kva_kernels";
        describe_case("member %zu", (place - first) / size);
        expect(found, "no CHECK names it");
    }
}

static void expect_that_features_fit_any_buffer(void) {
    current_set = "all";
    current_check = "kva_processor_features";
    for (size_t capacity = 0; capacity < 200; capacity++) {
        char *buffer = exact_bytes(capacity);
        describe_case("capacity %zu", capacity);
        kva_processor_features(buffer, capacity);
        expect(capacity == 0 || memchr(buffer, 0, capacity) != NULL, "not terminated");
        end_case();
    }
}

int main(int argument_count, char **arguments) {
    uint64_t seed = (uint64_t)time(NULL);
    const char *filter = "";
    for (int i = 1; i < argument_count; i += 2) {
        const char *value = i + 1 < argument_count ? arguments[i + 1] : NULL;
        if (value && strcmp(arguments[i], "--seed") == 0) {
            seed = strtoull(value, NULL, 10);
        } else if (value && strcmp(arguments[i], "--filter") == 0) {
            filter = value;
        } else {
            fprintf(stderr, "usage: %s [--seed NUMBER] [--filter PART_OF_A_NAME]\n", arguments[0]);
            return 2;
        }
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("seed %llu\n", (unsigned long long)seed);
    if (buffers_end_at_pages()) {
        const int numbers[] = {SIGSEGV, SIGBUS, SIGTRAP, SIGILL};
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) { signal(numbers[i], report_signal); }
    }
    const kva_kernels *reference = kva_kernels_for(KVA_ISA_REFERENCE);
    for (int isa = 0; isa < KVA_ISA_COUNT; isa++) {
        const tables_under_test tables = {kva_kernels_for((kva_isa)isa), reference};
        if (!tables.fast) { continue; }
        size_t count = 0;
        current_set = set_names[isa];
        for (const check *entry = checks; entry; entry = entry->next) {
            if (!entry->run || !strstr(entry->name, filter)) { continue; }
            seed_samples(seed);
            current_check = entry->name;
            failures_of_check = 0;
            entry->run(&tables);
            end_case();
            count++;
        }
        printf("%s: %zu checks\n", current_set, count);
    }
    if (!*filter) {
        expect_that_every_member_is_checked();
        expect_that_features_fit_any_buffer();
    }
    if (failures > 0) { printf("%zu failures; --seed %llu repeats them\n", failures, (unsigned long long)seed); }
    return failures > 0;
}
