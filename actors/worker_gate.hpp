#pragma once

// What drivers see of the plugin workers: a way to the SUPERVISOR.

#include "actors/keeper.hpp"
#include "actors/mail.hpp"
#include "drivers/worker_channel.hpp"
#include "messages/protocols.hpp"

#include <caf/send.hpp>

#include <memory>
#include <utility>

namespace leasehold {

/// Passes drivers' calls on as messages. Drivers are made before the actors
/// are, so the gate opens later; until then, and once it is closed, every call
/// fails.
class worker_gate : public worker_channel {
public:
  /// Before anybody calls.
  void open(supervisor_actor whom) {
    whom_ = std::make_unique<supervisor_actor>(std::move(whom));
  }

  /// After everybody who could call has left.
  void close() {
    whom_.reset();
  }

  void find_provider(const std::string& provider,
                     completion<ready_worker> then) override {
    if (!whom_)
      return then(closed());
    tell_from_outside(*whom_, find_worker{provider, {}, kept(std::move(then))});
  }

  void find_driver(const std::string& plugin_key, const std::string& driver_key,
                   completion<ready_worker> then) override {
    if (!whom_)
      return then(closed());
    tell_from_outside(
      *whom_, find_worker{driver_key, plugin_key, kept(std::move(then))});
  }

  void call(const plugin_id& plugin, worker_call what, bool wait,
            completion<json_text> then) override {
    if (!whom_)
      return then(closed());
    tell_from_outside(*whom_, call_worker{plugin, std::move(what), wait,
                                          kept(std::move(then))});
  }

private:
  template <class T>
  static completion<T> kept(completion<T> then) {
    return answering(std::move(then), closed());
  }

  static failure closed() {
    return {ec::shutting_down, "The engine is stopping.", {}};
  }

  std::unique_ptr<supervisor_actor> whom_;
};

} // namespace leasehold
