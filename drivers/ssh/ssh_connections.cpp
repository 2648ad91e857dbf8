#include "drivers/ssh/ssh_connections.hpp"

#include "drivers/ssh/ssh_arguments.hpp"
#include "drivers/utf8.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace leasehold::ssh {

namespace {

constexpr size_t words_max = 8'192;

std::string file_name(uint64_t number, const char* kind) {
  return std::to_string(number) + kind;
}

/// A key file that does not end in a line break is not read.
std::string as_key_file(const std::string& key) {
  return key.ends_with('\n') ? key : key + "\n";
}

std::string last_of(const std::map<std::string, std::string>& env,
                    const char* name) {
  auto found = env.find(name);
  return found == env.end() ? std::string{} : found->second;
}

std::string where(const settings& config) {
  return address_of(config) + ":" + std::to_string(config.port);
}

/// What a login needs of the secrets; PB §2.2 has the texts.
result<secret_request> key_request(const connection_request& who) {
  const auto& place = who.place;
  if (place.environment.empty() && !who.lease.empty())
    return failure{ec::invalid_request,
                   "Runtime secret resolution requires an environment id"};
  if (place.company.empty())
    return failure{ec::invalid_request,
                   "Runtime secret resolution requires a companyId context"};
  secret_request out;
  out.secret = who.config.key->secret;
  out.version = who.config.key->version;
  out.company = place.company;
  out.environment = place.environment;
  out.path = key_path;
  // An environment that is not saved yet has no bindings.
  out.needs_binding = !place.environment.empty();
  return out;
}

} // namespace

// -- sessions -----------------------------------------------------------------

session::session(std::weak_ptr<connections> owner, uint64_t connection,
                 launch_spec launch)
  : owner_{std::move(owner)}, connection_{connection}, launch_{
                                                         std::move(launch)} {
  // nop
}

session::~session() {
  auto owner = owner_.lock();
  if (!owner)
    return;
  owner->loop_.post([weak = owner_, number = connection_] {
    if (auto self = weak.lock())
      self->leave(number);
  });
}

launch_spec session::launch(std::string remote) const {
  auto out = launch_;
  out.argv.push_back(std::move(remote));
  return out;
}

void session::distrust() const {
  auto owner = owner_.lock();
  if (!owner)
    return;
  owner->loop_.post([weak = owner_, number = connection_] {
    auto self = weak.lock();
    if (self && self->rows_.count(number) > 0)
      self->rows_.at(number).closing = true;
  });
}

// -- connections --------------------------------------------------------------

connections::connections(io_loop& loop, process_launcher& launcher,
                         secret_source* secrets, client_setup setup)
  : loop_{loop}, launcher_{launcher}, secrets_{secrets}, setup_{
                                                           std::move(setup)} {
  sweep_private_folders(setup_.places);
}

connections::~connections() {
  for (auto& [number, of] : rows_) {
    if (of.timer)
      of.timer->cancel();
    for (auto& then : of.waiting)
      then(failure{ec::shutting_down, "The SSH driver is going down."});
  }
}

void connections::open(connection_request what, completion<session_ptr> then) {
  loop_.post([weak = weak_from_this(), what = std::move(what),
              then = std::move(then)]() mutable {
    if (auto self = weak.lock())
      return self->open_now(std::move(what), std::move(then));
    then(failure{ec::shutting_down, "The SSH driver is going down."});
  });
}

void connections::close(const lease_id& lease) {
  loop_.post([weak = weak_from_this(), lease] {
    auto self = weak.lock();
    if (!self)
      return;
    std::vector<uint64_t> unused;
    for (auto& [number, of] : self->rows_) {
      of.closing = of.closing || of.who.lease == lease;
      if (of.closing && of.used == 0 && of.waiting.empty())
        unused.push_back(number);
    }
    for (auto number : unused)
      self->drop(number, {});
  });
}

void connections::open_now(connection_request what,
                           completion<session_ptr> then) {
  auto number = find(what);
  if (number == 0) {
    number = ++last_;
    rows_.emplace(number, row{std::move(what), {std::move(then)}});
    return begin(number);
  }
  auto& of = rows_.at(number);
  if (of.up)
    then(make_session(number, of));
  else
    of.waiting.push_back(std::move(then));
}

uint64_t connections::find(const connection_request& what) const {
  auto fits = [&](const auto& x) {
    const auto& [number, of] = x;
    return !what.lease.empty() && of.who.lease == what.lease && !of.closing
           && of.who.config == what.config
           && of.used + of.waiting.size() < setup_.sessions_max;
  };
  auto found = std::find_if(rows_.begin(), rows_.end(), fits);
  return found == rows_.end() ? 0 : found->first;
}

void connections::begin(uint64_t number) {
  auto& of = rows_.at(number);
  of.closing = of.who.lease.empty();
  auto give_up = [weak = weak_from_this(), number, where = where(of.who.config),
                  limit = setup_.login_max] {
    if (auto self = weak.lock())
      self->drop(number, {ec::provider_refused,
                          "SSH to " + where + " failed: no login within "
                            + std::to_string(limit.count()) + " ms."});
  };
  of.timer = loop_.after(setup_.login_max, std::move(give_up));
  if (find_program("ssh", last_of(setup_.env, "PATH")).empty())
    return drop(number,
                {ec::command_not_started,
                 "The SSH client \"ssh\" was not found in PATH. Install the "
                 "package openssh-client on the engine's host."});
  if (!folder_) {
    auto made = private_folder::make(setup_.places);
    if (!made)
      return drop(number, made.error());
    folder_.emplace(std::move(*made));
  }
  if (!of.who.private_key.empty())
    return log_in(number, of.who.private_key);
  if (of.who.config.key)
    return fetch_key(number);
  log_in(number, {});
}

void connections::fetch_key(uint64_t number) {
  auto request = key_request(rows_.at(number).who);
  if (!request)
    return drop(number, request.error());
  if (!secrets_)
    return drop(number,
                {ec::secret_unusable, "The SSH private key is kept as a "
                                      "secret, and this engine keeps none."});
  auto arrived = [weak = weak_from_this(),
                  number](result<std::vector<std::string>> values) {
    auto self = weak.lock();
    if (!self || self->rows_.count(number) == 0)
      return;
    if (values && !values->empty())
      self->log_in(number, values->front());
    else
      self->drop(number, values ? failure{ec::internal, "No key was given."}
                                : values.error());
  };
  secrets_->resolve({*request}, [weak = weak_from_this(), arrived](auto x) {
    if (auto self = weak.lock())
      self->loop_.post([arrived, x = std::move(x)] { arrived(x); });
  });
}

void connections::log_in(uint64_t number, const std::string& key) {
  auto& of = rows_.at(number);
  const auto& config = of.who.config;
  connection_files files;
  files.socket = *folder_ / file_name(number, ".s");
  if (!config.known_hosts.empty()) {
    files.known_hosts = *folder_ / file_name(number, ".hosts");
    if (auto written = folder_->write(file_name(number, ".hosts"),
                                      config.known_hosts + "\n");
        !written)
      return drop(number, written.error());
  }
  if (!key.empty()) {
    files.key = *folder_ / file_name(number, ".key");
    if (auto written
        = folder_->write(file_name(number, ".key"), as_key_file(key));
        !written)
      return drop(number, written.error());
  }
  of.who.private_key.clear();
  launch_spec launch;
  launch.argv = master_arguments(config, files, setup_.first_arguments);
  launch.env = setup_.env;
  // The client says goodbye, and removes its socket.
  launch.parent_death_signal = SIGTERM;
  launch.abandon_signal = SIGTERM;
  of.client = launcher_.start(std::move(launch), events_of(number));
  of.client->close_stdin();
}

process_events connections::events_of(uint64_t number) {
  auto weak = weak_from_this();
  process_events out;
  out.on_failure = [weak, number](const failure& why) {
    if (auto self = weak.lock())
      self->drop(number, why);
  };
  out.on_stdout = [weak, number](std::string_view bytes) {
    if (auto self = weak.lock())
      self->on_heard(number, bytes);
  };
  out.on_stderr = [weak, number](std::string_view bytes) {
    auto self = weak.lock();
    if (!self || self->rows_.count(number) == 0)
      return;
    auto& said = self->rows_.at(number).said;
    said.append(bytes.substr(0, words_max - std::min(words_max, said.size())));
  };
  out.on_exit = [weak, number](exit_report) {
    auto self = weak.lock();
    if (self && self->rows_.count(number) > 0)
      self->drop(number, self->refusal(self->rows_.at(number)));
  };
  return out;
}

void connections::on_heard(uint64_t number, std::string_view bytes) {
  auto found = rows_.find(number);
  if (found == rows_.end() || found->second.up)
    return;
  auto& heard = found->second.heard;
  heard.append(bytes.substr(0, words_max - std::min(words_max, heard.size())));
  if (heard.find(connected_mark) != std::string::npos)
    on_up(number);
}

void connections::on_up(uint64_t number) {
  forget_files(number);
  auto& of = rows_.at(number);
  of.up = true;
  of.timer->cancel();
  std::vector<std::pair<completion<session_ptr>, session_ptr>> ready;
  for (auto& then : std::exchange(of.waiting, {}))
    ready.emplace_back(std::move(then), make_session(number, of));
  for (auto& [then, session] : ready)
    then(std::move(session));
}

void connections::drop(uint64_t number, const failure& why) {
  auto gone = rows_.extract(number);
  if (gone.empty())
    return;
  forget_files(number);
  // The client removes it, unless it misses our signal and has to be killed:
  // OpenSSH 9.2 hears none that comes just before it waits. What one makes that
  // is still logging in stays until the folder goes.
  if (folder_)
    folder_->remove(file_name(number, ".s"));
  if (gone.mapped().timer)
    gone.mapped().timer->cancel();
  for (auto& then : gone.mapped().waiting)
    then(why);
}

failure connections::refusal(const row& of) const {
  auto said = to_utf8(of.said);
  return {ec::provider_refused,
          "SSH to " + where(of.who.config) + " failed: " + reason_in(said)
            + ".",
          said};
}

connections::session_ptr connections::make_session(uint64_t number, row& of) {
  ++of.used;
  if (of.timer)
    of.timer->cancel();
  launch_spec launch;
  launch.argv = session_arguments(
    of.who.config, *folder_ / file_name(number, ".s"), setup_.first_arguments);
  launch.env = setup_.env;
  return std::make_shared<session>(weak_from_this(), number, std::move(launch));
}

void connections::leave(uint64_t number) {
  auto found = rows_.find(number);
  if (found == rows_.end() || --found->second.used > 0)
    return;
  auto& of = found->second;
  if (of.closing)
    return drop(number, {});
  of.timer = loop_.after(setup_.idle_max, [weak = weak_from_this(), number] {
    auto self = weak.lock();
    if (!self)
      return;
    auto idle = self->rows_.find(number);
    if (idle != self->rows_.end() && idle->second.used == 0)
      self->drop(number, {});
  });
}

void connections::forget_files(uint64_t number) const {
  if (!folder_)
    return;
  folder_->remove(file_name(number, ".key"));
  folder_->remove(file_name(number, ".hosts"));
}

} // namespace leasehold::ssh
