#pragma once

// What plugins declare about their drivers, read once per manifest.

#include "messages/environment.hpp"
#include "messages/values.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

namespace leasehold {

/// What drivers need to know of one declaration.
struct known_driver {
  /// Whether the plugin declares it at all.
  bool declared = false;
  /// A JSON schema; `{}` if there is none.
  json_text schema;
  /// Dot paths of the secrets that the schema names.
  std::vector<std::string> secret_paths;
  /// Whether its resources may wait for another run.
  bool reusable_leases = true;
};

/// Remembers what was read until the plugin's manifest is another one.
/// Thread-safe.
class known_drivers {
public:
  /// The driver of this key and kind; of any kind if `kind` is empty. Never
  /// null.
  std::shared_ptr<const known_driver> find(const plugin_row& plugin,
                                           const std::string& key,
                                           const std::string& kind = {});

private:
  using place = std::tuple<plugin_id, std::string, std::string>;

  struct entry {
    json_text manifest;
    std::shared_ptr<const known_driver> driver;
  };

  std::mutex mutex_;
  std::map<place, entry> entries_;
};

} // namespace leasehold
