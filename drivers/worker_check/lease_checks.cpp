// Configurations, and leases that come and go (PB §5.6).

#include "drivers/worker_check/check_list.hpp"

#include <algorithm>

namespace leasehold::check {

namespace {

constexpr auto missing_lease = "leasehold-check-no-such-lease";

/// A lease that nobody has.
json nobody() {
  return {{"providerLeaseId", missing_lease},
          {"metadata", json::object()},
          {"expiresAt", nullptr}};
}

std::string texts_of(const json& x) {
  std::string out;
  if (x.is_array())
    for (const auto& line : x)
      if (line.is_string())
        out += (out.empty() ? "" : "; ") + line.get<std::string>();
  return excerpt(out);
}

/// What the worker thinks of a configuration.
json validate(bench& at, const json& config) {
  constexpr auto method = "environmentValidateConfig";
  at.need(method);
  auto answer = at.get(
    method, {{"driverKey", at.given().driver_key}, {"config", config}});
  if (!answer.is_object() || !answer.value("ok", json()).is_boolean())
    fail(std::string{method} + ": no ok that is true or false in "
         + excerpt(answer.dump()));
  return answer;
}

std::string config_good(bench& at) {
  auto answer = validate(at, at.given().config);
  auto errors = texts_of(answer.value("errors", json()));
  if (answer["ok"] == false && at.given().options.config.empty())
    skip("it refuses the empty configuration; give it one with --config: "
         + errors);
  if (answer["ok"] == false)
    fail("it refuses the configuration: " + errors);
  auto normalized = answer.value("normalizedConfig", json());
  if (!normalized.is_null() && !normalized.is_object())
    fail("normalizedConfig is no object: " + excerpt(normalized.dump()));
  return {};
}

std::string config_bad(bench& at) {
  at.need("environmentValidateConfig");
  if (at.given().bad_config.is_null())
    skip("needs a configuration that it must refuse (--bad-config)");
  auto answer = validate(at, at.given().bad_config);
  if (answer["ok"] == true)
    fail("it takes the bad configuration");
  auto errors = texts_of(answer.value("errors", json()));
  if (errors.empty())
    fail("it does not say why: " + excerpt(answer.dump()));
  return errors;
}

std::string probe(bench& at) {
  constexpr auto method = "environmentProbe";
  at.need(method);
  auto answer = at.get(method, at.params());
  auto said = excerpt(answer.dump());
  if (!answer.is_object() || !answer.value("ok", json()).is_boolean())
    fail("no ok that is true or false in " + said);
  if (answer["ok"] == false)
    fail("the environment does not work: " + said);
  auto notes = answer.value("diagnostics", json::array());
  if (!notes.is_array())
    fail("diagnostics is no array in " + said);
  for (const auto& x : notes)
    if (!x.is_object() || !x.value("severity", json()).is_string()
        || !x.value("message", json()).is_string())
      fail("a diagnostic without severity and message: " + excerpt(x.dump()));
  auto summary = answer.value("summary", json());
  return summary.is_string() ? excerpt(summary.get<std::string>()) : "";
}

// -- acquire, resume ----------------------------------------------------------

std::string acquire(bench& at) {
  at.need("environmentAcquireLease");
  // What other checks work in; that it cannot be had is our failure alone.
  const auto& lease = at.first_lease();
  return excerpt(lease["providerLeaseId"].get<std::string>());
}

std::string acquire_twice(bench& at) {
  auto first = at.lease()["providerLeaseId"];
  auto second = at.acquire();
  if (second["providerLeaseId"] == first)
    fail("two runs hold " + excerpt(first.dump()));
  at.destroy(second);
  return {};
}

std::string extra_fields(bench& at) {
  at.lease();
  json more{{"leaseId", "1ea5e401-c4ec-4000-8000-00000000000f"},
            {"leaseFence", 7},
            {"executionId", "1ea5e401-c4ec-4000-8000-0000000000ff"},
            {"leaseholdCheck", {{"unheard", "of"}}}};
  auto lease = at.acquire(more);
  at.get("environmentReleaseLease", at.on(lease, more));
  at.destroy(lease);
  return {};
}

/// Resumes a lease; the answer, or an error in its place.
json resume(bench& at, const json& lease) {
  constexpr auto method = "environmentResumeLease";
  at.need(method);
  auto answer = at.ask(method, at.on(lease));
  if (!answer.ok())
    return {{"error", to_string(answer)}};
  return checked_lease(method, answer.result);
}

std::string resume_existing(bench& at) {
  auto lease = at.lease();
  auto answer = resume(at, lease);
  if (answer.contains("error"))
    fail(answer["error"].get<std::string>());
  if (answer["providerLeaseId"] != lease["providerLeaseId"])
    fail("expected " + lease["providerLeaseId"].dump() + ", got "
         + answer["providerLeaseId"].dump());
  return {};
}

std::string resume_missing(bench& at) {
  auto answer = resume(at, nobody());
  if (answer.contains("error"))
    return "says so with an " + answer["error"].get<std::string>();
  if (!answer["providerLeaseId"].is_null())
    fail("expected providerLeaseId null, got "
         + answer["providerLeaseId"].dump());
  return {};
}

std::string resume_released(bench& at) {
  at.lease();
  at.need("environmentResumeLease");
  auto lease = at.acquire();
  at.get("environmentReleaseLease", at.on(lease));
  auto answer = resume(at, lease);
  auto id = answer.value("providerLeaseId", json());
  if (!id.is_null() && id != lease["providerLeaseId"])
    fail("it made another one: released " + lease["providerLeaseId"].dump()
         + ", got " + id.dump());
  at.destroy(lease);
  return id.is_null() ? "released is gone" : "released is kept";
}

// -- release, destroy ---------------------------------------------------------

/// Checks what release and destroy may answer.
void end_lease(bench& at, const std::string& method, const json& lease,
               const std::string& which) {
  auto answer = at.ask(method, at.on(lease));
  if (!answer.ok())
    fail(which + ": " + to_string(answer));
  if (!answer.result.is_object() || !answer.result.contains("state"))
    return;
  const auto& state = answer.result["state"];
  if (state != "stopped" && state != "destroyed")
    fail(which + ": the state is neither stopped nor destroyed: "
         + excerpt(state.dump()));
}

std::string release_twice(bench& at) {
  at.lease();
  constexpr auto method = "environmentReleaseLease";
  at.need(method);
  auto lease = at.acquire();
  end_lease(at, method, lease, "first release");
  end_lease(at, method, lease, "second release");
  at.destroy(lease);
  return {};
}

std::string destroy_twice(bench& at) {
  at.lease();
  constexpr auto method = "environmentDestroyLease";
  at.need(method);
  auto lease = at.acquire();
  end_lease(at, method, lease, "first destroy");
  end_lease(at, method, lease, "second destroy");
  return {};
}

std::string destroy_unknown(bench& at) {
  constexpr auto method = "environmentDestroyLease";
  at.need(method);
  end_lease(at, method, nobody(), "destroy of a lease that nobody has");
  return {};
}

// -- list ---------------------------------------------------------------------

/// What the list has of a lease; null if it is not in it.
json listed(bench& at, const json& lease) {
  auto answer = at.get("environmentListLeases", at.params());
  auto leases = answer.is_object() ? answer.value("leases", json()) : json();
  if (!leases.is_array())
    fail("no array of leases in " + excerpt(answer.dump()));
  for (const auto& x : leases)
    if (x.is_object()
        && x.value("providerLeaseId", json()) == lease["providerLeaseId"])
      return x;
  return nullptr;
}

std::string list(bench& at) {
  at.need("environmentListLeases");
  at.lease();
  json id{{"leaseId", "1ea5e401-c4ec-4000-8000-0000000000aa"}};
  auto lease = at.acquire(id);
  auto entry = listed(at, lease);
  if (entry.is_null())
    fail("what was acquired is not in it: " + lease["providerLeaseId"].dump());
  auto named = entry.value("leaseId", json());
  if (!named.is_null() && named != id["leaseId"])
    fail("it has another leaseId than it was acquired with: " + named.dump());
  at.destroy(lease);
  if (!listed(at, lease).is_null())
    fail("what was destroyed is in it: " + lease["providerLeaseId"].dump());
  return named.is_null() ? "without leaseId" : "";
}

} // namespace

std::vector<one_check> lease_checks() {
  return {
    {{"config.good", "takes a good configuration"}, config_good},
    {{"config.bad", "refuses a bad configuration and says why"}, config_bad},
    {{"probe", "says that the environment works"}, probe},
    {{"acquire", "acquires a lease that has a name"}, acquire},
    {{"acquire.twice", "gives two runs two leases"}, acquire_twice},
    {{"fields.extra", "lets fields pass that it does not know"}, extra_fields},
    {{"resume", "resumes a lease that is there"}, resume_existing},
    {{"resume.missing", "knows that a lease is gone"}, resume_missing},
    {{"resume.released", "makes nothing new to resume"}, resume_released},
    {{"release.twice", "can be told twice to release"}, release_twice},
    {{"destroy.twice", "can be told twice to destroy"}, destroy_twice},
    {{"destroy.unknown", "destroys what is not there"}, destroy_unknown},
    {{"list", "lists what there is and nothing else"}, list},
  };
}

} // namespace leasehold::check
