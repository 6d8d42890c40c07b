# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3
"""How the compiled modules were built. All of them are built together, so this one stands for all."""

cdef extern from *:
    """
    #if defined(__SANITIZE_ADDRESS__)
      #define IS_SANITIZED 1
    #elif defined(__has_feature)
      #if __has_feature(address_sanitizer)
        #define IS_SANITIZED 1
      #endif
    #endif
    #ifndef IS_SANITIZED
      #define IS_SANITIZED 0
    #endif
    """
    bint _IS_SANITIZED "IS_SANITIZED"

IS_SANITIZED = bool(_IS_SANITIZED)  # under AddressSanitizer: `make asan`
