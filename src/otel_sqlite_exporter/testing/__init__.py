# SPDX-License-Identifier: Apache-2.0
"""For the tests of applications: the pytest plugin with the fixture `telemetry`."""
