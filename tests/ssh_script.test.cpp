// What goes to the remote shell, and how its answers are found.

#include "drivers/ssh/ssh_script.hpp"

#include "drivers/ssh/marked_stream.hpp"
#include "drivers/ssh/ssh_arguments.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <sstream>

using namespace leasehold;
using namespace leasehold::ssh;

TEST_CASE("ssh_script: a word stays one word", "[ssh_script]") {
  CHECK(shell_word("") == "''");
  CHECK(shell_word("a b") == "'a b'");
  CHECK(shell_word("it's $x") == R"('it'\''s $x')");
}

TEST_CASE("ssh_script: any login shell can read the first line",
          "[ssh_script]") {
  auto line = bootstrap("abc");
  CHECK(line.find('!') == std::string::npos);
  CHECK(line.find('\n') == std::string::npos);
  CHECK(std::count(line.begin(), line.end(), '\'') == 2);
  CHECK(line.back() == '\'');
}

TEST_CASE("ssh_script: every line of the header is marked, until the last",
          "[ssh_script]") {
  remote_job job;
  job.command = "cat";
  job.env = {{"A", "x\n.\n+y"}};
  job.stdin_text = std::string(5'000, '.') + "\nrest";
  auto text = header(job, "abc");
  auto end = text.find("\n.\n");
  REQUIRE(end != std::string::npos);
  CHECK(text.substr(end + 3) == job.stdin_text);
  std::istringstream lines{text.substr(0, end)};
  for (std::string line; std::getline(lines, line);)
    CHECK(line.starts_with('+'));
  // Short input is in the script itself.
  job.stdin_text = "a\0'%\n";
  text = header(job, "abc");
  CHECK(text.ends_with("\n.\n"));
}

TEST_CASE("ssh_script: endings are read, and nothing else is", "[ssh_script]") {
  using how = remote_end::kind;
  CHECK(parse_end("exit 0") == remote_end{how::exited, 0});
  CHECK(parse_end("exit 255") == remote_end{how::exited, 255});
  CHECK(parse_end("signal TERM") == remote_end{how::signalled, 0, "SIGTERM"});
  CHECK(parse_end("signal 99") == remote_end{how::signalled, 0, "signal 99"});
  CHECK(parse_end("no-folder") == remote_end{how::no_folder});
  CHECK(parse_end("not-run") == remote_end{how::not_run});
  for (auto* text : {"", "exit", "exit ", "exit x", "exit 256", "exit -1",
                     "exit 1 2", "signal ", "other 1"}) {
    INFO(text);
    CHECK_FALSE(parse_end(text));
  }
}

TEST_CASE("marked_stream: finds the marks however the pieces fall",
          "[marked_stream]") {
  const std::string all
    = "motd\n\001le\001ready\nout\001put\001end exit 3\nmore";
  for (size_t size = 1; size <= all.size(); ++size) {
    CAPTURE(size);
    marked_stream uut{"\001ready\n", "\001end "};
    std::string out;
    for (size_t at = 0; at < all.size(); at += size)
      out += uut.feed(std::string_view{all}.substr(at, size));
    out += uut.finish();
    CHECK(uut.begun());
    CHECK(out == "out\001put");
    CHECK(uut.noise() == "motd\n\001le");
    CHECK(uut.ending() == "exit 3");
  }
}

TEST_CASE("marked_stream: a stream that ends early gives back what it held",
          "[marked_stream]") {
  marked_stream none{"\001ready\n", "\001end "};
  CHECK(none.feed("ssh: no route\n").empty());
  CHECK(none.finish().empty());
  CHECK_FALSE(none.begun());
  CHECK(none.noise() == "ssh: no route\n");
  marked_stream cut{"\001ready\n", "\001end "};
  CHECK(cut.feed("\001ready\nout\001en") == "out");
  CHECK(cut.finish() == "\001en");
  CHECK_FALSE(cut.ending());
  marked_stream noisy{"\001ready\n", {}};
  noisy.feed(std::string(100'000, 'x'));
  CHECK(noisy.noise().size() <= 8'192);
  CHECK(noisy.feed("\001ready\nabc\001") == "abc\001");
}

TEST_CASE("ssh_arguments: say what is checked, and hold no secret",
          "[ssh_arguments]") {
  settings config;
  config.host = "box";
  config.username = "me";
  config.port = 2222;
  auto words = [&](const connection_files& files) {
    std::string out;
    for (const auto& word : master_arguments(config, files, {"-F", "none"}))
      out += word + " ";
    return out;
  };
  auto has = [](const std::string& text, const std::string& what) {
    return text.find(what) != std::string::npos;
  };
  auto strict = words({"/s", "/k", "/h"});
  CHECK(strict.starts_with("ssh -F none "));
  CHECK(strict.ends_with("-p 2222 -- me@box "));
  for (auto* option :
       {"BatchMode=yes", "ConnectTimeout=10", "StrictHostKeyChecking=yes",
        "UserKnownHostsFile=/h", "IdentitiesOnly=yes -i /k", "ControlPath=/s",
        "ForwardAgent=no", "ServerAliveInterval=15"})
    CHECK(has(strict, option));
  auto own = words({"/s", {}, {}});
  CHECK_FALSE(has(own, "UserKnownHostsFile"));
  CHECK_FALSE(has(own, "IdentitiesOnly"));
  config.strict_host_keys = false;
  auto lax = words({"/s", {}, "/h"});
  CHECK(has(lax, "StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"));
  CHECK_FALSE(has(lax, "/h "));
}
