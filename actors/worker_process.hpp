#pragma once

// What a WORKER sees of its child process: lines in, lines out.

#include "drivers/child_process.hpp"
#include "messages/environment.hpp"
#include "messages/protocols.hpp"

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace leasehold {

/// Bytes of lines that the process has sent and the WORKER has not handled yet.
/// Keeps a chatty process from filling the mailbox: beyond `high` nobody reads
/// it, until the WORKER is down to `low`.
struct line_gauge {
  static constexpr size_t high = 8u << 20;
  static constexpr size_t low = 2u << 20;

  std::atomic<size_t> bytes{0};
  std::atomic<bool> paused{false};
};

/// A worker's child process. Everything it says goes to the WORKER as messages
/// (`process_lines` and so on). Destroying it kills the process.
class worker_process {
public:
  /// Starts the plugin's program (PB §5.1). `host_env` is what the engine's own
  /// environment offers for `PATH`, `NODE_PATH`, `NODE_ENV` and `TZ`.
  worker_process(worker_actor whom, process_launcher& launcher,
                 const plugin_row& plugin,
                 const std::map<std::string, std::string>& host_env,
                 size_t line_max);

  /// Keeps a line for the next `flush`. True if it is the first one: somebody
  /// has to see to that.
  [[nodiscard]] bool send(std::string_view line);

  /// Hands on what was sent, all of it in one piece.
  void flush();

  /// Ends standard input: a worker that reads it to the end exits.
  void close_stdin();

  void signal(int number);

  /// The WORKER has handled lines of this size.
  void handled(size_t bytes);

private:
  std::shared_ptr<line_gauge> gauge_;
  std::shared_ptr<child_process> child_;
  std::string unsent_;
};

} // namespace leasehold
