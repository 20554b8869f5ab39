// What Swift cannot import of HDF5: macros that expand to calls or casts.
#ifndef KVATLAS_CHDF5_SHIM_H
#define KVATLAS_CHDF5_SHIM_H
#include <hdf5.h>
#endif
