// `leasehold secret`: its command line, and how values come in.

#include "cli/admin_commands.hpp"
#include "cli/error_texts.hpp"
#include "cli/report.hpp"
#include "cli/secret_input.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <thread>

using namespace leasehold;
using namespace leasehold::cli;

namespace {

using words = std::vector<std::string>;
using json = nlohmann::ordered_json;

template <class Verb>
Verb verb_in(const words& given) {
  auto all = parse_arguments(given);
  if (auto* why = std::get_if<usage_error>(&all))
    FAIL(why->message);
  return std::get<Verb>(std::get<arguments>(all).verb);
}

/// What is read from a file with this content.
result<std::string> read_from(const std::string& text) {
  test::temp_dir dir;
  test::write_text(dir / "value", text);
  auto fd = ::open((dir / "value").c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  console screen{false};
  auto value = read_secret(fd, "Value: ", screen);
  ::close(fd);
  return value;
}

/// A terminal with somebody in front of it.
class typist {
public:
  typist() : front_{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)} {
    REQUIRE(front_ >= 0);
    REQUIRE(::grantpt(front_) == 0);
    REQUIRE(::unlockpt(front_) == 0);
    back_ = ::open(::ptsname(front_), O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(back_ >= 0);
  }

  ~typist() {
    ::close(back_);
    ::close(front_);
  }

  typist(const typist&) = delete;

  typist& operator=(const typist&) = delete;

  [[nodiscard]] bool echoes() const {
    termios facts = {};
    ::tcgetattr(back_, &facts);
    return (facts.c_lflag & ECHO) != 0;
  }

  /// What is read while somebody types this, once the terminal is silent.
  result<std::string> types(const std::string& keys) {
    std::thread hands{[&] {
      while (echoes())
        std::this_thread::yield();
      CHECK(::write(front_, keys.data(), keys.size())
            == static_cast<ssize_t>(keys.size()));
    }};
    console screen{false};
    auto value = read_secret(back_, "Value: ", screen);
    hands.join();
    return value;
  }

  /// What the terminal shows of what was typed.
  [[nodiscard]] std::string shown() const {
    ::fcntl(front_, F_SETFL, O_NONBLOCK);
    std::string out(4096, '\0');
    auto n = ::read(front_, out.data(), out.size());
    out.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return out;
  }

private:
  int front_;
  int back_ = -1;
};

secret_info a_secret() {
  secret_info x;
  x.id = "s-1";
  x.company = "default";
  x.name = "key";
  x.provider = "local";
  x.status = "active";
  x.latest_version = 2;
  x.bindings
    = {{"environment", "env-1", "apiKey", 0}, {"plugin", "gone", "token", 2}};
  return x;
}

} // namespace

// -- the command line ---------------------------------------------------------

TEST_CASE("secret verbs: every verb is read", "[secret_commands]") {
  auto put = verb_in<secret_put_arguments>(
    {"secret", "put", "key", "--description", "d", "--company", "acme"});
  CHECK((put.name == "key" && put.description == "d"));
  CHECK(put.company == "acme");
  CHECK(verb_in<secret_rotate_arguments>({"secret", "rotate", "key"}).company
        == "default");
  CHECK(verb_in<secret_list_arguments>({"secret", "list"}).company
        == "default");
  auto bind
    = verb_in<secret_bind_arguments>({"secret", "bind", "key", "--env", "box",
                                      "--path", "a.b", "--version", "3"});
  CHECK((bind.name == "key" && bind.environment == "box"));
  CHECK((bind.path == "a.b" && bind.version == 3));
  auto unbind = verb_in<secret_unbind_arguments>(
    {"secret", "unbind", "--plugin", "acme.boxes", "--path", "a"});
  CHECK((unbind.plugin == "acme.boxes" && unbind.path == "a"));
  CHECK(verb_in<secret_disable_arguments>(
          {"secret", "disable", "key", "--version", "2"})
          .version
        == 2);
  CHECK(verb_in<secret_enable_arguments>({"secret", "enable", "key"}).name
        == "key");
  CHECK(verb_in<secret_remove_arguments>({"secret", "remove", "key", "--force"})
          .force);
}

TEST_CASE("secret verbs: a command line that makes no sense is refused",
          "[secret_commands]") {
  auto given = GENERATE(
    words{"secret"}, words{"secret", "put"}, words{"secret", "put", "a", "b"},
    words{"secret", "put", "key", "--value", "x"},
    words{"secret", "bind", "key", "--env", "box"},
    words{"secret", "bind", "key", "--path", "a"},
    words{"secret", "bind", "--env", "box", "--path", "a"},
    words{"secret", "bind", "k", "--env", "a", "--plugin", "b", "--path", "c"},
    words{"secret", "bind", "k", "--env", "a", "--path", "c", "--version", "0"},
    words{"secret", "unbind", "--path", "a"},
    words{"secret", "rotate", "key", "--", "value"},
    words{"secret", "disable"});
  CAPTURE(given);
  auto all = parse_arguments(given);
  REQUIRE(std::holds_alternative<usage_error>(all));
  CHECK(!std::get<usage_error>(all).message.empty());
}

TEST_CASE("secret verbs: every verb has help with an example",
          "[secret_commands]") {
  auto verb = GENERATE(as<std::string>{}, "put", "rotate", "list", "bind",
                       "unbind", "disable", "enable", "remove");
  auto text
    = std::get<help_wanted>(parse_arguments({"secret", verb, "--help"})).text;
  CHECK(text.find("Example") != std::string::npos);
  CHECK(text.find("leasehold secret " + verb) != std::string::npos);
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    CHECK(line.size() <= 80);
  }
}

// -- values -------------------------------------------------------------------

TEST_CASE("secret input: one line break at the end is dropped, nothing else",
          "[secret_commands]") {
  CHECK(read_from("value").value() == "value");
  CHECK(read_from("value\n").value() == "value");
  CHECK(read_from("value\n\n").value() == "value\n");
  CHECK(read_from(" two\nlines \n").value() == " two\nlines ");
  CHECK(read_from(std::string(100'000, 'x')).value().size() == 100'000);
}

TEST_CASE("secret input: an empty value is refused with an example",
          "[secret_commands]") {
  auto text = GENERATE(as<std::string>{}, "", "\n");
  auto why = read_from(text).error();
  CHECK(why.code == ec::invalid_request);
  CHECK(why.message.find("leasehold secret put NAME < FILE")
        != std::string::npos);
}

TEST_CASE("secret input: a stream without end is refused",
          "[secret_commands]") {
  auto fd = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  console screen{false};
  CHECK(read_secret(fd, "", screen).error().code == ec::too_large);
  ::close(fd);
}

TEST_CASE("secret input: what is typed at a terminal is not shown",
          "[secret_commands]") {
  typist user;
  CHECK(user.types("hunter2\r").value() == "hunter2");
  CHECK(user.shown().find("hunter2") == std::string::npos);
  CHECK(user.echoes());
}

TEST_CASE("secret input: what is typed can be corrected", "[secret_commands]") {
  typist user;
  CHECK(user
          .types("wrong\x15"
                 "hunté\x7f\x7ft\x08ter2\n")
          .value()
        == "hunter2");
}

TEST_CASE("secret input: Ctrl-C at the prompt leaves the terminal as it was",
          "[secret_commands]") {
  typist user;
  auto why = user.types("hunter2\x03").error();
  CHECK(why.code == ec::cancelled);
  CHECK(why.message.find("hunter2") == std::string::npos);
  CHECK(user.echoes());
  CHECK(user.types("\r").error().code == ec::invalid_request);
}

// -- reports ------------------------------------------------------------------

TEST_CASE("secret list: bindings are shown by names, ids where there are none",
          "[secret_commands]") {
  auto text = secrets_table({a_secret()}, {{"env-1", "box"}}, 0, false);
  CHECK(text.find("box:apiKey, gone:token@2") != std::string::npos);
}

TEST_CASE("secret list: JSON tells the latest version from a fixed one",
          "[secret_commands]") {
  auto x = view(a_secret());
  CHECK(x["bindings"][0]["version"] == "latest");
  CHECK(x["bindings"][1]["version"] == 2);
  std::vector<std::string> keys;
  for (const auto& [key, value] : x.items())
    keys.push_back(key);
  CHECK(keys
        == std::vector<std::string>{"id", "company", "name", "description",
                                    "provider", "status", "latest_version",
                                    "made_for", "bindings", "created_at_ms",
                                    "updated_at_ms"});
}

TEST_CASE("secret errors: each has a hint", "[secret_commands]") {
  for (auto code :
       {ec::unknown_secret, ec::secret_unusable, ec::binding_missing})
    CHECK(hint_for(code).find("leasehold secret") != std::string::npos);
}
