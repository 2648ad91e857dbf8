// What every test includes, parsed once; see json.hpp beside it.

#pragma once

#include "cmake/precompiled/json.hpp"
#include "tests/support/catch.hpp"
