#pragma once

// What an `ssh` environment's config may say (PB §2.2).

#include "messages/ids.hpp"
#include "messages/result.hpp"
#include "messages/values.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace leasehold::ssh {

/// Where a config names its private key: the dot path that the secret is bound
/// to.
inline constexpr std::string_view key_path = "privateKeySecretRef";

/// What the secret that holds a private key is called after.
inline constexpr std::string_view key_field = "private-key";

/// A private key, as a config names it.
struct key_reference {
  secret_id secret;
  /// Zero: the latest.
  uint32_t version = 0;

  friend bool operator==(const key_reference&, const key_reference&) = default;
};

/// A config, read and checked.
struct settings {
  std::string host;
  uint16_t port = 22;
  std::string username;
  /// Absolute.
  std::string workspace_path;
  std::optional<key_reference> key;
  /// The lines of a known_hosts file; empty: the host user's own.
  std::string known_hosts;
  bool strict_host_keys = true;

  friend bool operator==(const settings&, const settings&) = default;
};

/// A config as a user writes it, who may spell out the private key.
struct draft {
  settings config;
  /// Empty: none. To be kept as a secret, and named by `config.key` then.
  std::string private_key;
};

/// Reads a config as it is stored. Errors: `invalid_config`, with the text of
/// the first thing that is wrong.
result<settings> parse_settings(const json_text& config);

/// Reads a config that may spell out its private key.
result<draft> parse_draft(const json_text& config);

/// The config to store: every field, never the key itself.
json_text to_stored(const settings& config);

/// `user@host`, for messages.
std::string address_of(const settings& config);

} // namespace leasehold::ssh
