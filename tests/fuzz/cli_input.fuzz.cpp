// What people give the program: `--config`, `--set`, times, secrets. Input: a
// line of words, then a text.

#include "cli/config_input.hpp"
#include "cli/durations.hpp"
#include "cli/secret_input.hpp"
#include "tests/fuzz/fuzzing.hpp"

#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <unistd.h>

namespace leasehold::fuzz {

namespace {

void check_time(std::string_view line) {
  if (auto time = cli::parse_duration(line)) {
    must(time->count() >= 0, "no time is negative");
    must(!cli::format_duration(*time).empty(), "every time can be written");
  }
}

void check_config(std::string_view line, std::string_view text) {
  cli::env_add_arguments what;
  what.name = "box";
  what.driver = "local";
  what.config = text;
  what.settings = words_of(line);
  auto read = [&](const std::string&) {
    return result<std::string>{std::string{line}};
  };
  auto made = cli::environment_from(what, read);
  must(made || made.error().code == ec::invalid_request,
       "a config that cannot be read is refused as a request");
  if (made)
    must(nlohmann::json::parse(made->config).is_object(),
         "what is sent on is a JSON object");
}

/// A secret arrives as it was given, but for one line break.
void check_secret(std::string_view text) {
  static cli::console screen{false};
  auto fd = ::memfd_create("secret", MFD_CLOEXEC);
  if (fd < 0 || ::write(fd, text.data(), text.size()) < 0)
    return;
  ::lseek(fd, 0, SEEK_SET);
  auto value = cli::read_secret(fd, "", screen);
  ::close(fd);
  if (text.ends_with('\n'))
    text.remove_suffix(1);
  must(text.empty() ? !value : value && *value == text,
       "a secret arrives as it was given");
}

} // namespace

void try_input(std::string_view input) {
  auto line = take_line(input);
  check_time(line);
  check_config(line, input);
  check_secret(input);
}

} // namespace leasehold::fuzz
