#pragma once

// Companies' secrets as the store keeps them, and what is asked of them. No
// value is ever in here: versions are sealed, see storage/secret_box.hpp.

#include "messages/enums.hpp"
#include "messages/ids.hpp"
#include "messages/values.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace leasehold {

// -- rows ---------------------------------------------------------------------

enum class secret_status : uint8_t { active, disabled };

template <>
inline constexpr auto names<secret_status> = named<secret_status>({
  {secret_status::active, "active"},
  {secret_status::disabled, "disabled"},
});

/// A named secret of one company.
struct secret_row {
  secret_id id = {};
  company_id company = {};
  /// Unique within the company.
  std::string name = {};
  /// Who keeps the values; only `local` so far: this store.
  std::string provider = "local";
  secret_status status = secret_status::active;
  /// The highest version there is. Versions count from 1.
  uint32_t latest_version = 0;
  std::string description = {};
  /// The environment whose config spelled the value out. The secret goes with
  /// it. Empty for secrets that people made.
  environment_id made_for = {};
  timestamp created_at = {};
  timestamp updated_at = {};

  friend bool operator==(const secret_row&, const secret_row&) = default;
};

enum class secret_version_status : uint8_t { active, disabled, destroyed };

template <>
inline constexpr auto
  names<secret_version_status> = named<secret_version_status>({
    {secret_version_status::active, "active"},
    {secret_version_status::disabled, "disabled"},
    {secret_version_status::destroyed, "destroyed"},
  });

/// One value of a secret.
struct secret_version_row {
  secret_id secret = {};
  uint32_t version = 0;
  secret_version_status status = secret_version_status::active;
  /// The value as storage/secret_box.hpp sealed it; empty once destroyed.
  std::string sealed = {};
  timestamp created_at = {};

  friend bool operator==(const secret_version_row&, const secret_version_row&)
    = default;
};

/// What a secret can be bound to.
enum class secret_target : uint8_t { environment, plugin };

template <>
inline constexpr auto names<secret_target> = named<secret_target>({
  {secret_target::environment, "environment"},
  {secret_target::plugin, "plugin"},
});

/// A secret may be used there, at this path. Unique without `secret` and
/// `version`: one secret per place.
struct secret_binding_row {
  company_id company = {};
  secret_id secret = {};
  secret_target target = secret_target::environment;
  /// The id of the environment or plugin.
  std::string target_id = {};
  /// A dot path in its config.
  std::string path = {};
  /// Zero: always the latest.
  uint32_t version = 0;
  timestamp created_at = {};

  friend bool operator==(const secret_binding_row&, const secret_binding_row&)
    = default;
};

/// Somebody asked for a value and got it, or did not. Append-only.
struct secret_access_row {
  timestamp at = {};
  company_id company = {};
  secret_id secret = {};
  /// Which version was read; zero if none was.
  uint32_t version = 0;
  secret_target target = secret_target::environment;
  std::string target_id = {};
  std::string path = {};
  /// The engine that asked.
  instance_id by = {};
  /// `resolved`, or the code of the error.
  std::string outcome = {};

  friend bool operator==(const secret_access_row&, const secret_access_row&)
    = default;
};

// -- use ----------------------------------------------------------------------

/// Which secret a call needs, and where it is used (PB §1.4).
struct secret_request {
  secret_id secret = {};
  /// Who asks: the company of the lease.
  company_id company = {};
  /// Where the secret is used: an environment, and a dot path in its config.
  environment_id environment = {};
  /// A plugin may leave it out if the secret is bound to it only once.
  std::string path = {};
  /// Zero: what the binding says, else the latest.
  uint32_t version = 0;
  /// Whether it has to be bound to the environment at the path. Probes of an
  /// environment that is not saved yet, and cleanups, need no binding.
  bool needs_binding = true;
  /// Set instead of `environment` if a plugin itself uses the secret.
  plugin_id plugin = {};
};

/// What kind of thing uses the secret.
inline secret_target target_of(const secret_request& x) noexcept {
  return x.plugin.empty() ? secret_target::environment : secret_target::plugin;
}

/// The id of what uses the secret.
inline const std::string& target_id_of(const secret_request& x) noexcept {
  return x.plugin.empty() ? x.environment.value : x.plugin.value;
}

/// What the store knows about one request.
struct secret_facts {
  /// None if there is no such secret, of whatever company.
  std::optional<secret_row> secret = {};
  /// The binding of this secret to the place of the request, if any.
  std::optional<secret_binding_row> binding = {};
  /// The version that the request, else the binding, else the secret names;
  /// none if that does not exist.
  std::optional<secret_version_row> version = {};
};

} // namespace leasehold
