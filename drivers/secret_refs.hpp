#pragma once

// Secrets in configs: where a schema says they are, how ids get there, how
// values take their place for one call, and how none is kept (PB §2.5).

#include "messages/driver.hpp"
#include "messages/result.hpp"
#include "messages/secret_store.hpp"
#include "messages/values.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace leasehold {

// -- where they are -----------------------------------------------------------

/// The dot paths that a JSON schema declares with `format: "secret-ref"`: in
/// `properties`, and in every branch of `allOf`, `anyOf` and `oneOf`. Sorted,
/// each once. Arrays, `$ref` and the like are not looked into.
std::vector<std::string> secret_paths(const json_text& schema);

/// Whether a text has the form of a secret's id: a UUID of any version, in
/// upper or lower case.
bool is_secret_id(std::string_view text) noexcept;

// -- for one call -------------------------------------------------------------

/// A request for each path that holds an id, in the order of `paths`. All but
/// `secret` and `path` is taken from `place`.
std::vector<secret_request>
secret_requests(const json_text& config, const std::vector<std::string>& paths,
                const secret_request& place);

/// The config with the values in place of the ids; `values` in the order of
/// `secret_requests` for the same config and paths. The result is for one call:
/// do not keep, log or store it.
json_text fill_secrets(const json_text& config,
                       const std::vector<std::string>& paths,
                       const std::vector<std::string>& values);

// -- for the store ------------------------------------------------------------

/// The config with bare ids for `{"type": "secret_ref", "secretId": …}` at
/// these paths. Errors: `invalid_config` if one pins a version.
result<json_text> collapse_refs(const json_text& config,
                                const std::vector<std::string>& paths);

/// A value that a config spells out.
struct raw_secret {
  std::string path = {};
  std::string value = {};
  /// The secret that it becomes.
  secret_id secret = {};
  /// What the secret is called after; the path, if empty.
  std::string name = {};
};

/// A config that may be stored.
struct secured_config {
  json_text config = {};
  /// What to make secrets of, in the order of the paths.
  std::vector<raw_secret> raw = {};
  /// What stands at each path now.
  std::vector<secret_use> uses = {};
};

/// Takes the values out of a config: a text that is no id becomes the id of a
/// secret to be made, an empty one is removed, an id is trimmed, anything else
/// stays. `make_id` makes ids.
secured_config secure_config(const json_text& config,
                             const std::vector<std::string>& paths,
                             const std::function<std::string()>& make_id);

/// The same for fields in which a secret is spelled out under one key and
/// named under another.
secured_config secure_fields(const json_text& config,
                             const std::vector<secret_field>& fields,
                             const std::function<std::string()>& make_id);

/// `validated` with the ids that `given` has at these paths, wherever a driver
/// that looked at the config left a text there.
json_text keep_secret_ids(const json_text& validated, const json_text& given,
                          const std::vector<std::string>& paths);

/// The texts at these paths that are no ids: values that nobody may see.
std::vector<std::string> raw_secrets(const json_text& config,
                                     const std::vector<std::string>& paths);

/// `environment-<driver>-<slug>-<field>-<tag>`: the name of a secret that is
/// made of what a config spelled out. `tag` is 8 hexadecimal digits of chance.
std::string environment_secret_name(std::string_view driver,
                                    std::string_view environment,
                                    std::string_view path,
                                    std::string_view tag);

/// A path as it stands in such a name: `auth-token` for `auth.Token`.
std::string secret_field_of(std::string_view path);

/// `metadata` without what stands at these paths, and without the objects that
/// become empty by that.
json_text strip_secrets(const json_text& metadata,
                        const std::vector<std::string>& paths);

} // namespace leasehold
