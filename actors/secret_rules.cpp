#include "actors/secret_rules.hpp"

#include <string>

namespace leasehold {

namespace {

/// `environment:env-1 at apiKey`.
std::string place_of(const secret_request& x) {
  auto out = to_string(target_of(x)) + ":" + target_id_of(x);
  return x.path.empty() ? out : out + " at " + x.path;
}

failure refuse(ec code, std::string message, const secret_request& x,
               const std::string& advice) {
  return {code, std::move(message),
          "Secret " + x.secret.value + ", for " + place_of(x) + ", company \""
            + x.company.value + "\". " + advice};
}

/// What a request must say before anybody looks.
result<> check_request(const secret_request& x) {
  if (x.company.empty())
    return failure{ec::invalid_request,
                   "Runtime secret resolution requires a companyId context"};
  if (x.needs_binding && target_id_of(x).empty())
    return failure{ec::invalid_request,
                   "Runtime secret resolution requires an environment id"};
  return done{};
}

result<> check_secret(const secret_request& x, const secret_facts& facts) {
  if (!facts.secret)
    return refuse(ec::unknown_secret, "Secret not found", x,
                  "`leasehold secret list` shows what there is.");
  if (facts.secret->company != x.company)
    return refuse(ec::secret_unusable, "Secret must belong to same company", x,
                  "Use a secret of the company that takes the lease.");
  if (facts.secret->status != secret_status::active)
    return refuse(ec::secret_unusable, "Secret is not active", x,
                  "Enable it, or use another one.");
  return done{};
}

result<> check_binding(const secret_request& x, const secret_facts& facts) {
  if (!x.needs_binding)
    return done{};
  if (x.path.empty() && x.plugin.empty())
    return refuse(ec::invalid_request,
                  "Secret resolution requires a binding config path", x,
                  "Say at which path of the config it is used.");
  if (!facts.binding)
    return refuse(ec::binding_missing, "Secret is not bound to " + place_of(x),
                  x, "Bind it with `leasehold secret bind`.");
  return done{};
}

result<> check_version(const secret_request& x, const secret_facts& facts) {
  if (!facts.version)
    return refuse(ec::unknown_secret, "Secret version not found", x,
                  "Its latest version is "
                    + std::to_string(facts.secret->latest_version) + ".");
  if (facts.version->status != secret_version_status::active)
    return refuse(ec::secret_unusable, "Secret version is not active", x,
                  "Version " + std::to_string(facts.version->version) + " is "
                    + to_string(facts.version->status)
                    + ". Give the secret a new value with `leasehold secret "
                      "rotate`.");
  return done{};
}

secret_access_row access_of(const secret_request& x) {
  secret_access_row out;
  out.company = x.company;
  out.secret = x.secret;
  out.target = target_of(x);
  out.target_id = target_id_of(x);
  out.path = x.path;
  return out;
}

} // namespace

result<secret_version_row> resolve_secret(const secret_request& request,
                                          const secret_facts& facts) {
  if (auto ok = check_request(request); !ok)
    return ok.error();
  if (auto ok = check_secret(request, facts); !ok)
    return ok.error();
  if (auto ok = check_binding(request, facts); !ok)
    return ok.error();
  if (auto ok = check_version(request, facts); !ok)
    return ok.error();
  return *facts.version;
}

result<secret_request>
place_of_secret(secret_request request,
                const std::vector<secret_binding_row>& bindings) {
  const secret_binding_row* only = nullptr;
  for (const auto& x : bindings) {
    if (x.target != secret_target::plugin)
      continue;
    if (only)
      return refuse(ec::invalid_request,
                    "Plugin secret reference is ambiguous; pass configPath "
                    "when resolving this secret",
                    request,
                    "It is bound at " + only->path + " and at " + x.path + ".");
    only = &x;
  }
  if (only)
    request.path = only->path;
  return request;
}

secret_access_row access_of(const secret_request& request, uint32_t version) {
  auto out = access_of(request);
  out.version = version;
  out.outcome = "resolved";
  return out;
}

secret_access_row access_of(const secret_request& request, const failure& why) {
  auto out = access_of(request);
  out.outcome = to_string(why.code);
  return out;
}

} // namespace leasehold
