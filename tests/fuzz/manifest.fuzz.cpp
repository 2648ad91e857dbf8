// Plugin manifests. Input: the text of one.

#include "drivers/manifest.hpp"

#include "drivers/secret_refs.hpp"
#include "tests/fuzz/fuzzing.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace leasehold::fuzz {

namespace {

void check(const plugin_manifest& what) {
  must(is_utf8(what.key) && is_utf8(what.version), "names are text");
  for (const auto& driver : what.drivers) {
    must(is_driver_key(driver.key), "every driver's key is a key");
    must(find_driver(what, driver.key) != nullptr,
         "every driver is found by its key");
    must(nlohmann::json::accept(driver.config_schema.text),
         "every schema is JSON");
    auto paths = secret_paths(driver.config_schema);
    must(std::is_sorted(paths.begin(), paths.end()), "paths are sorted");
  }
}

} // namespace

void try_input(std::string_view input) {
  json_text text{std::string{input}};
  auto read = parse_manifest(text);
  if (read)
    check(*read);
  else
    must(!read.error().message.empty(), "a refusal has a reason");
  auto accepted = accept_manifest(text);
  must(!accepted || read, "what is accepted can be read later");
  if (accepted)
    must(accepted->key == read->key
           && accepted->drivers.size() == read->drivers.size(),
         "what is accepted is what is read later");
  (void)is_driver_key(input);
}

} // namespace leasehold::fuzz
