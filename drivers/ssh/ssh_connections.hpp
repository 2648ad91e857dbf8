#pragma once

// Logins at SSH hosts, each shared by the commands of one lease.

#include "drivers/child_process.hpp"
#include "drivers/io_loop.hpp"
#include "drivers/secret_source.hpp"
#include "drivers/ssh/private_folder.hpp"
#include "drivers/ssh/ssh_config.hpp"
#include "messages/driver.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace leasehold::ssh {

/// How the system's SSH client is used.
struct client_setup {
  /// Arguments that come before all others.
  std::vector<std::string> first_arguments;
  /// The client's environment.
  std::map<std::string, std::string> env;
  /// How long a login may take, secrets included.
  milliseconds login_max{20'000};
  /// How long a connection that nobody uses stays.
  milliseconds idle_max{600'000};
  /// How many commands share a connection. Servers allow 10 unless they are
  /// told otherwise, and count one for a moment after it has ended.
  size_t sessions_max = 8;
  /// Where private files may be.
  std::vector<std::filesystem::path> places = private_places();
};

/// Who connects where.
struct connection_request {
  environment_context place;
  settings config;
  /// Empty: nobody else shares the connection, and it ends with its use.
  lease_id lease;
  /// A key that a draft spells out; else the config names one, or none.
  std::string private_key;
};

class connections;

/// The right to run one command over a connection.
class session {
public:
  session(std::weak_ptr<connections> owner, uint64_t connection,
          launch_spec launch);

  session(const session&) = delete;

  session& operator=(const session&) = delete;

  ~session();

  /// How to start the client that has the remote shell run this.
  [[nodiscard]] launch_spec launch(std::string remote) const;

  /// Says that the connection gave no shell: nobody else is sent there.
  void distrust() const;

private:
  std::weak_ptr<connections> owner_;
  uint64_t connection_;
  launch_spec launch_;
};

/// The connections of one driver. Thread-safe. Ends them all when it goes.
class connections : public std::enable_shared_from_this<connections> {
public:
  using session_ptr = std::shared_ptr<session>;

  /// `loop` and `launcher` must outlive it; so must `secrets`, which may be
  /// null.
  connections(io_loop& loop, process_launcher& launcher, secret_source* secrets,
              client_setup setup);

  ~connections();

  /// Completes on the loop's thread, once the host has let us in.
  void open(connection_request what, completion<session_ptr> then);

  /// Ends a lease's connections as soon as nobody uses them.
  void close(const lease_id& lease);

private:
  friend class session;

  struct row {
    connection_request who;
    std::vector<completion<session_ptr>> waiting;
    /// Sessions that have been handed out.
    size_t used = 0;
    bool up = false;
    bool closing = false;
    std::string heard = {};
    std::string said = {};
    std::shared_ptr<timer_handle> timer = {};
    std::shared_ptr<child_process> client = {};
  };

  // -- loop thread only -------------------------------------------------------

  void open_now(connection_request what, completion<session_ptr> then);

  /// A connection that has room for this; 0 if there is none.
  uint64_t find(const connection_request& what) const;

  void begin(uint64_t number);

  /// Asks for the key that the config names.
  void fetch_key(uint64_t number);

  void log_in(uint64_t number, const std::string& key);

  process_events events_of(uint64_t number);

  void on_heard(uint64_t number, std::string_view bytes);

  void on_up(uint64_t number);

  /// The connection is no more, or never was.
  void drop(uint64_t number, const failure& why);

  failure refusal(const row& of) const;

  session_ptr make_session(uint64_t number, row& of);

  void leave(uint64_t number);

  void forget_files(uint64_t number) const;

  io_loop& loop_;
  process_launcher& launcher_;
  secret_source* secrets_;
  client_setup setup_;
  /// Made with the first connection.
  std::optional<private_folder> folder_;
  uint64_t last_ = 0;
  std::map<uint64_t, row> rows_;
};

} // namespace leasehold::ssh
