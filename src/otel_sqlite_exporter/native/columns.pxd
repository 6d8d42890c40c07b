# SPDX-License-Identifier: Apache-2.0
from otel_sqlite_exporter.native.shapes cimport Held


cdef list make_asks(object asks, list keys)
cdef object find_first(list asks, Held* held)


cdef class RowReader:
    cdef list empty, columns, sums

    cdef list read(self, Held* held)
