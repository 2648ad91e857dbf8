// Nothing but its header, which CMake precompiles for a source only.

#include "cmake/precompiled/tests.hpp"
