// The words of a command line. To tell the library all verbs takes a hundred
// times as long as to read what they are given, so this is a target of its own.

#include "cli/arguments.hpp"
#include "tests/fuzz/fuzzing.hpp"

namespace leasehold::fuzz {

void try_input(std::string_view input) {
  auto read = cli::parse_arguments(words_of(take_line(input)));
  if (auto* why = std::get_if<cli::usage_error>(&read))
    must(!why->message.empty(), "a refusal has a reason");
}

} // namespace leasehold::fuzz
