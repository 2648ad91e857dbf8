#include "drivers/command_output.hpp"

#include <utility>

namespace leasehold {

command_output::command_output(io_loop& loop, std::shared_ptr<output_sink> sink,
                               size_t stdout_max, size_t stderr_max)
  : loop_{loop}, sink_{std::move(sink)}, stdout_{output_stream::out,
                                                 output_buffer{stdout_max}},
    stderr_{output_stream::err, output_buffer{stderr_max}} {
  // nop
}

void command_output::belongs_to(const std::shared_ptr<child_process>& child) {
  child_ = child;
}

void command_output::put(output_stream stream, std::string_view bytes) {
  auto& from = stream == output_stream::out ? stdout_ : stderr_;
  auto text = from.decoder.feed(bytes);
  from.kept.append(text);
  pass_on(from, std::move(text));
}

void command_output::finish() {
  for (auto* from : {&stdout_, &stderr_}) {
    auto rest = from->decoder.finish();
    from->kept.append(rest);
    pass_on(*from, std::move(rest));
  }
}

void command_output::let_go() {
  letting_go_ = true;
  if (auto child = child_.lock())
    child->resume_output();
}

std::string command_output::text(output_stream stream) const {
  return (stream == output_stream::out ? stdout_ : stderr_).kept.text();
}

void command_output::pass_on(output& from, std::string text) {
  if (!sink_ || text.empty() || (blocked_ && letting_go_))
    return;
  if (sink_->put({from.stream, std::move(text)}))
    return;
  blocked_ = true;
  if (!letting_go_)
    if (auto child = child_.lock())
      child->pause_output();
  wait_for_sink();
}

void command_output::wait_for_sink() {
  sink_->when_ready([weak = weak_from_this()] {
    auto self = weak.lock();
    if (!self)
      return;
    self->loop_.post([weak] {
      auto strong = weak.lock();
      if (!strong)
        return;
      strong->blocked_ = false;
      if (auto child = strong->child_.lock())
        child->resume_output();
    });
  });
}

} // namespace leasehold
