#pragma once

// The file that a master key lies in.

#include "messages/result.hpp"

#include <string>

namespace leasehold {

/// The text of a key file; empty if there is no such file. Errors:
/// `secret_unusable` if it is no plain file, cannot be read, or others than its
/// owner may read or write it.
result<std::string> read_key_file(const std::string& path);

/// Makes a key file that only its owner may read. Readers see the whole text or
/// no file; it is on disk when this returns. A file that is there already, even
/// since just now, stays as it is, and that is a success. Errors:
/// `secret_unusable`.
result<> make_key_file(const std::string& path, const std::string& text);

} // namespace leasehold
