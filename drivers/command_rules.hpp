#pragma once

// What no command may ask for, whoever runs it.

#include "messages/command.hpp"

#include <string_view>

namespace leasehold {

/// Whether every shell and C library takes this as a variable's name.
bool is_variable_name(std::string_view key);

/// What kernels and shells take as the end of a text would cut it silently.
bool has_nul(const command_spec& spec);

} // namespace leasehold
