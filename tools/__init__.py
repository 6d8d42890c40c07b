# SPDX-License-Identifier: Apache-2.0
"""Programs that write files of this repository from others. `make help` lists them."""
