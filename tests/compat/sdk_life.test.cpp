// A provider written with the SDK, from acquire to destroy.

#include "leasehold/worker_check.hpp"
#include "tests/compat/sdk_host.hpp"

#include <sys/stat.h>

using namespace leasehold;
using namespace leasehold::test;

namespace fs = std::filesystem;

namespace {

/// The boxes that the provider has.
size_t boxes_in(const std::string& root) {
  return static_cast<size_t>(
    std::distance(fs::directory_iterator{root}, fs::directory_iterator{}));
}

} // namespace

TEST_CASE("compat: a provider written with the SDK keeps the contract",
          "[compat]") {
  if (sdk_is_missing())
    return;
  sdk_host host;
  host.start();
  auto plugin = host.put_plugin("directories");
  worker_check_options options;
  options.command = plugin.command;
  options.env = plugin.env;
  options.manifest = plugin.manifest;
  options.guard = LEASEHOLD_GUARD;
  options.bad_config = R"({"no": "such field"})";
  auto report = check_worker(options).value();
  CAPTURE(report.stderr_tail);
  std::vector<std::string> skipped;
  for (const auto& x : report.results) {
    CAPTURE(x.what.id, x.reason);
    CHECK(x.verdict != check_verdict::fail);
    if (x.verdict == check_verdict::skip)
      skipped.push_back(x.what.id);
  }
  // Our extensions, of which the SDK knows nothing.
  CHECK(skipped
        == std::vector<std::string>{"list", "execute.cancel", "fence.older",
                                    "fence.crash"});
  CHECK(boxes_in(host.root()) == 0);
}

TEST_CASE("compat: a lease of an SDK provider, from acquire to destroy",
          "[compat]") {
  if (sdk_is_missing())
    return;
  sdk_host host;
  host.start();
  auto box = host.add_plugin("directories", "", R"(,"reuseLease":true)");
  auto first = host.acquire(box, "run-1");
  CHECK(first.origin == origin::fresh);
  CHECK(first.resource.starts_with("sdk-"));
  write_text(host.dir / "work/note.txt", "from the host\n");
  auto place
    = value_of(host->realize(first, {.local_path = host.dir / "work"}));
  CHECK(place.cwd == host.root() + "/" + first.resource);
  auto done = host.execute(first, shell("cat note.txt; echo kept > more.txt; "
                                        "echo written >&2"));
  CHECK(done.exit_code == 0);
  CHECK(done.stdout_text == "from the host\n");
  CHECK(done.stderr_text == "written\n");
  auto ended = value_of(host->release(first));
  CHECK(ended.parked);
  auto second = host.acquire(box, "run-2");
  CHECK(second.origin == origin::resumed);
  CHECK(second.resource == first.resource);
  CHECK(second.fence > first.fence);
  CHECK(host.execute(second, shell("cat more.txt")).stdout_text == "kept\n");
  CHECK(boxes_in(host.root()) == 1);
  ended = value_of(host->destroy(second));
  CHECK_FALSE(ended.cleanup_owed);
  CHECK(boxes_in(host.root()) == 0);
}

TEST_CASE("compat: what is not kept for the next run is gone after release",
          "[compat]") {
  if (sdk_is_missing())
    return;
  sdk_host host;
  host.start();
  auto lease = host.acquire(host.add_plugin("directories"));
  CHECK(host.execute(lease, shell("exit 7")).exit_code == 7);
  auto ended = value_of(host->release(lease));
  CHECK(ended.status == "released");
  CHECK_FALSE(ended.cleanup_owed);
  CHECK(boxes_in(host.root()) == 0);
}

TEST_CASE("compat: a resource that is gone is made anew", "[compat]") {
  if (sdk_is_missing())
    return;
  sdk_host host;
  host.start();
  auto box = host.add_plugin("directories", "", R"(,"reuseLease":true)");
  auto first = host.acquire(box, "run-1");
  value_of(host->release(first));
  fs::remove_all(host.root() + "/" + first.resource);
  auto second = host.acquire(box, "run-2");
  CHECK(second.origin != origin::resumed);
  CHECK(second.resource != first.resource);
  value_of(host->destroy(second));
}

TEST_CASE("compat: execute.log reaches the caller as it comes, and in order",
          "[compat]") {
  if (sdk_is_missing())
    return;
  sdk_host host;
  host.start();
  auto lease = host.acquire(host.add_plugin("directories"));
  auto gate = host.dir / "gate";
  REQUIRE(::mkfifo(gate.c_str(), 0600) == 0);
  output_notes said;
  auto script = "echo first; echo 'to err' >&2; read x < " + gate
                + "; for i in $(seq 300); do echo line $i; done; echo last";
  auto running = host->execute(lease, shell(script), said.callback());
  // It cannot end before somebody has seen how it began.
  REQUIRE(said.says("first"));
  std::ofstream{gate} << "go\n";
  auto done = value_of(std::move(running));
  CHECK(said.says("last"));
  CHECK(said.text() == done.stdout_text);
  CHECK(said.text(output::stream::err) == done.stderr_text);
  CHECK(done.stderr_text == "to err\n");
  CHECK(done.stdout_text.starts_with("first\nline 1\nline 2\n"));
  CHECK(done.stdout_text.ends_with("line 300\nlast\n"));
}

TEST_CASE("compat: stdin, a time limit and the end of a tree", "[compat]") {
  if (sdk_is_missing())
    return;
  sdk_host host;
  host.start();
  auto lease = host.acquire(host.add_plugin("directories"));
  auto cat = shell("cat");
  cat.stdin_text = "one\ntwo\n";
  CHECK(host.execute(lease, cat).stdout_text == "one\ntwo\n");
  auto slow = shell("sleep 1000 & echo $!; wait");
  slow.timeout = std::chrono::milliseconds{500};
  auto done = host.execute(lease, slow);
  CHECK(done.timed_out);
  CHECK_FALSE(done.exit_code);
  if (!done.stdout_text.empty())
    CHECK(process_ends(std::stoll(done.stdout_text)));
}

TEST_CASE("compat: what a plugin logs is in the engine's log", "[compat]") {
  if (sdk_is_missing())
    return;
  sdk_host host;
  host.start();
  fs::create_directories(host.root());
  auto moody = host.add_plugin("moody");
  CHECK(host.logs("worker compat.moody: info: setting up"));
  CHECK(host.logs("worker compat.moody: warn: set up"));
  auto probe = value_of(host->probe(moody));
  CHECK(probe.ok);
  CHECK(probe.summary.find("In a good mood.") != std::string::npos);
}
