#pragma once

// What the engine asks of the store about secrets. Part of messages/store.hpp.

#include "messages/secret.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace leasehold {

// -- writes -------------------------------------------------------------------

/// A new secret with its first version. `row.latest_version` is ignored.
/// Errors: `already_exists` if the company has one of this name, or the id is
/// taken.
struct put_secret {
  secret_row row = {};
  std::string sealed = {};
};

/// Another version, the latest from now on; the earlier ones stay. Guard:
/// `version` is one more than the latest, because it is sealed in; `conflict`
/// if somebody else was faster, `unknown_secret` if the secret is gone.
struct add_secret_version {
  secret_id secret = {};
  uint32_t version = 0;
  std::string sealed = {};
};

/// Turns a secret off or on as a whole. Errors: `unknown_secret`.
struct set_secret_status {
  secret_id secret = {};
  secret_status status = secret_status::active;
};

/// Turns one version off or on; `destroyed` forgets its value for good.
/// Errors: `unknown_secret` if there is no such version, `conflict` if it is
/// destroyed already.
struct set_secret_version_status {
  secret_id secret = {};
  uint32_t version = 0;
  secret_version_status status = secret_version_status::active;
};

/// Lets a secret be used somewhere; replaces what was bound there. Errors:
/// `unknown_secret` (no such secret, or no such version), `secret_unusable` if
/// it is another company's.
struct bind_secret {
  secret_binding_row row = {};
};

/// Takes that back. Errors: `binding_missing`.
struct unbind_secret {
  company_id company = {};
  secret_target target = secret_target::environment;
  std::string target_id = {};
  std::string path = {};
};

/// Forgets a secret with all its versions. Errors: `unknown_secret`; `in_use`
/// while it is bound somewhere, unless forced, which removes the bindings too.
struct remove_secret {
  secret_id secret = {};
  bool forced = false;
};

/// Adds to the record of accesses. Their times are the store's now.
struct record_secret_access {
  std::vector<secret_access_row> rows = {};
};

/// Which secret stands at one path of an environment's config.
struct secret_use {
  std::string path = {};
  /// Empty: none; what was bound there is not any more.
  secret_id secret = {};

  friend bool operator==(const secret_use&, const secret_use&) = default;
};

// -- reads --------------------------------------------------------------------

/// One secret of a company by its id or name; `unknown_secret` if there is
/// none.
struct get_secret {
  company_id company = {};
  std::string id_or_name = {};
};

/// Secrets by name. An empty company means all of them.
struct list_secrets {
  company_id company = {};
};

/// Bindings by target and path. Empty fields do not filter.
struct list_secret_bindings {
  company_id company = {};
  secret_id secret = {};
  /// The id of an environment or plugin.
  std::string target_id = {};
};

/// The facts about each request, in the order of the requests.
struct find_secrets {
  std::vector<secret_request> requests = {};
};

/// Any one version that is sealed, or none if nothing is: whether the master
/// key is needed already, and whether it is the right one.
struct get_sealed_sample {};

/// Accesses to a secret, latest first.
struct list_secret_accesses {
  secret_id secret = {};
  uint32_t limit = 100;
};

struct secret_rows {
  std::vector<secret_row> rows = {};
};

struct secret_binding_rows {
  std::vector<secret_binding_row> rows = {};
};

struct secret_fact_rows {
  std::vector<secret_facts> rows = {};
};

/// A sealed version, and whose it is.
struct sealed_sample {
  /// Empty `sealed`: there is none.
  secret_version_row row = {};
  company_id company = {};
};

struct secret_access_rows {
  std::vector<secret_access_row> rows = {};
};

} // namespace leasehold
