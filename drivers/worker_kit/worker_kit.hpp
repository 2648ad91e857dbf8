#pragma once

// What a provider worker is written on: it answers calls of the host, one JSON
// object per line, on its standard input and output.
//
//   int main() {
//     kit::worker me{manifest()};
//     me.on("environmentAcquireLease", [](kit::call call) {
//       call.reply({{"providerLeaseId", "thing-1"}});
//     });
//     return me.run();
//   }
//
// Everything runs on the thread that calls `run`; a handler that takes time
// returns and answers its call later. Other calls go on meanwhile.

#include "drivers/child_process.hpp"
#include "drivers/fd_writer.hpp"
#include "drivers/io_loop.hpp"
#include "drivers/line_splitter.hpp"
#include "drivers/worker_kit/call.hpp"
#include "drivers/worker_kit/fences.hpp"
#include "drivers/worker_kit/params.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace leasehold::kit {

/// A provider worker: the process at the other end of the host's pipes. One
/// per process.
class worker {
public:
  /// Takes standard output for itself: from now on, descriptor 1 is standard
  /// error, so that nothing but messages reaches the host.
  explicit worker(json manifest);

  worker(const worker&) = delete;

  worker& operator=(const worker&) = delete;

  ~worker();

  /// Answers `method` with `handler`. To be called before `run`.
  void on(std::string method, std::function<void(call)> handler);

  /// Is called once, before the worker ends: by the host's `shutdown`, or
  /// because the host is gone.
  void on_shutdown(std::function<void()> hook);

  /// Remembers fences there, and says so at `initialize`. Without it the worker
  /// remembers them until it ends. To be called before `run`.
  ///
  /// Every call on a resource that carries a fence passes the keeper before its
  /// handler sees it, and what an acquire has made is remembered under its
  /// fence before the host hears of it: no handler has to look at fences.
  void keep_fences(std::shared_ptr<fence_keeper> keeper);

  /// Writes to the host's log. Levels: `debug`, `info`, `warn`, `error`.
  void log(std::string_view level, std::string_view message,
           json meta = nullptr);

  /// Answers calls until the host is gone or says `shutdown`; returns the
  /// program's exit code.
  [[nodiscard]] int run();

  [[nodiscard]] const json& manifest() const noexcept {
    return manifest_;
  }

  [[nodiscard]] io_loop& loop() noexcept {
    return loop_;
  }

  [[nodiscard]] process_launcher& launcher() noexcept {
    return *launcher_;
  }

  /// What goes to the host. A handler that sends much stops while the host
  /// does not keep up.
  [[nodiscard]] fd_writer& host() noexcept {
    return *host_;
  }

private:
  void take_line(std::string_view line);

  void take_message(json message);

  void dispatch(call what);

  /// Lets a call pass, or throws; and looks after what becomes of it.
  void check_fence(const call& what);

  void initialize(const call& what);

  void shut_down(const call& what);

  /// Sends an error that belongs to no call.
  void complain(int code, std::string_view message);

  /// Tells the hook, gives what is unwritten a moment, and ends `run`.
  void leave();

  json manifest_;
  io_loop loop_;
  std::unique_ptr<process_launcher> launcher_;
  std::shared_ptr<fd_writer> host_;
  std::shared_ptr<input_handle> input_;
  std::unique_ptr<line_splitter> lines_;
  bool default_health_ = false;
  std::map<std::string, std::function<void(call)>, std::less<>> handlers_;
  std::shared_ptr<fence_keeper> fences_ = std::make_shared<passing_fences>();
  std::function<void()> shutdown_hook_;
  bool initialized_ = false;
  bool leaving_ = false;
};

} // namespace leasehold::kit
