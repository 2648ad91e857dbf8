#pragma once

// A WORKER: one plugin's child process, and the calls it answers.

#include "actors/fair_queue.hpp"
#include "actors/host_rules.hpp"
#include "actors/live_output.hpp"
#include "actors/mail.hpp"
#include "actors/services.hpp"
#include "actors/worker_life.hpp"
#include "actors/worker_process.hpp"
#include "drivers/json_rpc.hpp"
#include "drivers/scrubber.hpp"
#include "messages/protocols.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace leasehold {

/// How a WORKER treats its process.
struct worker_options {
  milliseconds initialize_timeout{15'000};
  milliseconds call_timeout{30'000};
  milliseconds health_interval{30'000};
  milliseconds relief_patience{600'000};
  milliseconds drain_timeout{5'000};
  milliseconds shutdown_timeout{10'000};
  milliseconds terminate_timeout{5'000};
  milliseconds kill_timeout{2'000};
  /// Calls on their way, and calls that may wait for their turn.
  size_t calls_max = 256;
  size_t queue_max = 4'096;
  /// The longest line that is read, in bytes.
  size_t line_max = 128u << 20;
  /// What the engine's own environment offers (PB §5.1).
  std::map<std::string, std::string> host_env;
  std::string host_version;
};

/// Turns the process's lines and the drivers' calls into events of the worker's
/// life, and carries out what follows. One process: when it ends, so does the
/// actor; the supervisor decides about the next one.
class worker_state {
public:
  using protocol = worker_actor;

  static constexpr const char* name = "leasehold.worker";

  worker_state(worker_actor::pointer self, supervisor_actor supervisor,
               plugin_row plugin, uint64_t incarnation,
               process_launcher& launcher, services_ptr with,
               worker_options options);

  worker_actor::behavior_type make_behavior();

private:
  /// A call that the process has not answered yet.
  struct pending {
    call_worker what;
    std::string invocation;
    timer deadline;
    live_output output;
  };

  /// Steps the life, then does what it asks for.
  void on(const worker_event::any& what);

  void perform(const worker_effect::initialize& wish);
  void perform(const worker_effect::arm_deadline& wish);
  void perform(const worker_effect::announce_ready& wish);
  void perform(const worker_effect::ask_to_exit& wish);
  void perform(const worker_effect::send_signal& wish);
  void perform(const worker_effect::fail_calls& wish);
  void perform(const worker_effect::leave& wish);

  // -- calls ------------------------------------------------------------------

  /// Sends a call, queues it, or refuses it.
  void take(call_worker& what);

  void send(call_worker what);

  /// Writes a line to the process, soon.
  void say(std::string_view line);

  /// Sends what waits for its turn, as far as there is room.
  void send_next();

  void on_timeout(int64_t id);

  /// Tells the life when the last call is answered.
  void check_idle();

  /// Makes a call of our own; `then` gets its answer.
  void ask_process(const char* method, json_text params, milliseconds timeout,
                   completion<json_text> then);

  // -- what the process says --------------------------------------------------

  void read(const std::string& line);
  void read(rpc::response& what);
  void read(rpc::request& what);
  void read(rpc::notification& what);
  void read(rpc::garbage& what);

  // -- what the process asks (worker_requests.cpp) ----------------------------

  [[nodiscard]] host_question question_of(const rpc::request& what) const;

  void refuse(const std::string& request, const host_refusal& why);

  void answer_config(const rpc::request& what);

  void resolve_secret(const rpc::request& what);

  /// Hands a secret on to the process, and hides it from then on.
  void on_secret(const secret_resolved& what);

  /// Tells the process its config, if it has one and cares.
  void send_config();

  /// An answer without the secrets that the process has asked for. What a
  /// command printed stays: it goes to who ran it, and is not kept.
  [[nodiscard]] json_text cleaned(const std::string& method,
                                  json_text answer) const;

  /// Fails the call that a line beyond the limit would have answered.
  void on_overlong(const process_overlong_line& what);

  void check_health();

  /// Logs what it says of its health when that changes.
  void note_health(const json_text& answer);

  /// What its standard error ended with, for failures; empty if nothing.
  [[nodiscard]] std::string stderr_words() const;

  /// Logs what it says on standard error, line by line.
  void on_stderr(const std::string& text);

  /// Remembers what its words must not show from now on.
  void learn(const worker_call& call);

  void log(log_rank rank, const std::string& what) const;

  worker_actor::pointer self_;
  supervisor_actor supervisor_;
  plugin_row plugin_;
  uint64_t incarnation_;
  process_launcher& launcher_;
  services_ptr with_;
  worker_options options_;
  worker_life now_;
  timer deadline_;
  timer health_;
  timer closing_;
  int64_t last_id_ = 0;
  std::unordered_map<int64_t, pending> in_flight_;
  std::unordered_map<std::string, int64_t> by_invocation_;
  fair_queue<call_worker> queue_;
  /// Calls that came when it was on its way out.
  std::vector<call_worker> for_successor_;
  /// Calls that timed out and would still like to know; oldest first.
  std::deque<std::pair<int64_t, std::function<void(json_text)>>> overdue_;
  /// What it said of its health last.
  std::string health_status_;
  std::string stderr_tail_;
  /// The line of standard error that has not ended yet.
  std::string stderr_line_;
  /// Secrets that the process has been told, and what hides them.
  std::set<std::string> secrets_;
  scrubber hide_;
  /// The same for those that it has asked for itself.
  std::set<std::string> resolved_;
  scrubber hide_resolved_;
  asking_plugin asking_;
  resolve_budget budget_;
  std::vector<std::string> supported_methods_;
  std::unique_ptr<worker_process> process_;
};

} // namespace leasehold
