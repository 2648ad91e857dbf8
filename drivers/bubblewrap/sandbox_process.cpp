#include "drivers/bubblewrap/sandbox_process.hpp"

#include "drivers/bubblewrap/launch.hpp"
#include "drivers/io_loop.hpp"
#include "drivers/worker_kit/disk.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/mman.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <utility>

namespace leasehold::bubblewrap {

namespace {

/// The guard is installed, and built, in the folder of the program that uses
/// it.
std::string guard_beside_us() {
  std::error_code failed;
  auto here = std::filesystem::read_symlink("/proc/self/exe", failed);
  return (here.parent_path() / "leasehold-guard").string();
}

} // namespace

result<std::shared_ptr<sandbox_process>> sandbox_process::start(
  io_loop& loop, process_launcher& launcher, const std::string& program,
  const std::vector<std::string>& options, const std::vector<std::string>& argv,
  sandbox_events tell) {
  std::shared_ptr<sandbox_process> self{
    new sandbox_process{loop, std::move(tell)}};
  if (!self->open_channels(options))
    return kit::disk_failure("cannot open channels to", program, errno);
  launch_spec spec;
  spec.inherited = {self->options_.get(), self->status_out_.get()};
  // Nobody is asked to end in peace here: everything is killed at once.
  spec.parent_death_signal = SIGQUIT;
  spec.abandon_signal = SIGQUIT;
  spec.argv = {guard_beside_us(),
               "--",
               program,
               "--args",
               std::to_string(spec.inherited[0]),
               "--json-status-fd",
               std::to_string(spec.inherited[1]),
               "--"};
  spec.argv.insert(spec.argv.end(), argv.begin(), argv.end());
  self->child_ = launcher.start(std::move(spec), self->events());
  return self;
}

sandbox_process::sandbox_process(io_loop& loop, sandbox_events tell)
  : loop_{loop}, tell_{std::move(tell)} {
  // nop
}

bool sandbox_process::open_channels(const std::vector<std::string>& options) {
  options_.reset(::memfd_create("bubblewrap-options", MFD_CLOEXEC));
  int ends[2];
  if (!options_ || ::pipe2(ends, O_CLOEXEC) != 0)
    return false;
  status_in_.reset(ends[0]);
  status_out_.reset(ends[1]);
  auto block = to_args_block(options);
  // Memory takes all of it at once.
  return ::pwrite(options_.get(), block.data(), block.size(), 0)
         == static_cast<ssize_t>(block.size());
}

process_events sandbox_process::events() {
  process_events out;
  auto self = weak_from_this();
  out.on_start = [self](int64_t) {
    if (auto strong = self.lock())
      strong->on_started();
  };
  out.on_failure = [self](failure why) {
    if (auto strong = self.lock())
      strong->on_not_started(std::move(why));
  };
  out.on_stdout = tell_.on_stdout;
  out.on_stderr = tell_.on_stderr;
  out.on_exit = [self](exit_report report) {
    if (auto strong = self.lock()) {
      strong->exited_ = true;
      strong->exit_.signal = report.signal;
      strong->finish_if_done();
    }
  };
  return out;
}

void sandbox_process::on_started() {
  options_.reset();
  status_out_.reset();
  auto self = weak_from_this();
  auto on_bytes = [self](std::string_view bytes) {
    if (auto strong = self.lock())
      strong->on_status(bytes);
  };
  auto on_end = [self] {
    if (auto strong = self.lock()) {
      strong->status_ended_ = true;
      strong->finish_if_done();
    }
  };
  status_ = loop_.read(status_in_.release(), on_bytes, on_end);
}

void sandbox_process::on_not_started(failure why) {
  auto tell = std::move(tell_.on_failure);
  tell_ = {};
  if (tell)
    tell(std::move(why));
}

void sandbox_process::on_status(std::string_view bytes) {
  status_text_ += bytes;
  for (;;) {
    auto end = status_text_.find('\n');
    if (end == std::string::npos)
      return;
    on_status_line(status_text_.substr(0, end));
    status_text_.erase(0, end + 1);
  }
}

void sandbox_process::on_status_line(const std::string& line) {
  auto status = nlohmann::json::parse(line, nullptr, false);
  if (!status.is_object())
    return;
  // Told only of a command that was really started.
  if (auto pos = status.find("exit-code");
      pos != status.end() && pos->is_number_integer())
    exit_.exit_code = pos->get<int>();
}

void sandbox_process::kill() {
  child_->signal(SIGQUIT);
}

void sandbox_process::finish_if_done() {
  if (!exited_ || !status_ended_)
    return;
  auto tell = std::move(tell_.on_exit);
  tell_ = {};
  if (exit_.signal != 0)
    exit_.exit_code.reset();
  if (tell)
    tell(exit_);
}

} // namespace leasehold::bubblewrap
