// Configs against the schemas of plugins. Input: a line with a config, then a
// schema.

#include "drivers/config_schema.hpp"

#include "drivers/secret_refs.hpp"
#include "tests/fuzz/fuzzing.hpp"

namespace leasehold::fuzz {

void try_input(std::string_view input) {
  json_text config{std::string{take_line(input)}};
  // The library takes exponential time for patterns that repeat repetitions;
  // whoever writes such a plugin waits.
  if (input.find("attern") != std::string_view::npos
      && input.find_first_of("+*\\") != std::string_view::npos)
    return;
  json_text schema{std::string{input}};
  auto checked = check_against_schema(config, schema);
  must(checked || !checked.error().message.empty(), "a refusal has a reason");
  must(checked || checked.error().code == ec::invalid_config,
       "a config or schema that is bad is called so");
  (void)secret_paths(schema);
}

} // namespace leasehold::fuzz
