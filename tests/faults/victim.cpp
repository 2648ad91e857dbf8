// leasehold-fault-victim VERB STORE DIR SEED PREFIX: the engine that the
// campaign kills.
//
//   setup   adds the plugins and environments, and ends
//   serve   does what standard input says, a line each, and tells on standard
//           output (victim_work.hpp)
//
//   go          runs start, or go on
//   arm PLACE   dies at this place of the store (store_trips.hpp)
//   settle      lets the runs rest, waits until the engine has recovered and
//               nothing is owed, and says `settled N`: N are still owed

#include "leasehold/engine.hpp"
#include "tests/faults/store_trips.hpp"
#include "tests/faults/victim_work.hpp"

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

namespace {

using namespace leasehold;
using namespace std::chrono_literals;

/// One call, so that a line is told whole or not at all.
void say(const std::string& line) {
  auto text = line;
  for (auto& c : text)
    if (c == '\n')
      c = ' ';
  text += '\n';
  if (::write(STDOUT_FILENO, text.data(), text.size())
      != static_cast<ssize_t>(text.size()))
    std::_Exit(4);
}

options options_for(const std::string& store, const std::string& dir) {
  options out;
  out.store = store;
  out.helpers = LEASEHOLD_HELPERS;
  out.master_key_file = dir + "/master.key";
  out.threads = 2;
  // Whatever an engine leaves in doubt is settled after these two.
  out.worker_call_timeout = 700ms;
  out.worker_acquire_margin = 300ms;
  out.worker_health_interval = 500ms;
  out.worker_restart_delay = 1ms;
  out.worker_restart_delay_max = 20ms;
  out.worker_crashes_max = 1'000'000;
  out.worker_drain_timeout = out.worker_shutdown_timeout
    = out.worker_terminate_timeout = 500ms;
  out.breaker_pause = 10ms;
  out.breaker_pause_max = 100ms;
  out.cleanup_retry_delay = 10ms;
  out.cleanup_retry_delay_max = 200ms;
  out.cleanup_attempts_max = 1'000;
  auto file
    = std::make_shared<std::ofstream>(dir + "/engine.log", std::ios::app);
  out.log = [file, pid = ::getpid()](log_level, std::string_view text) {
    *file << pid << ' ' << text << std::endl;
  };
  return out;
}

std::string manifest_of_faults() {
  return R"({"id":"faults.plugin","apiVersion":1,"version":"1.0.0",)"
         R"("displayName":"Dies on request",)"
         R"("capabilities":["environment.drivers.register"],)"
         R"("environmentDrivers":[{"driverKey":"faults",)"
         R"("kind":"sandbox_provider","displayName":"Faults",)"
         R"("configSchema":{}}]})";
}

std::string manifest_of_bubblewrap() {
  auto* pipe = ::popen(LEASEHOLD_BUBBLEWRAP_PROGRAM " --manifest", "r");
  std::string out;
  for (int c = 0; pipe && (c = std::fgetc(pipe)) != EOF;)
    out += static_cast<char>(c);
  if (pipe)
    ::pclose(pipe);
  return out;
}

int set_up(engine& with, const std::string& dir) {
  plugin_info faults;
  faults.manifest = manifest_of_faults();
  faults.command = {LEASEHOLD_FAULT_WORKER, dir};
  with.put_plugin(faults).get().value();
  plugin_info boxes;
  boxes.manifest = manifest_of_bubblewrap();
  boxes.command
    = {LEASEHOLD_BUBBLEWRAP_PROGRAM, "--state", dir + "/bubblewrap"};
  with.put_plugin(boxes).get().value();
  auto add = [&with](const char* name, const char* driver, const char* config) {
    environment_info what;
    what.name = name;
    what.driver = driver;
    what.config = config;
    with.put_environment(what).get().value();
  };
  add("den", "sandbox", R"({"provider":"faults","reuseLease":true})");
  add("cell", "sandbox", R"({"provider":"faults"})");
  add("box", "sandbox", R"({"provider":"bubblewrap","reuseLease":true})");
  add("here", "local", "{}");
  return 0;
}

/// The victim's own thread: reads its orders, and has things done later.
class orders {
public:
  orders(engine& with, faults::work_options opts)
    : engine_{with}, work_{with, std::move(opts), say,
                           [this](auto what) { do_later(std::move(what)); }} {
    if (::pipe(wake_) != 0)
      std::abort();
  }

  int run() {
    for (;;) {
      pollfd ears[] = {{STDIN_FILENO, POLLIN, 0}, {wake_[0], POLLIN, 0}};
      ::poll(ears, 2, waiting() ? 5 : -1);
      char bytes[4096];
      if (ears[1].revents != 0 && ::read(wake_[0], bytes, 1) == 1
          && bytes[0] == 's')
        settle();
      if (ears[0].revents != 0) {
        auto size = ::read(STDIN_FILENO, bytes, sizeof bytes);
        if (size <= 0)
          return 0;
        take({bytes, static_cast<size_t>(size)});
      } else {
        do_waiting();
      }
    }
  }

private:
  void take(std::string_view bytes) {
    input_ += bytes;
    for (size_t end = 0; (end = input_.find('\n')) != std::string::npos;) {
      auto line = input_.substr(0, end);
      input_.erase(0, end + 1);
      if (line == "go")
        work_.go();
      else if (line == "settle")
        work_.rest([this] { wake('s'); });
      else if (line.starts_with("arm "))
        faults::arm_store(line.substr(4));
    }
  }

  void settle() {
    auto recovered = engine_.recovered().get();
    auto left = engine_.settled(60s).get();
    if (recovered && left)
      say("settled " + std::to_string(*left));
    else
      say("unsettled "
          + (recovered ? left.error().message : recovered.error().message));
  }

  // -- what is to be done later -----------------------------------------------

  void do_later(std::function<void()> what) {
    {
      std::lock_guard guard{mutex_};
      waiting_.push_back(std::move(what));
    }
    wake('w');
  }

  bool waiting() {
    std::lock_guard guard{mutex_};
    return !waiting_.empty();
  }

  void do_waiting() {
    std::vector<std::function<void()>> all;
    {
      std::lock_guard guard{mutex_};
      all.swap(waiting_);
    }
    for (const auto& what : all)
      what();
  }

  void wake(char why) const {
    if (::write(wake_[1], &why, 1) != 1)
      std::abort();
  }

  engine& engine_;
  std::string input_;
  int wake_[2] = {-1, -1};
  std::mutex mutex_;
  std::vector<std::function<void()>> waiting_;
  faults::victim_work work_;
};

int serve(engine& with, const std::string& dir, char** argv) {
  faults::work_options opts;
  opts.seed = std::strtoull(argv[4], nullptr, 10);
  opts.prefix = argv[5];
  opts.tenant = LEASEHOLD_FAULT_TENANT;
  opts.journal = dir + "/journal";
  opts.mark = dir + "/mark";
  opts.environments
    = {"den", "den", "den", "den", "den", "den", "cell", "cell", "box", "here"};
  say("open");
  return orders{with, std::move(opts)}.run();
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 6)
    return 2;
  std::string verb = argv[1];
  std::string dir = argv[3];
  auto opened = engine::open(options_for(argv[2], dir));
  if (!opened) {
    std::cerr << to_string(opened.error().code) << ": "
              << opened.error().message << std::endl;
    return 3;
  }
  if (verb == "setup")
    return set_up(*opened, dir);
  serve(*opened, dir, argv);
  // Whoever gave the orders is gone.
  std::_Exit(0);
}
