// The engine's verbs on leases: plain structs in, messages to the SUPERVISOR,
// plain structs out.

#include "actors/conversions.hpp"
#include "actors/engine_impl.hpp"
#include "actors/helpers.hpp"
#include "messages/json.hpp"

#include <atomic>
#include <stop_token>

namespace leasehold {

namespace {

lease_handle handle_of(const lease& x) {
  return {{x.id}, x.fence};
}

/// Hands output to a callback of the embedding program. It is called by the
/// LEASE, one piece at a time; what is under way before it is bounded there.
class callback_sink : public output_sink {
public:
  explicit callback_sink(output_callback callback)
    : callback_{std::move(callback)} {
    // nop
  }

  bool put(output_chunk chunk) override {
    callback_(to_public(std::move(chunk)));
    return true;
  }

  void when_ready(std::function<void()> resume) override {
    resume();
  }

private:
  output_callback callback_;
};

/// Has a stop call `fun` until what is returned is reset.
template <class Fun>
auto arm(const std::stop_token& stop, Fun fun) {
  using arming = std::stop_callback<Fun>;
  auto armed = std::make_shared<std::unique_ptr<arming>>();
  if (stop.stop_possible())
    *armed = std::make_unique<arming>(stop, std::move(fun));
  return armed;
}

failure too_many(size_t most) {
  return {
    ec::overloaded,
    "This engine has " + std::to_string(most)
      + " acquires under way, and takes no more at a time; try again later."};
}

template <class From, class To>
completion<From> converted(completion<To> then) {
  return converting<From>(std::move(then),
                          [](From x) { return to_public(std::move(x)); });
}

} // namespace

completion<lease_granted> engine::impl::pass_turnstile(completion<lease> then) {
  if (under_way.enter(opts.acquires_max))
    return [this, then = std::move(then)](result<lease_granted> x) {
      under_way.leave();
      if (x)
        then(to_public(std::move(*x)));
      else
        then(x.error());
    };
  // Callbacks are called on a thread of the engine, this one, too.
  auto refuse = [then = std::move(then), most = opts.acquires_max] {
    then(too_many(most));
  };
  front->run(std::move(refuse));
  return {};
}

std::future<result<lease>> engine::acquire(acquire_request what) {
  auto [then, future] = promised<lease>();
  acquire(std::move(what), std::move(then));
  return std::move(future);
}

void engine::acquire(acquire_request what, completion<lease> then) {
  auto outcome = impl_->pass_turnstile(std::move(then));
  if (!outcome)
    return;
  acquire_lease message;
  message.id = {impl_->with->make_id()};
  message.company = {std::move(what.company)};
  message.environment = std::move(what.environment);
  message.run = {std::move(what.run)};
  message.workspace = {std::move(what.workspace)};
  message.workspace_mode = std::move(what.workspace_mode);
  message.issue = {std::move(what.issue)};
  message.ttl = what.ttl;
  message.queue_timeout = what.queue_timeout;
  if (!what.stop.stop_possible())
    return impl_->ask<lease_granted>(impl_->supervisor, std::move(message),
                                     std::move(outcome));
  auto cancel = [self = impl_.get(), id = message.id] {
    self->ask<done>(self->supervisor, cancel_acquire{id}, [](const result<>&) {
      // The request's own end is the answer.
    });
  };
  auto armed = arm(what.stop, cancel);
  auto finish = [outcome, armed](result<lease_granted> x) {
    armed->reset();
    outcome(std::move(x));
  };
  impl_->ask<lease_granted>(impl_->supervisor, std::move(message),
                            std::move(finish));
  // A stop that came before the request was on its way has missed it.
  if (what.stop.stop_requested())
    cancel();
}

std::future<result<lease>> engine::resume(resume_request what) {
  auto [then, future] = promised<lease>();
  resume(std::move(what), std::move(then));
  return std::move(future);
}

void engine::resume(resume_request what, completion<lease> then) {
  auto outcome = impl_->pass_turnstile(std::move(then));
  if (!outcome)
    return;
  resume_lease message{{impl_->with->make_id()},
                       std::move(what.lease),
                       {std::move(what.run)},
                       what.ttl};
  impl_->ask<lease_granted>(impl_->supervisor, std::move(message),
                            std::move(outcome));
}

std::future<result<ended_lease>> engine::release(const lease& which,
                                                 release_request how) {
  auto [then, future] = promised<ended_lease>();
  release(which, std::move(how), std::move(then));
  return std::move(future);
}

void engine::release(const lease& which, release_request how,
                     completion<ended_lease> then) {
  release_lease message{handle_of(which), to_internal(how.outcome),
                        std::move(how.reason), how.wait_for_commands, how.keep};
  impl_->ask<lease_ended>(impl_->supervisor, std::move(message),
                          converted<lease_ended>(std::move(then)));
}

std::future<result<ended_run>> engine::release_run(std::string run,
                                                   outcome how) {
  auto [then, future] = promised<ended_run>();
  release_run(std::move(run), how, std::move(then));
  return std::move(future);
}

void engine::release_run(std::string run, outcome how,
                         completion<ended_run> then) {
  if (run.empty())
    return then(failure{ec::invalid_request,
                        "A run needs a name; release ad-hoc leases one by "
                        "one.",
                        {}});
  leasehold::release_run message{{std::move(run)}, to_internal(how), {}};
  impl_->ask<run_released>(impl_->supervisor, std::move(message),
                           converted<run_released>(std::move(then)));
}

std::future<result<ended_lease>> engine::destroy(const lease& which,
                                                 std::string reason) {
  auto [then, future] = promised<ended_lease>();
  destroy(which, std::move(reason), std::move(then));
  return std::move(future);
}

void engine::destroy(const lease& which, std::string reason,
                     completion<ended_lease> then) {
  impl_->ask<lease_ended>(impl_->supervisor,
                          destroy_lease{handle_of(which), std::move(reason)},
                          converted<lease_ended>(std::move(then)));
}

std::future<result<int64_t>> engine::renew(const lease& which,
                                           std::chrono::milliseconds ttl) {
  auto [then, future] = promised<int64_t>();
  if (ttl.count() <= 0) {
    then(failure{
      ec::invalid_request, "A lease is renewed for a positive time.", {}});
    return std::move(future);
  }
  auto end = [](const lease_renewed& x) {
    return x.expires_at ? x.expires_at->ms : int64_t{0};
  };
  impl_->ask<lease_renewed>(impl_->supervisor,
                            renew_lease{handle_of(which), ttl},
                            converting<lease_renewed>(std::move(then), end));
  return std::move(future);
}

std::future<result<realized_workspace>> engine::realize(const lease& which,
                                                        workspace what) {
  auto [then, future] = promised<realized_workspace>();
  realize(which, std::move(what), std::move(then));
  return std::move(future);
}

void engine::realize(const lease& which, workspace what,
                     completion<realized_workspace> then) {
  auto metadata
    = canonical_object(what.metadata, "The metadata of a workspace");
  if (!metadata)
    return then(metadata.error());
  realize_workspace message{handle_of(which), std::move(what.local_path),
                            std::move(what.remote_path), std::move(what.mode),
                            std::move(*metadata)};
  impl_->ask<workspace_realized>(
    impl_->supervisor, std::move(message),
    converted<workspace_realized>(std::move(then)));
}

std::future<result<leasehold::finished>>
engine::execute(const lease& which, command what, output_callback on_output) {
  auto [then, future] = promised<leasehold::finished>();
  execute(which, std::move(what), std::move(on_output), std::move(then));
  return std::move(future);
}

void engine::execute(const lease& which, command what,
                     output_callback on_output,
                     completion<leasehold::finished> then) {
  execute_command message;
  message.lease = handle_of(which);
  message.execution = {impl_->with->make_id()};
  message.spec
    = {std::move(what.command), std::move(what.args),       std::move(what.cwd),
       std::move(what.env),     std::move(what.stdin_text), what.timeout};
  if (on_output)
    message.output = std::make_shared<callback_sink>(std::move(on_output));
  auto stop = [self = impl_.get(),
               cancel = cancel_command{message.lease, message.execution}] {
    self->ask<done>(self->supervisor, cancel, [](const result<>&) {
      // The command's own end is the answer.
    });
  };
  // For as long as the command runs.
  auto armed = arm(what.stop, stop);
  auto finish = [then = std::move(then), armed](result<command_result> x) {
    armed->reset();
    if (x)
      then(to_public(std::move(*x)));
    else
      then(x.error());
  };
  impl_->ask<command_result>(impl_->supervisor, std::move(message),
                             std::move(finish));
  // A stop that came before the command was on its way has missed it.
  if (what.stop.stop_requested())
    stop();
}

} // namespace leasehold
