#ifndef KVATLAS_COPENSSL_SHIM_H
#define KVATLAS_COPENSSL_SHIM_H
#include <openssl/evp.h>
#include <openssl/opensslv.h>
#endif
