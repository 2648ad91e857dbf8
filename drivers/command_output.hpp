#pragma once

// What a command prints: kept within bounds, and passed on as it comes.

#include "drivers/child_process.hpp"
#include "drivers/io_loop.hpp"
#include "drivers/output_buffer.hpp"
#include "drivers/utf8.hpp"
#include "messages/command.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace leasehold {

/// The two outputs of one child process. A sink without room pauses the child.
/// Loop thread only.
class command_output : public std::enable_shared_from_this<command_output> {
public:
  /// `sink` may be null. `loop` must outlive it. The limits are in bytes.
  command_output(io_loop& loop, std::shared_ptr<output_sink> sink,
                 size_t stdout_max, size_t stderr_max);

  /// Whose output it is.
  void belongs_to(const std::shared_ptr<child_process>& child);

  /// Takes what the child printed.
  void put(output_stream stream, std::string_view bytes);

  /// The child prints no more: passes on what was held back.
  void finish();

  /// The child is being ended: nobody waits for a slow sink any more.
  void let_go();

  /// Whether the sink has no room now.
  [[nodiscard]] bool blocked() const noexcept {
    return blocked_;
  }

  /// What is kept of an output.
  [[nodiscard]] std::string text(output_stream stream) const;

private:
  struct output {
    output_stream stream;
    output_buffer kept;
    utf8_stream decoder{};
  };

  void pass_on(output& from, std::string text);

  /// Asks for the sink's call once it has room.
  void wait_for_sink();

  io_loop& loop_;
  std::shared_ptr<output_sink> sink_;
  std::weak_ptr<child_process> child_;
  output stdout_;
  output stderr_;
  bool letting_go_ = false;
  bool blocked_ = false;
};

} // namespace leasehold
