// What every test on the stage includes, parsed once; see json.hpp beside it.

#pragma once

#include "cmake/precompiled/tests.hpp"
#include "tests/support/stage.hpp"
