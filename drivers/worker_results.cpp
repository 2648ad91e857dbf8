#include "drivers/worker_results.hpp"

#include "drivers/json_value.hpp"
#include "messages/json.hpp"
#include "messages/json_members.hpp"

#include <nlohmann/json.hpp>

#include <limits>

namespace leasehold::wire {

namespace {

using nlohmann::json;

bool flag_of(const json& x, const char* key) {
  auto pos = x.find(key);
  return pos != x.end() && *pos == json(true);
}

json member(const json& x, const char* key) {
  auto pos = x.find(key);
  return pos != x.end() && pos->is_object() ? *pos : json::object();
}

/// The provider did what it was asked before it answered badly.
failure no_object(const json_text& answer, const char* verb) {
  return {ec::protocol_violation,
          std::string{"The worker answered "} + verb
            + " with something that is not an object.",
          answer.text.substr(0, 200), acted::yes};
}

/// The answer as an object, or what is wrong with it.
result<json> object_of(const json_text& answer, const char* verb) {
  auto x = json::parse(answer.text, nullptr, false);
  if (x.is_object())
    return x;
  return no_object(answer, verb);
}

failure missing(const char* verb, const char* field, const json_text& answer) {
  return {ec::protocol_violation,
          std::string{"The worker answered "} + verb + " without a valid `"
            + field + "`.",
          answer.text.substr(0, 200), acted::yes};
}

/// Whether this is an exit code; a longer number must not become another one.
bool is_int32(int64_t x) {
  return x >= std::numeric_limits<int32_t>::min()
         && x <= std::numeric_limits<int32_t>::max();
}

/// Lines of an array of texts, or of objects with a `message`.
std::string joined(const json& x, const char* key) {
  std::string out;
  auto pos = x.find(key);
  if (pos == x.end() || !pos->is_array())
    return out;
  for (const auto& line : *pos)
    if (line.is_string())
      out += (out.empty() ? "" : "\n") + line.get<std::string>();
  return out;
}

} // namespace

result<resource_ready> parse_ready(const json_text& answer,
                                   const json_text& metadata) {
  auto x = json_members::object(answer.text);
  if (!x)
    return no_object(answer, "the lease call");
  auto id = x->find("providerLeaseId");
  if (!id.starts_with('"') && id != "null")
    return missing("the lease call", "providerLeaseId", answer);
  resource_ready out;
  out.resource = {string_of(id)};
  if (auto expires = string_of(x->find("expiresAt")); !expires.empty())
    out.expires_at = parse_iso8601(expires);
  // Beside the engine's own keys, which no provider can shadow.
  auto said = x->find("metadata");
  out.metadata = with_member(
    metadata, "providerMetadata",
    said.starts_with('{') ? json_text{std::string{said}} : json_text{});
  return out;
}

result<workspace_realized> parse_realized(const json_text& answer) {
  auto x = object_of(answer, "environmentRealizeWorkspace");
  if (!x)
    return x.error();
  auto cwd = text_of(*x, "cwd");
  if (cwd.empty())
    return missing("environmentRealizeWorkspace", "cwd", answer);
  return workspace_realized{std::move(cwd), pack(member(*x, "metadata")), {}};
}

result<command_result> parse_executed(const json_text& answer) {
  auto x = json_members::object(answer.text);
  if (!x)
    return no_object(answer, "environmentExecute");
  auto code = x->find("exitCode");
  auto number = integer_of(code);
  if (code != "null" && !(number && is_int32(*number)))
    return missing("environmentExecute", "exitCode", answer);
  command_result out;
  if (number)
    out.exit_code = static_cast<int32_t>(*number);
  out.signal = string_of(x->find("signal"));
  out.timed_out = x->find("timedOut") == "true";
  out.stdout_text = string_of(x->find("stdout"));
  out.stderr_text = string_of(x->find("stderr"));
  if (auto metadata = x->find("metadata"); metadata.starts_with('{')) {
    out.cancelled = json_members::of(metadata).find("cancelled") == "true";
    out.metadata = json_text{std::string{metadata}};
  }
  return out;
}

result<std::vector<listed_resource>> parse_listed(const json_text& answer) {
  auto x = object_of(answer, "environmentListLeases");
  if (!x)
    return x.error();
  auto leases = x->find("leases");
  if (leases == x->end() || !leases->is_array())
    return missing("environmentListLeases", "leases", answer);
  std::vector<listed_resource> out;
  for (const auto& entry : *leases) {
    auto id = entry.is_object() ? text_of(entry, "providerLeaseId") : "";
    if (!id.empty())
      out.push_back({{id}, {text_of(entry, "leaseId")}});
  }
  return out;
}

result<probe_report> parse_probed(const json_text& answer,
                                  const subject& whose) {
  auto x = object_of(answer, "environmentProbe");
  if (!x)
    return x.error();
  probe_report out;
  out.ok = flag_of(*x, "ok");
  out.driver = whose.driver;
  out.summary = text_of(*x, "summary");
  if (out.summary.empty())
    out.summary = whose.words + " probe " + (out.ok ? "passed." : "failed.");
  auto details = json::parse(whose.details.text);
  details["diagnostics"] = x->value("diagnostics", json::array());
  details["metadata"] = member(*x, "metadata");
  out.details = pack(details);
  return out;
}

result<json_text> parse_validated(const json_text& answer,
                                  const json_text& sent, const subject& whose) {
  auto x = object_of(answer, "environmentValidateConfig");
  if (!x)
    return x.error();
  if (!flag_of(*x, "ok")) {
    auto errors = joined(*x, "errors");
    auto first = errors.substr(0, errors.find('\n'));
    return failure{
      ec::invalid_config,
      first.empty() ? whose.words + " rejected its config." : first, errors};
  }
  auto normalized = x->find("normalizedConfig");
  if (normalized == x->end() || !normalized->is_object())
    return sent;
  return pack(*normalized);
}

} // namespace leasehold::wire
