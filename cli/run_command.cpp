// leasehold run: acquire or resume, realize, execute, release. Whatever happens
// in between, a lease that was granted is given back.

#include "cli/run_command.hpp"

#include "cli/admin_commands.hpp"
#include "cli/durations.hpp"
#include "cli/error_texts.hpp"
#include "cli/report.hpp"
#include "cli/run_plan.hpp"
#include "cli/run_progress.hpp"
#include "cli/run_report.hpp"
#include "cli/signals.hpp"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stop_token>
#include <system_error>

namespace leasehold::cli {

namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

/// How long a run waits for its own cleanup.
constexpr auto cleanup_patience = 15s;

/// One `leasehold run` from beginning to end.
class runner {
public:
  runner(const run_arguments& what, const context& where)
    : what_{what}, where_{where} {
    report_.run = what.run.empty() ? fresh_run_id() : what.run;
  }

  int run();

private:
  // -- steps ------------------------------------------------------------------

  /// What can be found out before anything starts.
  bool prepare();
  void use_engine(const interrupts& user);
  bool choose_environment(engine& with);
  bool acquire(engine& with);
  bool realize(engine& with);
  void execute(engine& with);
  void release(engine& with);
  void clean_up(engine& with, const interrupts& user);
  void await_recovery(std::future<result<done>>& recovered,
                      const interrupts& user);

  // -- telling ----------------------------------------------------------------

  void say(const std::string& sentence);
  void fail(const failure& why, const std::string& suggestion = {});
  void ask_to_stop();
  [[noreturn]] void leave(int number);
  void interrupted(const std::string& how);
  void deliver();
  void write_missing(const finished& how);
  std::chrono::nanoseconds lap(const std::string& name);
  [[nodiscard]] std::string verb(const std::string& words) const;

  [[nodiscard]] bool talks() const {
    return !what_.quiet && !where_.common.json;
  }

  const run_arguments& what_;
  const context& where_;
  run_report report_;
  run_progress progress_;
  std::string workspace_;
  std::string stdin_text_;
  std::ofstream report_file_;
  steady_clock::time_point lap_start_;
  /// Cancels the command.
  std::stop_source stop_;
  /// Whether nobody reads our standard output any more.
  std::atomic<bool> reader_gone_ = false;
  /// Bytes that the command has sent so far; counted on an engine thread that
  /// is done with it before the command's end is told.
  size_t out_bytes_ = 0;
  size_t err_bytes_ = 0;
};

/// Waits until the future is ready; false if it is not after `patience`, or if
/// the user does not want to wait.
template <class T>
bool wait_for(std::future<T>& what, std::chrono::milliseconds patience,
              const interrupts& user) {
  auto end = steady_clock::now() + patience;
  while (what.wait_for(10ms) != std::future_status::ready)
    if (user.signal() != 0 || steady_clock::now() >= end)
      return false;
  return true;
}

int runner::run() {
  if (prepare()) {
    // Lives longer than the engine: it must block its signals before the
    // engine's threads start, and they may take long to stop.
    interrupts user{[this](int) { ask_to_stop(); },
                    [this](int number) { leave(number); }};
    use_engine(user);
  }
  deliver();
  return exit_code_of(report_);
}

// -- steps --------------------------------------------------------------------

bool runner::prepare() {
  if (!what_.report.empty()) {
    report_file_.open(what_.report, std::ios::trunc);
    if (!report_file_) {
      fail({ec::invalid_request,
            "The report " + what_.report + " cannot be written: "
              + std::generic_category().message(errno) + ".",
            {}});
      return false;
    }
  }
  if (!what_.workspace.empty()) {
    auto path = workspace_path(what_.workspace);
    if (!path) {
      fail(path.error());
      return false;
    }
    workspace_ = *path;
  }
  // Now, while Ctrl-C still ends us: nothing has been leased yet.
  if (what_.read_stdin)
    stdin_text_ = read_text("-").value();
  return true;
}

void runner::use_engine(const interrupts& user) {
  auto opened = open_session(where_);
  if (!opened) {
    fail(opened.error());
    return;
  }
  auto& with = opened->engine;
  auto recovered = with.recovered();
  if (user.signal() == 0 && choose_environment(with) && acquire(with)) {
    if (user.signal() == 0 && realize(with) && user.signal() == 0)
      execute(with);
    report_.signal = user.signal();
    // What would have ended the command, had it written there itself.
    if (report_.signal == 0 && stop_.stop_requested())
      report_.signal = SIGPIPE;
    release(with);
    clean_up(with, user);
  } else {
    report_.signal = user.signal();
  }
  await_recovery(recovered, user);
}

bool runner::choose_environment(engine& with) {
  if (!what_.resume.empty())
    return true; // the lease knows
  auto wanted = wanted_environment(what_);
  report_.environment = wanted.name;
  if (wanted.driver.empty())
    return true; // to be found by acquire
  auto found = with.find_environment(wanted.name).get();
  if (!found && found.error().code == ec::unknown_environment) {
    auto made = with.put_environment(wanted).get();
    if (made)
      return true;
    // Unless another process was faster, that was it.
    found = with.find_environment(wanted.name).get();
    if (!found) {
      auto code = made.error().code;
      fail(made.error(), suggest(with, code, wanted.name));
      return false;
    }
  }
  auto fits
    = found ? check_environment(wanted, *found) : result<done>{found.error()};
  if (!fits)
    fail(fits.error());
  return fits.has_value();
}

bool runner::acquire(engine& with) {
  lap_start_ = steady_clock::now();
  auto granted = ask_for_lease(with, what_, report_.environment, report_.run,
                               stop_.get_token())
                   .get();
  auto took = lap("acquire");
  if (!granted) {
    const auto& why = granted.error();
    if (why.code != ec::cancelled || !stop_.stop_requested())
      fail(why, suggest(with, why.code, report_.environment));
    return false;
  }
  report_.granted = *granted;
  progress_.hold("lease " + short_id(granted->id) + " (" + describe(*granted)
                 + ")");
  say(acquired_sentence(*granted, took));
  return true;
}

bool runner::realize(engine& with) {
  if (workspace_.empty())
    return true;
  workspace what;
  what.local_path = workspace_;
  lap_start_ = steady_clock::now();
  auto realized = with.realize(*report_.granted, std::move(what)).get();
  auto took = lap("realize");
  if (!realized) {
    fail(realized.error());
    return false;
  }
  report_.cwd = realized->cwd;
  say(realized_sentence(*realized, took));
  return true;
}

void runner::execute(engine& with) {
  std::error_code ignored;
  command what;
  what.command = what_.command.front();
  what.args.assign(what_.command.begin() + 1, what_.command.end());
  what.cwd = command_cwd(what_.cwd, report_.cwd, report_.granted->driver,
                         std::filesystem::current_path(ignored));
  what.env = what_.env;
  what.stdin_text = stdin_text_;
  what.timeout = what_.timeout;
  what.stop = stop_.get_token();
  auto on_output = [this](const output& piece) {
    auto to_out = piece.from == output::stream::out;
    (to_out ? out_bytes_ : err_bytes_) += piece.text.size();
    if (!to_out)
      where_.screen.err(piece.text);
    else if (!reader_gone_ && !where_.screen.out(piece.text))
      reader_gone_ = true;
  };
  lap_start_ = steady_clock::now();
  auto running = with.execute(*report_.granted, std::move(what), on_output);
  // Not from within the engine's callback: stopping calls the engine back.
  while (running.wait_for(20ms) != std::future_status::ready)
    if (reader_gone_)
      stop_.request_stop();
  auto ended = running.get();
  auto took = lap("execute");
  if (ended) {
    write_missing(*ended);
    say(command_sentence(*ended, took));
    report_.command = std::move(*ended);
    if (report_.command->cancelled && !stop_.stop_requested())
      fail({ec::cancelled,
            "The command was cancelled: its lease ended before it did.",
            {}});
  } else if (!stop_.stop_requested()) {
    fail(ended.error());
  }
}

void runner::release(engine& with) {
  progress_.enter(stage::releasing);
  release_request how;
  how.outcome = outcome_of(report_);
  how.keep = what_.keep;
  lap_start_ = steady_clock::now();
  auto ended = with.release(*report_.granted, how).get();
  auto took = lap("release");
  progress_.enter(stage::ended);
  if (ended) {
    report_.ended = *ended;
    say(released_sentence(*ended, took));
    if (what_.keep && ended->status == "retained")
      say("kept for you: look with `" + verb("lease show ") + "`, remove with `"
          + verb("lease destroy ") + "`");
  } else if (ended.error().code == ec::lease_ended) {
    say("the lease had already ended");
  } else {
    fail(ended.error());
  }
}

void runner::clean_up(engine& with, const interrupts& user) {
  if (!report_.ended || !report_.ended->cleanup_owed)
    return;
  lap_start_ = steady_clock::now();
  auto settled = with.settled(cleanup_patience);
  // The engine's own patience comes first.
  auto known = wait_for(settled, cleanup_patience + 5s, user);
  auto took = lap("cleanup");
  if (known) {
    auto left = settled.get();
    if (!left) {
      fail(left.error());
      return;
    }
    report_.cleanups_left = *left;
  }
  if (report_.cleanups_left == 0u)
    say("cleanup finished in " + format_duration(took));
  else
    say("cleanup is still owed; the next leasehold command goes on with it, "
        "and `leasehold lease list` shows it");
}

void runner::await_recovery(std::future<result<done>>& recovered,
                            const interrupts& user) {
  if (!wait_for(recovered, recovery_patience, user))
    say("leases of a dead engine are still being cleaned up; the next "
        "leasehold command goes on with it");
}

// -- telling ------------------------------------------------------------------

void runner::say(const std::string& sentence) {
  auto& screen = where_.screen;
  if (talks())
    screen.err(paint(sentence, tone::faint, screen.colour_err) + "\n");
}

void runner::fail(const failure& why, const std::string& suggestion) {
  if (!report_.error)
    report_.error = why;
  auto& screen = where_.screen;
  if (!where_.common.json)
    screen.err(render_failure(why, suggestion, where_.common.verbose,
                              screen.colour_err));
}

/// The first Ctrl-C. On the signal thread, as is the next.
void runner::ask_to_stop() {
  stop_.request_stop();
  where_.screen.hurry();
  interrupted(progress_.when_interrupted());
}

/// The second Ctrl-C.
void runner::leave(int number) {
  interrupted(progress_.when_left());
  _exit(128 + number);
}

void runner::interrupted(const std::string& how) {
  if (!where_.common.json)
    where_.screen.err("leasehold: " + how + "\n");
}

/// A worker that does not stream tells the output with the end.
void runner::write_missing(const finished& how) {
  if (out_bytes_ == 0)
    where_.screen.out(how.stdout_text);
  if (err_bytes_ == 0)
    where_.screen.err(how.stderr_text);
}

void runner::deliver() {
  auto text = print(view(report_), false);
  if (report_file_.is_open()) {
    report_file_ << text << std::flush;
    if (!report_file_)
      fail({ec::internal,
            "The report " + what_.report + " could not be written.",
            {}});
  } else if (where_.common.json) {
    where_.screen.err(text);
  }
}

std::chrono::nanoseconds runner::lap(const std::string& name) {
  auto took = steady_clock::now() - lap_start_;
  report_.phases.push_back({name, took});
  return took;
}

/// A command line about our lease, to be copied.
std::string runner::verb(const std::string& words) const {
  const auto& data = where_.common.data;
  return "leasehold " + (data.empty() ? data : "--data " + data + " ") + words
         + short_id(report_.granted->id);
}

} // namespace

int perform(const run_arguments& what, const context& where) {
  return runner{what, where}.run();
}

} // namespace leasehold::cli
