# SPDX-License-Identifier: Apache-2.0
IS_SANITIZED: bool
