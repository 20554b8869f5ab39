// What Swift cannot import of HDF5: macros that expand to casts or to calls
// (`H5T_NATIVE_FLOAT` opens the library first, then reads a global).
#ifndef KVATLAS_CHDF5_SHIM_H
#define KVATLAS_CHDF5_SHIM_H

#include <hdf5.h>
#include <hdf5_hl.h>
#include <string.h>

static inline hid_t kvatlas_h5_none(void) { return H5P_DEFAULT; }
static inline unsigned kvatlas_h5_read_only(void) { return H5F_ACC_RDONLY; }
static inline unsigned kvatlas_h5_truncate(void) { return H5F_ACC_TRUNC; }
static inline unsigned kvatlas_h5_exclusive(void) { return H5F_ACC_EXCL; }
static inline hsize_t kvatlas_h5_unlimited(void) { return H5S_UNLIMITED; }
static inline hid_t kvatlas_h5_all(void) { return H5S_ALL; }

static inline hid_t kvatlas_h5_file_creation(void) { return H5P_FILE_CREATE; }
static inline hid_t kvatlas_h5_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t kvatlas_h5_dataset_creation(void) { return H5P_DATASET_CREATE; }
static inline hid_t kvatlas_h5_dataset_access(void) { return H5P_DATASET_ACCESS; }

static inline hid_t kvatlas_h5_float32(void) { return H5T_IEEE_F32LE; }
static inline hid_t kvatlas_h5_float64(void) { return H5T_IEEE_F64LE; }
static inline hid_t kvatlas_h5_int32(void) { return H5T_STD_I32LE; }
static inline hid_t kvatlas_h5_int64(void) { return H5T_STD_I64LE; }
static inline hid_t kvatlas_h5_native_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t kvatlas_h5_native_double(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t kvatlas_h5_native_int32(void) { return H5T_NATIVE_INT32; }
static inline hid_t kvatlas_h5_native_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t kvatlas_h5_c_string(void) { return H5T_C_S1; }
static inline hid_t kvatlas_h5_plain_driver(void) { return H5FD_SEC2; }
static inline size_t kvatlas_h5_variable_size(void) { return H5T_VARIABLE; }

/// Switches off the printing of errors; the setting belongs to one thread.
static inline void kvatlas_h5_silence(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

/// The descriptions of the first and the last record of the thread's error
/// stack, and all of them, for the search of an `errno`.
typedef struct {
    char top[512];
    char bottom[512];
    int errorNumber; // 0 if no record names one
} kvatlas_h5_error_text;

static inline herr_t kvatlas_h5_visit_error(unsigned index, const H5E_error2_t *record, void *client) {
    kvatlas_h5_error_text *text = (kvatlas_h5_error_text *)client;
    const char *description = record->desc ? record->desc : "";
    if (index == 0) strncpy(text->top, description, sizeof text->top - 1);
    strncpy(text->bottom, description, sizeof text->bottom - 1);
    const char *number = strstr(description, "errno = ");
    if (number) text->errorNumber = atoi(number + 8);
    return 0;
}

static inline kvatlas_h5_error_text kvatlas_h5_read_error(void) {
    kvatlas_h5_error_text text;
    memset(&text, 0, sizeof text);
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, kvatlas_h5_visit_error, &text);
    H5Eclear2(H5E_DEFAULT);
    return text;
}

/// Makes metadata reach the file only in a flush, never half-way through an
/// append: a killed writer then leaves the state of its last flush.
static inline herr_t kvatlas_h5_keep_metadata_until_flush(hid_t access) {
    H5AC_cache_config_t config;
    config.version = H5AC__CURR_CACHE_CONFIG_VERSION;
    if (H5Pget_mdc_config(access, &config) < 0) return -1;
    config.evictions_enabled = 0;
    config.incr_mode = H5C_incr__off;
    config.decr_mode = H5C_decr__off;
    config.flash_incr_mode = H5C_flash_incr__off;
    return H5Pset_mdc_config(access, &config);
}

#endif
