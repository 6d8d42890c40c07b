# SPDX-License-Identifier: Apache-2.0
"""The filter language: a text such as `model:gpt-4o* cost>0.05 -tool:Bash "free text"` becomes conditions on a view, as
keywords do."""
