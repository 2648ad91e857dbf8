#pragma once

// Batches of writes to a PostgreSQL store: one transaction each, tried again
// while that is safe.

#include "messages/store.hpp"
#include "storage/postgres.hpp"
#include "storage/postgres_catalog_writes.hpp"
#include "storage/postgres_lease_writes.hpp"
#include "storage/postgres_secret_writes.hpp"
#include "storage/postgres_session.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace leasehold {

/// Writes on a session of its own, which it makes again when it is lost.
///
/// A batch is first written by as few statements as possible, and in one trip
/// to the server if one statement does (`goes_alone`). If a constraint
/// refuses a row, because another engine was faster, the batch is undone and
/// written again in its own order, each command behind a savepoint.
class postgres_writer {
public:
  /// `session` is connected and may write; `self` signs the history.
  postgres_writer(postgres_place where, instance_id self,
                  std::unique_ptr<postgres::connection> session);

  ~postgres_writer();

  postgres_writer(const postgres_writer&) = delete;
  postgres_writer& operator=(const postgres_writer&) = delete;

  /// As `store::apply`.
  std::vector<result<written>> apply(std::span<const store_write> batch);

private:
  /// A session and what works on it.
  struct tools {
    tools(std::unique_ptr<postgres::connection> session,
          const instance_id& self);

    std::unique_ptr<postgres::connection> db;
    postgres_lease_writes leases;
    postgres_catalog_writes catalog;
    postgres_secret_writes secrets;

    /// A write that is not about leases. An environment and its secrets are
    /// written together or not at all.
    template <class Write>
    result<written> write(const Write& x, timestamp now);
  };

  /// The server's process behind a session.
  struct backend {
    int64_t pid = 0;
    int64_t started = 0;
  };

  /// The transaction that is being written.
  struct attempt {
    /// One command at a time, in the batch's own order.
    bool carefully = false;
    /// Whether the server may have committed it.
    bool committing = false;
    postgres_batch batch;
  };

  enum class fate { committed, undone, unknown };

  /// Connects if the session was lost; to a server that can be written, unless
  /// it is `only_to_look`. Throws `postgres::error`.
  tools& session(bool only_to_look = false);

  /// Begins to work on a new session: the last one must not be in the way.
  void take(std::unique_ptr<postgres::connection> session);

  /// Writes all of the batch and commits. Throws `postgres::error`.
  void write_all(std::span<const store_write> batch,
                 const std::vector<result<written>>& unfit, attempt& it);

  /// Writes a group that is the whole batch, in one trip; explains what it
  /// refused in others.
  void write_alone(std::span<const store_write> batch, const write_group& group,
                   attempt& it);

  /// Writes in a transaction of several statements.
  void write_together(std::span<const store_write> batch,
                      const std::vector<write_group>& groups, attempt& it);

  void begin(postgres_batch& it);

  /// Does one group of commands by one statement, or one command that is not
  /// about leases.
  void write_group_of(std::span<const store_write> batch,
                      const write_group& group, postgres_batch& into);

  template <class Write>
  void write(std::span<const store_write> batch, const write_group& group,
             postgres_batch& into);

  /// Does one command behind a savepoint.
  void write_carefully(std::span<const store_write> batch, size_t n,
                       postgres_batch& into);

  template <class Write>
  failure refused(const postgres::error& why, const Write& x);

  /// Why all of the batch failed; nothing if it is to be tried again. `it` is
  /// ready for that.
  std::optional<failure> after(const postgres::error& e, attempt& it,
                               retry_budget& budget);

  /// The outcomes of a batch that is not tried again.
  static std::vector<result<written>> give_up(attempt& it, size_t count,
                                              const failure& why);

  /// What became of a commit that nobody confirmed. Notes the outcomes if the
  /// answer was lost with them.
  fate find_out(attempt& it);

  postgres_place where_;
  instance_id self_;
  std::optional<tools> tools_;
  backend backend_;
  /// Names this writer's row in `batches`.
  std::string writer_;
  int64_t last_number_ = 0;
};

} // namespace leasehold
