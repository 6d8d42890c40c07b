// SPDX-License-Identifier: Apache-2.0
// What every page runs. Each module does its part only where the page has what it is about.
import "./theme.js";
import "./live.js";
import "./keys.js";
import "./copy.js";
import "./completion.js";
import "./submit.js";
