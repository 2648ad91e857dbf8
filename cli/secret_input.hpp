#pragma once

// How a secret gets into the program: from standard input, never from its
// arguments, which everybody on the machine can read.

#include "cli/console.hpp"
#include "messages/result.hpp"

#include <string>

namespace leasehold::cli {

/// Reads a value from `fd`, which must be open. From a terminal it is one line,
/// asked for with `prompt` and not shown; otherwise it is everything there is,
/// without one line break at the end. Errors: `invalid_request` if it is empty,
/// `too_large`, `cancelled` after Ctrl-C.
result<std::string> read_secret(int fd, const std::string& prompt,
                                console& screen);

} // namespace leasehold::cli
