#include "drivers/bubblewrap/sandbox_command.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace leasehold::bubblewrap {

namespace {

using kit::json;

/// How much may wait for the host before the command has to.
constexpr auto unwritten_max = size_t{4} << 20;

/// When the command may go on.
constexpr auto unwritten_low = size_t{1} << 20;

constexpr auto chunk_max = size_t{64} << 10;

/// What a host takes of one command (PB §5.9), less the note that says so.
constexpr auto streamed_max = (uint64_t{128} << 20) - 256;

constexpr std::string_view streamed_note
  = "\n[leasehold: 128 MiB of output shown; the rest is not]\n";

/// How bubblewrap begins its own complaints.
constexpr std::string_view own_prefix = "bwrap: ";

constexpr auto own_words_max = size_t{4096};

bool may_be_own(std::string_view text) {
  return text.starts_with(own_prefix.substr(0, text.size()));
}

std::string first_line(std::string_view text) {
  text.remove_prefix(std::min(text.size(), own_prefix.size()));
  return std::string{text.substr(0, text.find('\n'))};
}

} // namespace

sandbox_command::sandbox_command(kit::worker& me, kit::call what,
                                 command_request request,
                                 std::function<void()> on_end)
  : me_{me}, call_{std::move(what)}, request_{std::move(request)},
    on_end_{std::move(on_end)}, out_{output_stream::out, request_.output_limit},
    err_{output_stream::err, request_.output_limit} {
  // nop
}

sandbox_command::~sandbox_command() = default;

void sandbox_command::start() {
  auto started
    = sandbox_process::start(me_.loop(), me_.launcher(), request_.program,
                             request_.options, request_.argv, events());
  if (!started) {
    call_.fail(kit::error_code::worker_error, started.error().message);
    return finish();
  }
  process_ = *started;
  if (!request_.stdin_text.empty())
    process_->child().write(std::move(request_.stdin_text));
  process_->child().close_stdin();
  if (request_.timeout.count() > 0)
    timer_ = me_.loop().after(request_.timeout, [self = weak_from_this()] {
      if (auto strong = self.lock())
        strong->on_timeout();
    });
}

void sandbox_command::cancel() {
  cancelled_ = true;
  if (process_)
    process_->kill();
}

sandbox_events sandbox_command::events() {
  // Whoever started the command keeps it until its end.
  auto with = [weak = weak_from_this()](auto what) {
    return [weak, what](auto&&... args) {
      if (auto self = weak.lock())
        what(*self, args...);
    };
  };
  sandbox_events out;
  out.on_failure = with([](auto& self, const failure& why) {
    self.call_.fail(kit::error_code::worker_error, why.message);
    self.finish();
  });
  out.on_stdout = with([](auto& self, auto x) { self.take(self.out_, x); });
  out.on_stderr = with([](auto& self, auto x) { self.take(self.err_, x); });
  out.on_exit = with([](auto& self, const auto& x) { self.on_exit(x); });
  return out;
}

// -- output -------------------------------------------------------------------

void sandbox_command::take(output& from, std::string_view bytes) {
  auto text = from.text.feed(bytes);
  if (from.which != output_stream::err || words_over_)
    return take_text(from, text);
  words_ += text;
  if (!may_be_own(words_) || words_.size() > own_words_max)
    release_words();
}

void sandbox_command::release_words() {
  words_over_ = true;
  take_text(err_, std::exchange(words_, {}));
}

void sandbox_command::take_text(output& from, std::string_view text) {
  from.kept.append(text);
  while (!text.empty()) {
    auto piece = text.substr(0, chunk_max);
    piece = piece.substr(0, without_cut_end(piece));
    stream(from.which, piece);
    text.remove_prefix(piece.size());
  }
  heed_host();
}

void sandbox_command::stream(output_stream which, std::string_view text) {
  if (streamed_ > streamed_max)
    return;
  streamed_ += text.size();
  call_.log_output(which, streamed_ > streamed_max ? streamed_note : text);
}

void sandbox_command::heed_host() {
  if (paused_ || me_.host().unwritten() <= unwritten_max)
    return;
  paused_ = true;
  process_->child().pause_output();
  me_.host().when_below(unwritten_low, [self = weak_from_this()] {
    if (auto strong = self.lock()) {
      strong->paused_ = false;
      strong->process_->child().resume_output();
    }
  });
}

// -- the end ------------------------------------------------------------------

void sandbox_command::on_timeout() {
  timed_out_ = true;
  process_->kill();
}

void sandbox_command::on_exit(const sandbox_exit& how) {
  take(out_, out_.text.finish());
  take(err_, err_.text.finish());
  auto killed = how.signal != 0 || timed_out_ || cancelled_;
  if (!killed && !how.exit_code) {
    on_setup_error();
    return finish();
  }
  release_words();
  json result{{"exitCode", nullptr}, {"signal", nullptr}};
  if (how.exit_code && !timed_out_ && !cancelled_)
    result["exitCode"] = *how.exit_code;
  else
    result["signal"] = signal_name(how.signal == 0 ? SIGKILL : how.signal);
  answer(std::move(result));
  finish();
}

void sandbox_command::on_setup_error() {
  auto why = first_line(words_);
  words_.clear();
  words_over_ = true;
  if (!why.starts_with("execvp ")) {
    if (why.empty())
      why = "bubblewrap ended without a word";
    return call_.fail(kit::error_code::worker_error,
                      "The sandbox could not be set up: " + why);
  }
  // What a shell would say, and the codes that it would give.
  auto denied = why.ends_with("Permission denied");
  take_text(err_, request_.argv[0]
                    + (denied ? ": cannot be executed in the sandbox\n"
                              : ": not found in the sandbox\n"));
  answer({{"exitCode", denied ? 126 : 127}, {"signal", nullptr}});
}

void sandbox_command::answer(json result) {
  result["timedOut"] = timed_out_ && !cancelled_;
  result["stdout"] = out_.kept.text();
  result["stderr"] = err_.kept.text();
  result["metadata"] = json::object();
  if (cancelled_)
    result["metadata"]["cancelled"] = true;
  call_.reply(result);
}

void sandbox_command::finish() {
  if (timer_)
    timer_->cancel();
  if (auto tell = std::exchange(on_end_, nullptr))
    tell();
}

} // namespace leasehold::bubblewrap
