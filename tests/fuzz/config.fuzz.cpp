// Configs of environments. Input: the text of one, for any driver.

#include "drivers/plugin_config.hpp"
#include "drivers/sandbox_config.hpp"
#include "drivers/secret_refs.hpp"
#include "drivers/ssh/ssh_config.hpp"
#include "drivers/worker_params.hpp"
#include "messages/json.hpp"
#include "tests/fuzz/fuzzing.hpp"

#include <nlohmann/json.hpp>

namespace leasehold::fuzz {

namespace {

using nlohmann::json;

const std::vector<std::string> paths{"apiKey", "auth.token"};

template <class T>
bool reads(const result<T>& what) {
  must(what || !what.error().message.empty(), "a refusal has a reason");
  return what.has_value();
}

void check_json(std::string_view input) {
  auto once = canonical_object(input, "The config");
  if (!reads(once))
    return;
  auto twice = canonical_object(once->text, "The config");
  must(twice && twice->text == once->text, "canonical is canonical");
  auto print = config_fingerprint(*once, {"reuseLease"});
  auto more = with_member(*once, "reuseLease", json_text{"true"});
  must(config_fingerprint(more, {"reuseLease"}) == print,
       "what is ignored does not count");
  must(json_member(more, "reuseLease") == json_text{"true"},
       "a member that was added is there");
  (void)text_member(*once, "provider");
}

void check_sandbox(const json_text& config) {
  (void)reads(sandbox::parse_settings(config));
  auto once = sandbox::normalize(config);
  if (!reads(once))
    return;
  auto settings = sandbox::parse_settings(*once);
  must(settings.has_value(), "what is stored can be read");
  must(settings->timeout.count() >= 0, "no time is negative");
  auto twice = sandbox::normalize(*once);
  must(twice && twice->text == once->text, "what is stored stays as it is");
  must(sandbox::fingerprint_of(*settings, *once)
         == sandbox::fingerprint_of(*settings, *twice),
       "what is stored has one fingerprint");
  (void)sandbox::fake_image(*once);
  (void)sandbox::verb_timeout(*settings);
  (void)wire::without_envelope(*once);
  (void)wire::execute_timeout(*once, milliseconds{0});
}

void check_ssh(const json_text& config) {
  (void)reads(ssh::parse_draft(config));
  auto settings = ssh::parse_settings(config);
  if (!reads(settings))
    return;
  must(settings->workspace_path.starts_with('/'), "workspaces are absolute");
  auto again = ssh::parse_settings(ssh::to_stored(*settings));
  must(again && *again == *settings, "what is stored means the same");
}

void check_plugin(const json_text& config) {
  auto settings = parse_plugin_settings(config);
  if (!reads(settings))
    return;
  auto again = parse_plugin_settings(to_config(*settings));
  must(again && again->name() == settings->name()
         && again->driver_config.text == settings->driver_config.text,
       "what is stored means the same");
}

void check_secrets(const json_text& config) {
  auto make_id
    = [] { return std::string{"00000000-0000-4000-8000-000000000001"}; };
  auto stored = secure_config(config, paths, make_id);
  must(raw_secrets(stored.config, paths).empty(),
       "no value is left in a config that is stored");
  auto again = secure_config(stored.config, paths, make_id);
  must(again.raw.empty() && again.config.text == stored.config.text,
       "a config that is stored has nothing to hide");
  (void)secret_requests(stored.config, paths, {});
  (void)fill_secrets(stored.config, paths, {"one", "two"});
  (void)reads(collapse_refs(config, paths));
  (void)strip_secrets(config, paths);
  (void)keep_secret_ids(config, stored.config, paths);
}

} // namespace

void try_input(std::string_view input) {
  json_text config{std::string{input}};
  check_json(input);
  check_sandbox(config);
  check_ssh(config);
  check_plugin(config);
  check_secrets(config);
  (void)wire::parse_captured(config);
}

} // namespace leasehold::fuzz
