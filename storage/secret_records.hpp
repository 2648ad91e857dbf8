#pragma once

// What every store answers about secrets, from the rows of its database, and
// why it refuses to change them. `Rows` is what a database answers.

#include "messages/store.hpp"

#include <optional>
#include <string>
#include <utility>

namespace leasehold {

/// What guards of writes look at.
struct found_secret {
  company_id company;
  std::string name;
  uint32_t latest = 0;
};

failure unknown_secret(const secret_id& secret);
failure unknown_secret(const secret_id& secret, uint32_t version);
failure unknown_secret(const get_secret& x);

failure name_is_taken(const secret_row& row);

failure not_bound(const unbind_secret& x);

/// What the guards of each write refuse, where the secret is `known` to be so.
std::optional<failure> refusal(const put_secret& x);
std::optional<failure> refusal(const add_secret_version& x,
                               const std::optional<found_secret>& known);
std::optional<failure>
refusal(const set_secret_version_status& x,
        const std::optional<secret_version_status>& known);
std::optional<failure> refusal(const bind_secret& x,
                               const std::optional<found_secret>& known);

/// `places` is where the secret is bound, in words.
std::optional<failure> refusal(const remove_secret& x,
                               const std::optional<found_secret>& known,
                               const std::string& places);

/// Takes `company_id, name, latest_version`, if there is a row.
template <class Rows>
std::optional<found_secret> take_found_secret(Rows found) {
  if (!found.next())
    return std::nullopt;
  found_secret x;
  found.read(x.company, x.name, x.latest);
  return x;
}

/// Takes the status of a version, if there is a row.
template <class Rows>
std::optional<secret_version_status> take_version_status(Rows found) {
  if (!found.next())
    return std::nullopt;
  auto status = secret_version_status::active;
  found.read(status);
  return status;
}

/// Takes `target_type, target_id, config_path`: `environment:e1 at key, …`.
template <class Rows>
std::string take_places(Rows found) {
  std::string all;
  while (found.next()) {
    std::string target;
    std::string id;
    std::string path;
    found.read(target, id, path);
    if (!all.empty())
      all += ", ";
    all.append(target).append(":").append(id).append(" at ").append(path);
  }
  return all;
}

template <class Rows>
secret_rows take_secrets(Rows found) {
  secret_rows all;
  while (found.next()) {
    auto& x = all.rows.emplace_back();
    found.read(x.id, x.company, x.name, x.provider, x.status, x.latest_version,
               x.description, x.made_for, x.created_at, x.updated_at);
  }
  return all;
}

template <class Rows>
secret_binding_rows take_bindings(Rows found) {
  secret_binding_rows all;
  while (found.next()) {
    auto& x = all.rows.emplace_back();
    found.read(x.company, x.secret, x.target, x.target_id, x.path, x.version,
               x.created_at);
  }
  return all;
}

/// Takes a secret, its binding and the version that is asked for, in one row.
template <class Rows>
secret_facts take_facts(Rows found) {
  if (!found.next())
    return {};
  secret_row s;
  secret_binding_row b;
  secret_version_row v;
  found.read(s.id, s.company, s.name, s.provider, s.status, s.latest_version,
             s.description, s.made_for, s.created_at, s.updated_at, b.company,
             b.secret, b.target, b.target_id, b.path, b.version, b.created_at,
             v.secret, v.version, v.status, v.sealed, v.created_at);
  secret_facts out{std::move(s), {}, {}};
  if (!b.secret.empty())
    out.binding = std::move(b);
  if (!v.secret.empty())
    out.version = std::move(v);
  return out;
}

template <class Rows>
sealed_sample take_sample(Rows found) {
  sealed_sample out;
  if (found.next())
    found.read(out.row.secret, out.row.version, out.row.status, out.row.sealed,
               out.row.created_at, out.company);
  return out;
}

template <class Rows>
secret_access_rows take_accesses(Rows found) {
  secret_access_rows all;
  while (found.next()) {
    auto& x = all.rows.emplace_back();
    found.read(x.at, x.company, x.secret, x.version, x.target, x.target_id,
               x.path, x.by, x.outcome);
  }
  return all;
}

} // namespace leasehold
