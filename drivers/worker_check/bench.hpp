#pragma once

// What the checks work at: a worker that is alive, a lease in it, and ways to
// ask for things. Everything is made when a check first needs it, and made anew
// when a check has broken it.

#include "drivers/worker_check/peer.hpp"
#include "leasehold/worker_check.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>

namespace leasehold::check {

/// Ends a check early: its verdict and why. Thrown by whatever a check calls,
/// and caught where checks are run; nobody else sees it.
class verdict_reached : public std::runtime_error {
public:
  verdict_reached(check_verdict what, const std::string& why)
    : std::runtime_error{why}, what_{what} {
    // nop
  }

  [[nodiscard]] check_verdict what_verdict() const noexcept {
    return what_;
  }

private:
  check_verdict what_;
};

[[noreturn]] void fail(const std::string& why);

[[noreturn]] void skip(const std::string& why);

/// An answer: a result, or an error.
struct reply {
  json result;
  /// Null unless it is an error.
  json error;

  [[nodiscard]] bool ok() const {
    return error.is_null();
  }
};

/// `error -32002: oops`, or the beginning of the result.
std::string to_string(const reply& x);

/// The options, read.
struct setup {
  worker_check_options options;
  std::string program;
  json manifest;
  std::string driver_key;
  json config;
  /// Null if there is none.
  json bad_config;
};

/// The longest that workers may take for what has a fixed limit (PB §5.4).
inline constexpr auto initialize_timeout = milliseconds{15'000};
inline constexpr auto exit_timeout = milliseconds{10'000};

class bench {
public:
  explicit bench(setup what);

  bench(const bench&) = delete;

  bench& operator=(const bench&) = delete;

  /// Ends the worker and removes what was made.
  ~bench();

  [[nodiscard]] const setup& given() const noexcept {
    return setup_;
  }

  [[nodiscard]] milliseconds patience() const noexcept {
    return setup_.options.timeout;
  }

  [[nodiscard]] milliseconds patience(milliseconds most) const noexcept {
    return std::min(patience(), most);
  }

  [[nodiscard]] bool stopped() const {
    return setup_.options.stop && *setup_.options.stop;
  }

  /// Whether there is no time left, or nobody wants to wait any more.
  [[nodiscard]] bool out_of_time() const {
    return limit_.over();
  }

  // -- the worker -------------------------------------------------------------

  /// How the first `initialize` went.
  struct handshake {
    std::optional<failure> not_started;
    std::optional<exit_report> ended;
    std::optional<json> answer;
  };

  /// Starts a worker unless there is one, and has it initialize.
  const handshake& greet();

  /// Whether there ever was a worker, and whether the first one initialized.
  [[nodiscard]] bool has_started() const noexcept {
    return first_.has_value();
  }

  bool initializes();

  /// Has the check that begins get another worker if the last one has ended.
  void next_check();

  /// A worker that is initialized and alive. Skips the check if none can be
  /// had; fails it if the worker has ended since the check began.
  peer& worker();

  /// The same, but one that has done nothing else.
  peer& fresh_worker();

  /// Ends the worker; the next one is another.
  void end_worker();

  /// The same, without giving it time for anything.
  void kill_worker() {
    if (worker_)
      remember(worker_->end(milliseconds{0}));
    worker_.reset();
  }

  /// How a worker ends that has been told to; nothing if it does not in time.
  std::optional<exit_report> await_exit(peer& whom);

  /// The methods that the worker lists; nothing if it lists none.
  [[nodiscard]] const std::optional<std::vector<std::string>>& listed() const {
    return listed_;
  }

  /// Whether the worker may have the method.
  [[nodiscard]] bool may_have(const std::string& method) const;

  /// Skips the check if the worker does not list the method.
  void need(const std::string& method);

  // -- calls ------------------------------------------------------------------

  /// Asks and waits. Fails the check if there is no answer.
  reply ask(const std::string& method, const json& params);

  /// Waits for the answer to a call that was made. `extra` is what it may take
  /// beside our usual patience.
  reply await(int64_t id, const std::string& method,
              milliseconds extra = milliseconds{0});

  /// Asks for a result; an error fails the check, and skips it if the worker
  /// does not have a method that it need not have.
  json get(const std::string& method, const json& params);

  /// Makes sure that the worker still answers.
  void check_alive();

  /// Parameters that all calls on an environment have, with others.
  [[nodiscard]] json params(const json& more = json::object()) const;

  // -- leases -----------------------------------------------------------------

  /// Acquires a lease and checks the answer.
  json acquire(const json& more = json::object());

  /// The lease that checks share. Fails the check if there is none.
  const json& first_lease();

  /// The same. Skips the check if there is none.
  const json& lease();

  /// Parameters for a call on a lease that names it.
  [[nodiscard]] json on(const json& lease,
                        const json& more = json::object()) const;

  /// Parameters for work in a lease.
  [[nodiscard]] json in(const json& lease,
                        const json& more = json::object()) const;

  /// Removes a lease that a check has made; if that fails, whoever checks
  /// destroys says so.
  void destroy(const json& lease);

  // -- commands ---------------------------------------------------------------

  /// Sends an `environmentExecute` of a shell script in the shared lease.
  int64_t start_script(const std::string& script,
                       const json& more = json::object());

  /// Runs a shell script and checks the shape of what comes back. Skips the
  /// check if the worker cannot execute.
  json run_script(const std::string& script, const json& more = json::object());

  // -- what was seen over time ------------------------------------------------

  /// Removes what was made and ends the worker, so that the record is whole.
  void finish();

  /// What all workers until now have said; those that have ended only.
  [[nodiscard]] const heard& record() const noexcept {
    return record_;
  }

private:
  void start();

  /// Adds to the record.
  void remember(heard what);

  /// Destroys what is left, as far as a worker is there to do it.
  void clean_up();

  setup setup_;
  time_limit limit_;
  int64_t last_id_ = 0;
  io_loop loop_;
  std::unique_ptr<process_launcher> launcher_;
  std::unique_ptr<peer> worker_;
  bool initialized_ = false;
  std::optional<handshake> first_;
  std::optional<std::vector<std::string>> listed_;
  /// Methods that are not there, as calls have shown.
  std::set<std::string> absent_;
  heard record_;
  json lease_;
  /// Why there is none.
  std::string no_lease_;
  int runs_ = 0;
  /// Leases that are owed a destroy, by their names.
  std::map<std::string, json> owed_;
};

/// Checks what a lease call answered; returns it. `method` is for the text.
json checked_lease(const std::string& method, const json& answer);

/// Checks the shape of what `environmentExecute` answered; returns it.
json checked_execution(const json& answer);

} // namespace leasehold::check
