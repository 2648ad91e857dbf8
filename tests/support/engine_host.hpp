#pragma once

// A program that embeds an engine, for tests: a store in a directory of its
// own, real processes, and ways to wait for what happens.

#include "leasehold/engine.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace leasehold::test {

using namespace std::chrono_literals;

/// The outcome of a verb.
template <class T>
result<T> outcome_of(std::future<result<T>> what) {
  if (what.wait_for(patience) != std::future_status::ready)
    throw std::runtime_error{"an engine verb never ended"};
  return what.get();
}

/// The value of a verb that must succeed.
template <class T>
T value_of(std::future<result<T>> what) {
  return outcome_of(std::move(what)).value();
}

/// The failure of a verb that must fail.
template <class T>
failure failure_of(std::future<result<T>> what) {
  auto x = outcome_of(std::move(what));
  if (x)
    throw std::runtime_error{"an engine verb succeeded that must fail"};
  return x.error();
}

/// Things that are noted by the engine's threads, and waited for by ours.
template <class T>
class notes {
public:
  void add(T what) {
    std::lock_guard guard{mutex_};
    all_.push_back(std::move(what));
    changed_.notify_all();
  }

  /// Waits for one that meets the condition; says whether it came.
  template <class Predicate>
  bool wait(Predicate met) {
    std::unique_lock guard{mutex_};
    return changed_.wait_for(guard, patience, [&] {
      return std::any_of(all_.begin(), all_.end(), met);
    });
  }

  std::vector<T> all() const {
    std::lock_guard guard{mutex_};
    return all_;
  }

private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> all_;
};

/// The output of a command as it comes.
struct output_notes : notes<output> {
  output_callback callback() {
    return [this](output x) { add(std::move(x)); };
  }

  /// Waits until a piece has this text.
  bool says(const std::string& text) {
    return wait(
      [&](const output& x) { return x.text.find(text) != std::string::npos; });
  }

  std::string text(output::stream from = output::stream::out) const {
    std::string joined;
    for (const auto& piece : all())
      if (piece.from == from)
        joined += piece.text;
    return joined;
  }
};

/// The transitions that an engine tells of.
struct event_notes : notes<event> {
  /// Waits until this lease or worker has come to this state.
  bool sees(const std::string& subject, const std::string& to) {
    return wait(
      [&](const event& x) { return x.subject == subject && x.to == to; });
  }

  /// Waits until this cleanup has ended so.
  bool sees_cleanup(const std::string& lease, const std::string& how) {
    return wait([&](const event& x) {
      return x.subject == lease && x.from == "cleanup" && x.to == how;
    });
  }

  /// `from -> to` of every transition of `subject`.
  std::vector<std::string> path(const std::string& subject) const {
    std::vector<std::string> out;
    for (const auto& x : all())
      if (x.subject == subject)
        out.push_back(x.from + " -> " + x.to);
    return out;
  }
};

/// A shell command.
inline command shell(std::string script) {
  command out;
  out.command = "sh";
  out.args = {"-c", std::move(script)};
  return out;
}

/// What a program prints.
inline std::string output_of(const std::string& command_line) {
  std::string out;
  auto* pipe = ::popen(command_line.c_str(), "r");
  char bytes[4096];
  while (auto n = pipe ? std::fread(bytes, 1, sizeof bytes, pipe) : 0)
    out.append(bytes, n);
  if (pipe)
    ::pclose(pipe);
  return out;
}

/// The manifest of a plugin `KEY.plugin` that provides `KEY`.
inline std::string manifest_of(const std::string& key,
                               const std::string& schema = "{}") {
  return R"({"id":")" + key + R"(.plugin","apiVersion":1,"version":"1.0.0",)"
         + R"("displayName":"A test plugin",)"
         + R"("capabilities":["environment.drivers.register"],)"
         + R"("environmentDrivers":[{"driverKey":")" + key
         + R"(","kind":"sandbox_provider","displayName":"Test",)"
         + R"("configSchema":)" + schema + "}]}";
}

/// An engine on a store in a directory of its own.
class engine_host {
public:
  engine_host() {
    opts.store = dir / "leasehold.db";
    opts.log
      = [this](log_level, std::string_view x) { log.add(std::string{x}); };
    // A test that has to kill a stuck worker need not wait as people would.
    opts.worker_drain_timeout = 500ms;
    opts.worker_shutdown_timeout = 500ms;
    opts.worker_terminate_timeout = 500ms;
  }

  /// Starts the engine, or another one after the last has stopped.
  engine& start() {
    running.reset();
    running.emplace(opts);
    running->subscribe([this](const event& x) { events.add(x); });
    return *running;
  }

  void stop() {
    running.reset();
  }

  engine& operator*() {
    return *running;
  }

  engine* operator->() {
    return &*running;
  }

  // -- places -----------------------------------------------------------------

  /// Adds an environment of this name; answers with the name.
  std::string add(const std::string& name, const std::string& driver,
                  const std::string& config = "{}") {
    environment_info what;
    what.name = name;
    what.driver = driver;
    what.config = config;
    return value_of(running->put_environment(what)).name;
  }

  std::string add_local() {
    return add("here", "local");
  }

  /// Adds the bubblewrap plugin and an environment `box` of it.
  std::string add_bubblewrap(const std::string& more = "") {
    plugin_info what;
    what.manifest = output_of(LEASEHOLD_BUBBLEWRAP_PROGRAM " --manifest");
    what.command = {LEASEHOLD_BUBBLEWRAP_PROGRAM, "--state", state()};
    value_of(running->put_plugin(what));
    return add("box", "sandbox", R"({"provider":"bubblewrap")" + more + "}");
  }

  /// Adds the rogue plugin and an environment `den` of it. Its worker is not
  /// started: the one that was asked about the config was a good one.
  std::string add_rogue(const std::string& mode, const std::string& number = "",
                        const std::string& more = "") {
    plugin_info what;
    what.manifest = manifest_of("rogue");
    what.command = {LEASEHOLD_ROGUE_WORKER, "normal", dir / "rogue"};
    value_of(running->put_plugin(what));
    auto den = add("den", "sandbox", R"({"provider":"rogue")" + more + "}");
    what.command = {LEASEHOLD_ROGUE_WORKER, mode, dir / "rogue", number};
    value_of(running->put_plugin(what));
    // Not merely gone: nobody is given it any more.
    if (!events.sees("rogue.plugin", "stopped"))
      throw std::runtime_error{"the first worker never left"};
    return den;
  }

  // -- short ways -------------------------------------------------------------

  lease acquire(const std::string& environment,
                const std::string& run = "run-1",
                std::chrono::milliseconds ttl = 0ms) {
    acquire_request what;
    what.environment = environment;
    what.run = run;
    what.ttl = ttl;
    return value_of(running->acquire(what));
  }

  finished execute(const lease& which, command what) {
    return value_of(running->execute(which, std::move(what)));
  }

  lease_info row(const std::string& id) {
    return value_of(running->find_lease(id));
  }

  /// Waits until the engine has said this.
  bool logs(const std::string& text) {
    return log.wait(
      [&](const std::string& x) { return x.find(text) != std::string::npos; });
  }

  // -- what is left -----------------------------------------------------------

  /// Where the bubblewrap worker keeps its boxes.
  [[nodiscard]] std::string state() const {
    return dir / "bubblewrap";
  }

  /// What is on disk of boxes, whichever worker made them.
  [[nodiscard]] std::vector<std::string> boxes() const {
    std::vector<std::string> out;
    for (const auto* room : {"bubblewrap/boxes", "bubblewrap/new",
                             "bubblewrap/trash", "rogue/boxes"}) {
      std::error_code missing;
      for (const auto& entry :
           std::filesystem::directory_iterator{dir / room, missing})
        out.push_back(entry.path().filename().string());
    }
    return out;
  }

  /// What the rogue worker was asked, a call per line.
  [[nodiscard]] std::string calls() const {
    return read_text(dir / "rogue/calls");
  }

  temp_dir dir;
  options opts;
  notes<std::string> log;
  event_notes events;
  std::optional<engine> running;
};

} // namespace leasehold::test
