#pragma once

// A command of a caller: its output, its limits, its end.

#include "drivers/bubblewrap/sandbox_process.hpp"
#include "drivers/output_buffer.hpp"
#include "drivers/utf8.hpp"
#include "drivers/worker_kit/worker_kit.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace leasehold::bubblewrap {

/// What to run, and within which limits.
struct command_request {
  /// Where bubblewrap is.
  std::string program;
  std::vector<std::string> options;
  std::vector<std::string> argv;
  std::string stdin_text;
  /// Zero: none.
  milliseconds timeout{0};
  size_t output_limit = 0;
};

/// Runs one `environmentExecute`: streams the output, answers the call. Loop
/// thread only.
class sandbox_command : public std::enable_shared_from_this<sandbox_command> {
public:
  /// `on_end` is told after the call is answered; until then, the command has
  /// to be kept.
  sandbox_command(kit::worker& me, kit::call what, command_request request,
                  std::function<void()> on_end);

  ~sandbox_command();

  void start();

  /// Kills the command because somebody wishes so.
  void cancel();

private:
  /// One output stream of the command.
  struct output {
    output(output_stream which_stream, size_t limit)
      : which{which_stream}, kept{limit} {
      // nop
    }

    output_stream which;
    utf8_stream text;
    output_buffer kept;
  };

  sandbox_events events();

  void take(output& from, std::string_view bytes);

  void take_text(output& from, std::string_view text);

  void stream(output_stream which, std::string_view text);

  /// Waits for a host that does not keep up.
  void heed_host();

  /// Passes on what was kept back because it could have been bubblewrap's.
  void release_words();

  void on_timeout();

  void on_exit(const sandbox_exit& how);

  /// Bubblewrap gave up before or at the start of the command.
  void on_setup_error();

  void answer(kit::json result);

  void finish();

  kit::worker& me_;
  kit::call call_;
  command_request request_;
  std::function<void()> on_end_;
  std::shared_ptr<sandbox_process> process_;
  std::shared_ptr<timer_handle> timer_;
  output out_;
  output err_;
  /// The start of standard error as long as it may be bubblewrap's own words.
  std::string words_;
  bool words_over_ = false;
  uint64_t streamed_ = 0;
  bool paused_ = false;
  bool timed_out_ = false;
  bool cancelled_ = false;
};

} // namespace leasehold::bubblewrap
