// Why a store refuses to change secrets.

#include "storage/secret_records.hpp"

namespace leasehold {

failure unknown_secret(const secret_id& secret) {
  return {ec::unknown_secret, "Secret \"" + secret.value + "\" not found."};
}

failure unknown_secret(const secret_id& secret, uint32_t version) {
  return {ec::unknown_secret, "Secret \"" + secret.value + "\" has no version "
                                + std::to_string(version) + "."};
}

failure unknown_secret(const get_secret& x) {
  return {ec::unknown_secret, "Secret \"" + x.id_or_name + "\" of company \""
                                + x.company.value + "\" not found."};
}

failure name_is_taken(const secret_row& row) {
  return {ec::already_exists, "Company \"" + row.company.value
                                + "\" has a secret named \"" + row.name
                                + "\" already."};
}

failure not_bound(const unbind_secret& x) {
  return {ec::binding_missing, "No secret is bound to " + to_string(x.target)
                                 + ":" + x.target_id + " at " + x.path + "."};
}

std::optional<failure> refusal(const put_secret& x) {
  if (x.row.id.empty() || x.row.company.empty() || x.row.name.empty())
    return failure{ec::invalid_request,
                   "A secret needs an id, a company and a name."};
  return std::nullopt;
}

std::optional<failure> refusal(const add_secret_version& x,
                               const std::optional<found_secret>& known) {
  if (!known)
    return unknown_secret(x.secret);
  if (known->latest + 1 != x.version)
    return failure{ec::conflict,
                   "Secret \"" + known->name + "\" cannot get version "
                     + std::to_string(x.version) + ": its latest is "
                     + std::to_string(known->latest) + "."};
  return std::nullopt;
}

std::optional<failure>
refusal(const set_secret_version_status& x,
        const std::optional<secret_version_status>& known) {
  if (!known)
    return unknown_secret(x.secret, x.version);
  if (*known == secret_version_status::destroyed)
    return failure{ec::conflict, "Version " + std::to_string(x.version)
                                   + " of secret \"" + x.secret.value
                                   + "\" is destroyed for good."};
  return std::nullopt;
}

std::optional<failure> refusal(const remove_secret& x,
                               const std::optional<found_secret>& known,
                               const std::string& places) {
  if (!known)
    return unknown_secret(x.secret);
  if (!places.empty() && !x.forced)
    return failure{ec::in_use, "Secret \"" + known->name + "\" is bound to "
                                 + places
                                 + ". Unbind it there first, or force it."};
  return std::nullopt;
}

std::optional<failure> refusal(const bind_secret& x,
                               const std::optional<found_secret>& known) {
  auto& row = x.row;
  if (!known)
    return unknown_secret(row.secret);
  if (known->company != row.company)
    return failure{ec::secret_unusable, "Secret must belong to same company",
                   "Secret \"" + row.secret.value
                     + "\" is not of the company \"" + row.company.value
                     + "\"."};
  if (row.target_id.empty() || row.path.empty())
    return failure{ec::invalid_request,
                   "A binding needs a target and the path in its config."};
  return std::nullopt;
}

} // namespace leasehold
