#pragma once

// Secret values at rest: sealed under one master key. The only header whose
// source knows libsodium.

#include "messages/ids.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace leasehold {

/// The environment variable that may give the master key. It is not passed on
/// to child processes.
inline constexpr const char* master_key_variable = "LEASEHOLD_MASTER_KEY";

/// Where the master key is. 32 bytes, written as 64 hexadecimal digits or as
/// base64.
struct master_key_place {
  /// The key itself; wins over the file.
  std::string text = {};
  /// Where it lies, readable by its owner only. Empty: nowhere.
  std::string file = {};
};

/// What a value belongs to. It is sealed in, so that a row which is moved
/// elsewhere does not open.
struct sealed_place {
  company_id company;
  secret_id secret;
  uint32_t version = 0;
};

/// Overwrites a text that was secret, and empties it.
void wipe(std::string& text) noexcept;

/// Seals and unseals. Thread-safe. Reads its key at first use and keeps it in
/// memory that is not swapped or dumped. No error has any part of a value or of
/// the key in it.
class secret_box {
public:
  explicit secret_box(master_key_place where);

  ~secret_box();

  secret_box(const secret_box&) = delete;

  secret_box& operator=(const secret_box&) = delete;

  /// Makes sure that there is the right key, before something is sealed.
  /// `sample` is any value that was sealed earlier; empty if there is none, and
  /// only then a missing key file is made. Errors: `secret_unusable`: missing
  /// key, wrong key, a file that others may read, or no place for a key.
  result<> prepare(std::string_view sample);

  /// Seals a value; the result is printable. Errors as `prepare`.
  result<std::string> seal(const sealed_place& where, std::string_view value);

  /// The value again. Errors: as `prepare`; `secret_unusable` if it was sealed
  /// for another place or has been changed.
  result<std::string> unseal(const sealed_place& where,
                             std::string_view sealed);

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace leasehold
