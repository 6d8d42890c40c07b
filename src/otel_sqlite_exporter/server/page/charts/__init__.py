# SPDX-License-Identifier: Apache-2.0
"""Charts that the server draws: SVG without scripts or styles in it. `css/charts.css` has their colours."""
