#include "actors/worker_process.hpp"

#include "actors/mail.hpp"
#include "drivers/line_splitter.hpp"
#include "drivers/utf8.hpp"

#include <caf/send.hpp>

#include <mutex>
#include <utility>

namespace leasehold {

namespace {

std::string value_of(const std::map<std::string, std::string>& env,
                     const char* key, const char* otherwise) {
  auto pos = env.find(key);
  return pos == env.end() || pos->second.empty() ? otherwise : pos->second;
}

launch_spec launch_of(const plugin_row& plugin,
                      const std::map<std::string, std::string>& host_env) {
  launch_spec out;
  out.argv = plugin.command;
  out.env = plugin.env;
  out.env["PATH"] = value_of(host_env, "PATH",
                             "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
  out.env["NODE_PATH"] = value_of(host_env, "NODE_PATH", "");
  out.env["PAPERCLIP_PLUGIN_ID"] = plugin.id.value;
  out.env["NODE_ENV"] = value_of(host_env, "NODE_ENV", "production");
  out.env["TZ"] = value_of(host_env, "TZ", "UTC");
  return out;
}

/// The process's side: runs on the loop's thread. The handle of the child comes
/// to it late, because the child may speak before `start` has returned.
struct listener {
  worker_actor whom;
  std::shared_ptr<line_gauge> gauge;
  std::mutex mutex;
  std::weak_ptr<child_process> child;
  /// What the process has said since the last `tell`, and its size.
  process_lines heard = {};
  size_t size = 0;

  void on_line(std::string line) {
    size += line.size();
    heard.texts.push_back(std::move(line));
  }

  /// Many lines that come at once make one message.
  void tell() {
    if (heard.texts.empty())
      return;
    tell_from_outside(whom, std::exchange(heard, {}));
    auto count = std::exchange(size, 0);
    if (gauge->bytes.fetch_add(count) + count < line_gauge::high)
      return;
    std::lock_guard guard{mutex};
    if (auto alive = child.lock(); alive && !gauge->paused.exchange(true))
      alive->pause_output();
  }
};

} // namespace

worker_process::worker_process(
  worker_actor whom, process_launcher& launcher, const plugin_row& plugin,
  const std::map<std::string, std::string>& host_env, size_t line_max)
  : gauge_{std::make_shared<line_gauge>()} {
  auto ears = std::make_shared<listener>();
  ears->whom = whom;
  ears->gauge = gauge_;
  auto lines = std::make_shared<line_splitter>(
    line_max, [ears](std::string line) { ears->on_line(std::move(line)); },
    [whom, ears](overlong_line line) {
      ears->tell();
      tell_from_outside(whom,
                        process_overlong_line{std::move(line.head), line.size});
    });
  process_events tell;
  tell.on_start
    = [whom](int64_t pid) { tell_from_outside(whom, process_started{pid}); };
  tell.on_failure = [whom](failure why) {
    tell_from_outside(whom, process_not_started{std::move(why)});
  };
  tell.on_stdout = [lines, ears](std::string_view bytes) {
    lines->feed(bytes);
    ears->tell();
  };
  tell.on_stderr = [whom](std::string_view bytes) {
    tell_from_outside(whom, process_stderr{to_utf8(bytes)});
  };
  tell.on_stdout_end
    = [whom] { tell_from_outside(whom, process_closed_stdout{}); };
  tell.on_exit = [whom](exit_report how) {
    tell_from_outside(whom, process_exited{how.code, how.signal});
  };
  child_ = launcher.start(launch_of(plugin, host_env), std::move(tell));
  std::lock_guard guard{ears->mutex};
  ears->child = child_;
}

bool worker_process::send(std::string_view line) {
  auto is_first = unsent_.empty();
  unsent_ += line;
  return is_first;
}

void worker_process::flush() {
  if (!unsent_.empty())
    child_->write(std::exchange(unsent_, {}));
}

void worker_process::close_stdin() {
  flush();
  child_->close_stdin();
}

void worker_process::signal(int number) {
  child_->signal(number);
}

void worker_process::handled(size_t bytes) {
  if (gauge_->bytes.fetch_sub(bytes) - bytes > line_gauge::low)
    return;
  if (gauge_->paused.exchange(false))
    child_->resume_output();
}

} // namespace leasehold
