// What plugin workers answer. Input: the result of any call.

#include "drivers/worker_results.hpp"

#include "messages/json.hpp"
#include "tests/fuzz/fuzzing.hpp"

#include <nlohmann/json.hpp>

namespace leasehold::fuzz {

namespace {

using nlohmann::json;

json object_in(const json_text& text) {
  auto x = json::parse(text.text, nullptr, false);
  must(x.is_object(), "what is kept of an answer is a JSON object");
  return x;
}

template <class T>
void explains(const result<T>& what) {
  must(what || !what.error().message.empty(), "a refusal has a reason");
}

void check_ready(const json_text& answer) {
  json_text own{R"({"driver":"sandbox","provider":"boxes"})"};
  auto ready = wire::parse_ready(answer, own);
  explains(ready);
  if (!ready)
    return;
  auto kept = object_in(ready->metadata);
  must(kept["driver"] == "sandbox" && kept["provider"] == "boxes",
       "no provider shadows the engine's keys");
  must(kept["providerMetadata"].is_object(), "its own keys lie beside them");
}

void check_executed(const json_text& answer) {
  auto ended = wire::parse_executed(answer);
  explains(ended);
  if (!ended)
    return;
  (void)object_in(ended->metadata);
  auto said = json::parse(answer.text)["exitCode"];
  must(ended->exit_code ? said == *ended->exit_code : said.is_null(),
       "an exit code is the one that was said");
}

void check_rest(const json_text& answer) {
  wire::subject whose{"sandbox", "Sandbox provider \"boxes\"",
                      json_text{R"({"provider":"boxes"})"}};
  if (auto report = wire::parse_probed(answer, whose)) {
    must(object_in(report->details)["provider"] == "boxes",
         "a probe says whose it was");
    must(!report->summary.empty(), "a probe has a summary");
  }
  auto config = wire::parse_validated(answer, json_text{R"({"a":1})"}, whose);
  explains(config);
  if (config)
    (void)object_in(*config);
  auto placed = wire::parse_realized(answer);
  explains(placed);
  if (placed)
    must(!placed->cwd.empty(), "a workspace is somewhere");
  auto listed = wire::parse_listed(answer);
  explains(listed);
  if (listed)
    for (const auto& one : *listed)
      must(!one.resource.value.empty(), "what is listed has an id");
}

} // namespace

void try_input(std::string_view input) {
  json_text answer{std::string{input}};
  check_ready(answer);
  check_executed(answer);
  check_rest(answer);
  if (auto at = parse_iso8601(input)) {
    auto text = to_iso8601(*at);
    must(parse_iso8601(text) == at, "a time survives being written");
  }
}

} // namespace leasehold::fuzz
